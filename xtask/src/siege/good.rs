//! The good user: one small exchange after the other on new connections, beside an attack.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use super::wire;
use crate::Outcome;

/// The pause between two exchanges.
const PAUSE: Duration = Duration::from_millis(50);

/// What the good user met.
#[derive(Default)]
pub(super) struct Met {
    pub(super) longest: Duration,
    pub(super) faults: Vec<String>,
}

pub(super) struct GoodUser {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Met>,
}

impl GoodUser {
    /// Repeats the exchange with the server at this address until it is stopped.
    pub(super) fn start(address: &str, exchange: fn(&str) -> Outcome<()>) -> GoodUser {
        let over = Arc::<AtomicBool>::default();
        let thread = spawn({
            let (address, over) = (address.to_owned(), over.clone());
            move || {
                let (mut longest, mut failed, mut last) = (Duration::ZERO, 0, String::new());
                while !over.load(Ordering::Relaxed) {
                    let start = Instant::now();
                    if let Err(why) = exchange(&address) {
                        failed += 1;
                        last = why;
                    }
                    longest = longest.max(start.elapsed());
                    sleep(PAUSE);
                }
                let faults = (failed > 0).then(|| format!("{failed} good calls failed ({last})"));
                Met { longest, faults: faults.into_iter().collect() }
            }
        });
        GoodUser { over, thread }
    }

    pub(super) fn stop(self) -> Met {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

/// A modern call.
pub(super) fn call(address: &str) -> Outcome<()> {
    let request = wire::tool(address, "echo", r#"{"text":"hello"}"#);
    wire::exchange(address, &request).and_then(|answer| expect(&answer, "hello"))
}

/// A new legacy session, which is ended again.
pub(super) fn session(address: &str) -> Outcome<()> {
    let answer = wire::exchange(address, &wire::initialize(address, "2025-11-25"))?;
    expect(&answer, "serverInfo")?;
    let id = wire::header(&answer, "mcp-session-id").ok_or("no session id")?.to_owned();
    let delete = format!(
        "DELETE /mcp HTTP/1.1\r\nHost: {address}\r\nMcp-Session-Id: {id}\r\nConnection: close\r\n\r\n"
    );
    wire::exchange(address, &delete).map(drop)
}

fn expect(answer: &str, part: &str) -> Outcome<()> {
    if answer.starts_with("HTTP/1.1 200") && answer.contains(part) {
        return Ok(());
    }
    // The text of an error names the limit.
    let status = answer.lines().next().unwrap_or("no answer");
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    Err(format!("{status}: {}", body.chars().take(200).collect::<String>()))
}
