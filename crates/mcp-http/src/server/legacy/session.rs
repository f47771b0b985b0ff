//! One session: the state that the HTTP requests of a client and the link to the application share.

use std::collections::VecDeque;
use std::sync::{Arc, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use mcp_core::message::{ProtocolVersion, RequestId};
use mcp_core::transport::budget::{BudgetKey, Permit};
use mcp_core::transport::{Inbound, Lane, Owner, TransportError};
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};
use tokio::time::Instant;

use super::counters::{Counters, Resource};
use super::hooks::Announced;
use super::id::SessionId;
use super::lane::{Answer, Brought, Delivery, Exchange, Exchanges};
use super::standalone::Standalone;
use super::store::EventStore;
use super::stream::Stream;
use super::table::SessionTimeouts;
use crate::lock::Lock;
use crate::server::budgets::{Budgets, Held};
use crate::server::caller::Caller;
use crate::server::respond::Formats;

/// POSTs that may wait in the inbox; further ones wait for a permit.
const INBOX: usize = 64;

/// The settings and counters that all sessions of a server share.
pub(super) struct SessionContext {
    pub(super) counters: Arc<Counters>,
    pub(super) store: Option<Arc<dyn EventStore>>,
    pub(super) keep_alive: Duration,
    /// The capacity of the queue of a reader.
    pub(super) queue: usize,
    pub(super) retry: Duration,
    pub(super) budgets: Arc<Budgets>,
    /// A request is cancelled when its client drops the connection.
    pub(super) cancel_on_disconnect: bool,
}

/// The transport of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionKind {
    /// One endpoint, many streams: 2025-03-26 to 2025-11-25.
    StreamableHttp,
    /// One stream for all messages: 2024-11-05. The session lives as long as the stream.
    HttpSse,
}

/// One session.
pub(super) struct Session {
    pub(super) id: SessionId,
    pub(super) kind: SessionKind,
    pub(super) context: Arc<SessionContext>,
    /// `None`: callers without an identity.
    owner: Option<Owner>,
    /// Whose share what it holds is charged to.
    pub(super) key: BudgetKey,
    pub(super) announced: Announced,
    places: Semaphore,
    state: Lock<SessionState>,
}

