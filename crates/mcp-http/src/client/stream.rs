//! Reading one event stream: its events, and where to take it up again.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::header::HeaderValue;
use mcp_core::message::{Decoded, Message, Response, decode};
use tokio::time::timeout;

use super::came::START;
use super::departure::{Departure, Departures};
use super::link_state::LinkState;
use super::unreadable::start_of;
use crate::error::Refused;
use crate::net::{Answer, Body};
use crate::sse::{Decoder, Event};
use crate::{HttpError, media};

/// The most bytes that are read after the answer, so that the connection can be reused.
const REST: usize = 64 << 10;
/// The longest time for that.
const REST_TIME: Duration = Duration::from_secs(1);

/// The position at which a stream is resumed, over all the connections that carry it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cursor {
    /// The last event id, if the stream can be resumed from one.
    pub(super) last_id: Option<HeaderValue>,
    /// The last `retry` of this stream.
    // T-26.
    pub(super) retry: Option<Duration>,
    /// Whether a new event id arrived since this was cleared.
    pub(super) advanced: bool,
}

impl Cursor {
    /// Records the id and the retry time of an event. An empty id resets the position, and so does one that a header
    /// cannot hold.
    fn note(&mut self, event: &Event) {
        if let Some(retry) = event.retry {
            self.retry = Some(retry);
        }
        if let Some(id) = &event.id {
            let id = HeaderValue::from_bytes(id.as_bytes()).ok().filter(|id| !id.is_empty());
            self.advanced |= id.is_some() && id != self.last_id;
            self.last_id = id;
        }
    }
}

/// How many events are read before the reader yields: a peer can put thousands into one packet.
const EVENTS_A_TURN: u32 = 64;
/// How much is decoded at once, in bytes.
const PIECE: usize = 64 << 10;

/// The events of one connection.
pub(crate) struct Events {
    body: Body,
    decoder: Decoder,
    limit: usize,
    /// What was read and not decoded yet.
    rest: Bytes,
    /// The stream cannot be read further once the events before this point are taken.
    too_large: bool,
    /// Events since the reader last yielded.
    turn: u32,
    /// The first bytes, for errors.
    head: Vec<u8>,
    start: Start,
    /// The last event of a type that MCP does not have, for errors.
    foreign: Option<Event>,
    /// The start of the last event that is not a message, for errors.
    unreadable: Option<String>,
    departures: Departures,
}

/// What a body under `text/event-stream` begins with.
enum Start {
    Unknown,
    Events,
    /// A JSON text without any framing, as some servers send it. No line of a stream begins so.
    Json(BytesMut),
}

impl Events {
    /// Reads events of at most `limit` bytes.
    pub(crate) fn new(body: Body, limit: usize) -> Events {
        Events {
            body,
            decoder: Decoder::new(limit),
            limit,
            rest: Bytes::new(),
            too_large: false,
            turn: 0,
            head: Vec::new(),
            start: Start::Unknown,
            foreign: None,
            unreadable: None,
            departures: Departures::default(),
        }
    }

    /// Events of a link, whose departures are reported once for all its streams.
    pub(crate) fn of(link: &LinkState, body: Body) -> Events {
        Events { departures: link.departures.clone(), ..Events::new(body, link.config.limits.event) }
    }

    /// The next event that carries data of the protocol: no comment and no priming event. Of types other than
    /// `message`, only responses count. `None` is the end.
    ///
    /// **Cancel-safe.**
    // SSE-B-001, SSE-C-002, SSE-C-005.
    pub(crate) async fn message(&mut self, cursor: &mut Cursor) -> Result<Option<Event>, HttpError> {
        self.watched_message(cursor, |_| {}).await
    }

    /// The same. `waits` is called with the start of the stream whenever more has to be waited for.
    pub(super) async fn watched_message(
        &mut self,
        cursor: &mut Cursor,
        mut waits: impl FnMut(&[u8]),
    ) -> Result<Option<Event>, HttpError> {
        while let Some(event) = self.watched_event(cursor, &mut waits).await? {
            if event.data.is_empty() {
                continue;
            }
            if matches!(event.kind.as_str(), "" | "message") {
                return Ok(Some(event));
            }
            if response(event.data.clone()).is_some() {
                self.departures.warn_once(Departure::EventType);
                return Ok(Some(event));
            }
            tracing::debug!(kind = event.kind, "skipped an event of an unknown type");
            self.foreign = Some(event);
        }
        Ok(None)
    }

    /// The next event of any type, with data or without.
    ///
    /// **Cancel-safe.**
    pub(crate) async fn event(&mut self, cursor: &mut Cursor) -> Result<Option<Event>, HttpError> {
        self.watched_event(cursor, |_| {}).await
    }

