//! Checks before the body is read, in the order of ledger 2.6.

use hyper::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, StatusCode};
use mcp_core::message::{Decoded, ErrorObject, Message, ProtocolVersion, Request, RequestId};
use mcp_core::transport::Identity;

use super::caller::{Caller, Head};
use super::respond::{self, Formats, Reply};
use super::state::ServerState;
use super::{Denied, Operation};
use crate::headers::{LAST_EVENT_ID, PROTOCOL_VERSION, SESSION_ID};
use crate::media::{self, Kind};
use crate::server::security::origin::Origin;
use crate::server::security::{bearer, cors};

/// Headers that must not be repeated, because two readers could read two values. `Host` and `Origin` are checked with
/// their values (403); headers that copy the body are checked with the request's id (`checks`).
const SINGLE: [HeaderName; 4] = [AUTHORIZATION, CONTENT_TYPE, SESSION_ID, LAST_EVENT_ID];

/// The endpoint that a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// The endpoint of MCP.
    Mcp,
    /// `GET /sse` of 2024-11-05.
    Sse,
    /// `POST /messages` of 2024-11-05.
    Messages,
}

// Ledger SEC-S-001, SEC-S-002.
/// Checks the host and, unless any is allowed, the origin: 403 on every path and for every method. Returns the allowed origin, if the request
/// has one.
pub(crate) fn check_site(
    server: &ServerState,
    parts: &Parts,
    any_origin: bool,
) -> Result<Option<Origin>, Reply> {
    let authority = parts.uri.authority().map(|authority| authority.as_str());
    let checked = server.hosts.check_host(authority, &parts.headers);
    let origin = |()| if any_origin { Ok(None) } else { server.hosts.check_origin(&parts.headers) };
    checked.and_then(origin).map_err(|denied| {
        tracing::debug!(why = ?denied.to_string(), "refused a host or an origin");
        refuse(StatusCode::FORBIDDEN, denied.to_string())
    })
}

/// Checks the path and the HTTP method. The 404 of an unknown path has no body that could be taken for MCP.
pub(crate) fn check_endpoint(
    server: &ServerState,
    head: &Head,
    origin: Option<&Origin>,
) -> Result<Endpoint, Reply> {
    let parts = head.parts();
    let path = parts.uri.path();
    let is = |own: &str| path == own || (server.config.trailing_slash && path.strip_suffix('/') == Some(own));
    let endpoint = if is(&server.config.path)
        // All that is left of the path if a router removed the prefix under which the service is mounted.
        || (path == "/" && head.is_mounted())
    {
        Endpoint::Mcp
    } else if server.config.http_sse && server.legacy.is_some() && is(&server.config.sse_path) {
        Endpoint::Sse
    } else if server.config.http_sse && server.legacy.is_some() && is(&server.config.messages_path) {
        Endpoint::Messages
    } else {
        return Err(respond::empty(StatusCode::NOT_FOUND));
    };
    // The headers matter for other methods only.
    if parts.method == Method::POST && matches!(endpoint, Endpoint::Mcp | Endpoint::Messages) {
        return Ok(endpoint);
    }
    if let Some(reply) = preflight(server, parts, origin) {
        return Err(reply);
    }
    let allow = allowed(server, endpoint, &parts.headers);
    if allow.split(", ").any(|method| method == parts.method.as_str()) {
        Ok(endpoint)
    } else {
        Err(respond::not_allowed(allow))
    }
}

/// The answer to a preflight request, which carries no credentials.
pub(crate) fn preflight(server: &ServerState, parts: &Parts, origin: Option<&Origin>) -> Option<Reply> {
    if !cors::is_preflight(&parts.method, &parts.headers) {
        return None;
    }
    let headers = cors::preflight(&server.config.cors, origin, &parts.headers)?;
    Some(respond::empty(StatusCode::NO_CONTENT).with_headers(|all| *all = headers))
}

// Ledger HTTP-S-001, HTTP-S-022.
/// The HTTP methods of an endpoint. `GET` and `DELETE` are legacy.
fn allowed(server: &ServerState, endpoint: Endpoint, headers: &HeaderMap) -> &'static str {
    match endpoint {
        Endpoint::Sse => "GET",
        Endpoint::Messages => "POST",
        Endpoint::Mcp if server.legacy.is_none() || names_modern(headers) => "POST",
        Endpoint::Mcp if !server.config.sessions.enabled => "POST",
        Endpoint::Mcp => "POST, GET, DELETE",
    }
}

/// Whether the version header names the modern era.
pub(crate) fn names_modern(headers: &HeaderMap) -> bool {
    let label = headers.get(PROTOCOL_VERSION).and_then(|value| value.to_str().ok());
    label.and_then(|label| ProtocolVersion::parse(label.trim())).is_some_and(|version| version.is_modern())
}

