//! What a provider connects to, and what it does about refusals. Nothing here leaves this machine: an address is refused before it is
//! connected to.

mod flows;
mod site;

use http::{Method, StatusCode, Uri};
use mcp_http::net::{Authorize, Challenge, NetConfig, Proxy, RequestInfo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::OAuth;
use crate::client::{AuthorizationRequest, OAuthError, Person};

/// A person who is never asked.
struct Absent;

#[mcp_core::transport::async_trait]
impl Person for Absent {
    async fn open(&self, _: &AuthorizationRequest) -> Result<(), String> {
        Err("asked".to_owned())
    }
}

/// A 401 of the endpoint that names this document. Why no login followed.
async fn challenged(endpoint: &str, document: &str, allow_private: bool) -> OAuthError {
    let mut net = NetConfig::default();
    net.proxy = Proxy::None;
    let oauth = OAuth::builder().net(net).allow_private(allow_private).interactive(Absent).build();
    let (method, url) = (Method::POST, endpoint.parse::<Uri>().unwrap());
    let mut challenge = Challenge::new(StatusCode::UNAUTHORIZED, &RequestInfo::new(&method, &url));
    challenge.headers = vec![format!("Bearer resource_metadata=\"{document}\"")];
    let error = oauth.resource(endpoint).unwrap().challenged(&challenge).await.unwrap_err();
    error.cause().downcast_ref::<OAuthError>().unwrap().clone()
}

// AU-C-71, AU-C-72: a document on another origin is not requested at an address that only this machine or network has.
#[tokio::test]
async fn documents_at_private_addresses_are_not_requested() {
    for (endpoint, document) in [
        ("https://8.8.8.8/mcp", "https://10.0.0.1/prm"),
        ("https://8.8.8.8/mcp", "https://127.0.0.1:1/prm"),
        ("https://8.8.8.8/mcp", "https://[::ffff:192.168.0.1]/prm"),
        ("https://8.8.8.8/mcp", "https://169.254.169.254/latest"),
        ("https://10.0.0.1/mcp", "https://127.0.0.1:1/prm"),
        ("http://127.0.0.1:1/mcp", "https://10.0.0.1/prm"),
    ] {
        let error = challenged(endpoint, document, false).await;
        assert!(error.to_string().contains("leads to a private address"), "{endpoint} {document}: {error}");
    }
    // Unless that is set: port 1 is closed.
    let error = challenged("https://8.8.8.8/mcp", "https://127.0.0.1:1/prm", true).await;
    assert!(error.to_string().contains("cannot be reached"), "{error}");
}

// AU-C-70, AU-C-72: a document on another origin may be as private as the endpoint, and the same rules for URLs hold.
#[tokio::test]
async fn documents_at_another_origin_are_requested() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let document = format!("http://{}/prm", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).await.unwrap();
        stream.write_all(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    let error = challenged("http://127.0.0.1:1/mcp", &document, false).await;
    assert!(error.is_retryable() && error.to_string().contains("503"), "{error}");
    assert!(served.await.unwrap().starts_with("GET /prm HTTP/1.1"));

    let error = challenged("https://8.8.8.8/mcp", &document, true).await;
    assert!(error.to_string().contains("reached over https"), "{error}");
}
