//! Faults of what is said when.

use std::io::{self, BufRead};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::script::{Ask, each, each_call, say};

/// How long a request is held for another to come.
const HOLD: Duration = Duration::from_millis(100);

/// Many notifications, then the reply.
// FAULT C-13.
pub(super) fn flood() -> io::Result<()> {
    each_call(|ask| {
        for step in 0..20_000 {
            match ask.progress(step) {
                Some(progress) => say(&progress)?,
                None => {
                    say(&json!({"jsonrpc": "2.0", "method": "notifications/example", "params": {"n": step}}))?
                }
            }
        }
        say(&ask.answer())
    })
}

/// Each reply twice.
// FAULT C-34.
pub(super) fn duplicate_replies() -> io::Result<()> {
    each(|ask| {
        say(&ask.answer())?;
        say(&ask.answer())
    })
}

/// Replies that answer nothing.
// FAULT C-34.
pub(super) fn unknown_id() -> io::Result<()> {
    each(|ask| {
        say(&json!({"jsonrpc": "2.0", "id": 999_999, "result": {"content": []}}))?;
        say(&json!({"jsonrpc": "2.0", "id": "never-asked", "error": {"code": -32603, "message": "no"}}))?;
        say(&ask.answer())
    })
}

/// The newest first, and progress of the others in between.
// FAULT C-40.
pub(super) fn out_of_order() -> io::Result<()> {
    let (sender, asks) = mpsc::channel();
    let reader = thread::spawn(move || {
        let lines = io::stdin().lock().lines().map_while(Result::ok);
        for ask in lines.filter_map(|line| Ask::read(&line)) {
            if sender.send(ask).is_err() {
                break;
            }
        }
    });
    let mut held: Vec<Ask> = Vec::new();
    loop {
        match asks.recv_timeout(HOLD) {
            Ok(ask) if ask.is_call() => held.push(ask),
            Ok(ask) => say(&ask.answer())?,
            Err(end) => {
                while let Some(ask) = held.pop() {
                    for progress in held.iter().filter_map(|waiting| waiting.progress(held.len() as u64)) {
                        say(&progress)?;
                    }
                    say(&ask.answer())?;
                }
                if end == mpsc::RecvTimeoutError::Disconnected {
                    break;
                }
            }
        }
    }
    reader.join().map_err(|_| io::Error::other("the reader failed"))
}

/// A request from the server, which 2026-07-28 does not have.
// FAULT C-41.
pub(super) fn server_request() -> io::Result<()> {
    each(|ask| {
        say(&json!({"jsonrpc": "2.0", "id": "from-server", "method": "roots/list"}))?;
        say(&ask.answer())
    })
}
