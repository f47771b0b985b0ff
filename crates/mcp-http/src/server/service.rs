//! Serves one request: the gate, then the era that its message belongs to.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use hyper::body::Body as HttpBody;
use hyper::header::{CONNECTION, EXPECT, HeaderValue, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode, Version};
use mcp_core::message::{Decoded, ErrorObject, Field, Message, Refusal, Request, RequestId, decode};
use mcp_core::transport::budget::BudgetKey;
use mcp_core::transport::{Identity, Inbound};

use super::budgets::busy;
use super::caller::{Caller, Head};
use super::gate::{self, Endpoint};
use super::log::Log;
use super::modern::{self, LANE};
use super::read::{self, ReadError};
use super::respond::{self, Formats, Reply};
use super::state::ServerState;
use super::usual::is_usual_post;
use crate::headers::SESSION_ID;
use crate::server::checks::{self, Route};
use crate::server::security::cors;
use crate::server::security::origin::Origin;
use crate::{boxed, param};

/// An unread body up to this length is read before the answer, so that the connection can be used again, and for how long.
const DISCARD: usize = 64 * 1024;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(1);
/// How much of an unread HTTP/2 body is read behind the answer, and for how long, before its stream is reset: many
/// clients look at an answer only when their body is sent, and lose it if a reset comes first.
const DRAIN: usize = 16 << 20;
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// A reply, and whether the request's body was read.
pub(crate) struct Answered {
    pub(crate) reply: Reply,
    /// The body was not read: the connection has to end.
    pub(crate) unread: bool,
}

/// The body of a request.
pub(crate) trait RequestBody:
    HttpBody<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + Unpin + 'static
{
}

impl<B> RequestBody for B where
    B: HttpBody<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + Unpin + 'static
{
}

/// Answers one request. A panic, for example in a hook of the application, fails this request only.
pub(crate) async fn handle<B: RequestBody>(server: &Arc<ServerState>, head: Head, body: B) -> Answered {
    let server = server.at(head.parts().uri.path());
    let version = head.parts().version;
    let bodiless = head.parts().method == Method::HEAD;
    let log = Log::of(head.parts());
    let mut answered =
        AssertUnwindSafe(guarded(server, head, body)).catch_unwind().await.unwrap_or_else(|_| {
            // The text of a panic may hold secrets.
            tracing::error!("answering a request panicked");
            let error = ErrorObject::internal("Internal error");
            close(respond::error(StatusCode::INTERNAL_SERVER_ERROR, &error, None), version)
        });
    if let Some(log) = log {
        log.answered(&answered.reply);
    }
    if version < Version::HTTP_2 && server.is_leaving() {
        // The client's next request goes to another replica.
        answered.reply = answered.reply.with_header(CONNECTION, HeaderValue::from_static("close"));
    }
    if bodiless {
        // hyper omits the body on HTTP/1 only. On HTTP/2 it would break the protocol.
        answered.reply = answered.reply.without_body();
    }
    answered
}

async fn guarded<B: RequestBody>(server: &Arc<ServerState>, head: Head, body: B) -> Answered {
    let head = if server.config.forwarded { head.behind(&server.config.proxies) } else { head };
    let parts = head.parts();
    let version = parts.version;
    if parts.headers.len() > server.config.limits.header_count {
        let why = format!("more than {} headers", server.config.limits.header_count);
        let refusal = gate::refuse(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, why);
        return leave(refusal, version, false, body).await;
    }
    // Before Host and Origin: probes name any host or none, and learn only a status.
    if server.config.health.as_deref() == Some(parts.uri.path()) {
        return leave(health(server, &parts.method), version, expects(parts), body).await;
    }
    let path = parts.uri.path();
    if let Some(document) = server.config.documents.iter().find(|document| document.path == path) {
        let reply = match gate::check_site(server, parts, document.any_origin) {
            Ok(_) => document.reply(parts),
            Err(refusal) => refusal,
        };
        return leave(reply, version, expects(parts), body).await;
    }
    let usual = is_usual_post(server, parts);
    let origin = match usual {
        true => None,
        false => match gate::check_site(server, parts, false) {
            Ok(origin) => origin,
            Err(refusal) => return leave(refusal, version, expects(parts), body).await,
        },
    };
    let mut answered = admitted(server, head, origin.as_ref(), usual, body).await;
    let cors = &server.config.cors;
    if cors.enabled {
        answered.reply = answered.reply.with_headers(|headers| cors::respond(cors, origin.as_ref(), headers));
    }
    answered
}