// Ledger SEC-S-004, SEC-S-007, SEC-S-010.
/// Identifies the caller: by the hook of the application, or by what a layer in front of a mounted service found out.
pub(crate) async fn authenticate(server: &ServerState, head: &Head) -> Result<Option<Identity>, Reply> {
    let parts = head.parts();
    if !all_single(&parts.headers) && parts.headers.get_all(AUTHORIZATION).iter().nth(1).is_some() {
        return Err(refuse(StatusCode::BAD_REQUEST, "more than one Authorization header"));
    }
    if let Some(secret) = &server.config.bearer
        && !bearer::matches(secret, &parts.headers)
    {
        return Err(denied(Denied::unauthorized("Bearer"), None));
    }
    match &server.config.authenticate {
        None => Ok(parts.extensions.get().cloned()),
        Some(authenticate) => {
            let asked = authenticate.authenticate(head.request_head());
            match server.budgets.hook("Authenticate", head.key(), server.config.timeouts.hook, asked).await {
                Ok(answer) => answer.map(Some).map_err(|why| denied(why, None)),
                Err(busy) => Err(respond::error(StatusCode::SERVICE_UNAVAILABLE, &busy, None)),
            }
        }
    }
}

/// Asks the hook of the application about each request of a legacy body. The refusal of a batch names none of them.
pub(crate) async fn permit_all(
    server: &ServerState,
    caller: &Caller,
    message: &Decoded,
) -> Result<(), Reply> {
    match message {
        Decoded::One(Ok(Message::Request(request))) => {
            permit(server, caller, request, true, Some(&request.id)).await
        }
        Decoded::One(_) => Ok(()),
        Decoded::Batch(items) => {
            for item in items {
                if let Ok(Message::Request(request)) = item {
                    permit(server, caller, request, true, None).await?;
                }
            }
            Ok(())
        }
    }
}

/// Asks the hook of the application about a request. Without a hook everything is permitted.
pub(crate) async fn permit(
    server: &ServerState,
    caller: &Caller,
    request: &Request,
    legacy: bool,
    id: Option<&RequestId>,
) -> Result<(), Reply> {
    let (Some(hook), Some(identity)) = (&server.config.authenticate, caller.identity()) else {
        return Ok(());
    };
    let name = Operation::name_of(request);
    let operation = Operation::of(request, name.as_deref(), legacy);
    let asked = hook.permit(identity, &operation);
    match server.budgets.hook("Authenticate", &caller.key, server.config.timeouts.hook, asked).await {
        Ok(answer) => answer.map_err(|why| denied(why, id)),
        Err(busy) => Err(respond::error(StatusCode::SERVICE_UNAVAILABLE, &busy, id)),
    }
}

fn denied(denied: Denied, id: Option<&RequestId>) -> Reply {
    let reply = respond::error(denied.status, &ErrorObject::invalid_request(denied.reason), id);
    if denied.challenges.is_empty() && denied.retry_after.is_none() {
        return reply;
    }
    reply.with_headers(|headers| {
        for challenge in denied.challenges {
            match HeaderValue::try_from(challenge) {
                Ok(challenge) => drop(headers.append(WWW_AUTHENTICATE, challenge)),
                Err(_) => tracing::warn!("a challenge has characters that a header cannot hold"),
            }
        }
        if let Some(after) = denied.retry_after {
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
    })
}

/// Checks what the headers of a POST say about its body, and returns the formats of the answer.
pub(crate) fn check_post(headers: &HeaderMap, limit: usize) -> Result<Formats, Reply> {
    check_single(headers)?;
    let unsupported = |why: &'static str| Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    if !media::is_json(headers) {
        return unsupported("Content-Type has to be application/json");
    }
    if !media::is_utf8(headers) {
        return unsupported("the charset of Content-Type has to be utf-8");
    }
    if let Some(coding) = headers.get(CONTENT_ENCODING)
        && !coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity")
    {
        return unsupported("Content-Encoding is not supported; send the body as it is");
    }
    let formats = match (media::accepts(headers, Kind::Json), media::accepts(headers, Kind::EventStream)) {
        (true, true) => Formats::Either,
        (true, false) => Formats::Json,
        (false, true) => Formats::Events,
        (false, false) => {
            let why = "Accept has to allow application/json or text/event-stream";
            return Err(refuse(StatusCode::NOT_ACCEPTABLE, why));
        }
    };
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    Ok(formats)
}

/// Whether no header is repeated: there are as many values as names.
fn all_single(headers: &HeaderMap) -> bool {
    headers.len() == headers.keys_len()
}

/// Checks the headers that must not be repeated.
pub(crate) fn check_single(headers: &HeaderMap) -> Result<(), Reply> {
    if all_single(headers) {
        return Ok(());
    }
    match SINGLE.iter().find(|name| headers.get_all(*name).iter().nth(1).is_some()) {
        Some(name) => Err(refuse(StatusCode::BAD_REQUEST, format!("more than one {name} header"))),
        None => Ok(()),
    }
}

/// The refusal of a body that is too long: 413.
pub(crate) fn too_large(limit: usize) -> Reply {
    let why = format!("the body is longer than the body limit of {limit} bytes");
    refuse(StatusCode::PAYLOAD_TOO_LARGE, why)
}

/// A refusal of the HTTP request: a JSON-RPC error without an id.
pub(crate) fn refuse(status: StatusCode, why: impl Into<std::borrow::Cow<'static, str>>) -> Reply {
    respond::error(status, &ErrorObject::invalid_request(why), None)
}
