//! Our server as one route of an axum application, as the guide has it, with a client of each era.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use futures::future::join_all;
use mcp_core::client::{CallOptions, Client};
use mcp_core::message::RawJson;
use mcp_core::server::{Context, Reply, Router, Server};
use mcp_core::transport::Identity;
use mcp_http::server::{HttpRequest, HttpService, Peer};
use mcp_http::{HttpClient, HttpServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::http_faults::kit::{LEGACY, MODERN, in_time};
use crate::http_faults::log::Log;

/// What a middleware found out about the caller.
#[derive(Clone)]
struct Tenant(&'static str);

async fn peer(ConnectInfo(address): ConnectInfo<SocketAddr>, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(Peer::Tcp(address));
    request.extensions_mut().insert(Tenant("blue"));
    next.run(request).await
}

/// Tells who called, and gives progress first if it is asked to.
fn callers() -> Server {
    let router = Router::new().method("who", |_, context: Context| async move {
        context.progress(1.0, None, None).await;
        let request = context.envelope().get::<HttpRequest>().cloned();
        let told = request.as_ref().map(|request| {
            let tenant = request.extensions().get::<Tenant>().map_or("nobody", |tenant| tenant.0);
            format!("{tenant} {}", matches!(request.peer(), Peer::Tcp(address) if address.ip().is_loopback()))
        });
        Ok(Reply::Result(RawJson::object([("who", RawJson::string(&told.unwrap_or_default()))])))
    });
    Server::builder("mounted", "1").build(router).unwrap()
}

struct App {
    address: SocketAddr,
    mcp: HttpService,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

async fn app() -> App {
    let mcp = HttpServer::new(callers()).service().unwrap();
    let router = axum::Router::new()
        .route("/version", get(|| async { "1.0.0" }))
        .route_service("/mcp", mcp.clone())
        .layer(middleware::from_fn(peer));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let draining = mcp.clone();
    let serve = axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async move {
            let _dropped = stopped.await;
            draining.drain();
        });
    App { address, mcp, stop, task: tokio::spawn(async move { serve.await }) }
}

/// What a plain request gets, whole.
async fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Calls of both eras, side by side, with progress in streams; what a middleware adds is there for handlers.
#[tokio::test]
async fn axum_carries_both_eras_beside_routes_of_its_own() {
    let app = app().await;
    let url = format!("http://{}/mcp", app.address);
    for era in [MODERN, LEGACY] {
        let http = HttpClient::new(&url).unwrap();
        let client = in_time(Client::builder("axum", "1").era(era).connect(http)).await.unwrap();
        let calls = (0..20).map(|_| {
            let options = CallOptions::new().progress();
            in_time(client.call("who", None, options))
        });
        for answer in join_all(calls).await {
            let who = answer.unwrap().raw().member("who");
            assert_eq!(who, Some(RawJson::string("blue true")), "{era:?}");
        }
        in_time(client.close()).await;
    }
    assert_eq!(app.mcp.sessions().sessions, 0);
    let version = ask(app.address, "GET /version HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(version.ends_with("1.0.0"), "{version}");
    app.task.abort();
}

/// Hosts and origins are checked in it, whatever the application around lets through (SEC-S-001, SEC-S-002).
#[tokio::test]
async fn a_mounted_service_still_refuses_strangers() {
    let app = app().await;
    for header in ["host: evil.example", "host: localhost\r\norigin: https://evil.example"] {
        let request = format!(
            "POST /mcp HTTP/1.1\r\n{header}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}"
        );
        let answer = ask(app.address, &request).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{header}: {answer}");
    }
    app.task.abort();
}

/// A session with its open stream does not hold up the end of the application around.
#[tokio::test]
async fn draining_lets_the_application_end() {
    let app = app().await;
    let http = HttpClient::new(&format!("http://{}/mcp", app.address)).unwrap();
    let client = in_time(Client::builder("axum", "1").era(LEGACY).connect(http)).await.unwrap();
    in_time(client.call("who", None, CallOptions::default())).await.unwrap();
    drop(app.stop);
    in_time(app.task).await.unwrap().unwrap();
    in_time(client.close()).await;
}

/// Authenticates by `Authorization: <subject>/<scope>`, as an application does that knows its users.
async fn authenticated(mut request: Request, next: Next) -> Response {
    let token = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let identity = token.and_then(|token| token.split_once('/')).map(|(subject, scope)| {
        Identity::new(subject).with_issuer("https://login.example").with_scopes([scope])
    });
    if let Some(identity) = identity {
        request.extensions_mut().insert(identity);
    }
    next.run(request).await
}

/// The status of an answer, and the rest of it.
async fn asked(address: SocketAddr, start: &str, token: &str, session: &str, body: &str) -> (u16, String) {
    let session = if session.is_empty() { String::new() } else { format!("mcp-session-id: {session}\r\n") };
    let request = format!(
        "{start} /mcp HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: {token}\r\n{session}\
         accept: application/json, text/event-stream\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = in_time(ask(address, &request)).await;
    (answer[9..12].parse().unwrap(), answer)
}

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#;

/// The service behind a middleware that authenticates.
async fn behind_authentication() -> (HttpService, SocketAddr, JoinHandle<std::io::Result<()>>) {
    let mcp = HttpServer::new(callers()).service().unwrap();
    let router =
        axum::Router::new().route_service("/mcp", mcp.clone()).layer(middleware::from_fn(authenticated));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (mcp, address, tokio::spawn(async move { axum::serve(listener, router).await }))
}

/// FAULT F-S2, SESS-S-010: the identity that a middleware found out owns the session, its streams and its end. A refreshed
/// token is the same owner; another user learns nothing.
#[tokio::test]
async fn a_session_belongs_to_the_identity_of_the_middleware() {
    let (mcp, address, serving) = behind_authentication().await;
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"who"}"#;
    let (status, opened) = asked(address, "POST", "ada/read", "", INITIALIZE).await;
    assert_eq!(status, 200, "{opened}");
    let id = opened.split("mcp-session-id: ").nth(1).unwrap().split("\r\n").next().unwrap().to_owned();
    let ready = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    assert_eq!(asked(address, "POST", "ada/read", &id, ready).await.0, 202);
    for stranger in ["bob/read", "nobody"] {
        for (method, body) in [("POST", call), ("GET", ""), ("DELETE", "")] {
            let (status, answer) = asked(address, method, stranger, &id, body).await;
            assert_eq!(status, 404, "{stranger} {method}");
            assert!(answer.contains("unknown"), "{answer}");
        }
    }
    let (status, answer) = asked(address, "POST", "ada/read write", &id, call).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(mcp.sessions().sessions, 1);
    assert_eq!(asked(address, "DELETE", "ada/other", &id, "").await.0, 204);
    serving.abort();
}

/// `nest_service` removes the prefix: both eras are served at what is left, and nowhere else.
#[tokio::test]
async fn a_nested_service_answers() {
    let mcp = HttpServer::new(callers()).service().unwrap();
    let router = axum::Router::new().nest_service("/tools/mcp", mcp);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    for path in ["/tools/mcp", "/tools/mcp/"] {
        for era in [MODERN, LEGACY] {
            let http = HttpClient::new(&format!("http://{address}{path}")).unwrap();
            let client = in_time(Client::builder("axum", "1").era(era).connect(http)).await.unwrap();
            let answer = in_time(client.call("who", None, CallOptions::default())).await.unwrap();
            assert!(answer.raw().member("who").is_some(), "{era:?}");
            in_time(client.close()).await;
        }
    }
    let request = "GET /tools/mcp/other HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    assert!(in_time(ask(address, request)).await.starts_with("HTTP/1.1 404 "));
    serving.abort();
}

/// FAULT F-S2: sessions without an owner behind another server are reported once, not for each session.
#[tokio::test]
async fn sessions_without_an_owner_are_reported_once() {
    for (token, warnings) in [("nobody", 1), ("ada/read", 0)] {
        let log = Log::default();
        let _until_the_end = tracing::subscriber::set_default(log.clone());
        let (mcp, address, serving) = behind_authentication().await;
        for _ in 0..3 {
            assert_eq!(asked(address, "POST", token, "", INITIALIZE).await.0, 200);
        }
        assert_eq!(mcp.session_totals().opened, 3);
        assert_eq!(log.text().matches("have no owner").count(), warnings, "{}", log.text());
        serving.abort();
    }
}
