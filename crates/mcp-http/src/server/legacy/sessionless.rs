//! The legacy era without sessions: each POST is served by a link that lives as long as its answer.

use mcp_core::message::{Decoded, Message, Notification, ProtocolVersion, RawJson, Request, RequestId};
use mcp_core::transport::Inbound;

use super::lane::{Answer, Brought};
use super::session::{Session, SessionKind};
use super::{Legacy, post};
use crate::server::caller::Caller;
use crate::server::checks::{self, Label};
use crate::server::respond::{self, Formats, Reply};

/// The revision of a request that names none.
const UNNAMED: ProtocolVersion = ProtocolVersion::V2025_03_26;

impl Legacy {
    /// `POST` on the endpoint with a message that is not modern, on a server without sessions. Answers are JSON.
    pub(super) async fn sessionless_post(&self, caller: Box<Caller>, message: Decoded) -> Reply {
        let (inbound, brought, waiting) = match message {
            Decoded::One(Ok(Message::Request(request))) if request.method == "initialize" => {
                return self.initialize(&caller, request, Formats::Json).await;
            }
            Decoded::One(Err(refusal)) => {
                return respond::error(hyper::StatusCode::BAD_REQUEST, &refusal.error, refusal.id.as_ref());
            }
            // There is no session for which they could mean something.
            Decoded::One(Ok(Message::Notification(_) | Message::Response(_))) => {
                return match self.check_version(caller.headers()) {
                    Ok(()) => respond::empty(hyper::StatusCode::ACCEPTED),
                    Err(refusal) => refusal,
                };
            }
            Decoded::One(Ok(Message::Request(request))) => {
                let waiting = vec![request.id.clone()];
                (Content::One(request), Brought::One, waiting)
            }
            Decoded::Batch(items) => {
                let ids = items.iter().flatten().filter_map(|message| match message {
                    Message::Request(request) => Some(request.id.clone()),
                    _ => None,
                });
                let (waiting, bad) = (ids.collect(), items.iter().any(Result::is_err));
                (Content::Batch(items), Brought::Batch { bad }, waiting)
            }
        };
        if let Err(refusal) = self.check_version(caller.headers()) {
            return refusal;
        }
        self.serve_once(&caller, inbound, brought, waiting).await
    }

    /// Serves one message in a separate session, which is not in the table: its link is given a handshake first.
    async fn serve_once(
        &self,
        caller: &Caller,
        content: Content,
        brought: Brought,
        waiting: Vec<RequestId>,
    ) -> Reply {
        let version = self.version_of(caller);
        let mut answer = None;
        let started = self.start(SessionKind::StreamableHttp, caller, |session| {
            answer = feed(session, caller, version, content, brought, waiting);
        });
        let (session, _closes) = match started {
            Ok(started) => started,
            Err(refusal) => return refusal,
        };
        let answer = match answer {
            Some(answer) => answer.await.unwrap_or(Answer::Failed),
            None => Answer::Failed,
        };
        post::respond_with(&session, answer)
    }

    /// The revision that a request names, else the oldest one that may go without a name.
    fn version_of(&self, caller: &Caller) -> ProtocolVersion {
        let named = match checks::version_label(caller.headers()) {
            Label::One(label) => ProtocolVersion::parse(&String::from_utf8_lossy(label)),
            Label::Absent | Label::Many => None,
        };
        named.unwrap_or(UNNAMED)
    }
}

/// What a POST has brought.
enum Content {
    One(Request),
    Batch(Vec<Result<Message, mcp_core::message::Refusal>>),
}

/// Queues the handshake, whose answer goes nowhere, and the message behind it.
fn feed(
    session: &std::sync::Arc<Session>,
    caller: &Caller,
    version: ProtocolVersion,
    content: Content,
    brought: Brought,
    waiting: Vec<RequestId>,
) -> Option<tokio::sync::oneshot::Receiver<Answer>> {
    let envelope = || caller.envelope.clone();
    let params = RawJson::object([
        ("protocolVersion", RawJson::string(version.as_str())),
        // What the client can do is unknown, so nothing is asked of it.
        ("capabilities", RawJson::EMPTY_OBJECT),
        ("clientInfo", RawJson::object([("name", RawJson::string("")), ("version", RawJson::string(""))])),
    ]);
    let lane = session.mint();
    let request = Request::new("handshake", "initialize", Some(params));
    let (exchange, _unread) = session.exchange(Brought::One, vec![request.id.clone()], Formats::Json);
    session.ask_first(lane, Inbound::message(request, lane).with_envelope(envelope()), exchange).ok()?;
    let lane = session.mint();
    let initialized = Notification::new("notifications/initialized", None);
    session.tell_first(lane, Inbound::message(initialized, lane).with_envelope(envelope())).ok()?;
    let lane = session.mint();
    let inbound = match content {
        Content::One(request) => Inbound::message(request, lane),
        Content::Batch(items) => Inbound::batch(items, lane),
    };
    let (exchange, answer) = session.exchange(brought, waiting, Formats::Json);
    session.ask_first(lane, inbound.with_envelope(envelope()), exchange).ok()?;
    Some(answer)
}
