//! Any bytes as `header_values` input; see `mcp_http::fuzzing::header_values`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mcp_http::fuzzing::header_values(data));
