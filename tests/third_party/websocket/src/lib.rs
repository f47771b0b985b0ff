//! MCP over WebSocket: one text frame, one message.
//!
//! No revision of MCP defines this binding; it is the one that implementations in use agree on. The client offers
//! the subprotocol `mcp` and the server selects it; a binary frame is answered by closing with 1003, and a
//! message that is too long with 1009.
//!
//! A WebSocket delivers whole frames in order, so [`Framed`](mcp_core::transport::framed::Framed) keeps the
//! contract. What is left is the handshake and the closing.

mod client;
mod server;
mod texts;

pub use client::WebSocketClient;
pub use server::WebSocketServer;

/// What both sides have to name in the handshake.
const SUBPROTOCOL: &str = "mcp";

/// The longest message that is read, in bytes.
pub const MAX_MESSAGE: usize = 16 << 20;
