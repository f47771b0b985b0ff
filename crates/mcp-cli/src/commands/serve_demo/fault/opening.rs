//! Faults of the opening: servers of another age.

use std::io;

use serde_json::json;

use super::script::{Ask, each, say};

/// Many deployed servers exit when the first request is not `initialize`.
// FAULT C-42.
pub(super) fn dies_on_probe() -> io::Result<()> {
    probed(|_| {
        eprint_line("expected initialize");
        std::process::exit(1)
    })
}

/// The probe is ignored.
// FAULT C-42.
pub(super) fn silent_on_probe() -> io::Result<()> {
    probed(|_| Ok(()))
}

/// The honest answer of a server that does not know the method.
// FAULT C-42.
pub(super) fn probe_error_32601() -> io::Result<()> {
    probed(|ask| say(&ask.error(-32601, "Method not found")))
}

/// The answer of a server that checks for a session before it looks at the method.
// FAULT C-42.
pub(super) fn probe_error_32602() -> io::Result<()> {
    probed(|ask| say(&ask.error(-32602, "Invalid request parameters")))
}

/// An older version than the one that was offered.
// FAULT C-43.
pub(super) fn older_version() -> io::Result<()> {
    versioned("2024-11-05")
}

/// A version that no client knows.
// FAULT C-43.
pub(super) fn newer_version() -> io::Result<()> {
    versioned("2099-01-01")
}

fn versioned(version: &'static str) -> io::Result<()> {
    each(|ask| match ask.method.as_str() {
        "server/discover" => say(&ask.error(-32601, "Method not found")),
        "initialize" => say(&ask.initialized(&json!(version))),
        _ => say(&ask.answer()),
    })
}

/// A legacy server that meets the probe in its own way.
fn probed(mut probe: impl FnMut(&Ask) -> io::Result<()>) -> io::Result<()> {
    each(|ask| if ask.method == "server/discover" { probe(ask) } else { say(&ask.answer()) })
}

fn eprint_line(text: &str) {
    crate::terminal::out::note(format!("{text}\n"));
}
