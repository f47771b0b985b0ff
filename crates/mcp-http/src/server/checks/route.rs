//! The era that serves a message: the table of ledger 2.6 step 5, and the two refusals of step 4.

use std::borrow::Cow;

use hyper::HeaderMap;
use mcp_core::message::{
    ErrorObject, Field, Message, Notification, ProtocolVersion, Refusal, Request, Shape, code, meta,
};

use super::names::is_plain_copy;
use super::{Label, mismatch, version_label};
use crate::headers::SESSION_ID;

/// How a message is served.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Route {
    /// Statelessly; the header checks of step 6 come next.
    Modern,
    /// By the legacy era, with its sessions.
    Legacy,
    /// Accepted and dropped: 202.
    Drop,
    /// Refused by the protocol.
    Refuse(Refusal),
}

/// The version header, as seen by a server of certain revisions.
#[derive(Clone, Debug, PartialEq, Eq)]
enum VersionHeader<'a> {
    Absent,
    /// A modern revision that is served.
    Modern(Cow<'a, str>),
    /// A legacy revision, served or not; the session knows whether it is the negotiated one.
    Legacy(Cow<'a, str>),
    /// A modern revision that is not served, or any other text.
    Unknown(Cow<'a, str>),
    /// Copies that differ, or copies of a modern revision.
    Many,
}

impl<'a> VersionHeader<'a> {
    fn read(headers: &'a HeaderMap, served: &[ProtocolVersion]) -> VersionHeader<'a> {
        let label = match version_label(headers) {
            Label::Absent => return VersionHeader::Absent,
            Label::Many => return VersionHeader::Many,
            Label::One(label) => label,
        };
        let usual = served.iter().find(|version| version.is_modern() && version.as_str().as_bytes() == label);
        if let Some(version) = usual {
            return VersionHeader::Modern(Cow::Borrowed(version.as_str()));
        }
        // Valid text is checked faster than it is repaired.
        let label = std::str::from_utf8(label).map_or_else(|_| String::from_utf8_lossy(label), Cow::Borrowed);
        match ProtocolVersion::parse(&label) {
            Some(version) if version.is_legacy() => VersionHeader::Legacy(label),
            Some(version) if served.contains(&version) => VersionHeader::Modern(label),
            _ => VersionHeader::Unknown(label),
        }
    }

    fn label(&self) -> Option<&str> {
        match self {
            VersionHeader::Modern(label) | VersionHeader::Legacy(label) | VersionHeader::Unknown(label) => {
                Some(label)
            }
            VersionHeader::Absent | VersionHeader::Many => None,
        }
    }
}

/// Routes a message. `served` are the revisions of the server, of one era or both.
pub(crate) fn route(headers: &HeaderMap, message: &Message, served: &[ProtocolVersion]) -> Route {
    let header = VersionHeader::read(headers, served);
    let routed = match message {
        Message::Request(request) => match request.field(Field::MetaProtocolVersion) {
            Some(_) => claimed(&header, request, served),
            None => unclaimed(&header, request, served),
        },
        Message::Notification(notification) => notified(&header, notification, served),
        Message::Response(_) => responded(&header, served),
    };
    routed.unwrap_or_else(Route::Refuse)
}

// Ledger T-01, RPC-B-022, RPC-B-023; T-20.
/// Routes an array: only a session of 2025-03-26 may send one. The session decides where the headers do not, because it
/// knows its version.
pub(crate) fn route_batch(headers: &HeaderMap, served: &[ProtocolVersion]) -> Route {
    let header = VersionHeader::read(headers, served);
    let open = match &header {
        VersionHeader::Absent => true,
        VersionHeader::Legacy(label) => {
            *label == ProtocolVersion::V2025_03_26.as_str() || headers.contains_key(SESSION_ID)
        }
        VersionHeader::Modern(_) | VersionHeader::Unknown(_) | VersionHeader::Many => false,
    };
    if open && served.iter().any(|version| version.has_batching()) {
        return Route::Legacy;
    }
    Route::Refuse(Refusal::invalid(
        None,
        Shape::Unknown,
        "a POST carries one message; arrays are for 2025-03-26 only",
    ))
}

// Ledger T-11.
/// A request that names a version in its `_meta` belongs to the modern era, whatever its method.
fn claimed(
    header: &VersionHeader<'_>,
    request: &Request,
    served: &[ProtocolVersion],
) -> Result<Route, Refusal> {
    let refuse = |error| refusal(request, error);
    let incomplete = |key: &str, want: &str| {
        refuse(ErrorObject::invalid_params(format!("params._meta[\"{key}\"] must be {want}")))
    };
    let has_capabilities =
        request.field(Field::MetaClientCapabilities).and_then(|json| json.first()) == Some(&b'{');
    if let (VersionHeader::Modern(label), Some(json)) = (header, request.field(Field::MetaProtocolVersion))
        && has_capabilities
        && is_plain_copy(label.as_bytes(), json)
    {
        return Ok(Route::Modern);
    }
    let version = request.params.as_ref().and_then(|params| params.field_text(Field::MetaProtocolVersion));
    let Some(version) = version else { return Err(incomplete(meta::PROTOCOL_VERSION, "a string")) };
    if !has_capabilities {
        return Err(incomplete(meta::CLIENT_CAPABILITIES, "an object"));
    }
    match header {
        VersionHeader::Absent => {
            return Err(mismatch(request, "Header mismatch: Mcp-Protocol-Version is missing"));
        }
        VersionHeader::Many => {
            return Err(mismatch(request, "Header mismatch: Mcp-Protocol-Version is repeated"));
        }
        named if named.label() != Some(&version) => {
            return Err(mismatch(
                request,
                "Header mismatch: Mcp-Protocol-Version differs from the version in params._meta",
            ));
        }
        VersionHeader::Modern(_) => {}
        VersionHeader::Legacy(_) | VersionHeader::Unknown(_) => {
            return Err(refuse(ErrorObject::unsupported_version(served, &version)));
        }
    }
    Ok(Route::Modern)
}

/// A request without a version in its `_meta` belongs to the legacy era, unless the header names a modern one.
fn unclaimed(
    header: &VersionHeader<'_>,
    request: &Request,
    served: &[ProtocolVersion],
) -> Result<Route, Refusal> {
    let unsupported = |asked: &str| Err(refusal(request, ErrorObject::unsupported_version(served, asked)));
    let initialize = request.method == "initialize";
    match header {
        VersionHeader::Modern(_) => {
            let error = ErrorObject::invalid_params(format!(
                "params._meta[\"{}\"] must name the version of the header",
                meta::PROTOCOL_VERSION
            ));
            Err(refusal(request, error))
        }
        VersionHeader::Many => Err(mismatch(request, "Header mismatch: Mcp-Protocol-Version is repeated")),
        // `initialize` negotiates by its body, whatever the header says (ledger T-20).
        VersionHeader::Unknown(label) if !initialize => unsupported(label),
        _ if has_legacy(served) => Ok(Route::Legacy),
        // A modern-only server names its versions (ledger T-34).
        _ if initialize => {
            let asked = request.params.as_ref().and_then(|params| params.field_text(Field::ProtocolVersion));
            unsupported(asked.as_deref().or(header.label()).unwrap_or_default())
        }
        VersionHeader::Legacy(label) | VersionHeader::Unknown(label) => unsupported(label),
        VersionHeader::Absent => {
            let names: Vec<&str> = served.iter().map(|version| version.as_str()).collect();
            let versions = names.join(", ");
            Err(mismatch(
                request,
                format!("Header mismatch: Mcp-Protocol-Version is missing; this server speaks {versions}"),
            ))
        }
    }
}

// Ledger T-31.
/// A notification. The modern era has none over HTTP, so they are accepted and dropped. This includes
/// `notifications/cancelled`, which could cancel the request of another caller.
fn notified(
    header: &VersionHeader<'_>,
    notification: &Notification,
    served: &[ProtocolVersion],
) -> Result<Route, Refusal> {
    let refuse = |error| Err(Refusal::of_notification(error));
    match header {
        VersionHeader::Many => refuse(ErrorObject::new(
            code::HEADER_MISMATCH,
            "Header mismatch: Mcp-Protocol-Version is repeated",
        )),
        VersionHeader::Unknown(label) => refuse(ErrorObject::unsupported_version(served, label)),
        VersionHeader::Modern(_) => Ok(Route::Drop),
        VersionHeader::Legacy(_) | VersionHeader::Absent => {
            let modern = notification.field(Field::MetaProtocolVersion).is_some();
            Ok(if modern || !has_legacy(served) { Route::Drop } else { Route::Legacy })
        }
    }
}

// Ledger RPC-B-013.
/// A response: only legacy servers send requests. Its id was chosen by the server and is not echoed.
fn responded(header: &VersionHeader<'_>, served: &[ProtocolVersion]) -> Result<Route, Refusal> {
    match header {
        VersionHeader::Legacy(_) | VersionHeader::Absent if has_legacy(served) => Ok(Route::Legacy),
        _ => Err(Refusal::invalid(
            None,
            Shape::Response,
            "a response is not expected: this server sends no requests",
        )),
    }
}

fn has_legacy(served: &[ProtocolVersion]) -> bool {
    served.iter().any(|version| version.is_legacy())
}

fn refusal(request: &Request, error: ErrorObject) -> Refusal {
    Refusal::of_request(request.id.clone(), error)
}
