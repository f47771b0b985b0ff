//! No secret is ever shown by logs of any level, by `Debug`, by errors, or by a wire trace.

use std::error::Error as _;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mcp_core::Error;
use mcp_core::client::EraMode;
use mcp_core::server::{HandlerError, Router, Server, ToolDef};
use mcp_core::transport::trace::{Record, Tracer};
use mcp_http::{HttpClient, HttpServer};
use mcp_tests::fault_server::{Break, FaultServer, On, Rule, Step};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::kit::*;
use super::log::Log;

/// A text that every secret contains.
const CANARY: &str = "canary7f3a";

/// All texts of an error and its causes.
fn shown(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(text, " {error} {error:?}").unwrap();
        cause = error.source();
    }
    text
}

/// A client with a secret in every setting that may hold one, and in the query of its URL.
fn secretive(server: &FaultServer) -> HttpClient {
    let url = format!("{}?key={CANARY}-query", server.url());
    let http = match server.dial() {
        Some(dial) => HttpClient::over(&url, dial).unwrap(),
        None => HttpClient::new(&url).unwrap(),
    };
    http.bearer(format!("{CANARY}-bearer"))
        .header("x-api-key".parse().unwrap(), format!("{CANARY}-header").parse().unwrap())
        .header("cookie".parse().unwrap(), format!("session={CANARY}-cookie").parse().unwrap())
        .configure(|config| {
            config.credentials.allow_plain = true;
            config.net.timeouts.idle = Some(Duration::from_secs(5));
        })
}

/// Servers that fail in one way each, in a legacy or a modern conversation.
fn mishaps(era: EraMode) -> Vec<(&'static str, FaultServer)> {
    let modern = era == MODERN;
    let with = |steps: Vec<Step>| {
        let mut script = vec![Rule::once(On::Rpc("tools/call"), steps)];
        script.extend(if modern { modern_sse() } else { secret_session() });
        FaultServer::memory(script)
    };
    let broken = |at| {
        let server = with(vec![Step::Close]);
        server.break_at(at, Break::Reset);
        server
    };
    let challenge = format!("WWW-Authenticate: Bearer realm=\"{}\"", "r");
    let moved =
        |status, to: &str| Step::status(status).with(&format!("location: {to}?key={CANARY}-location"));
    vec![
        ("nothing", with(vec![Step::result(SAID)])),
        ("401", with(vec![Step::status(401).with(&challenge)])),
        ("403", with(vec![Step::status(403)])),
        ("404", with(vec![Step::status(404)])),
        ("500", with(vec![Step::status(500)])),
        ("a redirect away", with(vec![moved(307, "https://evil.test/")])),
        ("a redirect by GET", with(vec![moved(302, "/elsewhere")])),
        ("a redirect nearby", with(vec![moved(308, "/elsewhere")])),
        ("a cut", with(vec![Step::Reset])),
        (
            "a cut stream",
            with(vec![Step::stream(), Step::Chunk("id: 1\nretry: 50\ndata:\n\n".into()), Step::Reset]),
        ),
        ("silence", with(vec![Step::stream(), Step::Hold])),
        ("garbage", with(vec![Step::send("garbage\r\n\r\n"), Step::Close])),
        (
            "a web page",
            with(vec![Step::Answer {
                status: 200,
                headers: vec!["content-type: text/html".into()],
                body: "<p>".into(),
            }]),
        ),
        ("a cut in the opening", broken(50)),
        ("a cut after the opening", broken(600)),
    ]
}

/// A session of 2025-11-25 whose id is a secret.
fn secret_session() -> Vec<Rule> {
    let mut rules = legacy_sse();
    let issued = Step::result(INITIALIZED).with(&format!("mcp-session-id: {CANARY}-session"));
    rules.insert(0, Rule::new(On::Rpc("initialize"), [issued]));
    rules
}

