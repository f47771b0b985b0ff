//! State that the two halves of a link and the answering task share: the first output, and whether the client hung up.

use std::sync::{Arc, MutexGuard};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use mcp_core::message::Message;
use mcp_core::transport::budget::BudgetKey;
use mcp_core::transport::{AnsweredBy, EndReason, LossKind, SendError};

use super::super::ServerTimeouts;
use super::super::body::{self, Body, NotQueued, StreamWriter};
use super::super::respond::Formats;
use super::super::state::ServerState;
use crate::lock::Lock;
use crate::sse;

/// The first output of an exchange, which decides the form of the answer.
#[derive(Debug)]
pub(super) enum FirstOutput {
    /// The last message: one body.
    Last(Message, AnsweredBy),
    /// A stream.
    Stream(Body),
    /// The exchange ended without a message.
    End(EndReason),
    /// The link ended without output.
    Nothing,
}

#[derive(Debug)]
enum Output {
    /// There is no output yet.
    Silent,
    /// The first output is also the last, and was not taken yet.
    Said(FirstOutput),
    /// A stream is open. Holds the body until it is taken.
    Streaming(StreamWriter, Option<Body>),
    Over,
}

#[derive(Debug)]
struct ExchangeState {
    output: Output,
    hung_up: bool,
    /// The answering task polls the link at this moment, and then looks at the output.
    polling: bool,
    /// The receiving half has reported that the client hung up.
    reported: bool,
    /// Wakes the answering task.
    answer: Option<Waker>,
    /// Wakes the receiving half.
    receiver: Option<Waker>,
}

/// One exchange.
pub(super) struct Exchange {
    state: Lock<ExchangeState>,
    formats: Formats,
    server: Arc<ServerState>,
    /// Whose share what it holds is charged to.
    key: BudgetKey,
}

/// Why a message was not sent at once.
#[derive(Debug)]
pub(super) enum SendBlocked {
    /// It cannot be sent.
    Failed(SendError),
    /// The queue is full, or the budget of unread answers.
    Full { writer: StreamWriter, event: Bytes, last: bool },
}

impl From<SendError> for SendBlocked {
    fn from(error: SendError) -> SendBlocked {
        SendBlocked::Failed(error)
    }
}

/// An event for the receiving half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinkEvent {
    HungUp,
    Over,
}

impl Exchange {
    pub(super) fn new(formats: Formats, server: Arc<ServerState>, key: BudgetKey) -> Exchange {
        let state = ExchangeState {
            output: Output::Silent,
            hung_up: false,
            polling: false,
            reported: false,
            answer: None,
            receiver: None,
        };
        Exchange { state: Lock::new(state), formats, server, key }
    }

    pub(super) fn timeouts(&self) -> &ServerTimeouts {
        &self.server.config.timeouts
    }

    fn open_stream(&self) -> (StreamWriter, Body) {
        let holder = self.server.budgets.answers.begin(&self.key);
        body::stream(self.queue(), Some(self.timeouts().keep_alive), holder)
    }

    fn queue(&self) -> usize {
        self.server.config.limits.stream_queue
    }

