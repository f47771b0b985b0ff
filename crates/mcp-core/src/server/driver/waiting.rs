//! Requests that were accepted and wait for a place: back-pressure instead of an error.
//!
//! A link whose requests take all that it may have is read no further than a few messages beyond that, until places come
//! free. What waits here is known to the session, so a cancellation finds it. If none of them ends for a while, the
//! link is read on all the same, so that cancellations, answers and pings behind other requests arrive; the session then
//! refuses the requests that are too many.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::message::{ErrorObject, Payload, RawJson};
use crate::runtime::now;
use crate::session::ExchangeId;
use crate::session::server::{Incoming, Reply};
use crate::transport::Envelope;
use crate::transport::budget::{Full, FullScope, LinkBudget, Permit, Waiting};

use super::limits::Account;
use super::{Driver, ServerShared};

/// The most bytes of the requests of one link that wait. Beyond that the link is read no further.
const WAITING_BYTES: usize = 1 << 20;

/// A request that is smaller than this, in bytes, is covered by its place.
const COVERED: usize = 1024;

/// How long a link is not read while none of its requests ends.
const STALL: Duration = Duration::from_secs(5);

/// How long a request waits before it asks again for a place that another link may have released.
const RETRY: Duration = Duration::from_millis(20);
/// The same if no other link asks: the ends of the link's own requests wake the driver.
const RETRY_ALONE: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct WaitingRequest {
    incoming: Arc<Incoming>,
    bytes: usize,
    since: Instant,
    _asks: Waiting,
}

/// The requests of one link that wait, oldest first.
#[derive(Debug, Default)]
pub(super) struct WaitingRequests {
    queue: VecDeque<WaitingRequest>,
    bytes: usize,
    /// Since when the link is not read for them.
    paused: Option<Instant>,
    /// When to ask again.
    retry: Option<Instant>,
}

/// Why a request has to wait.
enum NoPlace {
    /// The link's own requests hold what it may have. `alone`: no other link asks.
    Own {
        alone: bool,
    },
    Others(Full),
}

impl WaitingRequests {
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// When to call [`Driver::admit`], if nothing happens before.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        self.retry
    }

    /// Whether the link is not to be read.
    pub(super) fn is_paused(&self) -> bool {
        // Usually nothing waits, which saves reading the clock.
        self.paused.is_some_and(|since| now().saturating_duration_since(since) < STALL)
    }

    fn push(&mut self, request: WaitingRequest, most: usize) {
        self.bytes += request.bytes;
        self.queue.push_back(request);
        if self.queue.len() >= most.max(1) || self.bytes >= WAITING_BYTES {
            self.paused.get_or_insert_with(now);
        }
    }

    fn pop(&mut self) -> Option<WaitingRequest> {
        let request = self.queue.pop_front()?;
        self.forget(&request);
        Some(request)
    }

    /// Removes a request that was cancelled, if it waits.
    pub(super) fn remove(&mut self, exchange: ExchangeId) {
        let found = self.queue.iter().position(|request| request.incoming.exchange == exchange);
        if let Some(request) = found.and_then(|index| self.queue.remove(index)) {
            self.forget(&request);
        }
    }

    /// After a request has left the queue: reading goes on.
    fn forget(&mut self, request: &WaitingRequest) {
        self.bytes -= request.bytes;
        self.paused = None;
        if self.queue.is_empty() {
            *self = WaitingRequests::default();
        }
    }
}

impl Driver<'_> {
    /// Passes a request to the handler, or lets it wait for a place.
    pub(super) fn request(&mut self, incoming: Arc<Incoming>) {
        // After the client's answers the handler is called again: the request has kept its place.
        if let Some(permit) = self.session.take_permit(incoming.exchange) {
            return self.start(incoming, permit);
        }
        let bytes = charged(&incoming);
        if self.waiting.is_empty()
            && let Ok(permit) = self.place(&incoming, bytes)
        {
            return self.start(incoming, permit);
        }
        let asks = self.account(&incoming.context.envelope).requests.waiting();
        let request = WaitingRequest { incoming, bytes, since: now(), _asks: asks };
        self.waiting.push(request, self.server.limits.waiting);
        self.waiting.retry.get_or_insert_with(now);
    }

    /// Starts the requests that wait, as far as there are places. Those that waited too long for places that others hold
    /// are refused.
    pub(super) fn admit(&mut self) {
        while let Some(next) = self.waiting.queue.front() {
            let (incoming, since) = (next.incoming.clone(), next.since);
            let retry = match self.place(&incoming, charged(&incoming)) {
                Ok(permit) => {
                    self.waiting.pop();
                    self.start(incoming, permit);
                    continue;
                }
                Err(NoPlace::Own { alone: true }) => RETRY_ALONE,
                Err(NoPlace::Own { alone: false }) => RETRY,
                Err(NoPlace::Others(full)) => {
                    let over = since.checked_add(self.server.limits.busy_after);
                    if over.is_some_and(|over| over <= now()) {
                        self.waiting.pop();
                        let busy = ErrorObject::internal(format!("Busy: {full}"));
                        self.answer(incoming.exchange, Ok(Reply::Busy(busy)));
                        continue;
                    }
                    RETRY
                }
            };
            self.waiting.retry = now().checked_add(retry);
            return;
        }
    }

    fn place(&mut self, incoming: &Incoming, bytes: usize) -> Result<Permit, NoPlace> {
        let (most, one_exchange) = (self.server.config.max_in_flight_bytes, self.binding.one_exchange);
        place(&self.account(&incoming.context.envelope).requests, bytes, most, one_exchange)
    }

    /// The shares that messages with this envelope are charged to.
    pub(super) fn account(&mut self, envelope: &Envelope) -> &Account {
        if !self.account.as_ref().is_some_and(|account| account.is_of(envelope)) {
            self.account = None;
        }
        self.account.get_or_insert_with(|| Account::of(envelope, &self.server.budgets))
    }
}

/// The place of a request on a link of one exchange, if there is one now.
pub(super) fn place_at_once(server: &ServerShared, incoming: &Incoming) -> Option<Permit> {
    let requests = server.budgets.requests.link_for(&incoming.context.envelope);
    place(&requests, charged(incoming), server.config.max_in_flight_bytes, true).ok()
}

fn place(requests: &LinkBudget, bytes: usize, most: usize, one_exchange: bool) -> Result<Permit, NoPlace> {
    let (bytes, holds) = (bytes as u64, requests.places() > 0);
    // The other half is for what waits and for the message that is being read.
    if bytes > 0 && holds && requests.bytes().saturating_add(bytes) > (most / 2) as u64 {
        return Err(NoPlace::Own { alone: true });
    }
    requests.take(1, bytes).map_err(|full| match full.scope {
        // A link of one exchange has no reader to stop: it waits as long as for others.
        FullScope::Link if holds && !one_exchange => NoPlace::Own { alone: requests.is_alone() },
        _ => NoPlace::Others(full),
    })
}

/// The bytes that a request holds beyond what its place covers.
fn charged(incoming: &Incoming) -> usize {
    let params = incoming.params.as_ref().map(Payload::raw);
    let answers = incoming.context.input_responses.as_ref().filter(|_| !incoming.context.version.is_modern());
    let bytes = params.into_iter().chain(answers).map(RawJson::as_bytes).map(<[u8]>::len).sum();
    if bytes < COVERED { 0 } else { bytes }
}
