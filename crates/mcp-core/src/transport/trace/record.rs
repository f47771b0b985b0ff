//! What a trace tells of one thing that crossed the link, and its form as a line of JSON.

use std::time::Duration;

use crate::message::{ErrorObject, Message, RawJson};
use crate::transport::{EndReason, Lane, LossKind};

use super::Redaction;

/// Which way something went, seen from the traced end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Towards the peer.
    Out,
    /// From the peer.
    In,
}

/// One thing that crossed the link.
#[derive(Clone, Debug)]
pub struct Record {
    /// Since the tracer was made.
    pub elapsed: Duration,
    /// Which link of the tracer, counted from 1. 0: a link that did not come about.
    pub link: u64,
    /// Which way it went.
    pub dir: Direction,
    /// The lane; none where the link as a whole is meant.
    pub lane: Option<Lane>,
    /// What it was.
    pub what: What,
}

/// What crossed the link. Messages are redacted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum What {
    /// A message.
    Message {
        /// The whole message as JSON.
        json: RawJson,
        /// Its size in bytes, before redaction.
        size: usize,
    },
    /// A batch: an array of messages, and of refusals as `{"refused":…}`.
    Batch {
        /// The array.
        json: RawJson,
        /// Its size in bytes, before redaction.
        size: usize,
    },
    /// Input that is no legal message.
    Refused {
        /// What would be answered.
        error: ErrorObject,
    },
    /// The peer took a message.
    Delivered,
    /// This end ended a lane.
    End(EndReason),
    /// The peer hung up on an exchange.
    Ended,
    /// No answer will come.
    Lost {
        /// The kind.
        kind: LossKind,
        /// The cause in words.
        why: String,
    },
    /// The link opened.
    Opened {
        /// The binding's name.
        binding: &'static str,
    },
    /// The link ended.
    Closed {
        /// How, in words.
        how: String,
    },
    /// Connecting, sending or receiving failed.
    Failed {
        /// The cause in words.
        why: String,
    },
}

impl What {
    pub(super) fn message(message: &Message, redaction: &Redaction) -> What {
        let json = encode(message);
        What::Message { size: json.as_bytes().len(), json: redaction.apply(&json) }
    }
}

/// The message as JSON text.
pub(super) fn encode(message: &Message) -> RawJson {
    let mut text = Vec::new();
    message.write_to(&mut text);
    RawJson::parse(text).unwrap_or(RawJson::NULL)
}

impl Record {
    /// The record as one JSON object without a raw newline: `elapsed_us`, `link`, `dir` (`"out"` or
    /// `"in"`), `lane` (a number; 0 is the shared one), and then by what it is: `size` and `message` or
    /// `batch`, or one of `refused`, `delivered`, `end`, `ended`, `lost`, `opened`, `closed`, `failed`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use mcp_core::transport::{Lane, trace::{Direction, Record, What}};
    ///
    /// let record = Record {
    ///     elapsed: Duration::from_millis(2),
    ///     link: 1,
    ///     dir: Direction::In,
    ///     lane: Some(Lane::SHARED),
    ///     what: What::Delivered,
    /// };
    /// assert_eq!(record.to_ndjson(), r#"{"elapsed_us":2000,"link":1,"dir":"in","lane":0,"delivered":true}"#);
    /// ```
    pub fn to_ndjson(&self) -> String {
        let micros = i64::try_from(self.elapsed.as_micros()).unwrap_or(i64::MAX);
        let dir = match self.dir {
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
        match &self.what {
            What::Message { json, size } => {
                members.extend([("size", number(*size as u64)), ("message", json.clone())]);
            }
            What::Batch { json, size } => {
                members.extend([("size", number(*size as u64)), ("batch", json.clone())]);
            }
            What::Refused { error } => members.push(("refused", refused(error))),
            What::Delivered => members.push(("delivered", RawJson::TRUE)),
            What::End(why) => members.push(("end", text(&format!("{why:?}")))),
            What::Ended => members.push(("ended", RawJson::TRUE)),
            What::Lost { kind, why } => {
                members.extend([("lost", text(&format!("{kind:?}"))), ("why", text(why))]);
            }
            What::Opened { binding } => members.push(("opened", text(binding))),
            What::Closed { how } => members.push(("closed", text(how))),
            What::Failed { why } => members.push(("failed", text(why))),
        }
        // A newline between tokens can become a space; inside a string there is none (STDIO-B-001).
        String::from_utf8_lossy(RawJson::object(members).as_bytes()).replace(['\n', '\r'], " ")
    }
}

fn number(number: u64) -> RawJson {
    RawJson::integer(i64::try_from(number).unwrap_or(i64::MAX))
}

pub(super) fn refused(error: &ErrorObject) -> RawJson {
    RawJson::object([("code", RawJson::integer(error.code)), ("message", RawJson::string(&error.message))])
}
