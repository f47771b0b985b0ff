//! Any bytes as `uris` input; see `mcp_http::fuzzing::uris`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mcp_http::fuzzing::uris(data));
