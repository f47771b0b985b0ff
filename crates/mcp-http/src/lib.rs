//! MCP (Model Context Protocol) over HTTP: a client and a server, both eras, on hyper.
//!
//! [`HttpClient`] connects a client to the endpoint behind a URL, and [`HttpServer`] serves one. [`discover`] finds the
//! endpoint behind a host name, and [`net`] has the settings of connections: TLS, proxies, credentials, limits.
//!
//! The types of headers, methods and URLs are those of the [`http`] crate, which is re-exported. With the feature `tls`,
//! which is on by default, `https` is spoken by [rustls](https://docs.rs/rustls).

mod auth_scheme;
mod error;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod headers;
mod lock;
mod media;
mod param;
mod secret;
mod sse;
mod sync;

pub mod client;
pub mod discover;
pub mod net;
pub mod server;

pub use client::HttpClient;
pub use error::{ConnectFailure, HttpError, NotMcp, Refused, TimeoutStep};
pub use http;
#[cfg(feature = "tls")]
pub use rustls;
pub use secret::Secret;
pub use server::HttpServer;
