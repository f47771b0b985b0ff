//! Counters of a client session.

/// Counters of input that a client session dropped. They only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientStats {
    /// Answers to requests that had ended: cancelled, timed out or answered before.
    pub late: u64,
    /// Answers to requests that were never sent, and errors without an id.
    pub unknown: u64,
    /// Input that is not a JSON-RPC message.
    pub garbage: u64,
    /// Notifications that are malformed or name nothing in flight.
    pub dropped_notifications: u64,
    /// The application's notifications that were dropped because too many waited for a link.
    pub dropped_waiting: u64,
    /// Requests by a modern server, which may send none.
    pub ignored_requests: u64,
}