    /// A panic while the lock is held leaves the data valid, so poisoning is ignored.
    fn state(&self) -> MutexGuard<'_, ExchangeState> {
        self.state.lock()
    }

    /// The answering task polls the link, and calls [`take_first`](Exchange::take_first) next: an answer need not wake it.
    pub(super) fn begin_poll(&self) {
        self.state().polling = true;
    }

    /// Takes the first output; if there is none yet, wakes this waker later.
    pub(super) fn take_first(&self, waker: &Waker) -> Option<FirstOutput> {
        let mut state = self.state();
        state.polling = false;
        let first = state.take_first();
        if first.is_none() && !state.answer.as_ref().is_some_and(|known| known.will_wake(waker)) {
            state.answer = Some(waker.clone());
        }
        first
    }

    /// Takes the first output; if there is none yet, opens a stream.
    pub(super) fn first_or_stream(&self) -> FirstOutput {
        let mut state = self.state();
        if matches!(state.output, Output::Silent) {
            let (writer, body) = self.open_stream();
            state.output = Output::Streaming(writer, Some(body));
        }
        state.take_first().unwrap_or(FirstOutput::Nothing)
    }

    /// Sends a message. One that is blocked is passed to [`Exchange::wait`].
    pub(super) fn say(
        &self,
        message: Message,
        last: bool,
        answered_by: AnsweredBy,
    ) -> Result<(), SendBlocked> {
        let mut state = self.state();
        if state.hung_up {
            return Err(over().into());
        }
        let writer = match &state.output {
            Output::Silent if last => {
                state.output = Output::Said(FirstOutput::Last(message, answered_by));
                state.wake_all();
                return Ok(());
            }
            Output::Silent if self.formats == Formats::Json => {
                tracing::debug!("a notification is dropped: the client accepts no event stream");
                return Ok(());
            }
            Output::Silent => {
                let (writer, body) = self.open_stream();
                state.output = Output::Streaming(writer.clone(), Some(body));
                state.wake_answer();
                writer
            }
            Output::Streaming(writer, _) => writer.clone(),
            Output::Said(_) | Output::Over => return Err(over().into()),
        };
        match writer.try_send(event(&message)) {
            Err(NotQueued::Full(event)) => return Err(SendBlocked::Full { writer, event, last }),
            Err(NotQueued::Gone) => return Err(over().into()),
            Ok(()) => {}
        }
        if last {
            state.finish();
        }
        Ok(())
    }

    /// Sends a blocked message. The reader has the write limit to make space in the queue.
    pub(super) async fn wait(&self, blocked: SendBlocked) -> Result<(), SendError> {
        let (writer, event, last) = match blocked {
            SendBlocked::Failed(error) => return Err(error),
            SendBlocked::Full { writer, event, last } => (writer, event, last),
        };
        let limit = self.timeouts().write;
        let said = match tokio::time::timeout(limit, writer.send(event)).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(over()),
            Ok(Err(full)) => Err(SendError::fatal(full)),
            Err(_) => {
                let why =
                    format!("write stalled: the client left {} messages unread for {limit:?}", self.queue());
                Err(SendError::fatal(why))
            }
        };
        if last || matches!(said, Err(SendError::Fatal(_))) {
            self.finish();
        }
        said
    }

    /// Ends the exchange without a further message. Has no effect on one that has ended.
    pub(super) fn end(&self, why: EndReason) {
        let mut state = self.state();
        if matches!(state.output, Output::Silent) {
            state.output = Output::Said(FirstOutput::End(why));
            state.wake_all();
        } else {
            state.finish();
        }
    }

    /// Closes the sending half. Output that was queued is still sent.
    pub(super) fn finish(&self) {
        self.state().finish();
    }

    /// The client hung up.
    pub(super) fn hang_up(&self) {
        let mut state = self.state();
        if !state.is_over() && !state.hung_up {
            state.hung_up = true;
            state.wake_all();
        }
    }

    /// Waits until the exchange ends, or the client hangs up, which is reported once.
    pub(super) fn poll_event(&self, cx: &mut Context<'_>) -> Poll<LinkEvent> {
        let mut state = self.state();
        if state.hung_up {
            return Poll::Ready(if std::mem::replace(&mut state.reported, true) {
                LinkEvent::Over
            } else {
                LinkEvent::HungUp
            });
        }
        if state.is_over() {
            return Poll::Ready(LinkEvent::Over);
        }
        if !state.receiver.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            state.receiver = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl ExchangeState {
    fn take_first(&mut self) -> Option<FirstOutput> {
        match &mut self.output {
            Output::Silent => None,
            Output::Streaming(_, body) => body.take().map(FirstOutput::Stream),
            Output::Said(_) | Output::Over => match std::mem::replace(&mut self.output, Output::Over) {
                Output::Said(first) => Some(first),
                _ => Some(FirstOutput::Nothing),
            },
        }
    }

    fn is_over(&self) -> bool {
        matches!(self.output, Output::Said(_) | Output::Over)
    }

    fn finish(&mut self) {
        match &mut self.output {
            Output::Said(_) | Output::Over => {}
            // The body was not taken yet: it will be, with its queue.
            Output::Streaming(_, body) if body.is_some() => {
                if let Some(body) = body.take() {
                    self.output = Output::Said(FirstOutput::Stream(body));
                }
            }
            Output::Silent | Output::Streaming(..) => self.output = Output::Over,
        }
        self.wake_all();
    }

    /// Wakes the answering task, unless it polls the link: it looks at the output next.
    fn wake_answer(&mut self) {
        if self.polling {
            return;
        }
        if let Some(waker) = self.answer.take() {
            waker.wake();
        }
    }

    fn wake_all(&mut self) {
        if let Some(receiver) = self.receiver.take() {
            let same = || self.answer.as_ref().is_some_and(|answer| answer.will_wake(&receiver));
            // What the answering task polls has ended when it looks at the output, or goes on in a new task.
            if !self.polling || !same() {
                receiver.wake();
            }
        }
        self.wake_answer();
    }
}

/// Hangs up when the body of a stream is dropped. Has no effect after the end of the exchange.
pub(super) struct HangUp(pub(super) Arc<Exchange>);

impl Drop for HangUp {
    fn drop(&mut self) {
        self.0.hang_up();
    }
}

// Ledger SSE-B-010.
/// A message as an event, without an id: modern streams cannot be resumed.
fn event(message: &Message) -> Bytes {
    let mut event = Vec::with_capacity(message.encoded_len_hint() + 16);
    sse::message_event(None, message, &mut event);
    event.into()
}

fn over() -> SendError {
    SendError::rejected(LossKind::NoRoute, "this exchange is over")
}
