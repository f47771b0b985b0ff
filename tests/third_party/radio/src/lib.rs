//! MCP over a simulated radio, which loses and reorders packets. Each packet is acknowledged, and sent again until it is.
//!
//! Every exchange has a lane, so a lost packet delays only its exchange. The acknowledgement of a message that expects no
//! answer is reported as `Delivered`. There is no connection: a peer that is silent for a while counts as gone.
//!
//! A task, the modem, does the work that must not wait for a poll. The link is two bounded channels to it.

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
