//! The crate from outside: both roles, on real HTTP.

mod client_answers;
mod client_legacy;
mod client_modern;
mod client_peer;
mod client_resume;
mod client_sse24;
