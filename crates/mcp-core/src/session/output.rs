//! What a session wants done.

use std::time::Instant;

use crate::error::CloseReason;
use crate::transport::{CloseReport, Outbound, TransportError};

/// The answer of `poll_output`. `E` is the session's event type.
#[derive(Debug)]
#[must_use = "an output that is not carried out is lost, and the session hangs"]
pub enum Output<E> {
    /// Send this.
    Transmit(Outbound),
    /// Tell the application.
    Event(E),
    /// Client: close the link if there is one, then connect at this instant, and say
    /// `handle_connected` or `handle_connect_failed`.
    Redial {
        /// Not before.
        at: Instant,
    },
    /// Close the link, if there is one. What was transmitted before goes out first, and nothing is
    /// transmitted afterwards; what still comes in, or that the link has ended, is ignored. The last
    /// event may follow, and `Wait(None)` from then on, unless a client may redial on demand.
    Close(CloseReason),
    /// Nothing more to do, until this instant or until something happens.
    Wait(Option<Instant>),
}

/// Why a link ended, from what its driver knows.
pub(super) fn link_end(error: Option<TransportError>, report: CloseReport) -> CloseReason {
    match error {
        Some(error) => CloseReason::LinkFailed { error, closed: report },
        None => CloseReason::PeerClosed(report),
    }
}