/// The mutable state of a session. Its lock is never held across an await.
pub(super) struct SessionState {
    over: Option<EndedWhile>,
    inbox: VecDeque<Entry>,
    receiver: Option<Waker>,
    last_lane: u64,
    pub(super) exchanges: Exchanges,
    pub(super) standalone: Standalone,
    /// The negotiated version, as the link reports it.
    pub(super) version: Option<ProtocolVersion>,
    used: Instant,
    /// There was a request after the handshake, or a stream.
    proven: bool,
    /// Its place among the sessions, until it ends.
    place: Option<Permit>,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EndedWhile {
    /// No request was in flight.
    Idle,
    /// Requests may have been in flight, whose answers are lost.
    Busy,
}

/// A message for the link.
struct Entry {
    inbound: Inbound,
    lane: Lane,
    /// Notified when the link has taken it.
    taken: Option<oneshot::Sender<()>>,
    /// The charge of its text, until the link takes it.
    _text: Option<Held>,
}

/// The session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session has ended")]
pub(super) struct Ended;

impl Session {
    pub(super) fn new(
        id: SessionId,
        kind: SessionKind,
        caller: &Caller,
        place: Permit,
        context: Arc<SessionContext>,
        announced: Announced,
    ) -> Session {
        let state = SessionState {
            over: None,
            inbox: VecDeque::new(),
            receiver: None,
            last_lane: 0,
            exchanges: Exchanges::default(),
            standalone: Standalone::default(),
            version: None,
            used: Instant::now(),
            proven: false,
            place: Some(place),
        };
        let (owner, key) = (caller.owner.clone(), caller.key.clone());
        Session {
            id,
            kind,
            context,
            owner,
            key,
            announced,
            places: Semaphore::new(INBOX),
            state: Lock::new(state),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, SessionState> {
        self.state.lock()
    }

    // Ledger SESS-S-010, T-44.
    /// Whether this caller owns the session.
    pub(super) fn belongs_to(&self, owner: Option<&Owner>) -> bool {
        self.owner.as_ref() == owner
    }

    pub(super) fn is_over(&self) -> bool {
        self.lock().over.is_some()
    }

    /// Restarts the idle time, because a stream is opened.
    pub(super) fn touch(&self) {
        let mut state = self.lock();
        state.used = Instant::now();
        state.proven = true;
    }

    /// Whether messages wait for the link.
    pub(super) fn is_behind(&self) -> bool {
        !self.lock().inbox.is_empty()
    }

    /// Whether requests are in flight.
    pub(super) fn is_busy(&self) -> bool {
        let state = self.lock();
        !state.exchanges.is_empty() || !state.inbox.is_empty()
    }

    /// Whether the session was silent for too long. Never while something is open.
    pub(super) fn is_idle(&self, now: Instant, timeouts: SessionTimeouts) -> bool {
        let state = self.lock();
        let limit = if state.proven { timeouts.idle } else { timeouts.idle.min(timeouts.unused) };
        state.idle_since().is_some_and(|since| now.duration_since(since) >= limit)
    }

    /// Since when the session is silent. `None` while something is open.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        self.lock().idle_since()
    }

    /// Cuts connections whose reader has read nothing since this instant.
    pub(super) fn cut_stalled(&self, before: Instant) {
        let state = self.lock();
        let streams = state.exchanges.values().filter_map(|exchange| match &exchange.delivery {
            Delivery::Stream(stream) => stream.writer(),
            _ => None,
        });
        for writer in streams.chain(state.standalone.stream.writer()) {
            if writer.is_stalled(before) {
                tracing::debug!("a stream is cut, because its reader reads nothing");
                writer.cut();
            }
        }
    }

    /// Waits for a permit of the inbox. Cancel-safe.
    pub(super) async fn place(&self) -> Result<SemaphorePermit<'_>, Ended> {
        self.places.acquire().await.map_err(|_| Ended)
    }

    /// Creates a new lane.
    pub(super) fn mint(&self) -> Lane {
        let mut state = self.lock();
        state.last_lane += 1;
        Lane::numbered(state.last_lane)
    }

    /// Queues a message that gets no answer. The receiver is notified when the link has taken it.
    pub(super) fn tell(
        &self,
        place: SemaphorePermit<'_>,
        lane: Lane,
        inbound: Inbound,
        text: Option<Held>,
    ) -> Result<oneshot::Receiver<()>, Ended> {
        let (tell, taken) = oneshot::channel();
        self.enqueue(place, Entry { inbound, lane, taken: Some(tell), _text: text }, None)?;
        Ok(taken)
    }

    /// Queues a message that gets no answer and is not waited for, if there is room.
    pub(super) fn tell_first(&self, lane: Lane, inbound: Inbound) -> Result<(), Ended> {
        let place = self.places.try_acquire().map_err(|_| Ended)?;
        self.enqueue(place, Entry { inbound, lane, taken: None, _text: None }, None)
    }

    /// Queues the first message of a session, whose link is not read yet.
    pub(super) fn ask_first(&self, lane: Lane, inbound: Inbound, exchange: Exchange) -> Result<(), Ended> {
        let place = self.places.try_acquire().map_err(|_| Ended)?;
        self.ask(place, lane, inbound, exchange, None)
    }

    /// Queues a message that is answered on this lane.
    pub(super) fn ask(
        &self,
        place: SemaphorePermit<'_>,
        lane: Lane,
        inbound: Inbound,
        exchange: Exchange,
        text: Option<Held>,
    ) -> Result<(), Ended> {
        self.enqueue(place, Entry { inbound, lane, taken: None, _text: text }, Some(exchange))
    }

