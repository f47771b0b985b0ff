//! The `mcp` program with our servers: certificates that an option trusts, and answers that stall.

use std::process::Output;

use mcp_core::server::{Router, Server};
use mcp_http::HttpServer;
use mcp_tests::fault_server::{FaultServer, On, Rule, Step};
use serde_json::Value;

use crate::fixtures;
use crate::http_faults::kit::DISCOVERED;

/// Runs the program; `None` if it was not built.
async fn mcp(words: &[&str]) -> Option<Output> {
    let mut command = tokio::process::Command::new(fixtures::mcp_bin()?);
    Some(command.args(words).arg("--json").output().await.unwrap())
}

/// The error that it reports.
fn error(output: &Output) -> Value {
    assert!(!output.status.success(), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stderr).unwrap();
    report["error"].clone()
}

/// FAULT A-B21, FAULT C-23: an unknown certificate is refused with an error that says so, and an option trusts it.
#[tokio::test]
async fn an_unknown_certificate_is_trusted_only_by_an_option() {
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

/// FAULT C-31: a stream that stalls times out after the time of the option, and the error names that time.
#[tokio::test]
async fn an_answer_that_stalls_times_out() {
    let script = [
        Rule::new(On::Rpc("server/discover"), [Step::result(DISCOVERED)]),
        Rule::new(On::Rpc("tools/call"), [Step::stream(), Step::Hold]),
    ];
    let server = FaultServer::tcp(script).await.unwrap();
    let words = ["call", &server.url(), "any", "--idle-timeout", "50ms"];
    let Some(timed_out) = mcp(&words).await else { return };
    let error = error(&timed_out);
    assert_eq!(error["code"], "timeout");
    // FAULT F-C1: what came is said too.
    let message = error["message"].as_str().unwrap();
    assert_eq!(
        message,
        "waiting for more of the answer took longer than 50ms (the answer to tools/call is not complete: text/event-stream)"
    );
}
