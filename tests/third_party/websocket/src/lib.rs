//! MCP over WebSocket: one message per text frame.
//!
//! No revision of MCP defines this binding; existing implementations agree on it. The client offers the subprotocol `mcp`
//! and the server selects it. A binary frame closes the connection with code 1003, a message that is too long with 1009.
//!
//! A WebSocket delivers whole frames in order, so [`Framed`](mcp_core::transport::framed::Framed) implements the contract.
//! This crate adds the handshake and the closing.

mod client;
mod server;
mod texts;

pub use client::WebSocketClient;
pub use server::WebSocketServer;

/// The subprotocol that both sides name in the handshake.
const SUBPROTOCOL: &str = "mcp";

/// The limit for the length of a message that is read, in bytes.
pub const MAX_MESSAGE: usize = 16 << 20;
