//! Any bytes as `lines` input; see `mcp_core::fuzzing::lines`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mcp_core::fuzzing::lines(data));
