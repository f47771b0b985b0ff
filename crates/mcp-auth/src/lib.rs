//! OAuth for MCP (Model Context Protocol) over HTTP, in all revisions that define authorization.
//!
//! - Feature `client` (default): [`client`] logs in to MCP servers and keeps what it got.
//! - Feature `server`: [`server`] protects an MCP server with tokens of an authorization server.
//!
//! The crate uses the public API of `mcp-http` alone. It contains no authorization server.

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
