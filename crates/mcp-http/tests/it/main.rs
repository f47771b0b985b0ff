//! HTTP as others see it: real connections, real servers and clients, byte by byte where bytes matter.

// Clippy frees only `#[test]` functions; here every function serves a test.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod client_answers;
mod client_edges;
mod client_evidence;
mod client_flood;
mod client_legacy;
mod client_modern;
mod client_peer;
mod client_resume;
mod client_session;
mod client_sse24;
mod compliance;
mod discover;
mod discover_streams;
mod legacy_http_sse;
mod legacy_kit;
mod legacy_limits;
mod legacy_links;
mod legacy_posts;
mod legacy_sessions;
mod legacy_store;
mod legacy_streams;
mod scripted;
mod server_auth;
mod server_beside;
mod server_budgets;
mod server_documents;
mod server_extremes;
mod server_gate;
mod server_hangup;
mod server_http2_bytes;
mod server_kit;
mod server_limits;
mod server_listen;
mod server_listening;
mod server_modern;
mod server_operators;
mod server_permit;
mod server_shares;
mod server_silence;
mod server_stall;
mod server_stop;
