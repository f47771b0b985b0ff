//! What a client session dropped: counted, because it is not told.

/// Counters of what came in and was dropped. They only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientStats {
    /// Answers to requests that were done: cancelled, timed out, answered before (ledger CANC-B-005).
    pub late: u64,
    /// Answers to requests that were never made, and errors that name none.
    pub unknown: u64,
    /// Input that was no message at all.
    pub garbage: u64,
    /// Notifications that name nothing in flight, or that are malformed (ledger PROG-B-006, CANC-B-007).
    pub dropped_notifications: u64,
    /// Notifications of the application that waited for a link in too great a number; the oldest went.
    pub dropped_waiting: u64,
    /// Requests of a server that may send none (ledger RPC-C-012).
    pub ignored_requests: u64,
}
