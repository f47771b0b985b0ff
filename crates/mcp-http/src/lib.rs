//! MCP (Model Context Protocol) over HTTP: a client and a server, both eras, on hyper.
//!
//! # A client
//!
//! ```no_run
//! use mcp_core::client::Client;
//! use mcp_http::HttpClient;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let server = HttpClient::new("https://mcp.example.com/mcp")?.bearer(std::env::var("MCP_TOKEN")?);
//! let client = Client::builder("my-app", "1.0.0").connect(server).await?;
//! for tool in client.list_tools().await? {
//!     println!("{}", tool.name);
//! }
//! client.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! # A server
//!
//! One URL serves clients of all revisions. Other hosts than loopback have to be allowed.
//!
//! ```no_run
//! use mcp_core::server::{Router, Server};
//! use mcp_http::HttpServer;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let router = Router::new().tool("hello", async |_arguments, _context| Ok("Hello!"));
//! let server = Server::builder("my-server", "1.0.0").build(router)?;
//! HttpServer::new(server).bind("127.0.0.1:8080").await?.serve().await;
//! # Ok(())
//! # }
//! ```
//!
//! In axum, mount [`HttpServer::service`](server) (feature `tower`) with `route_service("/mcp", service)`.
//!
//! # Overview
//!
//! [`HttpClient`] connects a client to the endpoint behind a URL, and [`HttpServer`] serves one. [`discover`] finds the
//! endpoint behind a host name, and [`net`] has the settings of connections: TLS, proxies, credentials, limits.
//!
//! # Use
//!
//! Depend on a checkout of the repository by path, or on its URL by `git`:
//!
//! ```toml
//! [dependencies]
//! mcp-core = { path = "../mcp/crates/mcp-core", features = ["macros"] }
//! mcp-http = { path = "../mcp/crates/mcp-http" }
//! tokio = { version = "1", features = ["macros", "rt-multi-thread"] }
//! ```
//!
//! | feature | adds | default |
//! |---|---|---|
//! | `tls` | https on both sides, by rustls with ring | yes |
//! | `tower` | the server as a `tower::Service`, for axum and others | no |
//!
//! The types of headers, methods and URLs are those of the [`http`] crate, which is re-exported. With the feature `tls`,
//! which is on by default, `https` is spoken by [rustls](https://docs.rs/rustls).
//!
//! The guides are `docs/connecting.md`, `docs/deploying.md` and `docs/security.md` in the repository.

// What a peer or a user sends must not panic. A place that stays gives its reason.
#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unimplemented,
        clippy::unreachable
    )
)]

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

/// Builds a future directly on the heap; `Box::pin` would move it there from the stack.
fn boxed<F: Future>(make: impl FnOnce() -> F) -> std::pin::Pin<Box<F>> {
    let memory = Box::new_uninit();
    Box::into_pin(Box::write(memory, make()))
}

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