/// Whether the client waits for `100 Continue` before it sends the body.
fn expects(parts: &Parts) -> bool {
    parts.headers.contains_key(EXPECT)
}

/// A request whose host and origin are allowed. `usual`: see [`is_usual_post`].
async fn admitted<B: RequestBody>(
    server: &Arc<ServerState>,
    head: Head,
    origin: Option<&Origin>,
    usual: bool,
    mut body: B,
) -> Answered {
    let parts = head.parts();
    let version = parts.version;
    let page = server.config.pages.iter().find(|page| page.path == parts.uri.path());
    let entered = match page {
        Some(page) => Err(match gate::preflight(server, parts, origin) {
            Some(reply) => reply,
            None => {
                gate::authenticate(server, &head).await.err().unwrap_or_else(|| page.reply(&parts.method))
            }
        }),
        None => enter(server, &head, origin).await,
    };
    let (endpoint, identity) = match entered {
        Ok(entered) => entered,
        Err(reply) => return leave(reply, version, expects(parts), body).await,
    };
    if parts.method == Method::POST {
        let formats = match usual {
            true => Formats::Either,
            false => match gate::check_post(&parts.headers, server.config.limits.body) {
                Ok(formats) => formats,
                Err(refusal) => return leave(refusal, version, expects(parts), body).await,
            },
        };
        let (limit, pace) = (server.config.limits.body, server.config.timeouts.body);
        let key = head.key_of(identity.as_ref());
        let (text, held) = match read::read(&mut body, limit, pace, &server.budgets.bodies, &key).await {
            Ok(read) => read,
            Err(why) => return unreadable(server, why, version, body),
        };
        let mut caller = Caller::new(head, identity, key.clone());
        (caller.length, caller.text) = (text.len(), held);
        let reply = post(server, endpoint, caller, formats, text).await;
        let reply = server.budgets.charge(&key, version >= Version::HTTP_2, reply).await;
        return Answered { reply, unread: false };
    }
    if let Err(refusal) = gate::check_single(&parts.headers) {
        return leave(refusal, version, expects(parts), body).await;
    }
    let expects = expects(parts);
    let reply = match &server.legacy {
        // The gate lets only POST pass then.
        None => respond::not_allowed("POST"),
        Some(_) if parts.method == Method::GET && server.is_draining() => draining(None),
        Some(legacy) => {
            let get = parts.method == Method::GET;
            let key = head.key_of(identity.as_ref());
            let caller = Caller::new(head, identity, key);
            let expires = caller.expires();
            match endpoint {
                // Boxed, so that the future of a modern request stays small.
                Endpoint::Sse => Box::pin(legacy.http_sse_get(caller)).await.until(expires),
                _ if get => Box::pin(legacy.get(caller)).await.until(expires),
                _ => Box::pin(legacy.delete(caller)).await,
            }
        }
    };
    leave(reply, version, expects, body).await
}

/// The gate, up to the identity of the caller.
async fn enter(
    server: &ServerState,
    head: &Head,
    origin: Option<&Origin>,
) -> Result<(Endpoint, Option<Identity>), Reply> {
    let endpoint = gate::check_endpoint(server, head, origin)?;
    Ok((endpoint, gate::authenticate(server, head).await?))
}

fn health(server: &ServerState, method: &Method) -> Reply {
    match *method {
        Method::GET | Method::HEAD | Method::OPTIONS if server.is_leaving() => {
            respond::empty(StatusCode::SERVICE_UNAVAILABLE)
        }
        Method::GET | Method::HEAD | Method::OPTIONS => respond::empty(StatusCode::OK),
        _ => respond::not_allowed("GET, HEAD, OPTIONS"),
    }
}

