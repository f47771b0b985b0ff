//! Decodes messages in one pass that distinguishes null from absent and never builds a tree.

#![expect(clippy::indexing_slicing, reason = "spans come from a scan of the same text")]

use bytes::Bytes;

use super::payload::{FieldPositions, PositionTable, has_positions, scan_object};
use super::scan::{self, DEFAULT_MAX_DEPTH, Kind, ScanError, Scanner};
use super::string_scan::read_text;
use super::{
    ErrorObject, Message, Method, Notification, Payload, RawJson, Refusal, Request, RequestId, Response,
    Shape,
};

/// The largest number of messages in one batch. A larger batch is refused as a whole.
pub const MAX_BATCH: usize = 1024;

/// The content of one line, event or body.
#[derive(Clone, Debug, PartialEq)]
pub enum Decoded {
    /// One message, or the reason why it is not one.
    One(Result<Message, Refusal>),
    /// A batch of at most [`MAX_BATCH`] messages. Only 2025-03-26 has batches; the session decides whether it
    /// is legal.
    Batch(Vec<Result<Message, Refusal>>),
}

/// Decodes one line, event or body. Accepts a byte order mark before it and white space around it.
///
/// The payloads are slices of `text`. The nesting depth is limited to [`DEFAULT_MAX_DEPTH`]. Time is linear
/// in the length of the text.
///
/// ```
/// use bytes::Bytes;
/// use mcp_core::message::{decode, Decoded, Message};
///
/// let text = Bytes::from_static(br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
/// assert!(matches!(decode(text), Decoded::One(Ok(Message::Request(_)))));
/// ```
pub fn decode(text: Bytes) -> Decoded {
    decode_with_depth(text, DEFAULT_MAX_DEPTH)
}

/// Like [`decode`] with another limit of the nesting depth, at most [`HARD_MAX_DEPTH`](super::HARD_MAX_DEPTH).
pub fn decode_with_depth(text: Bytes, max_depth: u32) -> Decoded {
    let text = if text.starts_with(b"\xef\xbb\xbf") { text.slice(3..) } else { text };
    if !has_positions(text.len()) {
        return Decoded::One(Err(Refusal::too_long(None, Shape::Unknown, "message", u32::MAX as usize)));
    }
    if let Err(error) = scan::check_utf8(&text) {
        return Decoded::One(Err(Refusal::unreadable(error)));
    }
    let mut scanner = Scanner::new(&text, max_depth);
    if scanner.peek() == Some(b'[') {
        decode_batch(&text, scanner)
    } else {
        Decoded::One(decode_one(&text, scanner, true))
    }
}

fn decode_batch(text: &Bytes, mut scanner: Scanner<'_>) -> Decoded {
    let mut items = Vec::new();
    let mut count = 0_usize;
    let scanned = scanner.array(|scanner| {
        count += 1;
        let mut members = EnvelopeMembers::default();
        if scanner.peek() == Some(b'{') {
            members.scan(scanner)?;
        } else {
            let (kind, _) = scanner.value()?;
            members.fault(format_args!("a message must be an object, not {}", kind.name()));
        }
        if count <= MAX_BATCH {
            items.push(members.finish(text));
        }
        Ok(())
    });
    match scanned.and_then(|_| scanner.end()) {
        Err(error) => Decoded::One(Err(refuse(error, None, Shape::Unknown))),
        Ok(()) if count > MAX_BATCH => {
            let why = format!("a batch of {count} messages; the limit is {MAX_BATCH}");
            Decoded::One(Err(Refusal::invalid(None, Shape::Unknown, why)))
        }
        Ok(()) => Decoded::Batch(items),
    }
}

fn decode_one(text: &Bytes, mut scanner: Scanner<'_>, whole: bool) -> Result<Message, Refusal> {
    let mut members = EnvelopeMembers::default();
    let scanned = match scanner.peek() {
        Some(b'{') => members.scan(&mut scanner),
        _ => match scanner.value() {
            Ok((kind, _)) => {
                members.fault(format_args!("a message must be an object, not {}", kind.name()));
                Ok(())
            }
            Err(error) => Err(error),
        },
    };
    let scanned = if whole { scanned.and_then(|()| scanner.end()) } else { scanned };
    match scanned {
        Ok(()) => members.finish(text),
        Err(error) => Err(refuse(error, members.readable_id(), members.shape())),
    }
}

/// Reads the id and the shape of a message from its first bytes, for a message that is too long to be
/// decoded. An id that is not in `prefix` may still follow.
pub fn peek_prefix(prefix: &[u8]) -> (Option<RequestId>, Shape) {
    let valid = match std::str::from_utf8(prefix) {
        Ok(_) => prefix,
        Err(error) => &prefix[..error.valid_up_to()],
    };
    let mut members = EnvelopeMembers::default();
    // The text is truncated, so the scan ends in an error. What was read before it counts.
    let _cut = members.scan(&mut Scanner::new(valid, DEFAULT_MAX_DEPTH));
    let shape = match members.shape() {
        // The id may follow.
        Shape::Notification => Shape::Unknown,
        other => other,
    };
    (members.readable_id(), shape)
}

