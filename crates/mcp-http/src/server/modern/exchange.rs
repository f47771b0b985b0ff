//! What the two halves of a link and the one who answers share: what was said first, and whether anybody listens.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use mcp_core::message::Message;
use mcp_core::transport::{AnsweredBy, EndReason, Loss, LossKind, SendError, TransportError};

use super::super::ServerTimeouts;
use super::super::body::{self, Body, NotQueued, StreamWriter};
use super::super::core::Core;
use crate::sse;

/// Which forms of an answer the client takes (ledger T-23).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One JSON text, or a stream of events if more than the answer is said.
    Either,
    /// JSON alone: what is said before the answer has nowhere to go.
    Json,
    /// Events alone.
    Events,
}

/// What the answer to a POST is made of.
#[derive(Debug)]
pub(super) enum First {
    /// The last message came first: one body.
    Last(Message, AnsweredBy),
    /// A stream.
    Stream(Body),
    /// The exchange ended without a message.
    End(EndReason),
    /// The link ended without a word.
    Nothing,
}

#[derive(Debug)]
enum Phase {
    /// Nothing was said.
    Silent,
    /// The first thing was said, and not taken yet. Nothing more will be said.
    Said(First),
    /// A stream is open. The body, until it is taken.
    Streaming(StreamWriter, Option<Body>),
    Over,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// The client hung up, and the session was told or not.
    hung_up: Option<Told>,
    /// Wakes the one who answers.
    answer: Option<Waker>,
    /// Wakes the receiving half.
    receiver: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    No,
    Yes,
}

/// One exchange. Its lock is held for moments, and only this exchange has it.
pub(super) struct Exchange {
    state: Mutex<State>,
    form: Form,
    core: Arc<Core>,
}

/// Why a message did not go out at once.
#[derive(Debug)]
pub(super) enum Unsaid {
    /// It never will.
    Failed(SendError),
    /// The reader is behind.
    Full { writer: StreamWriter, event: Bytes, last: bool },
}

impl From<SendError> for Unsaid {
    fn from(error: SendError) -> Unsaid {
        Unsaid::Failed(error)
    }
}

/// What the receiving half has to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    HungUp,
    Over,
}

impl Exchange {
    pub(super) fn new(form: Form, core: Arc<Core>) -> Exchange {
        let state = State { phase: Phase::Silent, hung_up: None, answer: None, receiver: None };
        Exchange { state: Mutex::new(state), form, core }
    }

    pub(super) fn timeouts(&self) -> &ServerTimeouts {
        &self.core.config.timeouts
    }

    fn queue(&self) -> usize {
        self.core.config.limits.stream_queue
    }

    /// A panic while the lock is held leaves plain data behind, so the lock stays usable.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was said first, if anything was; if not, this waker is woken when it is.
    pub(super) fn take_first(&self, waker: &Waker) -> Option<First> {
        let mut state = self.state();
        let first = state.take_first();
        if first.is_none() && !state.answer.as_ref().is_some_and(|known| known.will_wake(waker)) {
            state.answer = Some(waker.clone());
        }
        first
    }

    /// What was said first; a stream, if nothing was yet.
    pub(super) fn first_or_stream(&self) -> First {
        let mut state = self.state();
        if matches!(state.phase, Phase::Silent) {
            let (writer, body) = body::stream(self.queue(), Some(self.timeouts().keep_alive));
            state.phase = Phase::Streaming(writer, Some(body));
        }
        state.take_first().unwrap_or(First::Nothing)
    }

    /// Says a message, the last one or not. What does not go out at once is left to [`Exchange::wait`].
    pub(super) fn say(&self, message: Message, last: bool, answered_by: AnsweredBy) -> Result<(), Unsaid> {
        let mut state = self.state();
        if state.hung_up.is_some() {
            return Err(over().into());
        }
        let writer = match &state.phase {
            Phase::Silent if last => {
                state.phase = Phase::Said(First::Last(message, answered_by));
                state.wake_all();
                return Ok(());
            }
            Phase::Silent if self.form == Form::Json => {
                tracing::debug!("a notification is dropped: the client takes no event stream");
                return Ok(());
            }
            Phase::Silent => {
                let (writer, body) = body::stream(self.queue(), Some(self.timeouts().keep_alive));
                state.phase = Phase::Streaming(writer.clone(), Some(body));
                state.wake_answer();
                writer
            }
            Phase::Streaming(writer, _) => writer.clone(),
            Phase::Said(_) | Phase::Over => return Err(over().into()),
        };
        match writer.try_send(event(&message)) {
            Err(NotQueued::Full(event)) => return Err(Unsaid::Full { writer, event, last }),
            Err(NotQueued::Gone) => return Err(over().into()),
            Ok(()) => {}
        }
        if last {
            state.finish();
        }
        Ok(())
    }

