//! What a handler can do with the stream that its answer travels on.

use std::fmt;
use std::sync::{Arc, Weak};

use mcp_core::transport::Lane;

use super::lane::Delivery;
use super::session::Session;
use super::stream::can_poll;

/// Lets a handler close the connection that its client waits on, without ending the exchange: the client comes back
/// and asks for the rest (polling, ledger SSE-S-006). Good for work of many minutes, which no proxy keeps a connection
/// open for.
///
/// Found in the [`Envelope`](mcp_core::transport::Envelope) of each request of a legacy session:
///
/// ```
/// use mcp_core::transport::Envelope;
/// use mcp_http::server::StreamControl;
///
/// fn long_work_starts(envelope: &Envelope) {
///     if let Some(stream) = envelope.get::<StreamControl>() {
///         // A client that cannot come back just goes on waiting.
///         let _cannot = stream.close_stream();
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
    /// The client could not come back: its revision is older than 2025-11-25, it takes no streams, or there is no
    /// event store.
    #[error("the client cannot take this stream up again")]
    NotResumable,
    /// The exchange is over, or nobody waits for it any more.
    #[error("the exchange is over")]
    Ended,
}

impl StreamControl {
    pub(super) fn new(session: &Arc<Session>, lane: Lane) -> StreamControl {
        StreamControl { session: Arc::downgrade(session), lane }
    }

    /// Closes the connection. What is said from here on is kept until the client comes back. Nothing happens if no
    /// connection is open.
    ///
    /// An answer that has no form yet becomes a stream by this: it starts with the event that the client comes back
    /// with, and the time that it waits before (SSE-S-004, SSE-S-007).
    ///
    /// # Errors
    ///
    /// [`CloseStreamError`]: then nothing was changed.
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
