//! The outputs of a session.

use std::time::Instant;

use crate::error::CloseReason;
use crate::transport::{CloseReport, Outbound, TransportError};

/// What `poll_output` returns. `E` is the session's event type.
#[derive(Debug)]
#[must_use = "an output that is not carried out is lost, and the session hangs"]
pub enum Output<E> {
    /// Send this message, or end this lane.
    Transmit(Outbound),
    /// Report this to the application.
    Event(E),
    /// Clients only: close the link if there is one, connect at this instant, then call `handle_connected` or
    /// `handle_connect_failed`.
    Redial {
        /// The earliest time to connect.
        at: Instant,
    },
    /// Close the link, if there is one, after everything transmitted before has been sent. Nothing more is
    /// transmitted, and further input is ignored. A last event may follow, then `Wait(None)` only, unless a client
    /// reconnects on demand.
    Close(CloseReason),
    /// Nothing to do until this instant or the next input.
    Wait(Option<Instant>),
}

/// Why a link ended, from what its driver knows.
pub(super) fn link_end(error: Option<TransportError>, report: CloseReport) -> CloseReason {
    match error {
        Some(error) => CloseReason::LinkFailed { error, closed: report },
        None => CloseReason::PeerClosed(report),
    }
}
