//! Usual requests are served without hyper, all others with it. A client cannot tell.

use std::time::Duration;

use mcp_core::server::{Router, Server, ToolDef};

use crate::server_kit::{Answer, Raw, Running, body, call, headers, http, plain};

fn running() -> Running {
    let router = Router::new()
        .tool(ToolDef::new("echo"), |arguments, _| async move { Ok(arguments.to_string()) })
        .tool(ToolDef::new("slow"), |_, _| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok("slept".to_owned())
        });
    let server = Server::builder("direct", "1.0.0").build(router).expect("valid");
    Running::start(server, |config| config.health = Some("/health".to_owned()))
}

/// Everything about an answer that does not depend on the time.
fn same(mut answer: Answer) -> Answer {
    let dates = answer.headers.iter().filter(|(name, _)| name == "date").count();
    assert_eq!(dates, 1, "{answer:?}");
    answer.headers.retain(|(name, _)| name != "date");
    answer.headers.sort();
    answer
}

/// The answer to a request that is written in these pieces, each when the server has read those before it.
async fn ask(raw: &mut Raw, pieces: &[&str]) -> Answer {
    for piece in pieces {
        raw.write(piece).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    same(raw.answer().await)
}

fn requests() -> Vec<String> {
    let long = format!(r#"{{"text":"{}"}}"#, "x".repeat(40_000));
    let usual = headers("tools/call", Some("echo"));
    let with = |name, value| {
        let call = body("7", "tools/call", r#""name":"echo","arguments":{}"#);
        http("POST /mcp", &[&usual[..], &[(name, value)]].concat(), &call)
    };
    let host = [("Host", "localhost")];
    vec![
        call("1", "echo", "{}"),
        call("\"two\"", "slow", "{}"),
        call("3", "echo", &long),
        call("4", "missing", "{}"),
        plain("5", "tools/list"),
        http("POST /mcp", &headers("tools/call", None), "no JSON"),
        http("POST /mcp", &headers("tools/call", None), ""),
        with("Authorization", "Bearer x"),
        with("Connection", "keep-alive"),
        with("Origin", "https://evil.test"),
        with("X-Long", &"x".repeat(5000)),
        with("Mcp-Name", "echo"),
        http("POST /other", &host, "{}"),
        http("POST /mcp", &[("Host", "evil.test")], "{}"),
        http("GET /mcp", &headers("ping", None), ""),
        http("GET /health", &host, ""),
        http("OPTIONS /mcp", &host, ""),
        http("DELETE /mcp", &host, ""),
        http("PUT /mcp", &host, "text"),
    ]
}

/// The same answers whether a request comes whole, with its body behind it, or in pieces that only hyper reads; and one
/// after the other on the same connection.
#[tokio::test(start_paused = true)]
async fn the_answer_does_not_depend_on_the_pieces_of_a_request() {
    let running = running();
    let mut mixed = running.open();
    for request in requests() {
        let whole = ask(&mut running.open(), &[&request]).await;
        let head = request.find("\r\n\r\n").expect("a head") + 4;
        for pieces in
            [vec![5, head - 1], vec![head], vec![head - 2], vec![head, head + (request.len() - head) / 2]]
        {
            let mut cut = Vec::new();
            let mut rest = 0;
            for end in pieces {
                cut.push(&request[rest..end]);
                rest = end;
            }
            cut.push(&request[rest..]);
            assert_eq!(ask(&mut running.open(), &cut).await, whole, "{cut:?}");
            assert_eq!(ask(&mut mixed, &cut).await, whole, "{cut:?}");
        }
        assert_eq!(ask(&mut mixed, &[&request]).await, whole, "{request}");
    }
}

/// Requests that are written at once are answered in order, with hyper and without.
#[tokio::test(start_paused = true)]
async fn requests_behind_each_other_are_answered_in_order() {
    let running = running();
    let text = body("2", "tools/call", r#""name":"slow","arguments":{}"#);
    let chunked = [&headers("tools/call", Some("slow"))[..], &[("Transfer-Encoding", "chunked")]].concat();
    let chunked = http("POST /mcp", &chunked, "") + &format!("{:x}\r\n{text}\r\n0\r\n\r\n", text.len());
    let mut raw = running.open();
    for _ in 0..3 {
        let one =
            [&call("1", "slow", "{}"), "\r\n", &chunked, &call("3", "slow", "{}"), &call("4", "echo", "{}")];
        raw.write(one.concat()).await;
        for id in 1..=4 {
            assert_eq!(raw.answer().await.json()["id"], id);
        }
    }
    let last = [("Host", "localhost"), ("Connection", "close")];
    raw.write(http("GET /health", &last, "") + &call("5", "echo", "{}")).await;
    assert_eq!(raw.answer().await.header("connection"), Some("close"));
    assert_eq!(raw.rest().await, "");
}
