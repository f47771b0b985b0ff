//! What an answer means: from status and body to what the session receives. Pure, as a table.

use std::sync::Arc;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderMap};
use mcp_core::message::{Decoded, Message, Method, Refusal, Response, Shape, code, decode};
use mcp_core::transport::{Inbound, Lane, Loss, LossKind};

use super::unreadable;
use crate::HttpError;
use crate::error::{NotMcp, Refused};
use crate::net::AuthErrorKind;

/// How much of a body that is not MCP is kept, in bytes.
pub(super) const EXCERPT: usize = 1 << 10;

/// What an exchange came to.
#[derive(Debug)]
pub(super) enum Meaning {
    /// A response, which settles the request.
    Answer(Response),
    /// A message that cannot be read.
    Refused(Refusal),
    /// An array (2025-03-26; the session judges it).
    Batch(Vec<Result<Message, Refusal>>),
    /// No answer.
    Lost(Loss),
}

/// A failed exchange, as the session receives it.
pub(super) fn lost(error: HttpError) -> Loss {
    let kind = match &error {
        HttpError::TimedOut { .. } => LossKind::TimedOut,
        HttpError::Status(refused) => kind_of(refused).unwrap_or(LossKind::NotUnderstood),
        HttpError::NotMcp(_)
        | HttpError::NoEndpoint { .. }
        | HttpError::Encoded { .. }
        | HttpError::Redirect { .. } => LossKind::NotUnderstood,
        HttpError::TooLarge { .. } => LossKind::TooLarge,
        HttpError::Cut { .. } | HttpError::Closed => LossKind::Cut,
        HttpError::SessionLost => LossKind::session_lost(false),
        HttpError::Url { .. } | HttpError::Setting { .. } => LossKind::NoRoute,
        HttpError::Authorization(error) if error.kind() != AuthErrorKind::Unavailable => {
            LossKind::Unauthorized
        }
        HttpError::Connect { .. } => LossKind::Unreachable,
        _ => LossKind::PeerFailed,
    };
    Loss::new(kind, error)
}

/// The losses of a lane that the session has given to this exchange.
pub(super) fn inbound(lane: Lane, loss: Loss) -> Inbound {
    Inbound::lost(lane, loss)
}

/// The statuses with which the carrier itself refuses, whatever the body says (promise 5).
fn carrier(refused: &Refused) -> Option<LossKind> {
    match refused.status.as_u16() {
        401 | 403 | 407 => Some(LossKind::Unauthorized),
        429 => Some(LossKind::busy(refused.retry_after)),
        503 if refused.retry_after.is_some() => Some(LossKind::busy(refused.retry_after)),
        500..=599 => Some(LossKind::PeerFailed),
        _ => None,
    }
}

/// The statuses that mean something where the body is not a message.
fn kind_of(refused: &Refused) -> Option<LossKind> {
    carrier(refused).or(match refused.status.as_u16() {
        408 => Some(LossKind::TimedOut),
        413 | 414 | 431 => Some(LossKind::TooLarge),
        _ => None,
    })
}

/// What a status outside 2xx means. `session`: the request carried a session id.
pub(super) fn refusal(refused: Refused, session: bool) -> Meaning {
    if session && says_session_expired(&refused) {
        return Meaning::Lost(lost(HttpError::SessionLost));
    }
    if carrier(&refused).is_some() {
        return Meaning::Lost(lost(HttpError::Status(Arc::new(refused))));
    }
    let answer = match decode(Bytes::from(refused.body.clone())) {
        Decoded::One(Ok(Message::Response(response))) => Some(response),
        _ => None,
    };
    if session && says_session_lost(&refused, answer.as_ref()) {
        return Meaning::Lost(lost(HttpError::SessionLost));
    }
    match answer {
        Some(response) => Meaning::Answer(response),
        None => Meaning::Lost(lost(HttpError::Status(Arc::new(refused)))),
    }
}

/// Some servers say 409, 503 or another status for a session that they no longer know, and say why in the body.
fn says_session_expired(refused: &Refused) -> bool {
    const ENDED: [&str; 7] =
        ["not found", "expired", "unknown", "invalid", "no longer", "terminated", "does not exist"];
    if !matches!(refused.status.as_u16(), 409 | 410 | 412 | 422 | 440 | 503) {
        return false;
    }
    let text = refused.body.to_ascii_lowercase();
    text.contains("session") && ENDED.iter().any(|word| text.contains(word))
}

