//! A server and a client whose protocol code is that of rmcp.
//!
//! `rmcp-peer server [--http]` serves both eras, over stdio or HTTP at a free port.
//! `rmcp-peer client MODE PROGRAM|URL [ARGUMENTS]` has the conversation of `tests/interop/clients`.

// A program for tests: a step that fails may panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]

mod client;
mod server;
mod words;

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["server"] => server::over_stdio().await,
        ["server", "--http"] => server::over_http().await,
        ["client", mode, server, ref arguments @ ..] => client::run(mode, server, arguments).await,
        _ => panic!("rmcp-peer server [--http] | client MODE SERVER"),
    }
}
