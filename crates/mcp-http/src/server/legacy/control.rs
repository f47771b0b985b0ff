//! A handler's control over the stream of its answer.

use std::fmt;
use std::sync::{Arc, Weak};

use mcp_core::transport::Lane;

use super::lane::Delivery;
use super::session::Session;
use super::stream::can_poll;

// Ledger SSE-S-006.
/// Closes the connection on which a client waits without ending the exchange. The client reconnects and reads the rest
/// (polling). Use it for work of many minutes, for which proxies do not keep a connection open.
///
/// Found in the [`Envelope`](mcp_core::transport::Envelope) of each request of a legacy session:
///
/// ```
/// use mcp_core::transport::Envelope;
/// use mcp_http::server::StreamControl;
///
/// fn long_work_starts(envelope: &Envelope) {
///     if let Some(stream) = envelope.get::<StreamControl>() {
///         // A client that cannot reconnect keeps its connection.
///         let _kept_open = stream.close_stream();
///     }
/// }
/// ```
#[derive(Clone)]
pub struct StreamControl {
    session: Weak<Session>,
    lane: Lane,
}

/// Why a stream was not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CloseStreamError {
    /// The client could not resume the stream: its revision is older than 2025-11-25, it accepts no streams, or the server
    /// has no event store.
    #[error("the client cannot resume this stream")]
    NotResumable,
    /// The exchange has ended, or its client has hung up.
    #[error("the exchange has ended")]
    Ended,
}

impl StreamControl {
    pub(super) fn new(session: &Arc<Session>, lane: Lane) -> StreamControl {
        StreamControl { session: Arc::downgrade(session), lane }
    }

    // Ledger SSE-S-004, SSE-S-007.
    /// Closes the connection. Later messages are kept until the client reconnects. Has no effect if no connection is open.
    ///
    /// An answer without output becomes a stream, which starts with an event id for the client to resume from and the time
    /// to wait before it.
    ///
    /// # Errors
    ///
    /// [`CloseStreamError`]: nothing was changed.
    pub fn close_stream(&self) -> Result<(), CloseStreamError> {
        let session = self.session.upgrade().ok_or(CloseStreamError::Ended)?;
        let answer = {
            let mut state = session.lock();
            let version = state.version;
            let exchange = state.exchanges.get_mut(&self.lane.number()).ok_or(CloseStreamError::Ended)?;
            if !can_poll(version) || session.store().is_none() || !exchange.formats.events() {
                return Err(CloseStreamError::NotResumable);
            }
            if matches!(&exchange.delivery, Delivery::Undecided(to) if to.is_closed()) {
                exchange.delivery = Delivery::Gone;
            }
            let answer = session.open_stream(exchange, self.lane, version, false);
            match &mut exchange.delivery {
                Delivery::Stream(stream) => stream.end_connection(),
                Delivery::Undecided(_) | Delivery::Gone => return Err(CloseStreamError::Ended),
            };
            answer
        };
        if let Some((to, answer)) = answer {
            session.answer(to, answer);
        }
        Ok(())
    }
}

/// Shows no session.
impl fmt::Debug for StreamControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamControl").field("lane", &self.lane).finish()
    }
}
