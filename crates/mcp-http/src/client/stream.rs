//! Reading one event stream: its events, and where to take it up again.

use std::time::Duration;

use hyper::header::HeaderValue;

use crate::HttpError;
use crate::net::Body;
use crate::sse::{Decoder, Event};

/// How much is read after the answer, so that the connection can be used again.
const REST: usize = 64 << 10;
/// For how long.
const REST_TIME: Duration = Duration::from_secs(1);

/// Where a stream is taken up again, over all the connections that carry it.
#[derive(Clone, Debug, Default)]
pub(super) struct Cursor {
    /// The last event id, if there is one to go on from.
    pub(super) last_id: Option<HeaderValue>,
    /// The last `retry` of this stream (ledger T-26).
    pub(super) retry: Option<Duration>,
    /// A new event id came since this was cleared.
    pub(super) advanced: bool,
}

impl Cursor {
    /// Notes what an event says of the stream. An empty id means that there is nothing to go on from; one that no
    /// header can carry is as none.
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

/// The events of one connection.
pub(super) struct Events {
    body: Body,
    decoder: Decoder,
    limit: usize,
    /// The stream cannot be read on, once the events before that point are taken.
    too_large: bool,
}

impl Events {
    /// Reads events of at most `limit` bytes.
    pub(super) fn new(body: Body, limit: usize) -> Events {
        Events { body, decoder: Decoder::new(limit), limit, too_large: false }
    }

    /// The next event that carries data of the protocol: no comment, no priming event, no other type than `message`
    /// (ledger SSE-B-001, SSE-C-002, SSE-C-005). `None` is the end.
    ///
    /// **Cancel-safe.**
    pub(super) async fn message(&mut self, cursor: &mut Cursor) -> Result<Option<Event>, HttpError> {
        while let Some(event) = self.event(cursor).await? {
            if !event.data.is_empty() && matches!(event.kind.as_str(), "" | "message") {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// The next event of any type, with data or without.
    ///
    /// **Cancel-safe.**
    pub(super) async fn event(&mut self, cursor: &mut Cursor) -> Result<Option<Event>, HttpError> {
        loop {
            if let Some(event) = self.decoder.next_event() {
                cursor.note(&event);
                return Ok(Some(event));
            }
            if self.too_large {
                return Err(HttpError::TooLarge { limit_name: "SSE event", limit: self.limit });
            }
            match self.body.chunk().await? {
                Some(bytes) => self.too_large = self.decoder.push(&bytes).is_err(),
                None => return Ok(None),
            }
        }
    }

    /// Reads the little that a server may send after the answer, and drops the rest.
    pub(super) async fn drain(self) {
        drain(self.body).await;
    }
}

/// A clean end where something was still to come.
pub(super) fn ended() -> HttpError {
    HttpError::Cut { why: "the event stream ended".into() }
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
    let _ = tokio::time::timeout(REST_TIME, read).await;
}