/// 503 while the server drains.
fn draining(id: Option<&RequestId>) -> Reply {
    let error = ErrorObject::internal("The server is draining and takes no new requests");
    let refusal = respond::error(StatusCode::SERVICE_UNAVAILABLE, &error, id);
    refusal.with_header(RETRY_AFTER, HeaderValue::from_static("1"))
}

/// Routes the body of a POST.
async fn post(
    server: &Arc<ServerState>,
    endpoint: Endpoint,
    caller: Box<Caller>,
    formats: Formats,
    text: Bytes,
) -> Reply {
    let message = decode(text);
    if server.is_draining()
        && let Decoded::One(Ok(Message::Request(request))) = &message
    {
        return draining(Some(&request.id));
    }
    if let Some(refusal) = too_much_unread(server, &caller.key, &message) {
        return refusal;
    }
    let route = match &message {
        _ if endpoint == Endpoint::Messages => Route::Legacy,
        Decoded::One(Ok(message)) => checks::route(caller.headers(), message, server.versions()),
        Decoded::Batch(_) => checks::route_batch(caller.headers(), server.versions()),
        // In a session it may be a malformed response, which settles a request of the server.
        Decoded::One(Err(_))
            if server.legacy.is_some()
                && caller.headers().contains_key(SESSION_ID)
                && !gate::names_modern(caller.headers()) =>
        {
            Route::Legacy
        }
        Decoded::One(Err(refusal)) => Route::Refuse(refusal.clone()),
    };
    if let Decoded::One(Ok(message)) = &message {
        tracing::debug!(method = ?name(message), modern = route == Route::Modern, "a message");
    }
    // A modern request is asked about later, after the headers that copy its body.
    if route == Route::Legacy
        && server.config.authenticate.is_some()
        && let Err(refusal) = boxed(|| gate::permit_all(server, &caller, &message)).await
    {
        return refusal;
    }
    match (route, message, &server.legacy) {
        (Route::Drop, ..) => respond::empty(StatusCode::ACCEPTED),
        (Route::Refuse(refusal), ..) => boxed(|| refused(server, refusal, caller.key)).await,
        (Route::Modern, Decoded::One(Ok(Message::Request(request))), _) => {
            modern(server, caller, formats, request).await
        }
        (Route::Modern, Decoded::One(Ok(_)), _) => respond::empty(StatusCode::ACCEPTED),
        (Route::Legacy, message, Some(legacy)) if endpoint == Endpoint::Messages => {
            boxed(|| legacy.http_sse_post(caller, message)).await
        }
        (Route::Legacy, message, Some(legacy)) => boxed(|| legacy.post(caller, formats, message)).await,
        // `checks` never routes to an era that is not served.
        (Route::Modern | Route::Legacy, ..) => respond::empty(StatusCode::NOT_FOUND),
    }
}

/// 503 for a request of a caller who leaves too much unread. Notifications and answers are still taken.
fn too_much_unread(server: &ServerState, key: &BudgetKey, message: &Decoded) -> Option<Reply> {
    let id = match message {
        Decoded::One(Ok(Message::Request(request))) => Some(&request.id),
        Decoded::Batch(_) => None,
        Decoded::One(_) => return None,
    };
    server.budgets.answers.refuses(key).map(|full| busy(&full, id))
}

fn name(message: &Message) -> Option<&str> {
    match message {
        Message::Request(request) => Some(request.method.as_str()),
        Message::Notification(notification) => Some(notification.method.as_str()),
        Message::Response(_) => None,
    }
}

/// Passes a malformed message to the session, which answers it.
async fn refused(server: &Arc<ServerState>, refusal: Refusal, key: BudgetKey) -> Reply {
    let id = refusal.id.clone();
    // Errors are JSON, whatever the client accepts.
    modern::serve(server, Inbound::refused(refusal, LANE), id, Formats::Json, key).await
}

