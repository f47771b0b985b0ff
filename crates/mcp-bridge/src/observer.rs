//! What a bridge reports while it works: for metrics, logs and audits.

use std::time::Duration;

use mcp_core::message::ProtocolVersion;

/// Receives reports of what a bridge does. Called in place, so it must not block.
///
/// ```
/// use mcp_bridge::{Bridge, Event, Observer};
///
/// struct Calls;
///
/// impl Observer for Calls {
///     fn event(&self, event: &Event<'_>) {
///         if let Event::Forwarded { upstream, method, took, .. } = event {
///             println!("{upstream}: {method} took {took:?}");
///         }
///     }
/// }
///
/// let bridge = Bridge::builder().observer(Calls);
/// # let _ = bridge;
/// ```
pub trait Observer: Send + Sync + 'static {
    /// Something happened.
    fn event(&self, event: &Event<'_>);
}

/// What a bridge did. Names and reasons contain text of servers and clients.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// An upstream session was opened.
    Started {
        /// The name of the upstream server.
        upstream: &'a str,
        /// The negotiated revision.
        version: ProtocolVersion,
        /// How long that took, with the wait for its turn.
        took: Duration,
    },
    /// An upstream session could not be opened.
    NotStarted {
        /// The name of the upstream server.
        upstream: &'a str,
        /// Why.
        reason: &'a str,
    },
    /// An upstream session has ended.
    Ended {
        /// The name of the upstream server.
        upstream: &'a str,
        /// Why, if it ended by itself. `None` if the bridge closed it.
        reason: Option<&'a str>,
    },
    /// A request of a client went to the upstream server, and its outcome back.
    Forwarded {
        /// The name of the upstream server.
        upstream: &'a str,
        /// The method of the request.
        method: &'a str,
        /// The revision of the client.
        version: ProtocolVersion,
        /// Whether the outcome is a result. An error is that of the server, or says why there was none.
        succeeded: bool,
        /// From the request to its outcome.
        took: Duration,
    },
    /// A call waits for answers of its client, outside of a request.
    Parked {
        /// The name of the upstream server.
        upstream: &'a str,
        /// The method of the request.
        method: &'a str,
    },
    /// A request of a client was not forwarded: a filter or a bound refused it, or the upstream server cannot be used.
    Refused {
        /// The name of the upstream server.
        upstream: &'a str,
        /// The method of the request.
        method: &'a str,
        /// Why.
        reason: &'a str,
    },
}
