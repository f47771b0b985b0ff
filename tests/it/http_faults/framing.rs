//! Answers in pieces of any size give the same result. Answers with wrong framing give a specific error.

use bytes::Bytes;
use mcp_core::Error;
use mcp_core::transport::LossKind;
use mcp_http::HttpError;
use mcp_tests::fault_server::{FaultServer, On, Rule, Step, result_of};

use super::kit::*;

/// The bytes of complete answers, in every legal form.
fn answers() -> Vec<String> {
    let said = result_of(SAID);
    let json = "content-type: application/json\r\n";
    let events = format!(
        "\u{feff}: hi\r\n\r\nevent: message\r\nid: ü\r\ndata: {PROGRESS}\r\n\r\nretry: 5\r\rdata:{}\ndata: {}\n\n",
        said.split_at(17).0,
        said.split_at(17).1,
    );
    // The final length is not known here, so the body ends with its connection.
    let close = "connection: close\r\n\r\n";
    vec![
        format!("HTTP/1.1 200 OK\r\n{json}{close}{said}"),
        format!("HTTP/1.1 200 OK\r\nContent-Type:application/json;charset=utf-8\r\n{close}\r\n \t{said}\n"),
        format!("HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 \r\n{json}{close}{said}"),
        format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n{close}{events}"),
    ]
}

/// FAULT C-5, C-6, FAULT A-B16, SSE-B-001, HTTP-C-004: in pieces of one byte to the whole answer. Nothing depends on
/// where the pieces end, even within a character, a line end or a head.
#[tokio::test(start_paused = true)]
async fn an_answer_does_not_depend_on_its_pieces() {
    for answer in answers() {
        for piece in [1, 2, 3, 7, 64, 1 << 20] {
            let pieces = Step::Pieces(piece, Bytes::from(answer.clone()));
            let mut script = vec![Rule::new(On::Rpc("tools/call"), [pieces, Step::Close])];
            script.extend(modern_json());
            let server = FaultServer::memory(script);
            let client = connect(MODERN, &server).await;
            succeeds(&client).await;
            succeeds(&client).await;
        }
    }
}

/// A server that sends this to the first call, and answers later calls correctly.
fn saying(said: impl Into<Vec<u8>>) -> FaultServer {
    let mut script = vec![Rule::once(On::Rpc("tools/call"), [Step::send(said), Step::Close])];
    script.extend(modern_json());
    FaultServer::memory(script)
}

/// FAULTS B, request smuggling, client side; FAULT A-B32: garbage before the head, contradictory lengths, invalid
/// chunks. Each gives an error of the right kind with a short text, and does not affect the next call.
#[tokio::test(start_paused = true)]
async fn wrong_framing_is_a_specific_error() {
    let json = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let chunked = format!("{json}transfer-encoding: chunked\r\n\r\n");
    let not_http = |said: String| (said, LossKind::PeerFailed, "not HTTP");
    let cut = |said: String| (said, LossKind::Cut, "cut before the answer");
    for (said, kind, text) in [
        not_http("\0\0\0garbage\r\n\r\n".into()),
        not_http(format!("garbage\r\n{json}content-length: 2\r\n\r\n{{}}")),
        not_http("HTTP/1.1 OK 200\r\n\r\n".into()),
        not_http("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\r\n\r\n".into()),
        not_http(format!("{json}content-length: 2\r\ncontent-length: 3\r\n\r\n{{}}")),
        not_http(format!("{json}content-length: -2\r\n\r\n{{}}")),
        not_http(format!("{json}bad header\r\n\r\n{{}}")),
        not_http(format!("{json}x: a\r\n folded\r\n\r\n{{}}")),
        cut("HTTP/1.1 2".into()),
        cut(format!("{json}content-length: 200\r\n\r\n{{}}")),
        cut(format!("{chunked}z\r\n{{}}\r\n0\r\n\r\n")),
        cut(format!("{chunked}-1\r\n{{}}\r\n0\r\n\r\n")),
        cut(format!("{chunked}ffffffffffffffffff\r\n{{}}\r\n0\r\n\r\n")),
        cut(format!("{chunked}1\r\n{{}}\r\n0\r\n\r\n")),
        cut(format!("{chunked}2\r\n{{}}")),
    ] {
        let server = saying(said.clone());
        let client = connect(MODERN, &server).await;
        let error = call(&client).await.unwrap_err();
        let (seen, _) = details(&error);
        assert_eq!(seen, kind, "{said:?}: {error:?}");
        let shown = mcp_core::transport::ErrorChain::new(&error).to_string();
        assert!(shown.contains(text) && shown.len() < 250, "{said:?}: {shown}");
        succeeds(&client).await;
    }
}

