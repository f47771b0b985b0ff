//! Our resource server with the tokens of a third-party authorization server.

use mcp_auth::Algorithm;
use mcp_auth::client::{CredentialStore, Grant, MemoryStore, Registration, Stored};
use mcp_auth::server::{Introspection, Issuer, ResourceServer, Scopes};
use mcp_core::client::Client;
use mcp_core::message::RawJson;
use mcp_core::server::{HandlerError, Router, Server as McpServer, ToolDef};
use mcp_http::http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use mcp_http::http::{Request, Response};
use mcp_http::net::Fetch;
use mcp_http::{HttpServer, Secret};
use mcp_tests::port::Port;

use super::life::tokens;
use super::{Browser, Server, call, connect, fetch, provider};
use crate::fixtures::{self, Program};
use crate::interop::process::Process;

/// The client of the authorization server that may ask about tokens.
const ASKS: (&str, &str) = ("resource-server", "secret-of-a-fixture");

/// Starts `mcp serve-demo` with tokens of this server. Its URL.
pub(super) async fn demo(server: &Server, more: &[&str]) -> Option<(String, Process)> {
    let words = ["serve-demo", "--listen", "127.0.0.1:0", "--auth-issuer", server.issuer()];
    let scopes = ["--auth-scope", "mcp:read", "--auth-tool-scope", "touch=mcp:write"];
    let args = words.iter().chain(&scopes).chain(more).map(Into::into).collect();
    let program = Program { path: fixtures::mcp_bin()?, args };
    let (process, url) = Process::start(&program, &[("ASKS", ASKS.1)], "listening on ").await;
    Some((url, process))
}

/// The words by which it asks about opaque tokens.
const OPAQUE: [&str; 4] = ["--auth-client-id", ASKS.0, "--auth-client-secret-env", "ASKS"];

async fn add(client: &Client) -> Result<String, mcp_core::Error> {
    let arguments = RawJson::serialize(&serde_json::json!({"a": 2, "b": 40})).unwrap();
    Ok(client.call_tool("add", Some(arguments)).await?.texts().collect())
}

/// A request with this token, as others send it.
async fn ask(fetch: &Fetch, url: &str, token: &str) -> Response<bytes::Bytes> {
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#;
    let request = Request::post(url)
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header(AUTHORIZATION, format!("Bearer {token}"));
    fetch.fetch(request.body(body.into()).unwrap()).await.unwrap()
}

/// AU-S-01, AU-S-02, AU-S-03, AU-S-05, AU-S-06, AU-S-08, AU-S-09: login, call, step-up, refresh and logout, with both forms of tokens.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_at_our_resource_server() {
    for (format, words) in [("jwt", &[][..]), ("opaque", &OPAQUE)] {
        let Some(server) = Server::start(&[("TOKEN_FORMAT", format)]).await else { return };
        let Some((url, _demo)) = demo(&server, words).await else { return };
        let (store, browser) = (MemoryStore::new(), Browser::new());
        let oauth = provider().store(store.clone()).interactive(browser.clone()).build();
        let client = connect(&oauth, &url).await.unwrap();
        assert_eq!(add(&client).await.unwrap(), "42", "{format}");
        assert_eq!(tokens(&store, &url).await.unwrap().scopes_granted, ["mcp:read"], "{format}");
        assert_eq!(browser.opened(), 1, "{format}");

        // One tool needs more.
        assert!(call(&client, "touch").await.unwrap().contains("added"), "{format}");
        let current = tokens(&store, &url).await.unwrap();
        assert_eq!(current.scopes_granted, ["mcp:read", "mcp:write"], "{format}");
        assert_eq!(browser.opened(), 2, "{format}");
        client.close().await;

        // A token that our server refuses is refreshed, without the person.
        let mut broken = current.clone();
        broken.access_token = Some(Secret::from("refused"));
        store.save(&broken.key(), &Stored::Token(broken.clone())).await.unwrap();
        let again = provider().store(store.clone()).build();
        let client = connect(&again, &url).await.unwrap();
        assert_eq!(add(&client).await.unwrap(), "42", "{format}");
        client.close().await;
        assert_eq!(server.granted("refresh_token").await, 1, "{format}");

        // The logout revokes. A server that has not asked about the token before learns that; a JWT lives on.
        let last = tokens(&store, &url).await.unwrap().access_token.unwrap();
        let report = oauth.logout(&url, true).await.unwrap();
        assert!(report.removed && report.revoked, "{report:?}");
        let same = [words, &["--auth-resource", &url]].concat();
        let (other, _other) = demo(&server, &same).await.unwrap();
        let status = ask(&server.fetch, &other, last.expose()).await.status().as_u16();
        assert_eq!(status, if format == "jwt" { 200 } else { 401 }, "{format}");
        // The audience is another one. AU-S-10: with all logs, the server shows neither the token nor its own secret.
        let (stranger, stranger_process) = demo(&server, &[words, &["-vvv"]].concat()).await.unwrap();
        let refused = ask(&server.fetch, &stranger, last.expose()).await;
        let challenge = refused.headers()[WWW_AUTHENTICATE].to_str().unwrap();
        assert!(refused.status() == 401 && challenge.contains("invalid_token"), "{format}: {challenge}");
        stranger_process.wrote("a token is refused").await;
        let log = stranger_process.output();
        assert!(!log.contains(last.expose()) && !log.contains(ASKS.1), "{format}: {log}");
        assert_eq!(server.stats().await["calls"], 0, "{format}: our server answered");
    }
}

