//! MCP over HTTP: both eras, client and server, over raw hyper.

mod error;
pub mod headers;
#[cfg_attr(not(test), allow(dead_code, reason = "until the listener calls the server"))]
mod ladder;
#[cfg_attr(not(test), allow(dead_code, reason = "until the listener calls the server"))]
mod media;
#[cfg_attr(not(test), allow(dead_code, reason = "until the listener calls the server"))]
mod param;
mod secret;
#[cfg_attr(not(test), allow(dead_code, reason = "until the listener calls the server"))]
mod security;
pub mod sse;

pub mod client;
pub mod discover;
pub mod server;

pub use client::HttpClient;
pub use error::{ConnectFailure, HttpError, Refused};
pub use secret::Secret;
pub use server::HttpServer;
