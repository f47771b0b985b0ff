//! From a message to the POST that carries it: headers and body. No I/O.

use bytes::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use mcp_core::message::{Mark, Message, ProtocolVersion, Request};
use mcp_core::transport::{Loss, LossKind};

use super::core::{Core, Session};
use super::learn::Tools;
use super::net::{Common, Net};
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
    /// The headers that it shares with other POSTs.
    pub(super) common: Common,
    pub(super) headers: Headers,
    pub(super) body: Bytes,
}

/// The headers of one message.
type Headers = Vec<(HeaderName, HeaderValue)>;

/// The headers that all POSTs of one version share, made when the first of them goes out. A link changes its version
/// while it opens, if ever.
#[derive(Debug, Default)]
pub(super) struct Commons(Option<(Option<ProtocolVersion>, Common)>);

impl Commons {
    fn of(&mut self, version: Option<ProtocolVersion>, net: &Net) -> Common {
        if let Some((of, common)) = &self.0
            && *of == version
        {
            return common.clone();
        }
        let mut headers = vec![(CONTENT_TYPE, JSON), (ACCEPT, BOTH)];
        let label = version.map(|version| HeaderValue::from_static(version.as_str()));
        headers.extend(label.map(|label| (headers::PROTOCOL_VERSION, label)));
        let common = net.common(&headers);
        self.0 = Some((version, common.clone()));
        common
    }
}

/// Makes the POST of a message at this version.
///
/// # Errors
///
/// An argument cannot be a header; a modern client answers nothing (ledger HTTP-C-005).
pub(super) fn build(
    message: &Message,
    version: Option<ProtocolVersion>,
    core: &Core,
    commons: &mut Commons,
) -> Result<Post, Loss> {
    let what = What::of(message);
    let modern = version.is_some_and(ProtocolVersion::is_modern);
    let mut headers = Vec::new();
    let mut session = Session::default();
    let named = if modern {
        modern_headers(message, &core.tools, &mut headers)?;
        version
    } else if what == What::Initialize {
        // It names its version in the body alone (ledger HTTP-C-009) and has no session yet.
        None
    } else {
        session = core.session();
        session.version = version.or(session.version);
        session.write_id_to(&mut headers);
        session.version
    };
    let mut body = Vec::new();
    message.write_to(&mut body);
    Ok(Post { what, modern, session, common: commons.of(named, &core.net), headers, body: body.into() })
}

/// The headers that mirror the body (ledger HDR-C-001, HDR-C-004, HDR-C-008, HDR-C-016; T-31 for notifications).
fn modern_headers(message: &Message, tools: &Tools, out: &mut Headers) -> Result<(), Loss> {
    // Room for the two of a call.
    out.reserve_exact(2);
    match message {
        Message::Request(request) => {
            out.push((headers::METHOD, method_value(request.method.as_str())));
            let mark = headers::named_by(request.method.as_str());
            let name = mark.and_then(|mark| request.params.as_ref()?.only_text(mark));
            if let Some(name) = &name {
                out.push((headers::NAME, headers::encode_value(name)));
                if request.method == "tools/call" {
                    param_headers(request, name, tools, out)?;
                }
            }
        }
        Message::Notification(note) => {
            out.push((headers::METHOD, method_value(note.method.as_str())));
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
fn param_headers(request: &Request, tool: &str, tools: &Tools, out: &mut Headers) -> Result<(), Loss> {
    let Some(annotations) = tools.annotations(tool) else { return Ok(()) };
    let arguments = request.params.as_ref().and_then(|params| params.get(Mark::Arguments));
    for annotation in annotations.iter() {
        let value = annotation
            .value(arguments.as_ref())
            .map_err(|error| Loss::new(LossKind::NoRoute, format!("tool {tool}: {error}")))?;
        if let Some(value) = value {
            out.push((annotation.header.clone(), headers::encode_value(&value)));
        }
    }
    Ok(())
}

/// The headers of a GET that opens or resumes a stream.
pub(super) fn get_headers(session: &Session, last_id: Option<&HeaderValue>) -> Headers {
    let mut headers = vec![(ACCEPT, EVENTS)];
    session.write_to(&mut headers);
    if let Some(id) = last_id {
        headers.push((headers::LAST_EVENT_ID, id.clone()));
    }
    headers
}