/// AU-S-05, AU-X-02: what npm `jose` signs is verified here, and what is signed here is verified by it, by each algorithm that both
/// know.
#[tokio::test(flavor = "multi_thread")]
async fn signatures_are_understood_in_both_directions() {
    let Some(server) = Server::start(&[("TOKEN_FORMAT", "jwt")]).await else { return };
    for (number, algorithm) in (1..).zip(Algorithm::ALL) {
        let url = resource(&server, |issuer| issuer.algorithms([algorithm])).await;
        let key = Request::get(format!("{}/service-key?alg={algorithm}", server.issuer()));
        let key = server.fetch.fetch(key.body(Default::default()).unwrap()).await.unwrap();
        let pem = String::from_utf8(key.body().to_vec()).unwrap();
        let service = Registration::preregistered(format!("service-{algorithm}")).private_key(pem, algorithm);
        let oauth = provider()
            .client(service.issuer(server.issuer()))
            .grant(Grant::ClientCredentials)
            .scopes(["mcp:read"])
            .build();
        let client = connect(&oauth, &url).await.unwrap();
        assert_eq!(call(&client, "read").await.unwrap(), "read here", "{algorithm}");
        client.close().await;
        assert_eq!(server.granted("client_credentials").await, number, "{algorithm}");
    }
}

/// A resource server in this process, which starts without a request.
async fn resource(server: &Server, change: impl FnOnce(Issuer) -> Issuer) -> String {
    let reserved = Port::reserve().unwrap();
    let port = reserved.number();
    let url = format!("http://127.0.0.1:{port}/mcp");
    let issuer = change(Issuer::new(server.issuer()));
    let scopes = Scopes::all(["mcp:read"]);
    let resource = ResourceServer::builder(&url).issuer(issuer).scopes(scopes).build().unwrap();
    let router =
        Router::new().tool(ToolDef::new("read"), |_, _| async { Ok::<_, HandlerError>("read here") });
    let mcp = McpServer::builder("resource", "1").build(router).unwrap();
    let bound = resource.protect(HttpServer::new(mcp)).bind(format!("127.0.0.1:{port}")).await.unwrap();
    tokio::spawn(bound.serve());
    url
}

