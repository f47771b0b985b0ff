//! The core of the MCP transport framework: messages, the transport contract, sessions, handles.

mod error;
pub mod message;
pub mod model;
pub mod session;
pub mod transport;

pub use error::{CloseReason, Error};
