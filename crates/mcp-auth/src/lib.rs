//! OAuth for MCP (Model Context Protocol) over HTTP, in all revisions that define authorization.
//!
//! - Feature `client` (default): [`client`] logs in to MCP servers and keeps what it got.
//! - Feature `server`: [`server`] protects an MCP server with tokens of an authorization server.
//!
//! The crate uses the public API of `mcp-http` alone. It contains no authorization server.

mod jose;

#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "server")]
pub mod server;
