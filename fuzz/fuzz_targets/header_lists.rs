//! Any bytes as `header_lists` input; see `mcp_http::fuzzing::header_lists`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mcp_http::fuzzing::header_lists(data));
