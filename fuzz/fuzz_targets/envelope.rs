//! Any bytes as `envelope` input; see `mcp_core::fuzzing::envelope`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mcp_core::fuzzing::envelope(data));
