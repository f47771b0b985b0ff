//! The `mcp` program against servers of ours: certificates it is told to trust, and answers that stand still.

use std::process::Output;

use mcp_core::server::{Router, Server};
use mcp_http::HttpServer;
use mcp_tests::fault_server::{FaultServer, On, Rule, Step};
use serde_json::Value;

use crate::fixtures;
use crate::http_faults::kit::DISCOVERED;

/// Runs the program; `None` where there is none.
async fn mcp(words: &[&str]) -> Option<Output> {
    let mut command = tokio::process::Command::new(fixtures::mcp_bin()?);
    Some(command.args(words).arg("--json").output().await.unwrap())
}

/// What it says went wrong.
fn error(output: &Output) -> Value {
    assert!(!output.status.success(), "{output:?}");
    let told: Value = serde_json::from_slice(&output.stderr).unwrap();
    told["error"].clone()
}

/// FAULT A-B21, FAULT C-23: a certificate that nobody knows is refused and told, and trusted once it is named.
#[tokio::test]
async fn a_certificate_is_trusted_once_it_is_named() {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, certificate.pem()).unwrap();
    let server = HttpServer::new(Server::builder("secret", "1").build(Router::new()).unwrap());
    let server = server.tls(certificate.pem().as_bytes(), key.serialize_pem().as_bytes()).unwrap();
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let url = bound.url().unwrap();
    let serving = tokio::spawn(bound.serve());

    let Some(refused) = mcp(&["ping", &url]).await else { return };
    let error = error(&refused);
    assert_eq!(error["code"], "unreachable");
    assert!(error["message"].as_str().unwrap().contains("UnknownIssuer"), "{error}");
    assert!(error["hint"].as_str().unwrap().contains("--ca-cert"), "{error}");
    let trusted = mcp(&["ping", &url, "--ca-cert", file.to_str().unwrap()]).await.unwrap();
    assert!(trusted.status.success(), "{trusted:?}");
    let unchecked = mcp(&["ping", &url, "--insecure"]).await.unwrap();
    assert!(unchecked.status.success(), "{unchecked:?}");
    serving.abort();
}

/// FAULT C-31: a stream that says nothing more is given up after the time that was given; the error names it.
#[tokio::test]
async fn an_answer_that_stands_still_is_given_up() {
    let script = [
        Rule::new(On::Rpc("server/discover"), [Step::result(DISCOVERED)]),
        Rule::new(On::Rpc("tools/call"), [Step::stream(), Step::Hold]),
    ];
    let server = FaultServer::tcp(script).await.unwrap();
    let words = ["call", &server.url(), "any", "--idle-timeout", "50ms"];
    let Some(given_up) = mcp(&words).await else { return };
    let error = error(&given_up);
    assert_eq!(
        (&error["code"], &error["message"]),
        (&"timeout".into(), &"waiting for more of the answer took longer than 50ms".into())
    );
}