    /// Says what did not fit: the reader is behind, and has the write limit to catch up.
    pub(super) async fn wait(&self, unsaid: Unsaid) -> Result<(), SendError> {
        let (writer, event, last) = match unsaid {
            Unsaid::Failed(error) => return Err(error),
            Unsaid::Full { writer, event, last } => (writer, event, last),
        };
        let limit = self.timeouts().write;
        let said = match tokio::time::timeout(limit, writer.send(event)).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(over()),
            Err(_) => {
                let why =
                    format!("write stalled: the client left {} messages unread for {limit:?}", self.queue());
                Err(SendError::Fatal(TransportError::new(why)))
            }
        };
        if last || matches!(said, Err(SendError::Fatal(_))) {
            self.finish();
        }
        said
    }

    /// Ends the exchange without a further message. Without an effect on one that is over.
    pub(super) fn end(&self, why: EndReason) {
        let mut state = self.state();
        if matches!(state.phase, Phase::Silent) {
            state.phase = Phase::Said(First::End(why));
            state.wake_all();
        } else {
            state.finish();
        }
    }

    /// The sending half is closed: nothing more will be said. What was said stands.
    pub(super) fn finish(&self) {
        self.state().finish();
    }

    /// The client hung up.
    pub(super) fn hang_up(&self) {
        let mut state = self.state();
        if !state.is_over() && state.hung_up.is_none() {
            state.hung_up = Some(Told::No);
            state.wake_all();
        }
    }

    /// Waits until the exchange is over, or the client hangs up, which is told once.
    pub(super) fn poll_news(&self, cx: &mut Context<'_>) -> Poll<News> {
        let mut state = self.state();
        match state.hung_up {
            Some(Told::No) => {
                state.hung_up = Some(Told::Yes);
                return Poll::Ready(News::HungUp);
            }
            Some(Told::Yes) => return Poll::Ready(News::Over),
            None => {}
        }
        if state.is_over() {
            return Poll::Ready(News::Over);
        }
        if !state.receiver.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            state.receiver = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl State {
    fn take_first(&mut self) -> Option<First> {
        match &mut self.phase {
            Phase::Silent => None,
            Phase::Streaming(_, body) => body.take().map(First::Stream),
            Phase::Said(_) | Phase::Over => match std::mem::replace(&mut self.phase, Phase::Over) {
                Phase::Said(first) => Some(first),
                _ => Some(First::Nothing),
            },
        }
    }

    fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Said(_) | Phase::Over)
    }

    fn finish(&mut self) {
        match &mut self.phase {
            Phase::Said(_) | Phase::Over => {}
            // The body was not taken yet: it is, with what is queued, and ends then.
            Phase::Streaming(_, body) if body.is_some() => {
                if let Some(body) = body.take() {
                    self.phase = Phase::Said(First::Stream(body));
                }
            }
            Phase::Silent | Phase::Streaming(..) => self.phase = Phase::Over,
        }
        self.wake_all();
    }

    fn wake_answer(&mut self) {
        if let Some(waker) = self.answer.take() {
            waker.wake();
        }
    }

    fn wake_all(&mut self) {
        self.wake_answer();
        if let Some(waker) = self.receiver.take() {
            waker.wake();
        }
    }
}

/// Hangs up when the body of a stream is dropped. Without an effect once the exchange is over.
pub(super) struct HangUp(pub(super) Arc<Exchange>);

impl Drop for HangUp {
    fn drop(&mut self) {
        self.0.hang_up();
    }
}

/// A message as an event. Never with an id: modern streams cannot be resumed (ledger SSE-B-010).
fn event(message: &Message) -> Bytes {
    let mut event = Vec::with_capacity(message.encoded_len_hint() + 16);
    sse::message_event(None, message, &mut event);
    event.into()
}

fn over() -> SendError {
    SendError::Rejected(Loss::new(LossKind::NoRoute, "this exchange is over"))
}