/// A syntax error is `-32700` without an id; an exceeded limit is `-32600` with the id, if it was read.
fn refuse(error: ScanError, id: Option<RequestId>, shape: Shape) -> Refusal {
    match error {
        ScanError::TooDeep { limit } => {
            Refusal::invalid(id, shape, error).with_limit("JSON depth", u64::from(limit))
        }
        ScanError::Syntax(_) | ScanError::Utf8(_) => Refusal::unreadable(error),
    }
}

type Span = std::ops::Range<usize>;

/// The members of one envelope.
#[derive(Default)]
struct EnvelopeMembers {
    version: Option<bool>,
    id: Option<Id>,
    method: Option<Result<Span, Kind>>,
    params: Option<(Kind, Span, FieldPositions)>,
    result: Option<(Kind, Span, FieldPositions)>,
    error: Option<Result<ErrorMembers, &'static str>>,
    /// The first broken rule.
    fault: Option<String>,
}

enum Id {
    Null,
    Read(RequestId),
    Bad,
}

struct ErrorMembers {
    code: i64,
    message: Span,
    data: Option<Span>,
}

impl EnvelopeMembers {
    fn fault(&mut self, why: std::fmt::Arguments<'_>) {
        if self.fault.is_none() {
            self.fault = Some(why.to_string());
        }
    }

    fn scan(&mut self, scanner: &mut Scanner<'_>) -> Result<(), ScanError> {
        scanner.object(|scanner, key| {
            let name = key.text(scanner.bytes());
            match &*name {
                b"jsonrpc" => {
                    let (_, span) = scanner.value()?;
                    let ok = &scanner.bytes()[span] == b"\"2.0\"";
                    if self.version.replace(ok).is_some() {
                        self.duplicate("jsonrpc");
                    }
                }
                b"id" => {
                    let (kind, span) = scanner.value()?;
                    let id = match kind {
                        Kind::Null => Id::Null,
                        Kind::String | Kind::Number => {
                            RequestId::parse(&scanner.bytes()[span]).map_or(Id::Bad, Id::Read)
                        }
                        _ => Id::Bad,
                    };
                    if self.id.replace(id).is_some() {
                        self.duplicate("id");
                    }
                }
                b"method" => {
                    let (kind, span) = scanner.value()?;
                    let method = if kind == Kind::String { Ok(span) } else { Err(kind) };
                    if self.method.replace(method).is_some() {
                        self.duplicate("method");
                    }
                }
                b"params" => {
                    let payload = self.payload(scanner, "params")?;
                    if self.params.replace(payload).is_some() {
                        self.duplicate("params");
                    }
                }
                b"result" => {
                    let payload = self.payload(scanner, "result")?;
                    if self.result.replace(payload).is_some() {
                        self.duplicate("result");
                    }
                }
                b"error" => {
                    let error = scan_error(scanner)?;
                    if self.error.replace(error).is_some() {
                        self.duplicate("error");
                    }
                }
                _ => {
                    scanner.value()?;
                }
            }
            Ok(())
        })?;
        Ok(())
    }

    fn duplicate(&mut self, name: &str) {
        // With two ids it is unclear which one to answer.
        if name == "id" {
            self.id = Some(Id::Bad);
        }
        self.fault(format_args!("two members named {name}"));
    }

    fn payload(
        &mut self,
        scanner: &mut Scanner<'_>,
        name: &str,
    ) -> Result<(Kind, Span, FieldPositions), ScanError> {
        if scanner.peek() != Some(b'{') {
            let (kind, span) = scanner.value()?;
            return Ok((kind, span, FieldPositions::None));
        }
        let (mut table, mut duplicate) = (PositionTable::EMPTY, false);
        let span = scan_object(scanner, &mut table, &mut duplicate)?;
        if duplicate {
            self.fault(format_args!("{name} has two members of the same name"));
        }
        Ok((Kind::Object, span, FieldPositions::new(table)))
    }

    fn readable_id(&self) -> Option<RequestId> {
        match &self.id {
            Some(Id::Read(id)) => Some(id.clone()),
            _ => None,
        }
    }

    /// An object with a method and an id is a request, whatever else is wrong with it.
    fn shape(&self) -> Shape {
        match (&self.method, &self.id) {
            (Some(_), Some(_)) => Shape::Request,
            (Some(_), None) => Shape::Notification,
            (None, _) if self.result.is_some() || self.error.is_some() => Shape::Response,
            (None, _) => Shape::Unknown,
        }
    }

