//! The log of the simulated wire.

use std::fmt;
use std::time::Duration;

use mcp_core::transport::Lane;

/// The sender of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The client.
    Client,
    /// The server.
    Server,
}

/// One message, at the time it was sent. Displayed as `0.020 C> lane 1 {…}`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line {
    /// The virtual time since the start.
    pub at: Duration,
    /// The number of the link, counted from 1.
    pub link: usize,
    /// Who sent it.
    pub from: Side,
    /// The lane, as the client numbers it.
    pub lane: Lane,
    /// The message as text, or another event in brackets: `(End: Cancelled)`, `(lost)`.
    pub text: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrow = match self.from {
            Side::Client => "C>",
            Side::Server => "S<",
        };
        write!(f, "{:.3} {arrow} {:?} {}", self.at.as_secs_f64(), self.lane, self.text)
    }
}
