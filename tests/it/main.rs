//! Integration tests over real pipes, with real servers: one module a subject.

// Clippy frees only `#[test]` functions; here every function serves a test.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod compliance;
mod fixtures;
mod http_faults;
mod http_rules;
mod interop;
mod many_calls;
mod program;
mod program_http;
mod real_servers;
mod router;
mod transcripts;