/// Serves a modern request whose version was checked: checks the headers that copy its body first.
async fn modern(server: &Arc<ServerState>, caller: Box<Caller>, formats: Formats, request: Request) -> Reply {
    if formats == Formats::Json && request.method == "subscriptions/listen" {
        let error = ErrorObject::invalid_request("Accept has to allow text/event-stream for a subscription");
        return respond::error(StatusCode::NOT_ACCEPTABLE, &error, Some(&request.id));
    }
    let headers = caller.headers();
    if let Err(refusal) = checks::check_names(headers, &request) {
        return boxed(|| refused(server, refusal, caller.key)).await;
    }
    if request.method == "tools/call"
        && let Some(name) = request.params.as_ref().and_then(|params| params.field_text(Field::Name))
    {
        let asked = server.accept.input_schema(&name, &caller.envelope);
        let limit = server.config.timeouts.hook;
        let schema = match server.budgets.hook("input_schema", &caller.key, limit, asked).await {
            Ok(schema) => schema,
            Err(busy) => return respond::error(StatusCode::SERVICE_UNAVAILABLE, &busy, Some(&request.id)),
        };
        match schema.map(|schema| param::annotations(&schema)) {
            None => {}
            Some(Ok(annotations)) => {
                if let Err(refusal) = checks::check_params(headers, &request, &annotations) {
                    return boxed(|| refused(server, refusal, caller.key)).await;
                }
            }
            // Clients cannot use invalid annotations, so their headers are not checked.
            Some(Err(invalid)) => {
                tracing::warn!(tool = ?name, why = %invalid, "the tool's annotations are invalid")
            }
        }
    }
    if server.config.authenticate.is_some()
        && let Err(refusal) =
            boxed(|| gate::permit(server, &caller, &request, false, Some(&request.id))).await
    {
        return refusal;
    }
    let id = request.id.clone();
    // A subscription ends with the token that opened it; answers in progress do not.
    let end = if request.method == "subscriptions/listen" { caller.expires() } else { None };
    let inbound = Inbound::message(request, LANE).with_envelope(caller.envelope);
    // The driver charges the request from now on.
    drop(caller.text);
    modern::serve(server, inbound, Some(id), formats, caller.key).await.until(end)
}

fn unreadable<B: RequestBody>(server: &ServerState, why: ReadError, version: Version, body: B) -> Answered {
    let refusal = match why {
        ReadError::TooLarge => gate::too_large(server.config.limits.body),
        ReadError::Slow => {
            let limit = server.config.timeouts.body;
            gate::refuse(
                StatusCode::REQUEST_TIMEOUT,
                format!("the body came too slowly: less than 1 KiB in {limit:?}"),
            )
        }
        ReadError::OuterLimit => {
            let why = "the body is longer than a layer in front of this service allows";
            gate::refuse(StatusCode::PAYLOAD_TOO_LARGE, why)
        }
        ReadError::Full(full) => busy(&full, None),
        ReadError::Cut => gate::refuse(StatusCode::BAD_REQUEST, "the body ended too early"),
    };
    unread(refusal, version, body)
}

/// Answers without the body. A short body is read first; a longer one ends the connection, or the HTTP/2 stream.
async fn leave<B: RequestBody>(reply: Reply, version: Version, expects: bool, mut body: B) -> Answered {
    let short = body.size_hint().lower() <= DISCARD as u64;
    if body.is_end_stream() || (short && !expects && read::discard(&mut body, DISCARD, DISCARD_TIMEOUT).await)
    {
        return Answered { reply, unread: false };
    }
    unread(reply, version, body)
}

/// Answers while a part of the body is unread.
fn unread<B: RequestBody>(reply: Reply, version: Version, mut body: B) -> Answered {
    if version < Version::HTTP_2 {
        return close(reply, version);
    }
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(async move {
            let _whole = read::discard(&mut body, DRAIN, DRAIN_TIMEOUT).await;
        });
    }
    Answered { reply, unread: false }
}

/// Announces that the connection ends with this reply.
pub(crate) fn close(mut reply: Reply, version: Version) -> Answered {
    if version < Version::HTTP_2 {
        reply = reply.with_header(CONNECTION, HeaderValue::from_static("close"));
    }
    Answered { reply, unread: version < Version::HTTP_2 }
}