/// SESS-C-005; FAULTS B, token logging: no failure shows a secret, though each secret was sent.
#[tokio::test(start_paused = true)]
async fn a_client_shows_no_secret_on_any_failure() {
    for era in [MODERN, LEGACY] {
        for (what, server) in mishaps(era) {
            let log = Log::default();
            let traced = Arc::new(Mutex::new(String::new()));
            let sink = traced.clone();
            let tracer =
                Tracer::new(move |record: &Record| sink.lock().unwrap().push_str(&record.to_ndjson()));
            let _until_the_end = tracing::subscriber::set_default(log.clone());
            let http = secretive(&server);
            let mut all = format!("{http:?}");
            match in_time(builder(era).connect(tracer.connect(http))).await {
                Err(error) => all += &shown(&error),
                Ok(client) => {
                    for _ in 0..2 {
                        if let Err(error) = call(&client).await {
                            all += &shown(&error);
                        }
                    }
                    write!(all, "{client:?} {:?} {:?}", client.state(), client.known_era()).unwrap();
                    write!(all, "{:?}", in_time(client.close()).await).unwrap();
                }
            }
            let record = server.record();
            let sent: String =
                record.requests.iter().map(|seen| String::from_utf8_lossy(&seen.head).into_owned()).collect();
            let mut kinds = vec!["bearer", "header", "cookie", "query"];
            if era == LEGACY && record.requests.len() > 1 {
                kinds.push("session");
            }
            for kind in kinds {
                assert!(sent.contains(&format!("{CANARY}-{kind}")), "{what}: {kind} was not sent");
            }
            let log = log.text();
            assert!(!log.contains(CANARY), "{era:?} {what}: in the log: {log}");
            assert!(!all.contains(CANARY), "{era:?} {what}: in the errors or `Debug`: {all}");
            let traced = traced.lock().unwrap();
            assert!(traced.contains("server/discover") || traced.contains("initialize"));
            assert!(!traced.contains(CANARY), "{era:?} {what}: in the trace: {traced}");
        }
    }
}

/// FAULTS B, token logging, server side: the server's token, the tokens of clients, session ids and queries are
/// neither logged nor sent back.
#[tokio::test]
async fn a_server_shows_no_secret_on_any_request() {
    let log = Log::default();
    let _until_the_end = tracing::subscriber::set_default(log.clone());
    let router = Router::new().tool(ToolDef::new("tool"), |_, _| async { Ok::<_, HandlerError>("right") });
    let server = Server::builder("s", "1").build(router).unwrap();
    let bound = HttpServer::new(server).bearer(format!("{CANARY}-own")).bind("127.0.0.1:0").await.unwrap();
    let mut all = format!("{bound:?}");
    let address = bound.local_addr().unwrap();
    let serving = tokio::spawn(bound.serve());
    let initialize = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#;
    for (token, statuses) in [("own", [200, 404, 404]), ("theirs", [401, 401, 401])] {
        let common = format!(
            "HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {CANARY}-{token}\r\ncookie: a={CANARY}\r\nx-api-key: {CANARY}\r\nconnection: close\r\naccept: */*\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
            initialize.len(),
        );
        let session = format!("mcp-session-id: {CANARY}-session\r\nlast-event-id: {CANARY}-event\r\n");
        for (start, more, status) in [
            (format!("POST /mcp?key={CANARY}-query"), "", statuses[0]),
            ("POST /mcp".into(), session.as_str(), statuses[1]),
            (format!("DELETE /mcp?key={CANARY}"), session.as_str(), statuses[2]),
        ] {
            let body = if more.is_empty() {
                initialize.to_owned()
            } else {
                initialize.replace("initialize", "tools/list")
            };
            let text = format!("{start} {common}{more}\r\n{body}");
            let text =
                text.replace(&format!("length: {}", initialize.len()), &format!("length: {}", body.len()));
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            stream.write_all(text.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{start} {more}: {answer}");
            all += &answer;
        }
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(format!("POST /mcp {common}{CANARY} bad header\r\n\r\n").as_bytes()).await.unwrap();
        stream.read_to_string(&mut all).await.unwrap();
    }
    serving.abort();
    assert!(all.contains("HTTP/1.1 400"), "{all}");
    assert!(!all.contains(CANARY), "shown: {all}");
    assert!(!log.text().contains(CANARY), "logged: {}", log.text());
}
