//! One simulated link: the messages in flight, and when they arrive.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use mcp_core::message::Message;
use mcp_core::session::server::ServerSession;
use mcp_core::transport::{Binding, Lane};

use super::lanes::{ClientLanes, ServerLanes};
use super::log::Side;

/// How a link behaves. Jitter does not reorder messages of ordered bindings. Only bindings with exchanges can lose one.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct LinkConditions {
    /// The delay of every message, in each direction, and of connecting.
    pub delay: Duration,
    /// The largest additional delay. The additional delays are pseudo-random, so that lanes overtake each other.
    pub jitter: Duration,
    /// The period, in messages, after which an exchange is cut: the client gets `Lost`, the server `Ended`.
    pub lose_every: Option<u32>,
    // FAULT C-34.
    /// The period, in messages, after which a message arrives twice.
    pub double_every: Option<u32>,
    /// The number of messages after which a link fails.
    pub cut_after: Option<u32>,
}

/// Something in flight, or the end of one side.
pub(super) enum Wire {
    Message { message: Message, lane: Lane, last: bool },
    End { lane: Lane },
    Delivered { lane: Lane },
    Lost { lane: Lane },
    Closed,
}

pub(super) struct Flight {
    pub(super) at: Instant,
    /// Messages with the same arrival time arrive in the order they were sent.
    seq: u64,
    pub(super) to: Side,
    pub(super) what: Wire,
}

/// A link with its server session.
pub(super) struct Link {
    pub(super) server: ServerSession,
    pub(super) server_wait: Option<Instant>,
    pub(super) flights: Vec<Flight>,
    pub(super) client_lanes: ClientLanes,
    pub(super) server_lanes: ServerLanes,
    /// The client still receives.
    pub(super) client_open: bool,
    /// The server still receives and sends.
    pub(super) server_open: bool,
    /// The link was cut, not closed.
    pub(super) failed: bool,
    pub(super) messages: u32,
    seq: u64,
    random: u64,
    /// The last arrival in each direction, by lane where order is kept by lane.
    arrivals: HashMap<(bool, Lane), Instant>,
}

impl Link {
    pub(super) fn new(server: ServerSession, number: usize) -> Link {
        Link {
            server,
            server_wait: None,
            flights: Vec::new(),
            client_lanes: ClientLanes::default(),
            server_lanes: ServerLanes::default(),
            client_open: true,
            server_open: true,
            failed: false,
            messages: 0,
            seq: 0,
            random: 0x9E37_79B9_7F4A_7C15 ^ number as u64,
            arrivals: HashMap::new(),
        }
    }

    /// Sends something.
    pub(super) fn fly(
        &mut self,
        now: Instant,
        conditions: &LinkConditions,
        binding: Binding,
        to: Side,
        what: Wire,
    ) {
        let lane = match &what {
            _ if binding.ordered => Lane::SHARED,
            Wire::Message { lane, .. }
            | Wire::End { lane }
            | Wire::Delivered { lane }
            | Wire::Lost { lane } => *lane,
            Wire::Closed => Lane::SHARED,
        };
        let mut at = crate::after(crate::after(now, conditions.delay), self.jitter(conditions.jitter));
        // Nothing arrives after the end.
        if let Wire::Closed = what {
            at = self
                .flights
                .iter()
                .filter(|flight| flight.to == to)
                .map(|flight| flight.at)
                .fold(at, Instant::max);
        }
        let last = self.arrivals.entry((to == Side::Client, lane)).or_insert(at);
        at = at.max(*last);
        *last = at;
        self.seq += 1;
        self.flights.push(Flight { at, seq: self.seq, to, what });
    }

    fn jitter(&mut self, most: Duration) -> Duration {
        if most.is_zero() {
            return Duration::ZERO;
        }
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        most.mul_f64((self.random >> 11) as f64 / (1_u64 << 53) as f64)
    }

    /// When the next thing arrives.
    pub(super) fn next_arrival(&self) -> Option<Instant> {
        self.flights.iter().map(|flight| flight.at).min()
    }

    /// The next thing that has arrived.
    pub(super) fn arrived(&mut self, now: Instant) -> Option<Flight> {
        let (index, _) = self
            .flights
            .iter()
            .enumerate()
            .filter(|(_, flight)| flight.at <= now)
            .min_by_key(|(_, flight)| (flight.at, flight.seq))?;
        Some(self.flights.swap_remove(index))
    }
}