    fn finish(mut self, text: &Bytes) -> Result<Message, Refusal> {
        let shape = self.shape();
        let id = self.readable_id();
        match self.build(text, shape) {
            Ok(message) if self.fault.is_none() => Ok(message),
            Ok(_) => Err(Refusal::invalid(id, shape, self.fault.unwrap_or_default())),
            Err(why) => Err(Refusal::invalid(id, shape, self.fault.unwrap_or(why))),
        }
    }

    fn build(&mut self, text: &Bytes, shape: Shape) -> Result<Message, String> {
        if self.version != Some(true) {
            return Err("`jsonrpc` must be \"2.0\"".into());
        }
        match shape {
            Shape::Request | Shape::Notification => {
                if self.result.is_some() || self.error.is_some() {
                    return Err("a message has both a method and an outcome".into());
                }
                let method = match self.method.take() {
                    Some(Ok(span)) => read_method(&text[span])?,
                    Some(Err(kind)) => return Err(format!("`method` must be a string, not {}", kind.name())),
                    None => return Err("no method".into()),
                };
                let params = match self.params.take() {
                    Some(payload) => Some(slice_payload(text, payload, "params")?),
                    None => None,
                };
                match self.id.take() {
                    None => Ok(Message::Notification(Notification { method, params })),
                    Some(Id::Read(id)) => Ok(Message::Request(Request { id, method, params })),
                    Some(Id::Null) => Err("the id of a request must not be null".into()),
                    Some(Id::Bad) => Err("an id must be a string or an integer".into()),
                }
            }
            Shape::Response => {
                let id = match self.id.take() {
                    None | Some(Id::Null) => None,
                    Some(Id::Read(id)) => Some(id),
                    Some(Id::Bad) => return Err("an id must be a string or an integer".into()),
                };
                let (result, error) = (self.result.take(), self.error.take());
                let null_member = result.is_some() && error.is_some();
                let outcome = match (result, error) {
                    // FAULT F-C11.
                    (Some(payload @ (Kind::Object, ..)), Some(Err(NULL_ERROR))) => {
                        Ok(slice_payload(text, payload, "result")?)
                    }
                    (Some((Kind::Null, ..)), Some(Ok(error))) => Err(slice_error(text, error)),
                    (Some(_), Some(_)) => return Err("a response has both a result and an error".into()),
                    (Some(payload), None) => Ok(slice_payload(text, payload, "result")?),
                    (None, Some(error)) => Err(slice_error(text, error?)),
                    (None, None) => return Err("a response has neither a result nor an error".into()),
                };
                Ok(Message::Response(Response { id, outcome, null_member }))
            }
            Shape::Unknown => Err("a message has neither a method nor an outcome".into()),
        }
    }
}

fn read_method(quoted: &[u8]) -> Result<Method, String> {
    read_text(quoted).map(|name| Method::from_wire(&name)).ok_or_else(|| "unreadable method".into())
}

fn slice_payload(
    text: &Bytes,
    (kind, span, positions): (Kind, Span, FieldPositions),
    name: &str,
) -> Result<Payload, String> {
    if kind != Kind::Object {
        return Err(format!("`{name}` must be an object, not {}", kind.name()));
    }
    Ok(Payload::scanned(RawJson::trusted(text.slice(span)), positions))
}

fn slice_error(text: &Bytes, error: ErrorMembers) -> ErrorObject {
    ErrorObject {
        code: error.code,
        message: read_text(&text[error.message]).unwrap_or_default().into_owned().into(),
        data: error.data.map(|span| RawJson::trusted(text.slice(span))),
    }
}

/// Why a message whose only outcome is `"error":null` is none.
const NULL_ERROR: &str = "`error` must be an object, not null";

/// Scans the `error` member. The inner error says what is wrong with an error object that is valid JSON.
fn scan_error(scanner: &mut Scanner<'_>) -> Result<Result<ErrorMembers, &'static str>, ScanError> {
    if scanner.peek() != Some(b'{') {
        let (kind, _) = scanner.value()?;
        return Ok(Err(if kind == Kind::Null { NULL_ERROR } else { "`error` must be an object" }));
    }
    let (mut code, mut message, mut data, mut twice) = (None, None, None, false);
    scanner.object(|scanner, key| {
        let name = key.text(scanner.bytes());
        let (kind, span) = scanner.value()?;
        match &*name {
            b"code" => {
                let number = std::str::from_utf8(&scanner.bytes()[span])
                    .ok()
                    .and_then(|text| text.parse::<i64>().ok());
                twice |= code.replace(number.filter(|_| kind == Kind::Number)).is_some();
            }
            b"message" => twice |= message.replace((kind, span)).is_some(),
            b"data" => twice |= data.replace(span).is_some(),
            _ => {}
        }
        Ok(())
    })?;
    Ok(match (code, message) {
        _ if twice => Err("`error` has two members of the same name"),
        (Some(Some(code)), Some((Kind::String, message))) => Ok(ErrorMembers { code, message, data }),
        (Some(Some(_)), _) => Err("`error.message` must be a string"),
        _ => Err("`error.code` must be an integer"),
    })
}
