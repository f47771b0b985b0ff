//! TLS on both sides of the bridge, and the transport of 2024-11-05 before and behind it.

use mcp_http::HttpClient;
use mcp_stdio::ChildCommand;

use super::kit::{ERAS, Listening, converse};
use crate::fixtures;

/// A bridge that serves over https, and one that trusts its certificate and serves over stdio.
#[tokio::test]
async fn both_sides_speak_tls() {
    let Some(mcp) = fixtures::mcp_bin() else { return };
    let own = mcp.to_str().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (cert, private) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert, certificate.pem()).unwrap();
    std::fs::write(&private, key.serialize_pem()).unwrap();
    let (cert, private) = (cert.to_str().unwrap(), private.to_str().unwrap());
    let words = [
        "bridge",
        "--listen",
        "127.0.0.1:0",
        "--tls-cert",
        cert,
        "--tls-key",
        private,
        "--",
        own,
        "serve-demo",
    ];
    let behind = Listening::start(&mcp, &words);
    assert!(behind.url.starts_with("https://"), "{}", behind.url);
    for era in ERAS {
        let before = ChildCommand::new(&mcp).args(["bridge", "--ca-cert", cert, &behind.url]);
        converse(era, before).await.close().await;
        // Over HTTP/2, too.
        let trusting = HttpClient::new(&behind.url).unwrap();
        let roots = vec![certificate.pem().into_bytes()];
        let trusting = trusting.configure(|config| config.net.tls.extra_roots = roots);
        converse(era, trusting).await.close().await;
        let distrusting = mcp_core::client::Client::builder("test", "1").era(era);
        let refused = distrusting.connect(HttpClient::new(&behind.url).unwrap()).await.unwrap_err();
        let refused = mcp_core::transport::ErrorChain::new(&refused).to_string();
        assert!(refused.contains("certificate"), "{refused}");
    }
    // The key of another certificate.
    std::fs::write(private, rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let output = std::process::Command::new(&mcp).args(words).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

/// A client of 2024-11-05 in front of a server over stdio, and a server of that revision behind clients of both eras.
// SSE24-C-009.
#[tokio::test]
async fn http_sse_is_served_and_reached() {
    let Some(mcp) = fixtures::mcp_bin() else { return };
    let own = mcp.to_str().unwrap();
    let words = ["bridge", "--listen", "127.0.0.1:0", "--http-sse", "--", own, "serve-demo"];
    let bridge = Listening::start(&mcp, &words);
    let sse = bridge.url.replace("/mcp", "/sse");
    let client = converse(ERAS[0], HttpClient::new(&sse).unwrap()).await;
    client.close().await;
    for era in ERAS {
        let behind = ["bridge", "--listen", "127.0.0.1:0", sse.as_str()];
        let before = Listening::start(&mcp, &behind);
        converse(era, HttpClient::new(&before.url).unwrap()).await.close().await;
    }
}
