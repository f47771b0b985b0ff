//! HTTP+SSE of 2024-11-05: a stream that is the session, and a path for messages.

// Ledger 3.24.

use hyper::StatusCode;
use mcp_core::message::{Decoded, RequestId};
use mcp_core::transport::{Inbound, Lane};

use super::post::{accepted, charged};
use super::session::SessionKind;
use super::{Legacy, refuse, session_not_found};
use crate::media::{self, Kind as Media};
use crate::server::body::stream_of;
use crate::server::caller::Caller;
use crate::server::respond::{self, Reply};
use crate::sse;

/// The parameter of the messages path that names the session.
const SESSION: &str = "sessionId";

impl Legacy {
    // SSE24-S-005.
    /// `GET /sse`. The session lives as long as this stream.
    pub(crate) async fn http_sse_get(&self, caller: Box<Caller>) -> Reply {
        if !media::accepts(caller.headers(), Media::EventStream) {
            return refuse(StatusCode::NOT_ACCEPTABLE, "Accept has to allow text/event-stream");
        }
        let place = match self.stream_place(&caller) {
            Ok(place) => place,
            Err(refusal) => return refusal,
        };
        let mut reader = None;
        let started = self.start(SessionKind::HttpSse, &caller, |session| {
            let (writer, read) = session.connection(0);
            let mut first = Vec::new();
            // Relative, because proxies may change everything in front of the path (SSE24-S-002).
            let prefix = caller.request.prefix().filter(|_| self.prefixed).unwrap_or_default();
            let endpoint = format!("{prefix}{}?{SESSION}={}", self.messages_path, session.id.as_str());
            sse::event("endpoint", &endpoint, &mut first);
            writer.force(first.into());
            session.lock().standalone.stream.attach(writer, false);
            reader = Some(read);
        });
        let (session, opening) = match started {
            Ok(started) => started,
            Err(refusal) => return refusal,
        };
        let Some(reader) = reader else { return session_not_found() };
        self.table.insert(&session);
        session.announced.opened();
        opening.done();
        respond::events(stream_of(reader, Some(session.context.keep_alive)).guarded(place))
    }

    // SSE24-S-004.
    /// `POST /messages`. Answered by a status; the JSON-RPC answer is sent on the stream.
    pub(crate) async fn http_sse_post(&self, mut caller: Box<Caller>, message: Decoded) -> Reply {
        let query = caller.request.uri().query().unwrap_or_default();
        let named = query.split('&').find_map(|pair| pair.strip_prefix(SESSION)?.strip_prefix('='));
        let Some(id) = named else {
            return refuse(StatusCode::BAD_REQUEST, "the query must have the parameter sessionId");
        };
        let Some(session) = self.table.find(id, SessionKind::HttpSse, caller.owner.as_ref()) else {
            return session_not_found();
        };
        let text = match charged(&session, &mut caller).await {
            Ok(text) => text,
            Err(refusal) => return refusal,
        };
        let envelope = caller.envelope;
        let (lane, inbound) = match message {
            Decoded::One(Ok(message)) => {
                (Lane::SHARED, Inbound::message(message, Lane::SHARED).with_envelope(envelope))
            }
            Decoded::One(Err(refusal)) => {
                let id: Option<&RequestId> = refusal.id.as_ref();
                return respond::error(StatusCode::BAD_REQUEST, &refusal.error, id);
            }
            Decoded::Batch(items) => {
                let lane = session.mint();
                (lane, Inbound::batch(items, lane).with_envelope(envelope))
            }
        };
        let Ok(place) = session.place().await else { return session_not_found() };
        accepted(session.tell(place, lane, inbound, text).ok()).await
    }
}
