//! OAuth for MCP (Model Context Protocol) over HTTP, in all revisions that define authorization.
//!
//! # A client
//!
//! [`client`] logs in to MCP servers, keeps what it got, and refreshes it. No request opens a browser unless the application
//! asks for that: it fails with [`LoginNeeded`](client::OAuthError::LoginNeeded).
//!
//! ```no_run
//! # #[cfg(feature = "client")]
//! # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
//! use mcp_auth::client::{FileStore, OAuth};
//! use mcp_core::client::Client;
//! use mcp_http::HttpClient;
//!
//! let oauth = OAuth::builder().client_name("my-app").store(FileStore::default_place()?).build();
//! let url = "https://mcp.example.com/mcp";
//! let server = HttpClient::new(url)?.authorize(oauth.resource(url)?);
//! let client = Client::builder("my-app", "1.0.0").connect(server).await?;
//! # let _ = client; Ok(())
//! # }
//! ```
//!
//! # A server
//!
//! [`server`] accepts the tokens of an authorization server, and refuses requests that they do not allow.
//!
//! ```no_run
//! # #[cfg(feature = "server")]
//! # async fn serve(server: mcp_core::server::Server) -> Result<(), Box<dyn std::error::Error>> {
//! use mcp_auth::server::{Issuer, ResourceServer, Scopes};
//! use mcp_http::HttpServer;
//!
//! let resource = ResourceServer::builder("https://mcp.example.com/mcp")
//!     .issuer(Issuer::new("https://login.example.com"))
//!     .scopes(Scopes::all(["mcp:read"]).tool("publish", ["mcp:write"]))
//!     .build()?;
//! let http = resource.protect(HttpServer::new(server).allow_host("mcp.example.com"));
//! http.bind("127.0.0.1:8080").await?.serve().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Use
//!
//! Depend on a checkout of the repository by path, or on its URL by `git`:
//!
//! ```toml
//! [dependencies]
//! mcp-auth = { path = "../mcp/crates/mcp-auth", features = ["server"] }
//! mcp-core = { path = "../mcp/crates/mcp-core" }
//! mcp-http = { path = "../mcp/crates/mcp-http" }
//! tokio = { version = "1", features = ["macros", "rt-multi-thread"] }
//! ```
//!
//! | feature | adds | default |
//! |---|---|---|
//! | `client` | logging in to MCP servers | yes |
//! | `server` | protecting an MCP server | no |
//! | `tls` | https, by rustls with ring | yes |
//!
//! The guide is `docs/authorization.md` in the repository. The crate uses the public API of `mcp-http` alone, and contains no
//! authorization server.

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

#[allow(dead_code, unused_imports, reason = "shared by both sides")]
mod jose;
#[cfg(any(feature = "client", feature = "server"))]
mod lock;
#[allow(dead_code, unused_imports, reason = "shared by both sides")]
mod metadata;
#[allow(dead_code, unused_imports, reason = "shared by both sides")]
mod urls;

#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "server")]
pub mod server;

pub use jose::Algorithm;
