//! The bounds of a bridge.

use std::time::Duration;

/// The bounds of a bridge. Each has a default; the error of what exceeds one names it. A time of zero is over at once;
/// [`Duration::MAX`] never is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// The most open upstream servers of one entry. At that number the one that was idle for longest is closed; if none
    /// is idle, the request is refused as busy. Default 100.
    pub upstreams: usize,
    /// The most upstream sessions of one caller that differ in the client capabilities they were opened with. Only
    /// legacy upstream servers need several. Beyond it the one used least recently is used again, and questions that its client could not
    /// answer are refused. Default 4.
    pub variants: usize,
    /// The most calls of one caller that wait for answers of their client outside of a request. Default 256.
    pub parked: usize,
    /// The most questions of one call that wait for a client which answers by a retry. Further ones are refused. Default
    /// 64.
    pub questions: usize,
    /// How long such a call waits. Default 10 min.
    pub parked_for: Duration,
    /// How long an upstream server that belongs to a caller, and not to a link, may be idle before it is closed. A limit
    /// under 1 s, zero included, is noticed within 1 s. Default 10 min.
    pub idle: Duration,
    /// The longest time of one call, without the time in which its client is asked. Default 1 h.
    pub call: Duration,
    /// How long calls may go on after their client has closed its sending side. Default 5 s.
    pub linger: Duration,
    /// How long an upstream server may take to start. Default 60 s.
    pub start: Duration,
    /// How long an upstream server may leave `server/discover` unanswered before it counts as a legacy server. Shorter than
    /// the time for which clients wait for the same answer of the bridge. Default 5 s.
    pub probe: Duration,
    /// How often, consecutively, an upstream server may fail to start or end by itself before it has answered anything, until
    /// it is given up for [`Limits::give_up`]. With 1 it is given up whenever it ends. Default 5.
    pub failures: u32,
    /// How long a failing upstream server is left alone; [`Duration::MAX`]: for good. Default 5 min.
    pub give_up: Duration,
    /// The most starts of one entry's upstream servers in a second; further ones wait for their turn within
    /// [`Limits::start`]. At least 1. Default 10.
    pub starts: u32,
    /// The most calls in flight on one upstream session. One more is refused as busy. Default 256.
    pub calls: usize,
    /// The most notifications of one call that wait for a slow client. One more ends the call with an error. Default
    /// 16,384.
    pub notifications: usize,
    /// The most bytes that an upstream server's notifications and questions may take while they wait. Default 16 MiB.
    pub waiting_bytes: usize,
    /// The most resources that one link of a legacy client may be subscribed to. Default 1,024.
    pub subscriptions: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            upstreams: 100,
            variants: 4,
            parked: 256,
            questions: 64,
            parked_for: Duration::from_secs(600),
            idle: Duration::from_secs(600),
            call: Duration::from_secs(3600),
            linger: Duration::from_secs(5),
            start: Duration::from_secs(60),
            probe: Duration::from_secs(5),
            failures: 5,
            give_up: Duration::from_secs(300),
            starts: 10,
            calls: 256,
            notifications: 16_384,
            waiting_bytes: 16 << 20,
            subscriptions: 1024,
        }
    }
}
