//! The core of the MCP transport framework: messages, the transport contract, sessions, handles.

pub mod message;
