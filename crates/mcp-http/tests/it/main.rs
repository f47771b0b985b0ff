//! HTTP as others see it: real connections, real servers and clients, byte by byte where bytes matter.

mod legacy_kit;
mod legacy_posts;
mod legacy_sessions;
mod legacy_sse24;
mod legacy_streams;
mod server_compliance;
mod server_gate;
mod server_kit;
mod server_modern;
