//! What was on the simulated wire, and when.

use std::fmt;
use std::time::Duration;

use mcp_core::transport::Lane;

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The client.
    Client,
    /// The server.
    Server,
}

/// One thing that was sent, at the time it was sent. Shown as `0.020 C> lane 1 {…}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Since the start.
    pub at: Duration,
    /// Which link, counted from 1.
    pub link: usize,
    /// Who sent it.
    pub from: Side,
    /// The client's name of the lane.
    pub lane: Lane,
    /// The message as text, or in brackets what else happened: `(End: Cancelled)`, `(lost)`.
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
