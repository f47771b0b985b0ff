//! What a server session dropped.

/// Counters of input that a server session dropped. They only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerStats {
    /// Responses that match no request of the server: late ones, duplicates, unknown ids.
    pub stray_responses: u64,
}
