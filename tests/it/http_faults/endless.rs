//! Servers that send without end: the client stops reading at a limit that the error names.

use bytes::Bytes;
use mcp_core::client::Client;
use mcp_core::transport::LossKind;
use mcp_http::HttpError;
use mcp_tests::fault_server::{FaultServer, On, Rule, Step, result_of};

use super::kit::*;

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

/// The limit of bodies and events: a quarter of the default, for a fast test.
const LIMIT: u64 = 4 * MIB;

/// The size of the buffers between a limit of the client and the byte counter of the server.
const SLACK: u64 = MIB;

const JSON: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
const CHUNKED: &str = "transfer-encoding: chunked\r\n\r\n";
const EVENTS: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";

/// The text before the endless part, that part, the limit's name, and how many bytes may be read.
type Case = (&'static str, String, &'static str, u64);

fn cases() -> Vec<Case> {
    let line = "x".repeat(1024);
    let (body, event, headers) = ("HTTP reply body", "SSE event", "response headers");
    vec![
        ("HTTP/1.1 200 ", line.clone(), headers, 64 << 10),
        ("HTTP/1.1 200 OK\r\nx-long: ", line.clone(), headers, 64 << 10),
        ("HTTP/1.1 200 OK\r\n", "x-many: 1\r\n".into(), headers, 64 << 10),
        ("+json-to-the-end", line.clone(), body, LIMIT),
        ("+json-chunked", format!("400\r\n{line}\r\n"), body, LIMIT),
        ("+json-chunked", format!("40\r\n{}\r\n", &line[..64]), body, LIMIT * 5 / 4),
        ("+events", line.clone(), event, LIMIT),
        ("+events-data", line.clone(), event, LIMIT),
        ("+events", format!("data: {line}\n"), event, LIMIT),
        ("+events", "data:\n".repeat(100), event, LIMIT * 6),
        ("+events-id", line.clone(), event, LIMIT),
        ("+events-kind", line.clone(), event, LIMIT),
        ("+events-comment", line, event, LIMIT),
    ]
}

fn start(name: &str) -> String {
    match name {
        "+json-to-the-end" => format!("{JSON}\r\n"),
        "+json-chunked" => format!("{JSON}{CHUNKED}"),
        "+events" => EVENTS.into(),
        "+events-data" => format!("{EVENTS}data: "),
        "+events-id" => format!("{EVENTS}id: "),
        "+events-kind" => format!("{EVENTS}event: "),
        "+events-comment" => format!("{EVENTS}: "),
        raw => raw.into(),
    }
}

/// A modern server that answers the first call with these steps, and later calls correctly.
fn once(steps: impl Into<Vec<Step>>) -> FaultServer {
    let mut script = vec![Rule::once(On::Rpc("tools/call"), steps)];
    script.extend(modern_json());
    FaultServer::memory(script)
}

/// FAULT A-B33, FAULT C-45, and FAULTS B, unbounded memory: up to 1 GiB per answer. The server counts the bytes that
/// it could send.
async fn all_endless_answers_are_cut_off() {
    for (said, part, name, most) in cases() {
        let server =
            once([Step::send(start(said)), Step::Repeat(Bytes::from(part.clone()), GIB), Step::Close]);
        let limited = http(&server).configure(|config| {
            config.limits.body = LIMIT as usize;
            config.limits.event = LIMIT as usize;
        });
        let client = builder(MODERN).connect(limited).await.unwrap();
        let before = server.record().sent;
        let error = call(&client).await.unwrap_err();
        let (kind, details) = details(&error);
        let case = format!("{said:?} then {:?}", &part[..part.len().min(20)]);
        let HttpError::TooLarge { limit_name, .. } = &details else { panic!("{case}: {details:?}") };
        assert_eq!((kind, *limit_name), (LossKind::TooLarge, name), "{case}");
        assert!(mcp_core::transport::ErrorChain::new(&error).to_string().contains(name), "{case}: {error}");
        let sent = server.until(|record| record.open == 0).await.sent - before;
        assert!(sent < most + SLACK, "{case}: {sent} bytes were read");
        succeeds(&client).await;
        in_time(client.close()).await;
    }
}

/// FAULTS B, unbounded memory: the same, with the memory of the process measured. 13 GiB are offered.
#[test]
#[cfg(target_os = "linux")]
fn endless_answers_are_cut_off_in_bounded_memory() {
    let name = "endless_answers_are_cut_off_in_bounded_memory";
    // The largest buffer has 4 MiB, and two copies exist while it grows.
    let Some(memory) = mcp_tests::memory::limited(module_path!(), name, 8 << 20) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(all_endless_answers_are_cut_off());
    memory.assert_kept();
}

