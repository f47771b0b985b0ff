//! GET on the endpoint: the stream that belongs to no request, or a stream that is resumed.

// Ledger 3.12.

use std::sync::Arc;

use hyper::StatusCode;
use mcp_core::message::ProtocolVersion;
use mcp_core::transport::budget::Permit;

use super::queue::{Reader, Writer};
use super::session::Session;
use super::store::{EventId, StoreError};
use super::stream::{Progress, frame};
use super::{Legacy, refuse, session_not_found, unavailable};
use crate::headers::LAST_EVENT_ID;
use crate::media::{self, Kind as Media};
use crate::server::body::{self, stream_of};
use crate::server::caller::Caller;
use crate::server::respond::{self, Reply};
use crate::sse;

impl Legacy {
    /// `GET` on the endpoint.
    pub(crate) async fn get(&self, caller: Box<Caller>) -> Reply {
        self.try_get(&caller).await.unwrap_or_else(|refusal| refusal)
    }

    async fn try_get(&self, caller: &Caller) -> Result<Reply, Reply> {
        if !media::accepts(caller.headers(), Media::EventStream) {
            return Err(refuse(StatusCode::NOT_ACCEPTABLE, "Accept has to allow text/event-stream"));
        }
        let session = self.session_of(caller)?;
        let place = self.stream_place(caller)?;
        session.touch();
        // Clients that have read no id may send an empty one.
        let last = caller.headers().get(LAST_EVENT_ID).filter(|id| !id.as_bytes().trim_ascii().is_empty());
        let reader = match last {
            None => session.listen(None).await,
            Some(last) => {
                // Not 404, which would mean that the session is lost (ledger T-19).
                let unknown = || refuse(StatusCode::BAD_REQUEST, "Last-Event-ID names no event that is kept");
                let last = last.to_str().ok().and_then(EventId::parse).ok_or_else(unknown)?;
                match session.resume(last).await {
                    Err(_) if session.is_over() => None,
                    Err(error) => {
                        tracing::debug!(%error, "a stream cannot be resumed");
                        return Err(unknown());
                    }
                    Ok(reader) => Some(reader),
                }
            }
        };
        let reader = reader.ok_or_else(session_not_found)?;
        Ok(respond::events(stream_of(reader, Some(session.context.keep_alive)).guarded(place)))
    }

    /// Takes one of the open streams that this caller may have.
    pub(super) fn stream_place(&self, caller: &Caller) -> Result<Permit, Reply> {
        let taken = self.budgets.streams.link_of(&caller.key).take(1, 0);
        taken.map_err(|full| unavailable(full.to_string()))
    }
}

/// What to do if the store has lost events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gaps {
    /// The client resumes a stream whose answer is still missing.
    Refused,
    Skipped,
}

impl Session {
    // Ledger T-24.
    /// Opens the stream that belongs to no request, behind this event if the client names one. An earlier connection of
    /// it ends: the newest wins. Events that the store still has come first. `None` if the session is over.
    async fn listen(self: &Arc<Self>, last: Option<u64>) -> Option<Reader> {
        let (writer, reader) = self.connection(0);
        let mut at = EventId { stream: 0, number: self.attach_standalone(&writer, last)? };
        while self.store().is_some() {
            let newest = {
                let mut state = self.lock();
                let stream = state.stream(0)?;
                if stream.caught_up(&writer, at.number) != Progress::Behind {
                    break;
                }
                stream.stored()
            };
            // This stream owes no answer, so the client gets what is left.
            if let Err(error) = self.replay(&writer, &mut at, Gaps::Skipped).await {
                tracing::debug!(%error, "events that waited for a reader are gone");
            }
            // Events that the store failed to keep are skipped.
            at.number = at.number.max(newest);
        }
        Some(reader)
    }

    /// The number of the event behind which this connection starts: that of the client, else the newest that an earlier
    /// connection was given.
    fn attach_standalone(&self, writer: &Writer, last: Option<u64>) -> Option<u64> {
        let mut state = self.lock();
        if state.is_over() {
            return None;
        }
        let version = state.version;
        let standalone = &mut state.standalone;
        standalone.opened = true;
        let given = last.map_or(standalone.stream.given(), |last| last.min(standalone.stream.stored()));
        self.greet(writer, version, EventId { stream: 0, number: given });
        for message in standalone.take_pending() {
            writer.force(frame(None, &message));
        }
        standalone.stream.attach(writer.clone(), self.store().is_some());
        Some(given)
    }

    /// Resumes a stream behind this event: first the events since then, then new ones, or the end.
    async fn resume(self: &Arc<Self>, last: EventId) -> Result<Reader, StoreError> {
        if last.stream == 0 {
            return self.listen(Some(last.number)).await.ok_or(StoreError::Gone);
        }
        if self.store().is_none() {
            return Err(StoreError::Gone);
        }
        let (writer, reader) = self.connection(last.stream);
        let version = self.lock().version;
        self.greet(&writer, version, last);
        let mut at = last;
        let mut attached = false;
        loop {
            // Before the store is read: if the stream has ended by now, the store has all of it.
            let newest = self.lock().stream(last.stream).map(|stream| stream.stored());
            match newest {
                Some(newest) if last.number > newest => return Err(StoreError::Gone),
                Some(newest) if newest == at.number => {}
                _ => self.replay(&writer, &mut at, Gaps::Refused).await?,
            }
            // The store failed to keep the newest events.
            if newest.is_some_and(|newest| at.number < newest) {
                return Err(StoreError::Gone);
            }
            if newest.is_none() {
                break;
            }
            let mut state = self.lock();
            let Some(stream) = state.stream(last.stream) else { continue };
            if !std::mem::replace(&mut attached, true) {
                // An earlier connection ends: the newest wins.
                stream.attach(writer.clone(), true);
            }
            if stream.caught_up(&writer, at.number) != Progress::Behind {
                return Ok(reader);
            }
        }
        if at == last {
            // The client has everything; it would reconnect forever.
            return Err(StoreError::Gone);
        }
        writer.end();
        Ok(reader)
    }

    /// Sends the stored events behind this one, and moves `at` to the last of them.
    async fn replay(&self, writer: &Writer, at: &mut EventId, gaps: Gaps) -> Result<(), StoreError> {
        let store = self.store().ok_or(StoreError::Gone)?;
        for (id, message) in store.after(self.id.as_str(), *at).await? {
            if gaps == Gaps::Refused && id.number != at.number.saturating_add(1) {
                return Err(StoreError::Gone);
            }
            let event = frame(Some(id), &message);
            match body::charge(writer.holder(), &event).await {
                Ok(event) => writer.force(event),
                Err(full) => {
                    // The client can try again from the last event that it got.
                    writer.cut();
                    return Err(StoreError::Failed(full.to_string()));
                }
            }
            at.number = id.number;
        }
        Ok(())
    }

    // Ledger SSE-S-007.
    /// Sends the first bytes of a stream, so that proxies forward the headers: an id to resume from and the time to
    /// wait for clients that know them, otherwise a comment.
    fn greet(&self, writer: &Writer, version: Option<ProtocolVersion>, id: EventId) {
        let greeting = self.priming(version, id).unwrap_or_else(|| {
            let mut comment = Vec::new();
            sse::comment(&mut comment);
            comment.into()
        });
        writer.force(greeting);
    }
}
