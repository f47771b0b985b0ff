//! One exchange: a POST that expects an answer, and the state of the answer.

use bytes::Bytes;
use hyper::StatusCode;
use mcp_core::message::{Message, ProtocolVersion, RequestId, Response, code};
use mcp_core::transport::AnsweredBy;
use rustc_hash::FxHashMap;
use tokio::sync::oneshot;

use super::counters::CounterGuard;
use super::queue::Reader;
use super::stream::Stream;
use crate::server::respond::Formats;

/// The answer to a POST.
pub(super) enum Answer {
    /// One JSON body. `accepted`: it is a result.
    Body { status: StatusCode, json: Bytes, accepted: bool },
    /// A stream. `accepted`: its first message belongs to a result.
    Stream { reader: Reader, accepted: bool },
    /// No answer: 202.
    Nothing,
    /// The session ended while the request was served; it may have been executed.
    Failed,
    /// The session ended before the link took the request.
    NotTaken,
}

/// The content of a POST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Brought {
    /// One message.
    One,
    /// An array. `bad`: some of its items are not messages.
    Batch { bad: bool },
    /// The `initialize` that opens the session.
    Opening,
}

/// Exchanges by the number of their lane. The hash needs no key: the server numbers lanes, so clients cannot cause
/// collisions.
pub(super) type Exchanges = FxHashMap<u64, Exchange>;

/// One exchange.
pub(super) struct Exchange {
    /// The requests that have no answer yet.
    pub(super) waiting: Vec<RequestId>,
    pub(super) brought: Brought,
    pub(super) formats: Formats,
    pub(super) delivery: Delivery,
    /// Whether the link has taken it.
    pub(super) taken: bool,
    /// Messages that cannot be sent yet: answers of a batch, notifications before the session is open.
    pub(super) held: Vec<Bytes>,
    pub(super) _open: CounterGuard,
}

/// How the answer is delivered.
pub(super) enum Delivery {
    /// The first message decides (promise 4).
    Undecided(oneshot::Sender<Answer>),
    /// Events.
    Stream(Stream),
    /// The client hung up before there was a stream to resume.
    Gone,
}

impl Exchange {
    pub(super) fn new(
        brought: Brought,
        waiting: Vec<RequestId>,
        formats: Formats,
        open: CounterGuard,
    ) -> (Exchange, oneshot::Receiver<Answer>) {
        let (to, answer) = oneshot::channel();
        let delivery = Delivery::Undecided(to);
        (
            Exchange { waiting, brought, formats, delivery, taken: false, held: Vec::new(), _open: open },
            answer,
        )
    }

    /// Notes that a request has its answer.
    pub(super) fn answered(&mut self, response: &Response) {
        if let Some(at) = self.waiting.iter().position(|id| response.id.as_ref() == Some(id)) {
            self.waiting.remove(at);
        }
    }

    /// Whether the answers form an array. The refusal of a whole batch does not: it names no request, and its requests get no
    /// answers.
    pub(super) fn is_list(&self, last: Option<&RequestId>, version: Option<ProtocolVersion>) -> bool {
        let Brought::Batch { bad } = self.brought else { return false };
        let batches = version.is_some_and(ProtocolVersion::has_batching);
        !self.held.is_empty() || last.is_some() || (bad && batches && self.waiting.is_empty())
    }

    /// All answers as one array.
    pub(super) fn list(&mut self, last: &Bytes) -> Bytes {
        let held = std::mem::take(&mut self.held);
        let mut out =
            Vec::with_capacity(held.iter().map(|one| one.len() + 1).sum::<usize>() + last.len() + 2);
        for message in held.iter().chain([last]) {
            out.push(if out.is_empty() { b'[' } else { b',' });
            out.extend_from_slice(message);
        }
        out.push(b']');
        out.into()
    }
}

// Ledger 2.5.
/// The status of a legacy answer: errors travel with 200, except for messages that are not requests, and for a server
/// at a limit.
pub(super) fn status(response: &Response, answered_by: AnsweredBy) -> StatusCode {
    match &response.outcome {
        Err(_) if answered_by == AnsweredBy::Busy => StatusCode::SERVICE_UNAVAILABLE,
        Err(error) if answered_by == AnsweredBy::Protocol => match error.code {
            code::PARSE_ERROR | code::INVALID_REQUEST | code::UNSUPPORTED_VERSION => StatusCode::BAD_REQUEST,
            _ => StatusCode::OK,
        },
        _ => StatusCode::OK,
    }
}

/// A message as text.
pub(super) fn text(message: &Message) -> Bytes {
    let mut out = Vec::with_capacity(message.encoded_len_hint());
    message.write_to(&mut out);
    out.into()
}