/// Lets time pass for the caches of this process, which other processes do not share.
async fn pass(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

/// AU-S-07: the keys are replaced while calls run. The token of the old key is refused, and the client gets another one without
/// the person.
#[tokio::test]
async fn keys_are_replaced_while_calls_run() {
    let Some(server) = Server::start(&[("TOKEN_FORMAT", "jwt")]).await else { return };
    let url = resource(&server, |issuer| issuer).await;
    let (store, browser) = (MemoryStore::new(), Browser::new());
    let oauth = provider().store(store.clone()).interactive(browser.clone()).build();
    let client = connect(&oauth, &url).await.unwrap();
    for _ in 0..5 {
        assert_eq!(call(&client, "read").await.unwrap(), "read here");
    }
    assert_eq!(server.stats().await["jwks"], 1, "the keys are kept");
    let old = tokens(&store, &url).await.unwrap();

    server.control("rotate=1").await;
    // Until the keys are fetched again, the old token is good.
    assert_eq!(call(&client, "read").await.unwrap(), "read here");
    // A login gives a token of the new key, for which they are fetched once.
    pass(31).await;
    oauth.login(&url, browser.clone()).await.unwrap();
    assert_ne!(
        tokens(&store, &url).await.unwrap().access_token.unwrap().expose(),
        old.access_token.as_ref().unwrap().expose()
    );
    for _ in 0..5 {
        assert_eq!(call(&client, "read").await.unwrap(), "read here");
    }
    assert_eq!(server.stats().await["jwks"], 2);
    let refused = ask(&fetch(), &url, old.access_token.as_ref().unwrap().expose()).await;
    assert_eq!(refused.status(), 401);
    assert_eq!(server.stats().await["jwks"], 2, "an unknown key is not asked for again at once");

    // AU-C-51: the client whose token was signed by the old key refreshes it.
    store.save(&old.key(), &Stored::Token(tokens(&store, &url).await.unwrap())).await.unwrap();
    let mut stale = tokens(&store, &url).await.unwrap();
    stale.access_token = old.access_token.clone();
    store.save(&stale.key(), &Stored::Token(stale)).await.unwrap();
    let opened = browser.opened();
    let again = provider().store(store.clone()).build();
    let other = connect(&again, &url).await.unwrap();
    assert_eq!(call(&other, "read").await.unwrap(), "read here");
    assert_eq!(browser.opened(), opened);
    other.close().await;
    client.close().await;
}

/// AU-S-07, AU-S-08, AU-C-54: the authorization server is down when our server starts, and later. A good token is
/// never refused with 401, and no token is removed.
#[tokio::test]
async fn an_outage_of_the_authorization_server() {
    for format in ["jwt", "opaque"] {
        let Some(server) = Server::start(&[("TOKEN_FORMAT", format)]).await else { return };
        server.control("down=1").await;
        let introspection = |issuer: Issuer| match format {
            "opaque" => issuer.introspection(Introspection::new(ASKS.0, ASKS.1)),
            _ => issuer,
        };
        let url = resource(&server, introspection).await;
        let anonymous = Request::get(url.replace("/mcp", "/.well-known/oauth-protected-resource/mcp"));
        let document = server.fetch.fetch(anonymous.body(Default::default()).unwrap()).await.unwrap();
        assert_eq!(document.status(), 200, "{format}");

        let (store, browser) = (MemoryStore::new(), Browser::new());
        let oauth = provider().store(store.clone()).interactive(browser.clone()).build();
        let error = connect(&oauth, &url).await.unwrap_err();
        let error = super::life::cause(&error).unwrap();
        assert!(error.is_retryable() && !error.is_login_needed(), "{format}: {error:?}");

        server.control("down=0").await;
        let client = connect(&oauth, &url).await.unwrap();
        assert_eq!(call(&client, "read").await.unwrap(), "read here", "{format}");
        let good = tokens(&store, &url).await.unwrap();

        // Down again: what is known goes on; what is not is 503, not 401.
        server.control("down=1").await;
        assert_eq!(call(&client, "read").await.unwrap(), "read here", "{format}");
        let fresh = resource(&server, introspection).await;
        let token = good.access_token.as_ref().unwrap().expose();
        let unknown = ask(&server.fetch, &fresh, token).await;
        assert_eq!(unknown.status(), 503, "{format}");
        assert!(unknown.headers().contains_key(RETRY_AFTER), "{format}");
        // A refresh fails, and the refresh token stays.
        let mut broken = good.clone();
        broken.access_token = Some(Secret::from("refused"));
        store.save(&broken.key(), &Stored::Token(broken.clone())).await.unwrap();
        let alone = provider().store(store.clone()).build();
        let error = connect(&alone, &url).await.unwrap_err();
        if let Some(error) = super::life::cause(&error) {
            assert!(!error.is_login_needed(), "{format}: {error:?}");
        }
        let kept = tokens(&store, &url).await.unwrap();
        assert!(kept.refresh_token.is_some(), "{format}");

        server.control("down=0").await;
        pass(6).await;
        let other = connect(&alone, &url).await.unwrap();
        assert_eq!(call(&other, "read").await.unwrap(), "read here", "{format}");
        assert_eq!(browser.opened(), 1, "{format}");
        other.close().await;
        client.close().await;
    }
}
