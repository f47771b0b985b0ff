//! The era of a request, and how it is handled: ledger 2.6 without the header column.
//!
//! On a binding with headers the transport has checked the headers before a request reaches the session.

use std::borrow::Cow;

use crate::message::method::{self, MethodRow, Sender};
use crate::message::{ErrorObject, Field, ProtocolVersion, Request, meta};
use crate::session::LogLevel;

/// The era that a request claims in `params._meta`.
#[derive(Debug, PartialEq)]
pub(super) enum Claim {
    /// No version: the legacy era. A `_meta` with only a progressToken does not claim the modern era.
    // T-02.
    None,
    /// Served statelessly at this version, with log messages from this level on.
    Modern(ProtocolVersion, Option<LogLevel>),
    /// The claim is refused with this error.
    Refused(ErrorObject),
}

/// Reads the claim. Checks `_meta` first, then the version, as the ledger orders them.
pub(super) fn claim(request: &Request, versions: &[ProtocolVersion]) -> Claim {
    let Some(version) = request.field(Field::MetaProtocolVersion) else { return Claim::None };
    let bad = |key: &str, want: &str| {
        Claim::Refused(ErrorObject::invalid_params(format!("params._meta[\"{key}\"] has to be {want}")))
    };
    let Some(label) = text(version) else { return bad(meta::PROTOCOL_VERSION, "a string") };
    if request.field(Field::MetaClientCapabilities).and_then(|json| json.first()) != Some(&b'{') {
        return bad(meta::CLIENT_CAPABILITIES, "an object");
    }
    let version = match ProtocolVersion::parse(&label) {
        Some(version) if version.is_modern() && versions.contains(&version) => version,
        _ => return Claim::Refused(ErrorObject::unsupported_version(versions, &label)),
    };
    match request.field(Field::MetaLogLevel) {
        None => Claim::Modern(version, None),
        Some(json) => match text(json).and_then(|name| LogLevel::parse(&name)) {
            Some(level) => Claim::Modern(version, Some(level)),
            None => bad(meta::LOG_LEVEL, "a log level"),
        },
    }
}

/// The error for a malformed `_meta` of a request without a claim, if it is malformed.
pub(super) fn legacy_meta_fault(request: &Request) -> Option<ErrorObject> {
    if request.field(Field::Meta).is_some_and(|json| json.first() != Some(&b'{')) {
        return Some(ErrorObject::invalid_params("params._meta has to be an object"));
    }
    let token = request.field(Field::MetaProgressToken)?;
    let well_formed = matches!(token.first(), Some(b'"' | b'-' | b'0'..=b'9'));
    (!well_formed)
        .then(|| ErrorObject::invalid_params("params._meta.progressToken has to be a string or an integer"))
}

/// A JSON string's text, borrowed unless it has escapes.
fn text(json: &[u8]) -> Option<Cow<'_, str>> {
    let inner = json.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if inner.contains(&b'\\') {
        return serde_json::from_slice(json).ok().map(Cow::Owned);
    }
    std::str::from_utf8(inner).ok().map(Cow::Borrowed)
}

/// The rules that apply to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Governs {
    /// A modern claim.
    Modern,
    /// No claim, on a server without a legacy revision.
    Nothing,
    /// No claim, before `initialize`.
    Fresh,
    /// No claim, after `initialize`.
    Session,
}

/// How a request is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// The application serves it.
    Handler,
    /// Answered by the session.
    Discover,
    Listen,
    Ping,
    Initialize,
    SetLevel,
    Subscribe,
    Unsubscribe,
    /// `-32601`.
    NotFound,
    /// `-32602`: `params._meta` has to name the version.
    NoClaim,
    /// `-32022`, naming the versions.
    WrongEra,
    /// `-32600`: `initialize` comes first.
    TooEarly,
    /// `-32600`: `initialize` came already.
    TooLate,
}

/// The routing table. The first row that matches wins.
pub(super) fn look_up(governs: Governs, method: &str) -> Route {
    use Governs::{Fresh, Modern, Nothing, Session};
    match (governs, method) {
        // The claim wins over the method, `initialize` included (ledger T-11).
        (Modern, "server/discover") => Route::Discover,
        (Modern, "subscriptions/listen") => Route::Listen,
        (Modern, name) if client_requests(name, |row| row.modern) => Route::Handler,
        (Modern, _) => Route::NotFound,
        (_, "server/discover" | "subscriptions/listen") => Route::NoClaim,
        // A modern-only server lists its versions in the error (DISC-S-014).
        (Nothing, "initialize") => Route::WrongEra,
        (Nothing, _) => Route::NoClaim,
        (_, "ping") => Route::Ping,
        (Fresh, "initialize") => Route::Initialize,
        // The era probes of deployed clients depend on these codes (ledger T-43).
        (Fresh, name) if is_known(name) => Route::TooEarly,
        (Fresh, _) => Route::NotFound,
        (Session, "initialize") => Route::TooLate,
        (Session, "logging/setLevel") => Route::SetLevel,
        (Session, "resources/subscribe") => Route::Subscribe,
        (Session, "resources/unsubscribe") => Route::Unsubscribe,
        (Session, name) if client_requests(name, |row| row.legacy) => Route::Handler,
        (Session, _) => Route::NotFound,
    }
}

/// Whether a client may send this request: a method of clients, or of an extension.
fn client_requests(name: &str, sender: fn(&MethodRow) -> Sender) -> bool {
    !name.starts_with("notifications/") && method::find(name).is_none_or(|row| sender(row).client())
}

/// Whether the specification defines this request for legacy clients.
fn is_known(name: &str) -> bool {
    !name.starts_with("notifications/") && method::find(name).is_some_and(|row| row.legacy.client())
}

/// Whether the application receives this notification: one of legacy clients, or of an extension.
pub(super) fn client_notifies(name: &str, legacy: bool) -> bool {
    match method::find(name) {
        None => true,
        Some(row) => legacy && row.legacy.client() && name.starts_with("notifications/"),
    }
}
