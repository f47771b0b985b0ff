//! POST on the endpoint: one message or a batch, in a session or to open one.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use hyper::StatusCode;
use mcp_core::message::{Decoded, Message, Notification, RawJson, RequestId};
use mcp_core::transport::{Inbound, Lane};
use tokio::sync::oneshot;

use super::control::StreamControl;
use super::lane::{Answer, Brought};
use super::session::{Session, SessionKind};
use super::{Legacy, session_not_found};
use crate::headers::SESSION_ID;
use crate::server::body::stream_of;
use crate::server::budgets::{Held, busy};
use crate::server::caller::Caller;
use crate::server::respond::{self, Formats, Reply};

impl Legacy {
    /// `POST` on the endpoint with a message that is not modern. The gate has checked the formats.
    pub(crate) async fn post(&self, caller: Box<Caller>, formats: Formats, message: Decoded) -> Reply {
        if !self.has_sessions {
            return self.sessionless_post(caller, message).await;
        }
        let message = match message {
            Decoded::One(Ok(Message::Request(request))) if request.method == "initialize" => {
                return match self.named(&caller) {
                    // The session refuses it, because it is open.
                    Some(session) => {
                        in_session(&session, caller, Decoded::One(Ok(request.into())), formats).await
                    }
                    // An unknown id does not prevent a new session, which gets another id.
                    None => self.initialize(&caller, request, formats).await,
                };
            }
            Decoded::One(Err(refusal)) if !caller.headers().contains_key(SESSION_ID) => {
                return respond::error(StatusCode::BAD_REQUEST, &refusal.error, refusal.id.as_ref());
            }
            other => other,
        };
        match self.session_of(&caller) {
            Ok(session) => in_session(&session, caller, message, formats).await,
            Err(refusal) => refusal,
        }
    }

    // Ledger T-20.
    /// The session that an `initialize` names, if it names one. Its version header is ignored.
    fn named(&self, caller: &Caller) -> Option<Arc<Session>> {
        let id = caller.headers().get(SESSION_ID)?.to_str().ok()?;
        self.table.find(id, SessionKind::StreamableHttp, caller.owner.as_ref())
    }
}

/// A message that is shorter than this, in bytes, is covered by its place.
const COVERED: usize = 1024;

/// The charge of a message that has to wait for the link, unless its body has one.
pub(super) async fn charged(session: &Session, caller: &mut Caller) -> Result<Option<Held>, Reply> {
    let text = caller.text.take();
    if text.is_some() || caller.length < COVERED || !session.is_behind() {
        return Ok(text);
    }
    let mut held = session.context.budgets.bodies.begin(&caller.key).nothing();
    held.grow(caller.length as u64).await.map_err(|full| busy(&full, None))?;
    Ok(Some(held))
}

async fn in_session(
    session: &Arc<Session>,
    mut caller: Box<Caller>,
    message: Decoded,
    formats: Formats,
) -> Reply {
    let text = match charged(session, &mut caller).await {
        Ok(text) => text,
        Err(refusal) => return refusal,
    };
    let Ok(place) = session.place().await else { return session_not_found() };
    let lane = session.mint();
    let envelope = caller.envelope;
    let (inbound, brought, waiting, formats) = match message {
        Decoded::One(Ok(Message::Request(request))) => {
            let waiting = vec![request.id.clone()];
            let envelope = envelope.with(StreamControl::new(session, lane));
            (Inbound::message(request, lane).with_envelope(envelope), Brought::One, waiting, formats)
        }
        Decoded::One(Ok(message)) => {
            let taken =
                session.tell(place, lane, Inbound::message(message, lane).with_envelope(envelope), text);
            return accepted(taken.ok()).await;
        }
        // The session refuses it in a JSON body with a status (ledger HTTP-S-003).
        Decoded::One(Err(refusal)) => {
            let formats = Formats::Json;
            (Inbound::refused(refusal, lane), Brought::One, Vec::new(), formats)
        }
        Decoded::Batch(items) => {
            let waiting: Vec<RequestId> = items.iter().flatten().filter_map(request_id).collect();
            let bad = items.iter().any(Result::is_err);
            let formats = if waiting.is_empty() { Formats::Json } else { formats };
            let envelope = envelope.with(StreamControl::new(session, lane));
            (Inbound::batch(items, lane).with_envelope(envelope), Brought::Batch { bad }, waiting, formats)
        }
    };
    let guard = session
        .context
        .cancel_on_disconnect
        .then(|| Waiting { session: session.clone(), ids: waiting.clone() });
    let (exchange, answer) = session.exchange(brought, waiting, formats);
    if session.ask(place, lane, inbound, exchange, text).is_err() {
        return session_not_found();
    }
    let answer = answered(session, lane, answer).await;
    if let Some(mut guard) = guard {
        guard.ids.clear();
    }
    respond_with(session, answer)
}

