//! Our server, `mcp serve-demo`, for third-party clients and behind third-party proxies.

use super::process::Process;
use super::row::{Row, Step};
use crate::fixtures::{self, Program};

/// The program with these arguments.
pub(super) fn program(words: &[&str]) -> Option<Program> {
    let args = ["serve-demo"].iter().chain(words).map(Into::into).collect();
    Some(Program { path: fixtures::mcp_bin()?, args })
}

/// Starts it over HTTP on a free port. Returns its URL.
pub(super) async fn start(words: &[&str]) -> Option<(String, Process)> {
    let program = program(&[&["--listen", "127.0.0.1:0"], words].concat())?;
    let (process, url) = Process::start(&program, &[], "listening on ").await;
    Some((url, process))
}

/// Ends it. It must not have panicked, and must end cleanly: its exit code reports the signal.
pub(super) async fn end(row: &mut Row, server: Process) {
    let wrote = server.output();
    let status = server.end().await;
    if wrote.contains("panicked") || (cfg!(unix) && status.code() != Some(143)) {
        row.fail(Step::Close, format!("our server ended with {status}: {wrote}"));
    }
}
