//! The server's requests in flight to a legacy client. Their ids are independent of the client's.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use crate::message::RequestId;
use crate::session::departure::{Departure, Departures};
use crate::session::{ExchangeId, OutgoingId};
use crate::transport::Lane;

/// A request that the client has not answered.
#[derive(Debug)]
pub(super) struct PendingRequest {
    pub(super) lane: Lane,
    pub(super) method: String,
    pub(super) purpose: Purpose,
    deadline: Option<Instant>,
}

/// The purpose of a request to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The request for input of this index, for this exchange.
    InputQuestion(ExchangeId, usize),
    /// A request of the application.
    Request(OutgoingId),
}

/// The server's requests in flight. Ids are integers from 1.
#[derive(Debug, Default)]
pub(super) struct PendingRequests {
    pub(super) asked: Asked,
    pending: BTreeMap<i64, PendingRequest>,
    timers: BTreeSet<(Instant, i64)>,
}

/// What outlives the requests to a client.
#[derive(Debug, Default)]
pub(super) struct Asked {
    last_id: i64,
    last_outgoing: u64,
    departures: Departures,
}

impl PendingRequests {
    /// No requests, after those that were asked.
    #[cfg(feature = "server")]
    pub(super) fn after(asked: Asked) -> PendingRequests {
        PendingRequests { asked, ..PendingRequests::default() }
    }

    #[cfg(feature = "server")]
    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty() && self.timers.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }

    /// A fresh name for a request of the application.
    pub(super) fn name_outgoing(&mut self) -> OutgoingId {
        self.asked.last_outgoing += 1;
        OutgoingId(self.asked.last_outgoing)
    }

    /// Adds a request. Returns its id on the wire.
    pub(super) fn open(
        &mut self,
        lane: Lane,
        method: &str,
        purpose: Purpose,
        deadline: Option<Instant>,
    ) -> RequestId {
        self.asked.last_id += 1;
        self.timers.extend(deadline.map(|at| (at, self.asked.last_id)));
        let ask = PendingRequest { lane, method: method.to_owned(), purpose, deadline };
        self.pending.insert(self.asked.last_id, ask);
        RequestId::from(self.asked.last_id)
    }

    /// Removes the request of this id. The id `"7"` matches `7` only if that is the one open request: some clients send
    /// back every id as a string.
    // T-22; FAULT F-S16.
    pub(super) fn answered(&mut self, id: &RequestId) -> Option<PendingRequest> {
        if let Some(number) = id.as_i64() {
            return self.take(number);
        }
        let text = id.as_str()?;
        let number = text.parse::<i64>().ok().filter(|number| number.to_string() == text)?;
        if self.pending.len() != 1 {
            return None;
        }
        let ask = self.take(number)?;
        self.asked.departures.warn_once(Departure::IdAsText);
        Some(ask)
    }

    fn take(&mut self, id: i64) -> Option<PendingRequest> {
        let ask = self.pending.remove(&id)?;
        if let Some(at) = ask.deadline {
            self.timers.remove(&(at, id));
        }
        Some(ask)
    }

    /// Removes all requests for input of an exchange.
    pub(super) fn take_questions(&mut self, exchange: ExchangeId) -> Vec<(RequestId, PendingRequest)> {
        self.take_where(|ask| matches!(ask.purpose, Purpose::InputQuestion(of, _) if of == exchange))
    }

    /// Removes the application's request of this name.
    pub(super) fn take_request(&mut self, outgoing: OutgoingId) -> Option<(RequestId, PendingRequest)> {
        self.take_where(|ask| ask.purpose == Purpose::Request(outgoing)).pop()
    }

    /// Empties the table. Returns the application's requests, oldest first.
    pub(super) fn take_requests(&mut self) -> Vec<OutgoingId> {
        self.timers.clear();
        let all = std::mem::take(&mut self.pending).into_values();
        all.filter_map(|ask| match ask.purpose {
            Purpose::Request(outgoing) => Some(outgoing),
            Purpose::InputQuestion(..) => None,
        })
        .collect()
    }

    /// The exchanges that wait for answers, oldest request first.
    pub(super) fn asking(&self) -> Vec<ExchangeId> {
        let mut names: Vec<ExchangeId> = self
            .pending
            .values()
            .filter_map(|ask| match ask.purpose {
                Purpose::InputQuestion(exchange, _) => Some(exchange),
                Purpose::Request(_) => None,
            })
            .collect();
        names.dedup();
        names
    }

    /// Removes all requests on a lane, oldest first.
    pub(super) fn take_on(&mut self, lane: Lane) -> Vec<PendingRequest> {
        self.take_where(|ask| ask.lane == lane).into_iter().map(|(_, ask)| ask).collect()
    }

    /// Removes a request that has timed out.
    pub(super) fn take_expired(&mut self, now: Instant) -> Option<(RequestId, PendingRequest)> {
        let (at, id) = *self.timers.first()?;
        if at > now {
            return None;
        }
        Some((RequestId::from(id), self.take(id)?))
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    fn take_where(&mut self, wanted: impl Fn(&PendingRequest) -> bool) -> Vec<(RequestId, PendingRequest)> {
        let ids: Vec<i64> = self.pending.iter().filter(|(_, ask)| wanted(ask)).map(|(id, _)| *id).collect();
        ids.into_iter().filter_map(|id| Some((RequestId::from(id), self.take(id)?))).collect()
    }
}
