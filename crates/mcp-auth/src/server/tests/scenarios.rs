//! A whole server over HTTP: the drafted server scenarios of the conformance suite.

use bytes::Bytes;
use http::{Request, Response};
use mcp_core::server::{HandlerError, Router, Server, ToolDef};
use mcp_core::transport::Identity;
use mcp_http::HttpServer;
use mcp_http::net::{AddressPolicy, AuthScheme, Fetch, NetConfig, Proxy};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::kit::{Authority, Key};
use crate::server::Scopes;

struct Running {
    url: String,
    fetch: Fetch,
}

impl Running {
    /// A server whose endpoint is the resource, and which trusts this authority.
    async fn start(authority: &Authority) -> Running {
        let tool = |name: &str| ToolDef::new(name);
        let router = Router::new()
            .tool(tool("whoami"), |_, context| async move {
                let caller = context.envelope().get::<Identity>().cloned().ok_or("no identity")?;
                Ok::<_, HandlerError>(format!("{} by {}", caller.subject, caller.client.unwrap_or_default()))
            })
            .tool(tool("publish"), |_, _| async { Ok::<_, HandlerError>("done") });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let resource = authority
            .trusted_as(&url, |issuer| issuer)
            .scopes(Scopes::all(["mcp:read"]).tool("publish", ["mcp:write"]))
            .build()
            .unwrap();
        let server = HttpServer::new(Server::builder("test", "1").build(router).unwrap());
        let bound = resource.protect(server).over(listener).unwrap();
        tokio::spawn(bound.serve());
        let mut net = NetConfig::default();
        net.proxy = Proxy::None;
        Running { url, fetch: Fetch::new(&net, AddressPolicy::Any) }
    }

    async fn get(&self, url: &str) -> Response<Bytes> {
        self.fetch.fetch(Request::get(url).body(Bytes::new()).unwrap()).await.unwrap()
    }

    /// A modern `tools/call`.
    async fn call(&self, tool: &str, token: Option<&str>) -> Response<Bytes> {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let body = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"_meta": meta, "name": tool, "arguments": {}},
        });
        self.post(
            body,
            &[("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", tool)],
            token,
        )
        .await
    }

    async fn post(&self, body: Value, headers: &[(&str, &str)], token: Option<&str>) -> Response<Bytes> {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let authority = self.url.strip_prefix("http://").unwrap().strip_suffix("/mcp").unwrap();
        let body = body.to_string();
        let mut text = format!(
            "POST /mcp HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\ncontent-length: {}\r\n",
            body.len()
        );
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        if let Some(token) = token {
            text += &format!("authorization: Bearer {token}\r\n");
        }
        let mut io = tokio::net::TcpStream::connect(authority).await.unwrap();
        io.write_all((text + "\r\n" + &body).as_bytes()).await.unwrap();
        let mut answer = String::new();
        io.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let mut response = Response::builder().status(lines.next().unwrap().split(' ').nth(1).unwrap());
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap();
            response = response.header(name, value);
        }
        response.body(Bytes::from(body.to_owned())).unwrap()
    }
}

fn challenge(response: &Response<Bytes>) -> AuthScheme {
    AuthScheme::parse(response.headers()["www-authenticate"].to_str().unwrap()).remove(0)
}

fn said(response: &Response<Bytes>) -> String {
    let json: Value = serde_json::from_slice(response.body()).unwrap();
    json["result"]["content"][0]["text"].as_str().unwrap_or_default().to_owned()
}

