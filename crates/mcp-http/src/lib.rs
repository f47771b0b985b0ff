//! MCP over HTTP: both eras, client and server, over raw hyper.

mod error;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
pub mod headers;
mod media;
mod param;
mod secret;
pub mod sse;

pub mod client;
pub mod discover;
pub mod net;
pub mod server;

pub use client::HttpClient;
pub use error::{ConnectFailure, HttpError, Refused, TimeoutStep};
pub use http;
#[cfg(feature = "tls")]
pub use rustls;
pub use secret::Secret;
pub use server::HttpServer;
