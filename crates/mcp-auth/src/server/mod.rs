//! Protecting an MCP server: protected-resource metadata, challenges, tokens and scopes.
//!
//! [`ResourceServer`] is an [`Authenticate`](mcp_http::server::Authenticate): it checks the access token of every
//! request against the authorization servers that it trusts, and what the token allows against the request in the body.
//!
//! ```no_run
//! # fn example(server: std::sync::Arc<dyn mcp_core::transport::Accept>) -> Result<(), mcp_auth::server::ConfigError> {
//! use mcp_auth::server::{Issuer, ResourceServer, Scopes};
//! use mcp_http::HttpServer;
//!
//! let resource = ResourceServer::builder("https://mcp.example.com/mcp")
//!     .issuer(Issuer::new("https://login.example.com"))
//!     .scopes(Scopes::all(["mcp:read"]).tool("publish", ["mcp:write"]))
//!     .build()?;
//! let http = HttpServer::new(server).allow_host("mcp.example.com");
//! let http = resource.protect(http); // the endpoint, and the metadata document beside it
//! # let _ = http; Ok(())
//! # }
//! ```
//!
//! A handler finds the caller as [`Identity`](mcp_core::transport::Identity) in the envelope of its request: subject,
//! issuer, client, scopes, expiry and claims, never the token.

mod cache;
mod challenge;
mod claims;
mod header;
mod introspection;
mod issuer;
mod keys;
mod metadata;
mod resource;
mod scopes;

#[cfg(test)]
mod tests;

pub use issuer::{Introspection, Issuer};
pub use resource::{ConfigError, ResourceServer, ResourceServerBuilder};
pub use scopes::Scopes;
