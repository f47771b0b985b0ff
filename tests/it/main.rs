//! Integration tests over real pipes, with real servers: one module a subject.

// Clippy frees only `#[test]` functions; here every function serves a test.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[cfg(target_os = "linux")]
mod burst;
mod cancel_safety;
mod compliance;
mod fixtures;
mod http_faults;
mod http_rules;
mod interop;
mod many_calls;
#[cfg(target_os = "linux")]
mod memory;
mod mounted;
mod new_transport;
mod oauth;
mod program;
mod program_bridge;
mod program_http;
mod program_remote;
mod real_servers;
mod router;
#[cfg(target_os = "linux")]
mod stream_memory;
mod transcripts;

// The templates of `cargo xtask new-transport` are for a crate named `sketch`, which is this one here.
extern crate self as sketch;
#[allow(unreachable_pub)]
#[path = "../../xtask/templates/src/lib.rs"]
mod sketch_lib;
// The other kinds only have to compile.
#[allow(dead_code, unreachable_pub)]
#[path = "../../xtask/templates/src/frames.rs"]
mod sketch_frames;
#[allow(dead_code, unreachable_pub)]
#[path = "../../xtask/templates/src/lanes.rs"]
mod sketch_lanes;
use sketch_lib::{SketchClient, SketchServer};