/// 404 to a session id says that the session is gone. Many deployed servers say 400 and "no valid session" or "not
/// initialized" instead, in an error that names no request.
// SESS-C-008; FAULT C-33.
fn says_session_lost(refused: &Refused, answer: Option<&Response>) -> bool {
    if refused.status == StatusCode::NOT_FOUND {
        return true;
    }
    if refused.status != StatusCode::BAD_REQUEST {
        return false;
    }
    let text = match answer {
        Some(Response { id: None, outcome: Err(error), .. }) => error.message.to_ascii_lowercase(),
        Some(_) => return false,
        None => refused.body.to_ascii_lowercase(),
    };
    text.contains("session") || text.contains("not initialized")
}

/// What a 2xx JSON body means that answers this method.
pub(super) fn json(method: &Method, headers: &HeaderMap, body: Bytes) -> Meaning {
    let not_mcp = |why: &str, body: &Bytes| not_mcp(method, why, headers, body);
    if body.trim_ascii().is_empty() {
        return not_mcp("an empty body", &body);
    }
    match decode(body.clone()) {
        Decoded::One(Ok(Message::Response(response))) => Meaning::Answer(response),
        Decoded::One(Ok(Message::Request(_))) => not_mcp("a request in place of an answer", &body),
        Decoded::One(Ok(Message::Notification(_))) => not_mcp("a notification in place of an answer", &body),
        Decoded::One(Err(refusal)) if refusal.shape == Shape::Response || refusal.limit.is_some() => {
            Meaning::Refused(unreadable::quoted(refusal, &body))
        }
        Decoded::One(Err(refusal)) => not_mcp(&refusal.error.message, &body),
        Decoded::Batch(items) if items.is_empty() => not_mcp("an empty array", &body),
        Decoded::Batch(items) => Meaning::Batch(items),
    }
}

/// A 2xx answer to this method that is not MCP: HTML, an empty body, another content type.
// FAULT A-B32, C-26.
pub(super) fn not_mcp(method: &Method, why: &str, headers: &HeaderMap, body: &[u8]) -> Meaning {
    let mut error = NotMcp::new(method.as_str(), why);
    error.content_type = content_type(headers);
    error.body = clipped(body, EXCERPT);
    Meaning::Lost(lost(HttpError::NotMcp(Arc::new(error))))
}

/// `Content-Type`, clipped.
pub(super) fn content_type(headers: &HeaderMap) -> Option<String> {
    headers.get(CONTENT_TYPE).map(|value| clipped(value.as_bytes(), 100))
}

fn clipped(bytes: &[u8], most: usize) -> String {
    String::from_utf8_lossy(bytes.get(..most).unwrap_or(bytes)).into_owned()
}

/// Whether an error lists revisions: it is about the version, and HTTP+SSE is not tried then.
pub(super) fn lists_versions(response: &Response) -> bool {
    let data = response.outcome.as_ref().err().and_then(|error| error.data.as_ref());
    let lists = |name| data.is_some_and(|data| data.member(name).is_some());
    let names =
        ["supported", "supportedVersions", "supportedProtocolVersions", "supported_versions", "versions"];
    names.into_iter().any(lists)
}

/// Whether an error is one that only a modern server makes: HTTP+SSE is not tried then.
// T-06, T-07; SSE24-C-009.
pub(super) fn is_modern_error(status: StatusCode, response: &Response) -> bool {
    let Err(error) = &response.outcome else { return false };
    let member = |name: &str| error.data.as_ref().and_then(|data| data.member(name));
    match error.code {
        code::UNSUPPORTED_VERSION => {
            member("supported").is_some_and(|list| list.as_bytes().starts_with(b"["))
        }
        code::MISSING_CLIENT_CAPABILITY => {
            member("requiredCapabilities").is_some_and(|caps| caps.is_object())
        }
        code::HEADER_MISMATCH => status == StatusCode::BAD_REQUEST,
        code::METHOD_NOT_FOUND => status == StatusCode::NOT_FOUND,
        _ => false,
    }
}
