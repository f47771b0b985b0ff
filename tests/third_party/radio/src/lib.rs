//! MCP over a simulated radio, which loses and reorders packets: each is acknowledged, and sent again until it is.
//!
//! Every exchange is a lane of its own, so a packet that is lost holds up its own exchange and no other. The
//! acknowledgement of a message that expects no answer is its `Delivered`. There is no connection: who has not
//! been heard for a while is gone.
//!
//! A task of its own, the modem, does what must not wait for a poll. The link is two bounded channels to it.

mod air;
mod modem;

pub use air::{Air, Antenna};

use bytes::Bytes;
use mcp_core::transport::lanes::Laned;

/// The client's end of a link. Needs a tokio runtime.
pub fn client(antenna: Antenna) -> Laned<Bytes> {
    let (outgoing, incoming) = modem::start(antenna);
    Laned::client("radio", outgoing, incoming)
}

/// The server's end of a link. Needs a tokio runtime.
pub fn server(antenna: Antenna) -> Laned<Bytes> {
    let (outgoing, incoming) = modem::start(antenna);
    Laned::server("radio", outgoing, incoming)
}
