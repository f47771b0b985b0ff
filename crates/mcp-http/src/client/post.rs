//! From a message to the POST that carries it: headers and body. No I/O.

use hyper::header::{ACCEPT, HeaderName, HeaderValue};
use mcp_core::message::{Field, Message, Method, ProtocolVersion, Request};
use mcp_core::transport::{Loss, LossKind};

use super::header_cache::HeaderCache;
use super::learn::Tools;
use super::link_state::{LinkState, Session};
use crate::headers;
use crate::net::{Exchange, HeaderTemplate};
use crate::param::values;

/// `Accept` of every GET.
// HTTP-C-003.
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");

/// What a message is, as far as its exchange differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// `initialize`: opens the session, and may find an HTTP+SSE server.
    Initialize,
    /// `tools/list`: its result teaches which arguments become headers.
    ToolsList,
    /// `subscriptions/listen`: its stream stays open.
    Listen,
    /// A request that only reads, and is safe to repeat.
    Read,
    /// Any other request.
    Call,
    /// `notifications/initialized`: the server's own stream may be opened after it.
    Initialized,
    /// Any other message that expects no answer.
    OneWay,
}

impl What {
    fn of(message: &Message) -> What {
        match message {
            Message::Request(request) => match request.method.as_str() {
                "initialize" => What::Initialize,
                "tools/list" => What::ToolsList,
                "subscriptions/listen" => What::Listen,
                "tools/call" => What::Call,
                "ping"
                | "server/discover"
                | "prompts/list"
                | "prompts/get"
                | "resources/list"
                | "resources/templates/list"
                | "resources/read" => What::Read,
                _ => What::Call,
            },
            Message::Notification(note) if note.method == "notifications/initialized" => What::Initialized,
            Message::Notification(_) | Message::Response(_) => What::OneWay,
        }
    }

    /// Whether it holds one of the bounded connections: not if it stays open, nor if others wait for it.
    fn is_counted(self) -> bool {
        matches!(self, What::ToolsList | What::Read | What::Call)
    }

    /// Whether the server may receive it twice: when a connection ends without an answer, the client
    /// cannot know whether the first copy was read.
    fn is_repeatable(self) -> bool {
        !matches!(self, What::Call | What::Listen)
    }
}

/// What is known of a POST beside the exchange that carries it.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) what: What,
    /// The method, for errors.
    pub(super) method: Method,
    /// The exchange stands alone (2026-07-28); otherwise it belongs to a session.
    pub(super) modern: bool,
    /// What was said of the session; empty on a modern exchange.
    pub(super) session: Session,
}

fn method_of(message: &Message) -> Method {
    match message {
        Message::Request(request) => request.method.clone(),
        Message::Notification(notification) => notification.method.clone(),
        Message::Response(_) => Method::new("a response"),
    }
}

/// The headers of one message.
type Headers = Vec<(HeaderName, HeaderValue)>;

/// Makes the POST of a message at this version, to the endpoint.
///
/// # Errors
///
/// An argument cannot be a header; a modern client answers nothing.
// HTTP-C-005.
pub(super) fn build(
    message: &Message,
    version: Option<ProtocolVersion>,
    link: &LinkState,
    header_cache: &mut HeaderCache,
) -> Result<(Post, Exchange), Loss> {
    let what = What::of(message);
    let modern = version.is_some_and(ProtocolVersion::is_modern);
    let mut session = Session::default();
    let (template, headers) = if modern {
        modern_headers(message, version, link, header_cache)?
    } else if what == What::Initialize {
        // It names its version in the body alone (ledger HTTP-C-009) and has no session yet.
        (header_cache.of_version(None, &link.net), Vec::new())
    } else {
        session = link.session();
        session.version = version.or(session.version);
        (header_cache.of_session(&session, &link.net), Vec::new())
    };
    let mut body = Vec::new();
    message.write_to(&mut body);
    let exchange = Exchange {
        method: hyper::Method::POST,
        url: None,
        template: Some(template),
        headers,
        body: body.into(),
        counted: what.is_counted(),
        repeatable: what.is_repeatable(),
    };
    Ok((Post { what, method: method_of(message), modern, session }, exchange))
}

/// The headers that mirror the body.
// HDR-C-001, HDR-C-004, HDR-C-008, HDR-C-016; T-31 for notifications.
fn modern_headers(
    message: &Message,
    version: Option<ProtocolVersion>,
    link: &LinkState,
    header_cache: &mut HeaderCache,
) -> Result<(HeaderTemplate, Headers), Loss> {
    let mut own = Vec::new();
    let template = match message {
        Message::Request(request) => {
            let method = request.method.as_str();
            let field = headers::named_by(method);
            let name = field.and_then(|field| request.params.as_ref()?.field_text(field));
            if let Some(name) = name.as_deref().filter(|_| method == "tools/call") {
                param_headers(request, name, &link.tools, &mut own)?;
            }
            // Tools and prompts are few; resources may be many.
            let target = name.as_deref().filter(|_| field == Some(Field::Name)).map(|name| (method, name));
            let template = target.and_then(|target| header_cache.of_target(version, target, &link.net));
            if template.is_none() {
                own.push((headers::METHOD, method_value(method)));
                own.extend(name.map(|name| (headers::NAME, headers::encode_value(&name))));
            }
            template
        }
        Message::Notification(note) => {
            own.push((headers::METHOD, method_value(note.method.as_str())));
            None
        }
        Message::Response(_) => {
            let why = "a client of 2026-07-28 sends no responses";
            return Err(Loss::new(LossKind::NoRoute, why));
        }
    };
    Ok((template.unwrap_or_else(|| header_cache.of_version(version, &link.net)), own))
}

/// The value of `Mcp-Method`. That of calls, the most frequent, is made once and for all.
fn method_value(method: &str) -> HeaderValue {
    match method {
        "tools/call" => HeaderValue::from_static("tools/call"),
        _ => headers::encode_value(method),
    }
}

/// `Mcp-Param-*`: one for each annotated argument that is there and not null.
// HDR-C-016, HDR-C-017.
fn param_headers(request: &Request, tool: &str, tools: &Tools, out: &mut Headers) -> Result<(), Loss> {
    let Some(annotations) = tools.annotations(tool) else { return Ok(()) };
    let arguments = request.params.as_ref().and_then(|params| params.field_json(Field::Arguments));
    for (annotation, value) in annotations.iter().zip(values(arguments.as_ref(), &annotations)) {
        let value = value.map_err(|error| Loss::new(LossKind::NoRoute, format!("tool {tool}: {error}")))?;
        if let Some(value) = value {
            out.push((annotation.header.clone(), headers::encode_value(&value.into_text())));
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