/// Cancels the requests whose client hangs up before it has an answer.
struct Waiting {
    session: Arc<Session>,
    ids: Vec<RequestId>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.session.cancel(&self.ids);
    }
}

fn request_id(message: &Message) -> Option<RequestId> {
    match message {
        Message::Request(request) => Some(request.id.clone()),
        _ => None,
    }
}

// Promise 3, ledger HTTP-S-002.
/// Waits until the link has taken a message that gets no answer.
pub(super) async fn accepted(taken: Option<oneshot::Receiver<()>>) -> Reply {
    let Some(taken) = taken else { return session_not_found() };
    match taken.await {
        Ok(()) => respond::empty(StatusCode::ACCEPTED),
        Err(_) => session_not_found(),
    }
}

/// Waits for the answer. After the keep-alive time the answer becomes a stream, so that the client gets comments.
async fn answered(session: &Arc<Session>, lane: Lane, mut answer: oneshot::Receiver<Answer>) -> Answer {
    // Most handlers answer when the task of the link has had its turn: a timer would be started in vain.
    let mut first = true;
    let soon = poll_fn(|cx| match Pin::new(&mut answer).poll(cx) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending if std::mem::take(&mut first) => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        Poll::Pending => Poll::Ready(None),
    });
    if let Some(answer) = soon.await {
        return answer.unwrap_or(Answer::Failed);
    }
    let soon = tokio::time::timeout(session.context.keep_alive, &mut answer).await;
    let answer = match soon {
        Ok(answer) => answer,
        Err(_) => {
            session.show_life(lane);
            answer.await
        }
    };
    answer.unwrap_or(Answer::Failed)
}

impl Session {
    /// Cancels these requests, whose client is gone.
    pub(super) fn cancel(&self, waiting: &[RequestId]) {
        for id in waiting {
            let mut wire = Vec::new();
            id.write_to(&mut wire);
            let Ok(id) =
                String::from_utf8(wire).map_err(drop).and_then(|text| RawJson::parse(text).map_err(drop))
            else {
                continue;
            };
            let reason = RawJson::string("the client has dropped the connection");
            let params = RawJson::object([("requestId", id), ("reason", reason)]);
            let lane = self.mint();
            let cancelled = Notification::new("notifications/cancelled", Some(params));
            // A full inbox belongs to a session with more to do than this.
            let _full = self.tell_first(lane, Inbound::message(cancelled, lane));
        }
    }

    /// Turns an undecided exchange into a stream, if the client accepts one.
    fn show_life(self: &Arc<Self>, lane: Lane) {
        let opened = {
            let mut state = self.lock();
            let version = state.version;
            match state.exchanges.get_mut(&lane.number()) {
                Some(exchange) if exchange.formats.events() => {
                    self.open_stream(exchange, lane, version, false)
                }
                _ => None,
            }
        };
        if let Some((to, answer)) = opened {
            self.answer(to, answer);
        }
    }
}

/// The HTTP reply of an answer.
pub(super) fn respond_with(session: &Session, answer: Answer) -> Reply {
    match answer {
        Answer::Body { status, json, .. } => respond::json(status, json),
        Answer::Stream { reader, .. } => respond::events(stream_of(reader, Some(session.context.keep_alive))),
        Answer::Nothing => respond::empty(StatusCode::ACCEPTED),
        // Not 404, because a client would repeat the request in a new session.
        Answer::Failed => respond::empty(StatusCode::INTERNAL_SERVER_ERROR),
        Answer::NotTaken => session_not_found(),
    }
}
