//! What the two halves of a link and its exchanges share.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, MutexGuard};
use std::task::{Poll, Waker};

use futures::future::{AbortHandle, Abortable, BoxFuture};
use hyper::Uri;
use hyper::header::{HeaderName, HeaderValue};
use mcp_core::message::{Field, Message, Payload, ProtocolVersion};
use mcp_core::transport::{Inbound, Lane, TransportError};
use rustc_hash::FxHashMap;

use super::HttpClientConfig;
use super::came::Came;
use super::departure::Departures;
use super::learn::Tools;
use crate::headers;
use crate::lock::Lock;
use crate::net::Net;

/// What `recv` may have to hand over before exchanges stop reading.
const QUEUE: usize = 64;

/// One exchange, or one stream that stays open. The receiving half runs it.
pub(super) type Task = Abortable<BoxFuture<'static, ()>>;

/// The shared part of one link.
pub(crate) struct LinkState {
    pub(super) net: Net,
    pub(super) config: Arc<HttpClientConfig>,
    pub(super) url: Uri,
    pub(super) tools: Arc<Tools>,
    pub(super) departures: Departures,
    pub(super) came: Came,
    state: Lock<State>,
}

#[derive(Default)]
struct State {
    /// The items that `recv` returns next.
    queue: VecDeque<Inbound>,
    /// The tasks that `recv` has not started.
    fresh: Vec<Task>,
    /// Lanes that are not settled. A request can be abandoned; a message that expects no answer ends soon.
    lanes: FxHashMap<u64, Option<AbortHandle>>,
    /// The legacy session.
    session: Session,
    /// The stream of the server's own messages: GET, or the one of HTTP+SSE.
    stream: Option<AbortHandle>,
    mode: Mode,
    /// Whom to wake when there is something for `recv`.
    waker: Option<Waker>,
    /// Batches that came on no lane of ours.
    batches: u64,
    phase: Phase,
}

#[derive(Clone, Debug, Default)]
enum Phase {
    #[default]
    Open,
    /// `close` was called: nothing is sent any more.
    Closing,
    /// Nothing runs any more; how `recv` ends.
    Over(Option<TransportError>),
}

/// How messages travel.
#[derive(Clone, Debug, Default)]
pub(super) enum Mode {
    /// Each in a POST to the endpoint that answers it.
    #[default]
    Streamable,
    /// HTTP+SSE of 2024-11-05: POSTs go here, and answers come on one stream.
    // SSE24-C-003.
    HttpSse(Arc<Uri>),
}

/// What every legacy request after `initialize` says of the session. The id is marked sensitive, so that no `Debug`
/// shows it.
// SESS-C-004, HTTP-C-009; SESS-C-005.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) id: Option<HeaderValue>,
    pub(super) version: Option<ProtocolVersion>,
    /// The server has answered 404 to the id.
    gone: bool,
}

impl Session {
    /// Adds what a GET, a DELETE or a POST says of the session.
    pub(super) fn write_to(&self, out: &mut Vec<(HeaderName, HeaderValue)>) {
        if let Some(version) = self.version {
            out.push((headers::PROTOCOL_VERSION, HeaderValue::from_static(version.as_str())));
        }
        if let Some(id) = &self.id {
            out.push((headers::SESSION_ID, id.clone()));
        }
    }
}

/// What the receiving half does next.
pub(super) enum Next {
    HandOver(Inbound),
    End(Result<(), TransportError>),
    Run,
}

impl LinkState {
    pub(super) fn new(net: Net, config: Arc<HttpClientConfig>, url: Uri, tools: Arc<Tools>) -> LinkState {
        LinkState {
            net,
            config,
            url,
            tools,
            departures: Departures::default(),
            came: Came::default(),
            state: Lock::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    // ---- the receiving half

    /// What to do next; tasks that were not begun are moved to `run`.
    pub(super) fn step(&self, mut run: impl FnMut(Task)) -> Next {
        let mut state = self.state();
        // The task that runs the exchanges takes what they hand over without a wake.
        state.waker = None;
        if let Some(inbound) = state.queue.pop_front() {
            return Next::HandOver(inbound);
        }
        if let Phase::Over(error) = &state.phase {
            return Next::End(error.clone().map_or(Ok(()), Err));
        }
        state.fresh.drain(..).for_each(&mut run);
        Next::Run
    }

    /// Whether [`LinkState::step`] has something new. If not, the waker is woken when it has.
    pub(super) fn has_news(&self, waker: &Waker) -> bool {
        let mut state = self.state();
        if !state.queue.is_empty() || !state.fresh.is_empty() || matches!(state.phase, Phase::Over(_)) {
            return true;
        }
        state.waker = Some(waker.clone());
        false
    }

    // ---- the sending half

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state().phase, Phase::Open)
    }

    /// Runs the exchange of a lane. The exchange of a request can be abandoned until it is settled.
    pub(super) fn launch(&self, lane: Lane, is_request: bool, future: BoxFuture<'static, ()>) {
        let (task, handle) = abortable(future);
        let mut state = self.state();
        state.lanes.insert(lane.number(), is_request.then_some(handle));
        state.start(task);
    }

    /// Runs the stream of the server's own messages, in place of an older one. A client that closes wants none.
    pub(super) fn launch_stream(&self, future: BoxFuture<'static, ()>) {
        let (task, handle) = abortable(future);
        let mut state = self.state();
        if !matches!(state.phase, Phase::Open) {
            return;
        }
        if let Some(old) = state.stream.replace(handle) {
            old.abort();
        }
        state.start(task);
    }

