//! From a message to the POST that carries it: headers and body. No I/O.

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use mcp_core::message::{Mark, Message, ProtocolVersion, Request};
use mcp_core::transport::{Loss, LossKind};

use super::core::Session;
use super::learn::Tools;
use crate::headers;

/// `Accept` of every POST (ledger HTTP-C-002).
const BOTH: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");
/// `Accept` of every GET (ledger HTTP-C-003).
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What a message is, as far as its exchange differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// `initialize`: opens the session, and may find an HTTP+SSE server.
    Initialize,
    /// `tools/list`: its result teaches which arguments become headers.
    ToolsList,
    /// `subscriptions/listen`: its stream stays open.
    Listen,
    /// Any other request.
    Call,
    /// `notifications/initialized`: the server's own stream may be opened after it.
    Initialized,
    /// Any other message that expects no answer.
    Note,
}

impl What {
    fn of(message: &Message) -> What {
        match message {
            Message::Request(request) => match request.method.as_str() {
                "initialize" => What::Initialize,
                "tools/list" => What::ToolsList,
                "subscriptions/listen" => What::Listen,
                _ => What::Call,
            },
            Message::Notification(note) if note.method == "notifications/initialized" => What::Initialized,
            Message::Notification(_) | Message::Response(_) => What::Note,
        }
    }

    /// Whether it holds one of the bounded connections: not if it stays open, nor if others wait for it.
    pub(super) fn is_counted(self) -> bool {
        matches!(self, What::ToolsList | What::Call)
    }
}

/// One POST, ready to go.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) what: What,
    /// The exchange stands alone (2026-07-28); otherwise it belongs to a session.
    pub(super) modern: bool,
    /// What was said of the session; empty on a modern exchange.
    pub(super) session: Session,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Makes the POST of a message at this version. `session` is asked for legacy messages only.
///
/// # Errors
///
/// An argument cannot be a header; a modern client answers nothing (ledger HTTP-C-005).
pub(super) fn build(
    message: &Message,
    version: Option<ProtocolVersion>,
    session: impl FnOnce() -> Session,
    tools: &Tools,
) -> Result<Post, Loss> {
    let what = What::of(message);
    let modern = version.is_some_and(ProtocolVersion::is_modern);
    let mut headers = HeaderMap::with_capacity(12);
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(ACCEPT, BOTH);
    let mut known = Session::default();
    match version.filter(|_| modern) {
        Some(version) => modern_headers(message, version, tools, &mut headers)?,
        // `initialize` names its version in the body alone (ledger HTTP-C-009) and has no session yet.
        None if what == What::Initialize => {}
        None => {
            known = session();
            known.version = version.or(known.version);
            known.write_to(&mut headers);
        }
    }
    let mut body = Vec::new();
    message.write_to(&mut body);
    Ok(Post { what, modern, session: known, headers, body: body.into() })
}

/// The headers that mirror the body (ledger HDR-C-001, HDR-C-004, HDR-C-008, HDR-C-016; T-31 for notifications).
fn modern_headers(
    message: &Message,
    version: ProtocolVersion,
    tools: &Tools,
    out: &mut HeaderMap,
) -> Result<(), Loss> {
    out.insert(headers::PROTOCOL_VERSION, HeaderValue::from_static(version.as_str()));
    match message {
        Message::Request(request) => {
            out.insert(headers::METHOD, method_value(request.method.as_str()));
            let mark = headers::named_by(request.method.as_str());
            let name = mark.and_then(|mark| request.params.as_ref()?.only_text(mark));
            if let Some(name) = &name {
                out.insert(headers::NAME, headers::encode_value(name));
                if request.method == "tools/call" {
                    param_headers(request, name, tools, out)?;
                }
            }
        }
        Message::Notification(note) => {
            out.insert(headers::METHOD, headers::encode_value(note.method.as_str()));
        }
        Message::Response(_) => {
            let why = "a client of 2026-07-28 sends no responses";
            return Err(Loss::new(LossKind::NoRoute, why));
        }
    }
    Ok(())
}

/// The value of `Mcp-Method`. That of calls, the most frequent, is made once and for all.
fn method_value(method: &str) -> HeaderValue {
    match method {
        "tools/call" => HeaderValue::from_static("tools/call"),
        _ => headers::encode_value(method),
    }
}

/// `Mcp-Param-*`: one for each annotated argument that is there and not null (ledger HDR-C-016, HDR-C-017).
fn param_headers(request: &Request, tool: &str, tools: &Tools, out: &mut HeaderMap) -> Result<(), Loss> {
    let Some(annotations) = tools.annotations(tool) else { return Ok(()) };
    let arguments = request.params.as_ref().and_then(|params| params.get(Mark::Arguments));
    for annotation in annotations.iter() {
        let value = annotation
            .value(arguments.as_ref())
            .map_err(|error| Loss::new(LossKind::NoRoute, format!("tool {tool}: {error}")))?;
        if let Some(value) = value {
            out.insert(annotation.header.clone(), headers::encode_value(&value));
        }
    }
    Ok(())
}

/// The headers of a GET that opens or resumes a stream.
pub(super) fn get_headers(session: &Session, last_id: Option<&HeaderValue>) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(ACCEPT, EVENTS);
    session.write_to(&mut headers);
    if let Some(id) = last_id {
        headers.insert(headers::LAST_EVENT_ID, id.clone());
    }
    headers
}