/// FAULTS B, request smuggling, client side: bytes after an answer are ignored, even if they look like an answer and
/// the connection could be kept.
#[tokio::test(start_paused = true)]
async fn bytes_after_an_answer_are_ignored() {
    let json = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    // Ids are consecutive, so the next one can be guessed.
    for next in 1..6 {
        let forged = format!(r#"{{"jsonrpc":"2.0","id":{next},"result":{{"content":"forged"}}}}"#);
        let forged = format!("{json}content-length: {}\r\n\r\n{forged}", forged.len());
        let mut script = vec![Rule::once(On::Rpc("tools/call"), [Step::result(SAID), Step::send(forged)])];
        script.extend(modern_json());
        let server = FaultServer::memory(script);
        let client = connect(MODERN, &server).await;
        succeeds(&client).await;
        succeeds(&client).await;
        let calls = server.record();
        let connections: Vec<_> = calls.of("POST tools/call").iter().map(|seen| seen.connection).collect();
        assert_ne!(connections[0], connections[1], "the connection was used again");
    }
}

/// FAULTS B, deep JSON: a million brackets at any position do not overflow the stack, and fail only their call.
#[tokio::test]
async fn deep_json_fails_only_its_call() {
    let deep = "[".repeat(1_000_000);
    let closed = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let object = "{\"a\":".repeat(200_000);
    let head = r#"{"jsonrpc":"2.0","id":$ID"#;
    for body in [
        deep.clone(),
        object.clone(),
        format!("{head},\"result\":{{\"content\":{deep}"),
        format!("{head},\"result\":{{\"content\":{closed}}}}}"),
        format!("{head},\"result\":{{\"_meta\":{object}"),
        format!("{head},\"error\":{{\"code\":1,\"message\":\"m\",\"data\":{closed}}}}}"),
        format!("{{\"id\":{deep}"),
        format!("{{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"params\":{{\"a\":{closed}}}}}"),
    ] {
        for stream in [false, true] {
            let steps = match stream {
                false => vec![Step::json(200, body.clone())],
                true => vec![Step::stream(), Step::event(&body), Step::end()],
            };
            let mut script = vec![Rule::once(On::Rpc("tools/call"), steps)];
            script.extend(modern_json());
            let server = FaultServer::memory(script);
            let client = connect(MODERN, &server).await;
            let error = call(&client).await.unwrap_err();
            let typed = matches!(error, Error::Violation(_) | Error::Limit { .. } | Error::Lost(_));
            assert!(typed, "{stream} {}: {error:?}", &body[..60]);
            assert!(error.to_string().len() < 3000, "{} bytes of error", error.to_string().len());
            succeeds(&client).await;
        }
    }
}

/// FAULT A-B32, C-26, C-28: a proxy in front of the server answers with an HTML page. The error has the status and
/// the start of the page. Each call sends one POST, because nothing is repeated automatically.
#[tokio::test(start_paused = true)]
async fn pages_of_proxies_are_errors_with_their_start() {
    let page = format!("<html>\x1b[31m\0bad gateway{}", "x".repeat(1 << 20));
    for status in [500, 502, 503, 504, 520] {
        let answer = || {
            let headers = vec!["content-type: text/html".to_owned()];
            [Step::Answer { status, headers, body: page.clone() }]
        };
        let script =
            [Rule::new(On::Rpc("server/discover"), [Step::result(DISCOVERED)]), Rule::new(On::Any, answer())];
        let server = FaultServer::memory(script);
        let client = connect(MODERN, &server).await;
        let mut asked = 0;
        for method in ["tools/call", "tools/list", "resources/read", "made/up"] {
            let error = in_time(client.request(method, params("a"))).await.unwrap_err();
            asked += 1;
            let (kind, details) = details(&error);
            assert_eq!(kind, LossKind::PeerFailed);
            let HttpError::Status(refused) = details else { panic!("{details:?}") };
            assert_eq!(refused.status.as_u16(), status);
            assert!(refused.body.starts_with("<html>[31mbad gateway") && refused.body.len() <= 64 << 10);
            assert!(error.is_retryable() && error.to_string().len() < 300, "{error}");
            assert_eq!(server.record().requests.len(), 1 + asked, "{method}: it was sent again");
        }
    }
}
