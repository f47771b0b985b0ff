//! A connection that is quiet for a while gives its memory back. Its client must not notice.

use std::time::Duration;

use crate::server_kit::{Running, call};
use crate::server_modern::server;

/// The same request with its body in chunks.
fn chunked(request: &str) -> String {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let head: Vec<&str> = head.lines().filter(|line| !line.starts_with("Content-Length")).collect();
    let chunks: String = body
        .as_bytes()
        .chunks(7)
        .map(|chunk| format!("{:x}\r\n{}\r\n", chunk.len(), std::str::from_utf8(chunk).unwrap()))
        .collect();
    format!("{}\r\ntransfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n", head.join("\r\n"))
}

// FAULT C-31.
/// Whenever a request comes, whole or in two parts, it is answered, and it alone.
#[tokio::test(start_paused = true)]
async fn a_quiet_connection_serves_on() {
    let running = Running::start(server(), |_| {});
    let mut raw = running.open();
    let mut id = 0;
    for quiet in [0, 500, 999, 1000, 1001, 1500, 1999, 2000, 2001, 3500, 7500, 30_000, 90_000] {
        for in_chunks in [false, true] {
            for (cut, pause) in [(0, 0), (1, 1200), (30, 2500), (300, 0), (310, 1200), (330, 2500)] {
                for blank in ["", "\r\n"] {
                    id += 1;
                    let request = call(&id.to_string(), "echo", r#"{"text":"x"}"#);
                    let request = blank.to_owned() + &if in_chunks { chunked(&request) } else { request };
                    tokio::time::sleep(Duration::from_millis(quiet)).await;
                    let cut = cut.min(request.len());
                    raw.write(&request[..cut]).await;
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                    raw.write(&request[cut..]).await;
                    let answer = raw.answer().await;
                    let case = format!("{quiet} ms, chunks: {in_chunks}, cut at {cut} for {pause} ms");
                    assert_eq!((answer.status, &answer.json()["id"]), (200, &id.into()), "{case}");
                }
            }
        }
    }
    drop(raw);
    running.stopped().await;
}