    async fn watched_event(
        &mut self,
        cursor: &mut Cursor,
        mut waits: impl FnMut(&[u8]),
    ) -> Result<Option<Event>, HttpError> {
        loop {
            if self.turn >= EVENTS_A_TURN {
                yield_now().await;
                self.turn = 0;
            }
            if let Some(event) = self.decoder.next_event() {
                self.turn += 1;
                cursor.note(&event);
                return Ok(Some(event));
            }
            if self.too_large {
                return Err(HttpError::TooLarge { limit_name: "SSE event", limit: self.limit });
            }
            if self.rest.is_empty() {
                match self.body.watched_chunk(|| waits(&self.head)).await? {
                    Some(bytes) => self.rest = bytes,
                    None => {
                        // A `retry` counts from its line on, even in a block that has not ended.
                        cursor.retry = self.decoder.retry().or(cursor.retry);
                        return Ok(self.take_json());
                    }
                }
            }
            let piece = self.rest.split_to(self.rest.len().min(PIECE));
            self.take(&piece);
        }
    }

    fn take(&mut self, piece: &[u8]) {
        let room = START.saturating_sub(self.head.len());
        self.head.extend_from_slice(piece.get(..room).unwrap_or(piece));
        if let Start::Unknown = self.start {
            self.start = match piece.trim_ascii_start().first() {
                Some(b'{' | b'[') => Start::Json(BytesMut::new()),
                Some(_) => Start::Events,
                None => Start::Unknown,
            };
        }
        self.too_large = match &mut self.start {
            Start::Json(text) => {
                text.extend_from_slice(piece);
                text.len() > self.limit
            }
            _ => self.decoder.push(piece).is_err(),
        };
    }

    /// The body as one event, if it was a JSON text.
    fn take_json(&mut self) -> Option<Event> {
        let Start::Json(text) = std::mem::replace(&mut self.start, Start::Events) else { return None };
        self.departures.warn_once(Departure::JsonAsEvents);
        Some(Event::new(text.freeze()))
    }

    /// After the end: the response in an event that lacks its blank line.
    pub(super) fn last_words(&mut self) -> Option<Response> {
        let response = response(self.decoder.take_unfinished()?)?;
        self.departures.warn_once(Departure::NoBlankLine);
        Some(response)
    }

    /// This event is not a message.
    pub(super) fn note_unreadable(&mut self, data: &[u8]) {
        self.unreadable = Some(start_of(data));
    }

    /// The error of a clean end before the answer, with what the server said last.
    pub(super) fn ended(&self) -> HttpError {
        let mut why = "the event stream ended".to_owned();
        if let Some(Event { kind, data, .. }) = &self.foreign {
            let shown = |text: &str| text.chars().filter(|c| !c.is_control()).take(200).collect::<String>();
            let data = shown(&String::from_utf8_lossy(data));
            why.push_str(&format!("; its last event has the unknown type {:?}: {data}", shown(kind)));
        }
        if let Some(text) = &self.unreadable {
            why.push_str(&format!("; an event is not a message: `{text}`"));
        }
        HttpError::Cut { why }
    }

    /// Reads the little that a server may send after the answer, and drops the rest.
    pub(super) async fn drain(self) {
        drain(self.body).await;
    }
}

/// The response that this text is, if it is one.
fn response(text: Bytes) -> Option<Response> {
    match decode(text) {
        Decoded::One(Ok(Message::Response(response))) => Some(response),
        _ => None,
    }
}

/// Lets the other work of the task run.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// How long the first event of a refusal is waited for.
const REFUSAL_TIME: Duration = Duration::from_secs(2);

/// The refusal that a status outside 2xx is. Some servers send its JSON-RPC error as an event; the body is then the
/// event's data.
pub(crate) async fn read_refusal(answer: Answer, limit: usize) -> Refused {
    if !media::is_event_stream(&answer.headers) {
        return answer.refused(limit).await;
    }
    let mut refused = answer.refusal();
    let mut events = Events::new(answer.body, limit);
    let mut cursor = Cursor::default();
    let first = timeout(REFUSAL_TIME, events.message(&mut cursor)).await;
    if let Ok(Ok(Some(event))) = first {
        refused.body = String::from_utf8_lossy(&event.data).into_owned();
    } else if let Some(data) = events.decoder.take_unfinished() {
        refused.body = String::from_utf8_lossy(&data).into_owned();
    }
    refused
}

/// Reads a body to its end if that is near, so that its connection can be used again.
pub(super) async fn drain(mut body: Body) {
    let read = async {
        let mut left = REST;
        while let Ok(Some(bytes)) = body.chunk().await {
            let Some(rest) = left.checked_sub(bytes.len()) else { return };
            left = rest;
        }
    };
    // Whatever is left is dropped with the body.
    let _ = timeout(REST_TIME, read).await;
}