/// 401 with a header, the document, the authorization server, a token, 200.
#[tokio::test]
async fn a_client_finds_its_way_from_the_401() {
    let key = Key::new("a");
    let authority = Authority::start(&[&key]).await;
    let running = Running::start(&authority).await;
    let refused = running.call("whoami", None).await;
    assert_eq!(refused.status(), 401);
    let challenge = challenge(&refused);
    assert!(challenge.is("Bearer"));
    assert_eq!((challenge.param("scope"), challenge.param("error")), (Some("mcp:read"), None));
    let document = running.get(challenge.param("resource_metadata").unwrap()).await;
    assert_eq!(
        (document.status().as_u16(), &document.headers()["access-control-allow-origin"]),
        (200, &"*".parse().unwrap())
    );
    let document: Value = serde_json::from_slice(document.body()).unwrap();
    assert_eq!(document["resource"], running.url.as_str());
    let issuer = document["authorization_servers"][0].as_str().unwrap();
    let metadata = running.get(&format!("{issuer}/.well-known/oauth-authorization-server")).await;
    let metadata: Value = serde_json::from_slice(metadata.body()).unwrap();
    assert_eq!(metadata["issuer"], issuer);
    let token = key.sign(json!({}), &authority.claims(json!({"aud": document["resource"]})));
    let answer = running.call("whoami", Some(&token)).await;
    assert_eq!((answer.status().as_u16(), said(&answer).as_str()), (200, "ada by app"));
}

/// Token audience validation, with an authorization server that starts after the server did.
#[tokio::test]
async fn only_tokens_for_this_server_are_accepted() {
    let key = Key::new("a");
    // The port is reserved; no server listens on it yet.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let late = Authority::on(listener, &[&key]);
    late.set_down(true);
    let running = Running::start(&late).await;
    assert_eq!(running.call("whoami", None).await.status(), 401);
    late.set_down(false);
    let url = running.url.as_str();
    let rows = [
        ("good", key.sign(json!({}), &late.claims(json!({"aud": url}))), 200),
        (
            "wrong audience",
            key.sign(json!({}), &late.claims(json!({"aud": "https://other.example/mcp"}))),
            401,
        ),
        ("no audience", key.sign(json!({}), &late.claims(json!({"aud": null}))), 401),
        ("expired", key.sign(json!({}), &late.claims(json!({"aud": url, "exp": 1}))), 401),
        ("foreign key", Key::new("a").sign(json!({}), &late.claims(json!({"aud": url}))), 401),
        (
            "other issuer",
            key.sign(json!({}), &late.claims(json!({"aud": url, "iss": "https://evil.example"}))),
            401,
        ),
    ];
    for (what, token, status) in rows {
        let answer = running.call("whoami", Some(&token)).await;
        assert_eq!(answer.status(), status, "{what}");
        if status == 401 {
            assert_eq!(challenge(&answer).param("error"), Some("invalid_token"), "{what}");
        }
        assert!(!String::from_utf8_lossy(answer.body()).contains(&token), "{what}");
    }
}

/// Step-up: the challenge names all that is needed, and a token with it is enough. Both eras.
#[tokio::test]
async fn a_tool_asks_for_more() {
    let key = Key::new("a");
    let authority = Authority::start(&[&key]).await;
    let running = Running::start(&authority).await;
    let token =
        |scope: &str| key.sign(json!({}), &authority.claims(json!({"aud": running.url, "scope": scope})));
    let small = token("mcp:read");
    assert_eq!(running.call("whoami", Some(&small)).await.status(), 200);
    let refused = running.call("publish", Some(&small)).await;
    assert_eq!(refused.status(), 403);
    let challenge = challenge(&refused);
    assert_eq!(challenge.param("error"), Some("insufficient_scope"));
    assert_eq!(challenge.param("scope"), Some("mcp:read mcp:write"));
    assert!(challenge.param("resource_metadata").is_some());
    let answer = running.call("publish", Some(&token("mcp:read mcp:write"))).await;
    assert_eq!((answer.status().as_u16(), said(&answer).as_str()), (200, "done"));
    assert_eq!(running.call("whoami", Some(&token("other"))).await.status(), 403);
    let legacy = json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}},
    });
    assert_eq!(running.post(legacy.clone(), &[], Some(&token("other"))).await.status(), 403);
    let opened = running.post(legacy, &[], Some(&small)).await;
    assert_eq!(opened.status(), 200);
    let session = opened.headers()["mcp-session-id"].to_str().unwrap();
    let call = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "publish", "arguments": {}}});
    let refused = running.post(call, &[("mcp-session-id", session)], Some(&small)).await;
    assert_eq!(refused.status(), 403);
}
