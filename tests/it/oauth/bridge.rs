//! `mcp bridge` with access tokens of a third-party authorization server: whose is what behind it.

use std::time::Duration;

use mcp_auth::Algorithm;
use mcp_auth::client::{Grant, OAuth, Registration};
use mcp_core::client::{CallOptions, Client, EraMode, InputMode};
use mcp_core::message::{ProtocolVersion, RawJson};
use mcp_core::transport::ErrorChain;
use mcp_http::HttpClient;
use mcp_http::http::Request;
use mcp_http::http::header::AUTHORIZATION;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Server, provider};
use crate::fixtures::{self, Program};
use crate::interop::process::Process;

/// How long a token has to be good yet.
const LEFT: Duration = Duration::from_secs(10);

/// A service with a key of this algorithm: a separate caller.
async fn service(server: &Server, name: &str, algorithm: Algorithm) -> OAuth {
    let key = Request::get(format!("{}/service-key?alg={name}", server.issuer()));
    let key = server.fetch.fetch(key.body(Default::default()).unwrap()).await.unwrap();
    let pem = String::from_utf8(key.body().to_vec()).unwrap();
    let service = Registration::preregistered(format!("service-{name}")).private_key(pem, algorithm);
    let service = provider().client(service.issuer(server.issuer())).grant(Grant::ClientCredentials);
    service.scopes(["mcp:read"]).build()
}

async fn modern(oauth: &OAuth, url: &str) -> Client {
    let server = HttpClient::new(url).unwrap().authorize(oauth.resource(url).unwrap());
    let client = Client::builder("bridge-tests", "1").era(EraMode::Modern);
    let client = client.capability("elicitation", RawJson::EMPTY_OBJECT);
    client.input_handler(async |_, _| panic!("it answers by hand")).connect(server).await.unwrap()
}

async fn ask(client: &Client, more: &Value) -> Result<Value, mcp_core::Error> {
    let mut params = json!({"name": "ask", "arguments": {}});
    params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let params = RawJson::serialize(&params).unwrap();
    let asked = client.call("tools/call", Some(params), CallOptions::new().input(InputMode::Pass)).await?;
    Ok(serde_json::from_slice(asked.raw().as_bytes()).unwrap())
}

/// BRIDGE 8 row 9. BR-05, BR-06, SEC-S-004: a caller without a token is refused, and so is one with another caller's session id or
/// state, and the call that waits is not touched.
#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_one_caller_is_unknown_to_another() {
    let Some(server) = Server::start(&[("TOKEN_FORMAT", "jwt")]).await else { return };
    let Some(mcp) = fixtures::mcp_bin() else { return };
    let own = mcp.display().to_string();
    let words = [
        "bridge",
        "--listen",
        "127.0.0.1:0",
        "--auth-issuer",
        server.issuer(),
        "--auth-scope",
        "mcp:read",
        "--status",
        "--era",
        "legacy",
        "--",
        &own,
        "serve-demo",
    ];
    let program = Program { path: mcp, args: words.map(Into::into).to_vec() };
    let (_bridge, url) = Process::start(&program, &[], "listening on ").await;
    let (ada, bob) = (
        service(&server, "RS256", Algorithm::Rs256).await,
        service(&server, "ES256", Algorithm::Es256).await,
    );

    let era = EraMode::Legacy(ProtocolVersion::V2025_11_25);
    for era in [era, EraMode::Modern] {
        let stranger =
            Client::builder("stranger", "1").era(era).connect(HttpClient::new(&url).unwrap()).await;
        assert!(stranger.unwrap_err().is_auth());
    }
    let status = async |oauth: &OAuth| -> Value {
        let token = oauth.access_token(&url, LEFT).await.unwrap();
        let request = Request::get(url.replace("/mcp", "/status"))
            .header(AUTHORIZATION, format!("Bearer {}", token.expose()));
        let answer = server.fetch.fetch(request.body(Default::default()).unwrap()).await.unwrap();
        serde_json::from_slice(answer.body()).unwrap()
    };

    // A state: Ada's call waits, Bob has stolen what she would bring back.
    let (her, his) = (modern(&ada, &url).await, modern(&bob, &url).await);
    let asked = ask(&her, &json!({})).await.unwrap();
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    let key = asked["inputRequests"].as_object().unwrap().keys().next().unwrap();
    let answers = json!({key: {"action": "accept", "content": {"name": "Ada"}}});
    let retry = json!({"requestState": asked["requestState"], "inputResponses": answers});
    let stolen = ask(&his, &retry).await.unwrap_err();
    assert_eq!(stolen.rpc().unwrap().code, -32602, "{}", ErrorChain::new(&stolen));
    assert_eq!(status(&ada).await["upstreams"][0]["parked"], 1);
    let done = ask(&her, &retry).await.unwrap();
    assert_eq!(done["content"][0]["text"], "Hello, Ada!");

    // A session: Bob knows the id of Ada's.
    let post = async |oauth: &OAuth, session: Option<&str>, body: Value| -> String {
        let token = oauth.access_token(&url, LEFT).await.unwrap();
        let (host, body) =
            (url.strip_prefix("http://").unwrap().split('/').next().unwrap(), body.to_string());
        let session = session.map(|id| format!("mcp-session-id: {id}\r\n")).unwrap_or_default();
        let request = format!(
            "POST /mcp HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\nconnection: close\r\n\
             accept: application/json, text/event-stream\r\nauthorization: Bearer {}\r\n{session}content-length: {}\r\n\r\n{body}",
            token.expose(),
            body.len()
        );
        let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}});
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello});
    let opened = post(&ada, None, hello).await;
    let session = opened.lines().find_map(|line| line.strip_prefix("mcp-session-id: "));
    let session = session.unwrap_or_else(|| panic!("{opened}"));
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"});
    let refused = post(&bob, Some(session), list.clone()).await;
    assert!(refused.starts_with("HTTP/1.1 404"), "{refused}");
    let served = post(&ada, Some(session), list).await;
    assert!(served.starts_with("HTTP/1.1 200"), "{served}");
}