    fn enqueue(
        &self,
        place: SemaphorePermit<'_>,
        entry: Entry,
        exchange: Option<Exchange>,
    ) -> Result<(), Ended> {
        let mut state = self.lock();
        if state.over.is_some() {
            return Err(Ended);
        }
        place.forget();
        state.used = Instant::now();
        if let Some(exchange) = exchange {
            state.proven |= exchange.brought != Brought::Opening;
            state.exchanges.insert(entry.lane.number(), exchange);
        }
        if state.inbox.capacity() == 0 {
            // Most sessions do one thing at a time.
            state.inbox.reserve_exact(1);
        }
        state.inbox.push_back(entry);
        if let Some(receiver) = state.receiver.take() {
            receiver.wake();
        }
        Ok(())
    }

    /// Receives for the link. Takes nothing that it does not return in the same poll.
    pub(super) fn poll_inbound(&self, cx: &mut Context<'_>) -> Poll<Result<Option<Inbound>, TransportError>> {
        let mut state = self.lock();
        if let Some(Entry { inbound, lane, taken, _text }) = state.inbox.pop_front() {
            if state.inbox.is_empty() {
                // Frees the memory after a burst.
                state.inbox = VecDeque::new();
            }
            if let Some(exchange) = state.exchanges.get_mut(&lane.number()) {
                exchange.taken = true;
            }
            if let Some(taken) = taken {
                // The client may have hung up.
                let _gone = taken.send(());
            }
            self.places.add_permits(1);
            return Poll::Ready(Ok(Some(inbound)));
        }
        match state.over {
            Some(EndedWhile::Idle) => Poll::Ready(Ok(None)),
            Some(EndedWhile::Busy) => Poll::Ready(Err(TransportError::new(Ended))),
            None => {
                state.receiver = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Ends the session: streams end, exchanges fail, the link ends. Idempotent.
    pub(super) fn close(&self) {
        let (exchanges, mut standalone, inbox) = {
            let mut state = self.lock();
            if state.over.is_some() {
                return;
            }
            // Requests of an HTTP+SSE session have no lanes, so they are not known here.
            let idle = state.exchanges.is_empty() && self.kind == SessionKind::StreamableHttp;
            state.place = None;
            state.over = Some(if idle { EndedWhile::Idle } else { EndedWhile::Busy });
            if let Some(receiver) = state.receiver.take() {
                receiver.wake();
            }
            let exchanges = std::mem::take(&mut state.exchanges);
            (exchanges, std::mem::take(&mut state.standalone), std::mem::take(&mut state.inbox))
        };
        // Not under the lock: values that are dropped here may lock the session.
        self.places.close();
        drop(inbox);
        standalone.stream.end_connection();
        for exchange in exchanges.into_values() {
            match exchange.delivery {
                Delivery::Undecided(to) => {
                    let _gone = to.send(if exchange.taken { Answer::Failed } else { Answer::NotTaken });
                }
                Delivery::Stream(mut stream) => {
                    stream.end_connection();
                }
                Delivery::Gone => {}
            }
        }
    }

    /// Creates an exchange, and the receiver of its answer.
    pub(super) fn exchange(
        &self,
        brought: Brought,
        waiting: Vec<RequestId>,
        formats: Formats,
    ) -> (Exchange, oneshot::Receiver<Answer>) {
        Exchange::new(brought, waiting, formats, self.context.counters.count(Resource::Exchange))
    }
}

impl SessionState {
    fn idle_since(&self) -> Option<Instant> {
        let open = !self.exchanges.is_empty() || !self.inbox.is_empty() || self.standalone.stream.is_read();
        (!open).then_some(self.used)
    }

    /// A stream that has not ended.
    pub(super) fn stream(&mut self, number: u64) -> Option<&mut Stream> {
        if number == 0 {
            return (self.over.is_none()).then_some(&mut self.standalone.stream);
        }
        match &mut self.exchanges.get_mut(&number)?.delivery {
            Delivery::Stream(stream) => Some(stream),
            _ => None,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.is_some()
    }

    /// The highest lane that was minted.
    pub(super) fn minted(&self) -> u64 {
        self.last_lane
    }

    /// Removes an exchange that has its answer.
    pub(super) fn finish(&mut self, lane: Lane) -> Option<Exchange> {
        let exchange = self.exchanges.remove(&lane.number());
        if self.exchanges.is_empty() {
            self.exchanges = Exchanges::default();
            self.used = Instant::now();
        }
        exchange
    }
}
