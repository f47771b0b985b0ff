//! One record of a trace: an event on a link, and its form as a line of JSON.

use std::time::Duration;

use crate::message::{ErrorObject, Message, RawJson};
use crate::transport::{EndReason, Lane, LossKind};

use super::Redaction;

/// The direction of a record, seen from the traced end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the peer.
    Out,
    /// From the peer.
    In,
}

/// One event on a traced link.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Record {
    /// The time since the tracer was created.
    pub elapsed: Duration,
    /// The number of the link, counted from 1 for each tracer; 0 for a failed attempt to connect.
    pub link: u64,
    /// The direction.
    pub direction: Direction,
    /// The lane; `None` if the record concerns the whole link.
    pub lane: Option<Lane>,
    /// The event.
    pub kind: RecordKind,
}

/// The event of a [`Record`]. Messages are redacted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RecordKind {
    /// A message.
    #[non_exhaustive]
    Message {
        /// The whole message as JSON.
        json: RawJson,
        /// Its size in bytes, before redaction.
        size: usize,
    },
    /// A batch: an array of messages, and of refusals as `{"refused":…}`.
    #[non_exhaustive]
    Batch {
        /// The array.
        json: RawJson,
        /// Its size in bytes, before redaction.
        size: usize,
    },
    /// Input that is not a legal message.
    #[non_exhaustive]
    Refused {
        /// The error that answers it.
        error: ErrorObject,
    },
    /// The peer accepted a message.
    Delivered,
    /// This end ended a lane.
    End(EndReason),
    /// The peer abandoned an exchange.
    Ended,
    /// An exchange was lost; no answer will come.
    #[non_exhaustive]
    Lost {
        /// The kind of loss.
        kind: LossKind,
        /// The error and its causes.
        why: String,
    },
    /// The link opened.
    #[non_exhaustive]
    Opened {
        /// The binding's name.
        binding: &'static str,
    },
    /// The link ended.
    #[non_exhaustive]
    Closed {
        /// How it ended, as text.
        how: String,
    },
    /// Connecting, sending or receiving failed.
    #[non_exhaustive]
    Failed {
        /// The error and its causes.
        why: String,
    },
}

impl RecordKind {
    pub(super) fn message(message: &Message, redaction: &Redaction) -> RecordKind {
        let json = encode(message);
        RecordKind::Message { size: json.as_bytes().len(), json: redaction.apply(&json) }
    }
}

/// The message as JSON text.
pub(super) fn encode(message: &Message) -> RawJson {
    let mut text = Vec::new();
    message.write_to(&mut text);
    RawJson::parse(text).unwrap_or(RawJson::NULL)
}

impl Record {
    /// Encodes the record as one JSON object without a raw newline. Its members are `elapsed_us`, `link`, `dir`
    /// (`"out"` or `"in"`), `lane` (a number; 0 is the shared one), and the event: `size` and `message` or `batch`,
    /// or one of `refused`, `delivered`, `end`, `ended`, `lost`, `opened`, `closed`, `failed`.
    ///
    /// ```text
    /// {"elapsed_us":2000,"link":1,"dir":"in","lane":0,"delivered":true}
    /// ```
    pub fn to_ndjson(&self) -> String {
        let micros = i64::try_from(self.elapsed.as_micros()).unwrap_or(i64::MAX);
        let dir = match self.direction {
            Direction::Out => "out",
            Direction::In => "in",
        };
        let mut members = vec![
            ("elapsed_us", RawJson::integer(micros)),
            ("link", number(self.link)),
            ("dir", RawJson::string(dir)),
        ];
        if let Some(lane) = self.lane {
            members.push(("lane", number(lane.number())));
        }
        let text = RawJson::string;
        match &self.kind {
            RecordKind::Message { json, size } => {
                members.extend([("size", number(*size as u64)), ("message", json.clone())]);
            }
            RecordKind::Batch { json, size } => {
                members.extend([("size", number(*size as u64)), ("batch", json.clone())]);
            }
            RecordKind::Refused { error } => members.push(("refused", refused(error))),
            RecordKind::Delivered => members.push(("delivered", RawJson::TRUE)),
            RecordKind::End(why) => members.push(("end", text(&format!("{why:?}")))),
            RecordKind::Ended => members.push(("ended", RawJson::TRUE)),
            RecordKind::Lost { kind, why } => {
                members.extend([("lost", text(&format!("{kind:?}"))), ("why", text(why))]);
            }
            RecordKind::Opened { binding } => members.push(("opened", text(binding))),
            RecordKind::Closed { how } => members.push(("closed", text(how))),
            RecordKind::Failed { why } => members.push(("failed", text(why))),
        }
        // STDIO-B-001: a newline between tokens may become a space. Inside strings it is escaped.
        String::from_utf8_lossy(RawJson::object(members).as_bytes()).replace(['\n', '\r'], " ")
    }
}

fn number(number: u64) -> RawJson {
    RawJson::integer(i64::try_from(number).unwrap_or(i64::MAX))
}

pub(super) fn refused(error: &ErrorObject) -> RawJson {
    RawJson::object([("code", RawJson::integer(error.code)), ("message", RawJson::string(&error.message))])
}
