//! The core of the MCP transport framework: messages, the transport contract, sessions, handles.

pub mod client;
pub mod codec;
mod driver;
mod error;
pub mod message;
pub mod model;
pub mod server;
pub mod session;
#[cfg(any(test, feature = "testkit"))]
pub mod testkit;
pub mod transport;

pub use error::{CloseReason, Error};
