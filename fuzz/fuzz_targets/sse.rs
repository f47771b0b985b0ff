//! Any bytes as `sse` input; see `mcp_http::fuzzing::sse`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mcp_http::fuzzing::sse(data));
