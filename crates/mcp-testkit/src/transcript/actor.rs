//! What both roles share: a clock, numbers for things, and how messages are shown.

use std::time::{Duration, Instant};

use bytes::Bytes;

use mcp_core::message::{Decoded, ErrorObject, Message, RawJson, decode};
use mcp_core::transport::{Binding, Inbound, Lane, Outbound};

use super::parse::Header;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Client,
    Server,
}

/// A session that a transcript is played against.
pub(super) trait Actor {
    /// The peer sends a message.
    fn say(&mut self, inbound: Inbound);
    /// Executes a verb.
    fn act(&mut self, verb: &str, rest: &str) -> Result<(), String>;
    /// Advances the clock.
    fn advance(&mut self, time: Duration);
    /// The outputs of the session since the last call.
    fn take(&mut self) -> Vec<String>;
}

/// A binding with lanes.
const EXCHANGES: Binding = Binding::new("exchanges").mirrors(true);

pub(super) fn binding(header: &Header) -> Result<Binding, String> {
    match header.get("binding") {
        None | Some("stream") => Ok(Binding::STREAM),
        Some("exchanges") => Ok(EXCHANGES),
        Some(other) => Err(format!("no binding `{other}`")),
    }
}

/// The virtual time.
pub(super) struct Clock {
    pub(super) now: Instant,
}

impl Clock {
    pub(super) fn new() -> Clock {
        // The only read of the real clock; all times are relative to it.
        Clock { now: Instant::now() }
    }

    /// The next deadline up to `until`, and the clock there; `None` once the clock stands at `until`.
    pub(super) fn next(&mut self, deadline: Option<Instant>, until: Instant) -> Option<Instant> {
        match deadline.filter(|deadline| *deadline <= until) {
            Some(deadline) => {
                self.now = self.now.max(deadline);
                Some(self.now)
            }
            None => {
                self.now = until;
                None
            }
        }
    }
}

/// Things of one kind, numbered in order of appearance.
pub(super) struct Names<T>(Vec<T>);

impl<T> Default for Names<T> {
    fn default() -> Names<T> {
        Names(Vec::new())
    }
}

impl<T: Copy + PartialEq> Names<T> {
    /// The number of a thing, which is new or known.
    pub(super) fn number(&mut self, thing: T) -> usize {
        if let Some(index) = self.0.iter().position(|known| *known == thing) {
            return index + 1;
        }
        self.0.push(thing);
        self.0.len()
    }

    /// The thing with this number.
    pub(super) fn get(&self, number: &str) -> Result<T, String> {
        let index = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        index.and_then(|index| self.0.get(index).copied()).ok_or_else(|| format!("there is no `{number}`"))
    }
}

/// What a text of the peer is to a session, as a transport would hand it over.
pub(super) fn inbound(text: &str, lane: Lane, batches: &mut u64) -> Inbound {
    match decode(Bytes::copy_from_slice(text.as_bytes())) {
        Decoded::One(Ok(message)) => Inbound::message(message, lane),
        Decoded::One(Err(refusal)) => Inbound::refused(refusal, lane),
        Decoded::Batch(items) => {
            let lane = if lane.is_shared() { Lane::batch(*batches) } else { lane };
            *batches += 1;
            Inbound::batch(items, lane)
        }
    }
}

/// What a session sends, as a line: `None` for what a stream does not show.
pub(super) fn outbound(role: Role, binding: Binding, out: &Outbound) -> Option<String> {
    let arrow = if role == Role::Client { "C>" } else { "S<" };
    let lanes = binding != Binding::STREAM;
    match out {
        Outbound::Message { message, lane, last, .. } => {
            let more = if *last || lane.is_shared() || role == Role::Client { "" } else { "+" };
            let batch = lane.is_batch();
            let lane =
                if lanes && !lane.is_shared() { format!("[{}]", lane.number()) } else { String::new() };
            let more = if lanes || batch { more } else { "" };
            Some(format!("{arrow}{lane}{more} {}", text(message)))
        }
        Outbound::End { lane, .. } if lanes => Some(format!("{arrow}[{}] End", lane.number())),
        _ => None,
    }
}

pub(super) fn text(message: &Message) -> String {
    let mut text = Vec::new();
    message.write_to(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

pub(super) fn shown(raw: &RawJson) -> String {
    String::from_utf8_lossy(raw.as_bytes()).replace(['\n', '\r'], " ")
}

/// JSON at the end of a line; `None` if there is none.
pub(super) fn json(text: &str) -> Result<Option<RawJson>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    RawJson::parse(text.to_owned()).map(Some).map_err(|error| format!("{text}: {error}"))
}

pub(super) fn required_json(text: &str) -> Result<RawJson, String> {
    json(text)?.ok_or_else(|| "JSON is missing".into())
}

/// `{"code":…,"message":…,"data":…}`.
pub(super) fn error_object(text: &str) -> Result<ErrorObject, String> {
    let raw = required_json(text)?;
    let code = raw.member("code").and_then(|code| code.deserialize::<i64>().ok()).ok_or("no code")?;
    let message = raw.member("message").and_then(|message| message.to_text()).unwrap_or_default();
    let error = ErrorObject::new(code, message);
    Ok(match raw.member("data") {
        Some(data) => error.with_data(data),
        None => error,
    })
}