/// An announced length above the limit is refused immediately. A wrong length is an error, not a wait.
#[tokio::test(start_paused = true)]
async fn wrong_lengths_are_immediate_errors() {
    let answer = result_of(SAID);
    for (length, text, expected) in [
        (1_u64 << 40, answer.clone(), "larger than the HTTP reply body limit"),
        (1_u64 << 62, answer.clone(), "larger than the HTTP reply body limit"),
        (10_000, answer.clone(), "cut before the answer"),
        (20, answer, "is not MCP"),
    ] {
        let head = format!("{JSON}content-length: {length}\r\n\r\n");
        let server = once([Step::send(format!("{head}{text}")), Step::Close]);
        let client = connect(MODERN, &server).await;
        let error = call(&client).await.unwrap_err();
        assert!(
            mcp_core::transport::ErrorChain::new(&error).to_string().contains(expected),
            "{length}: {error}"
        );
        succeeds(&client).await;
    }
}

/// FAULTS B, unbounded memory: data around the answer has limits too: the body of a refusal, interim answers, chunk
/// extensions, trailers, and bytes after the answer.
#[tokio::test]
async fn endless_data_around_an_answer_is_not_read() {
    let refusal = "HTTP/1.1 500 Oops\r\ncontent-type: text/html\r\n\r\n<p>";
    let answer = result_of(SAID);
    let most = 64 * MIB;
    for (said, part, read) in [
        (refusal.to_owned(), "spam ", MIB),
        (refusal.replace("500", "401"), "spam ", MIB),
        (refusal.replace("500", "404"), "spam ", MIB),
        (refusal.replace("500 Oops", "200 OK"), "<p>spam ", MIB),
        (format!("{JSON}{CHUNKED}5;"), "x", MIB),
        (format!("{JSON}{CHUNKED}2\r\n{{}}\r\n0\r\n"), "x: y\r\n", MIB),
        (format!("{EVENTS}data: {answer}\n\n"), ": more\n\n", MIB),
        (format!("{EVENTS}data: {answer}\n\n"), "data: {\"jsonrpc\":\"2.0\",\"method\":\"x\"}\n\n", MIB),
        (String::new(), "HTTP/1.1 100 Continue\r\n\r\n", most),
    ] {
        let server = once([
            Step::send(said.clone()),
            Step::Repeat(Bytes::from_static(part.as_bytes()), most),
            Step::Close,
        ]);
        let client = connect(MODERN, &server).await;
        let result = call(&client).await;
        match &result {
            Ok(result) => {
                assert!(said.contains("$ID") && result.raw().as_bytes() == SAID.as_bytes(), "{said:?}")
            }
            Err(error) => {
                let (_, details) = details(error);
                if let HttpError::Status(refused) = &details {
                    assert!(refused.body.len() <= 64 << 10, "{} bytes are kept", refused.body.len());
                }
                assert!(error.to_string().len() < 1000, "{error}");
            }
        }
        let sent = server.until(|record| record.open == 0).await.sent;
        assert!(sent <= read + SLACK, "{said:?} {part:?}: {sent} bytes were read; {result:?}");
        succeeds(&client).await;
    }
}

/// SSE-C-002; FAULTS B, unbounded memory: any number of comments costs no memory, and neither do notifications that
/// the application does not read.
#[tokio::test]
async fn a_long_stream_is_read_to_its_answer() {
    for part in [": keep-alive\n\n", "retry: 1000\n\n", "data:\n\n", "id: 7\n\n"] {
        let server = once([
            Step::send(EVENTS),
            Step::Repeat(Bytes::from(part.repeat(64)), 8 * MIB),
            Step::send(format!("data: {}\n\n", result_of(SAID))),
            Step::Close,
        ]);
        let client = connect(MODERN, &server).await;
        succeeds(&client).await;
    }
    let note = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":1}}\n\n";
    let server = once([
        Step::send(EVENTS),
        Step::Repeat(Bytes::from(note), 1 << 20),
        Step::send(format!("data: {}\n\n", result_of(SAID))),
        Step::Close,
    ]);
    let client: Client = connect(MODERN, &server).await;
    succeeds(&client).await;
}

/// FAULTS B, unbounded memory: endless answers that belong to no call. The answers to a notification, to the GET of
/// the standalone stream and to the DELETE never end, and neither calls nor the close wait for them.
#[tokio::test(start_paused = true)]
async fn endless_answers_outside_of_calls_delay_nothing() {
    let endless = |head: &str| {
        vec![Step::send(head.to_owned()), Step::Repeat(Bytes::from_static(b"spam"), 64 * MIB), Step::Close]
    };
    let mut script = vec![
        Rule::new(On::Rpc("notifications/initialized"), endless("HTTP/1.1 202 Accepted\r\n\r\n")),
        Rule::new(On::Http("GET"), endless(EVENTS)),
        Rule::new(On::Http("DELETE"), endless("HTTP/1.1 200 OK\r\n\r\n")),
    ];
    script.extend(legacy_json());
    let server = FaultServer::memory(script);
    let client = connect(LEGACY, &server).await;
    succeeds(&client).await;
    in_time(client.close()).await;
    let record = server.until(|record| record.open == 0).await;
    assert_eq!(record.of("DELETE").len(), 1);
    assert!(record.sent < 17 * MIB, "{} bytes were read", record.sent);
}