    /// Abandons a request: its exchange is dropped, and nothing more is reported on its lane.
    // CANC-C-009.
    pub(super) fn give_up(&self, lane: Lane) {
        let mut state = self.state();
        if let Some(Some(handle)) = state.lanes.get(&lane.number()) {
            handle.abort();
            state.lanes.remove(&lane.number());
            state.queue.retain(|inbound| inbound.lane() != lane);
        }
    }

    // ---- the exchanges

    /// Waits until `recv` has taken enough items from the queue.
    pub(super) async fn room(&self) {
        poll_fn(|cx| {
            if self.state().queue.len() < QUEUE {
                return Poll::Ready(());
            }
            // The task that empties the queue also runs the exchanges, and only while the queue is empty.
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// Queues an item for `recv` if its lane is not settled, or is not one of ours. Nothing more is reported on an
    /// abandoned lane, even if its exchange is running at the moment.
    pub(super) fn push(&self, inbound: Inbound) {
        let lane = inbound.lane();
        let mut state = self.state();
        if lane.is_shared() || lane.is_batch() || state.lanes.contains_key(&lane.number()) {
            state.push(inbound);
        }
    }

    /// Hands a message over.
    pub(super) fn deliver(&self, lane: Lane, message: Message) {
        self.push(Inbound::message(message, lane));
    }

    /// Hands over the last that a lane of ours says.
    pub(super) fn settle(&self, lane: Lane, inbound: Inbound) {
        let mut state = self.state();
        if state.lanes.remove(&lane.number()).is_some() {
            state.push(inbound);
        }
    }

    /// The lane needs its exchange no more: what answers it comes elsewhere.
    pub(super) fn release(&self, lane: Lane) {
        self.state().lanes.remove(&lane.number());
    }

    /// A lane for a batch that came on the standalone stream.
    pub(super) fn batch_lane(&self) -> Lane {
        let mut state = self.state();
        let lane = Lane::batch(state.batches);
        state.batches += 1;
        lane
    }

    // ---- the legacy session

    pub(super) fn session(&self) -> Session {
        self.state().session.clone()
    }

    pub(super) fn mode(&self) -> Mode {
        self.state().mode.clone()
    }

    /// `initialize` goes out: it never carries an old session's id, and what that session still had to say is not
    /// waited for.
    // SESS-C-008, T-44.
    pub(super) fn begin_session(&self) {
        let mut state = self.state();
        state.session = Session::default();
        if matches!(state.mode, Mode::Streamable)
            && let Some(stream) = state.stream.take()
        {
            stream.abort();
        }
    }

    /// An InitializeResult came: only now its session id counts.
    // T-44, FAULT A-B25.
    pub(super) fn adopt_session(&self, result: &Payload, issued: Option<&HeaderValue>) {
        let version =
            result.field_text(Field::ProtocolVersion).and_then(|label| ProtocolVersion::parse(&label));
        let id = session_id(issued);
        if id.is_none() && issued.is_some() {
            tracing::warn!("the server issued a session id that is not visible ASCII; it is not used");
        }
        self.state().session = Session { id, version, gone: false };
    }

    /// The server no longer knows this id. The id stays in use until the next `initialize`, so that earlier messages
    /// get the same answer.
    pub(super) fn session_lost(&self, id: &HeaderValue) {
        let mut state = self.state();
        if state.session.id.as_ref() == Some(id) {
            state.session.gone = true;
        }
    }

    /// From now on this link speaks HTTP+SSE of 2024-11-05.
    pub(super) fn enter_http_sse(&self, endpoint: Arc<Uri>) {
        self.state().mode = Mode::HttpSse(endpoint);
    }

    // ---- the end

    /// Nothing is sent any more, and no request is waited for. What remains runs on: notifications and answers.
    pub(super) fn begin_close(&self) {
        let mut state = self.state();
        if matches!(state.phase, Phase::Open) {
            state.phase = Phase::Closing;
        }
        let stream = state.stream.take();
        state.lanes.retain(|_, handle| {
            if let Some(handle) = handle {
                handle.abort();
            }
            handle.is_none()
        });
        if let Some(stream) = stream {
            stream.abort();
        }
    }

    /// The session that has to be ended by DELETE.
    pub(super) fn session_to_end(&self) -> Option<Session> {
        let state = self.state();
        let open = !state.session.gone && matches!(state.mode, Mode::Streamable);
        (open && state.session.id.is_some()).then(|| state.session.clone())
    }

    /// Nothing comes any more.
    pub(super) fn end(&self, error: Option<TransportError>) {
        let mut state = self.state();
        if !matches!(state.phase, Phase::Over(_)) {
            state.phase = Phase::Over(error);
        }
        state.fresh.clear();
        state.session = Session::default();
        state.wake();
    }
}

impl State {
    fn start(&mut self, task: Task) {
        if matches!(self.phase, Phase::Over(_)) {
            return;
        }
        self.fresh.push(task);
        self.wake();
    }

    fn push(&mut self, inbound: Inbound) {
        self.queue.push_back(inbound);
        self.wake();
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// A future that can be dropped from elsewhere.
pub(super) fn abortable(future: BoxFuture<'static, ()>) -> (Task, AbortHandle) {
    let (handle, registration) = AbortHandle::new_pair();
    (Abortable::new(future, registration), handle)
}

/// The id that a server issued, if it is one: visible ASCII, and something.
// SESS-S-003.
pub(super) fn session_id(issued: Option<&HeaderValue>) -> Option<HeaderValue> {
    let mut id = issued?.clone();
    let is_one = !id.is_empty() && id.as_bytes().iter().all(|byte| (0x21..0x7f).contains(byte));
    id.set_sensitive(true);
    is_one.then_some(id)
}
