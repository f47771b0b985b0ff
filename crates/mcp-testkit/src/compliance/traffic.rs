//! The messages that the kit sends: plausible in the fixture's era, with payloads that identify them.

use mcp_core::message::{
    ErrorObject, Message, Notification, Payload, ProtocolVersion, RawJson, Request, RequestId, Response, meta,
};
use mcp_core::transport::{Envelope, Lane, Outbound};

use super::Dialect;

/// The revision that governs the dialect.
pub(super) fn version(dialect: Dialect) -> ProtocolVersion {
    match dialect {
        Dialect::Modern => ProtocolVersion::LATEST_MODERN,
        Dialect::Legacy(version) => version,
    }
}

fn params(dialect: Dialect, members: &[(&str, RawJson)]) -> RawJson {
    let mut members: Vec<(&str, RawJson)> = members.to_vec();
    if dialect == Dialect::Modern {
        let version = RawJson::string(version(dialect).as_str());
        let meta = [(meta::PROTOCOL_VERSION, version), (meta::CLIENT_CAPABILITIES, RawJson::EMPTY_OBJECT)];
        members.push(("_meta", RawJson::object(meta)));
    }
    RawJson::object(members)
}

/// A call with this payload.
pub(super) fn call(dialect: Dialect, id: RequestId, payload: RawJson) -> Message {
    let params = params(dialect, &[("name", RawJson::string("kit")), ("arguments", payload)]);
    Request::new(id, "tools/call", Some(params)).into()
}

/// A client's notification with this payload.
pub(super) fn client_note(dialect: Dialect, payload: RawJson) -> Message {
    Notification::new("notifications/kit", Some(params(dialect, &[("arguments", payload)]))).into()
}

/// A server's notification with this payload.
pub(super) fn server_note(payload: RawJson) -> Message {
    let params = RawJson::object([("level", RawJson::string("info")), ("data", payload)]);
    Notification::new("notifications/message", Some(params)).into()
}

/// A result with this payload.
pub(super) fn result(id: RequestId, payload: RawJson) -> Message {
    let members = [("resultType", RawJson::string("complete")), ("structuredContent", payload)];
    Response::result(id, RawJson::object(members)).into()
}

/// An error with this object.
pub(super) fn error(id: RequestId, error: ErrorObject) -> Message {
    Response::error(Some(id), error).into()
}

/// `initialize`, as a client opens a legacy link.
pub(super) fn initialize(version: ProtocolVersion) -> Message {
    let info = RawJson::object([("name", RawJson::string("kit")), ("version", RawJson::string("1"))]);
    let members = [
        ("protocolVersion", RawJson::string(version.as_str())),
        ("capabilities", RawJson::EMPTY_OBJECT),
        ("clientInfo", info),
    ];
    Request::new("kit-initialize", "initialize", Some(RawJson::object(members))).into()
}

/// Its result.
pub(super) fn initialized_result(id: RequestId, version: ProtocolVersion) -> Message {
    let info = RawJson::object([("name", RawJson::string("kit")), ("version", RawJson::string("1"))]);
    let members = [
        ("protocolVersion", RawJson::string(version.as_str())),
        ("capabilities", RawJson::EMPTY_OBJECT),
        ("serverInfo", info),
    ];
    Response::result(id, RawJson::object(members)).into()
}

/// A small payload with this number.
pub(super) fn numbered(number: usize) -> RawJson {
    RawJson::object([("n", RawJson::integer(i64::try_from(number).unwrap_or(i64::MAX)))])
}

/// A payload with this number, of about this many bytes.
pub(super) fn sized(number: usize, bytes: usize) -> RawJson {
    let number = RawJson::integer(i64::try_from(number).unwrap_or(i64::MAX));
    RawJson::object([("n", number), ("fill", RawJson::string(&"m".repeat(bytes)))])
}

/// The payload of a message of the kit, whichever kind it is.
pub(super) fn payload(message: &Message) -> Option<RawJson> {
    let of = |payload: &Option<Payload>, key| payload.as_ref()?.raw().member(key);
    match message {
        Message::Request(request) => of(&request.params, "arguments"),
        Message::Notification(note) if note.method.as_str() == "notifications/message" => {
            of(&note.params, "data")
        }
        Message::Notification(note) => of(&note.params, "arguments"),
        Message::Response(response) => response.outcome.as_ref().ok()?.raw().member("structuredContent"),
    }
}

/// The number of a message of the kit.
pub(super) fn number(message: &Message) -> Option<usize> {
    payload(message)?.member("n")?.deserialize().ok()
}

/// Whether a message holds the payload of [`sized`], whole.
pub(super) fn is_sized(message: &Message, number: usize, bytes: usize) -> bool {
    let fill = || payload(message)?.member("fill");
    // Two quotes around it.
    self::number(message) == Some(number) && fill().is_some_and(|fill| fill.as_bytes().len() == bytes + 2)
}

/// A message on a lane, ready to be sent.
pub(super) fn out(dialect: Dialect, message: Message, lane: Lane, last: bool) -> Outbound {
    let mut envelope = Envelope::default();
    envelope.version = Some(version(dialect));
    Outbound::message(message, lane).last(last).with_envelope(envelope)
}

/// What a message is, in few words for a report.
pub(super) fn describe(message: &Message) -> String {
    let number = number(message).map(|number| format!(" #{number}")).unwrap_or_default();
    kind(message) + &number
}

/// The same without a look at the payload, which may be large.
pub(super) fn kind(message: &Message) -> String {
    match message {
        Message::Request(request) => format!("request {:?} {}", request.id, request.method.as_str()),
        Message::Notification(note) => format!("notification {}", note.method.as_str()),
        Message::Response(response) => {
            let kind = if response.outcome.is_ok() { "result" } else { "error" };
            format!("{kind} for {:?}", response.id)
        }
    }
}
