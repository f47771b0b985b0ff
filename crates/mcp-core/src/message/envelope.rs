//! Text to messages: one pass that keeps null apart from absent and never builds a tree.

use bytes::Bytes;

use super::payload::{FieldSpans, Places, kind_name, scan_object};
use super::scan::{self, DEFAULT_MAX_DEPTH, Kind, ScanError, Scanner};
use super::string_scan::read_text;
use super::{
    ErrorObject, Message, Method, Notification, Payload, RawJson, Refusal, Request, RequestId, Response,
    Shape,
};

/// The most messages that one batch may hold. A larger one is refused whole.
pub const MAX_BATCH: usize = 1024;

/// What one line, event or body held.
#[derive(Clone, Debug, PartialEq)]
pub enum Decoded {
    /// One message, or why it is none.
    One(Result<Message, Refusal>),
    /// A batch (2025-03-26 only; the session judges it). Never longer than [`MAX_BATCH`].
    Batch(Vec<Result<Message, Refusal>>),
}

/// Reads what one line, event or body holds. Accepts a byte order mark and white space around it.
///
/// The payloads are slices of `text`. Depth is bounded by 128.
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

/// Like [`decode`], with another depth limit (at most 512).
pub fn decode_with_depth(text: Bytes, max_depth: u32) -> Decoded {
    let text = if text.starts_with(b"\xef\xbb\xbf") { text.slice(3..) } else { text };
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
        let mut fields = Fields::default();
        if scanner.peek() == Some(b'{') {
            fields.scan(scanner)?;
        } else {
            let (kind, _) = scanner.value()?;
            fields.fault(format_args!("a message is an object, not {}", kind_name(kind)));
        }
        if count <= MAX_BATCH {
            items.push(fields.finish(text));
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
    let mut fields = Fields::default();
    let scanned = match scanner.peek() {
        Some(b'{') => fields.scan(&mut scanner),
        _ => match scanner.value() {
            Ok((kind, _)) => {
                fields.fault(format_args!("a message is an object, not {}", kind_name(kind)));
                Ok(())
            }
            Err(error) => Err(error),
        },
    };
    let scanned = if whole { scanned.and_then(|()| scanner.end()) } else { scanned };
    match scanned {
        Ok(()) => fields.finish(text),
        Err(error) => Err(refuse(error, fields.readable_id(), fields.shape())),
    }
}

/// Reads the id and the shape of a message from its first bytes, for one that is too long to be read.
/// What stands behind `prefix` is not known, so a missing id does not mean that there is none.
pub fn peek_prefix(prefix: &[u8]) -> (Option<RequestId>, Shape) {
    let valid = match std::str::from_utf8(prefix) {
        Ok(_) => prefix,
        Err(error) => &prefix[..error.valid_up_to()],
    };
    let mut fields = Fields::default();
    // The text is cut, so the scan ends in an error; what it saw until then counts.
    let _cut = fields.scan(&mut Scanner::new(valid, DEFAULT_MAX_DEPTH));
    let shape = match fields.shape() {
        // The id may stand behind the cut.
        Shape::Notification => Shape::Unknown,
        other => other,
    };
    (fields.readable_id(), shape)
}

/// A syntax error is `-32700` without an id; a limit is `-32600` with the id, if it was read.
fn refuse(error: ScanError, id: Option<RequestId>, shape: Shape) -> Refusal {
    match error {
        ScanError::TooDeep { limit } => {
            Refusal::invalid(id, shape, error).with_limit("JSON depth", u64::from(limit))
        }
        ScanError::Syntax(_) | ScanError::Utf8(_) => Refusal::unreadable(error),
    }
}

type Span = std::ops::Range<usize>;

/// The members of one envelope as they were found.
#[derive(Default)]
struct Fields {
    version: Option<bool>,
    id: Option<Id>,
    method: Option<Result<Span, Kind>>,
    params: Option<(Kind, Span, Places)>,
    result: Option<(Kind, Span, Places)>,
    error: Option<Result<ErrorFields, &'static str>>,
    /// The first rule that was broken.
    fault: Option<String>,
}

enum Id {
    Null,
    Read(RequestId),
    Bad,
}

struct ErrorFields {
    code: i64,
    message: Span,
    data: Option<Span>,
}

impl Fields {
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
        // Of two ids, neither can be trusted.
        if name == "id" {
            self.id = Some(Id::Bad);
        }
        self.fault(format_args!("two members named {name}"));
    }

    fn payload(&mut self, scanner: &mut Scanner<'_>, name: &str) -> Result<(Kind, Span, Places), ScanError> {
        if scanner.peek() != Some(b'{') {
            let (kind, span) = scanner.value()?;
            return Ok((kind, span, Places::None));
        }
        let (mut marks, mut duplicate) = (FieldSpans::NONE, false);
        let span = scan_object(scanner, &mut marks, &mut duplicate)?;
        if duplicate {
            self.fault(format_args!("two members of one name in {name}"));
        }
        Ok((Kind::Object, span, Places::new(marks)))
    }

    fn readable_id(&self) -> Option<RequestId> {
        match &self.id {
            Some(Id::Read(id)) => Some(id.clone()),
            _ => None,
        }
    }

    /// An object with a method and an id is always a request, whatever else is wrong with it.
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
            return Err("`jsonrpc` has to be \"2.0\"".into());
        }
        match shape {
            Shape::Request | Shape::Notification => {
                if self.result.is_some() || self.error.is_some() {
                    return Err("a method and an outcome in one message".into());
                }
                let method = match self.method.take() {
                    Some(Ok(span)) => read_method(&text[span])?,
                    Some(Err(kind)) => return Err(format!("`method` is a string, not {}", kind_name(kind))),
                    None => return Err("no method".into()),
                };
                let params = match self.params.take() {
                    Some(payload) => Some(slice_payload(text, payload, "params")?),
                    None => None,
                };
                match self.id.take() {
                    None => Ok(Message::Notification(Notification { method, params })),
                    Some(Id::Read(id)) => Ok(Message::Request(Request { id, method, params })),
                    Some(Id::Null) => Err("the id of a request is never null".into()),
                    Some(Id::Bad) => Err("an id is a string or an integer".into()),
                }
            }
            Shape::Response => {
                let id = match self.id.take() {
                    None | Some(Id::Null) => None,
                    Some(Id::Read(id)) => Some(id),
                    Some(Id::Bad) => return Err("an id is a string or an integer".into()),
                };
                let outcome = match (self.result.take(), self.error.take()) {
                    (Some(_), Some(_)) => return Err("a result and an error in one response".into()),
                    (Some(payload), None) => Ok(slice_payload(text, payload, "result")?),
                    (None, Some(error)) => Err(slice_error(text, error?)),
                    (None, None) => return Err("neither a result nor an error".into()),
                };
                Ok(Message::Response(Response { id, outcome }))
            }
            Shape::Unknown => Err("neither a method nor an outcome".into()),
        }
    }
}

fn read_method(quoted: &[u8]) -> Result<Method, String> {
    read_text(quoted).map(|name| Method::from_wire(&name)).ok_or_else(|| "unreadable method".into())
}

fn slice_payload(
    text: &Bytes,
    (kind, span, places): (Kind, Span, Places),
    name: &str,
) -> Result<Payload, String> {
    if kind != Kind::Object {
        return Err(format!("`{name}` is an object, not {}", kind_name(kind)));
    }
    Ok(Payload::scanned(RawJson::trusted(text.slice(span)), places))
}

fn slice_error(text: &Bytes, error: ErrorFields) -> ErrorObject {
    ErrorObject {
        code: error.code,
        message: read_text(&text[error.message]).unwrap_or_default().into_owned().into(),
        data: error.data.map(|span| RawJson::trusted(text.slice(span))),
    }
}

/// The `error` member. The inner result tells what is wrong with an error object that is JSON.
fn scan_error(scanner: &mut Scanner<'_>) -> Result<Result<ErrorFields, &'static str>, ScanError> {
    if scanner.peek() != Some(b'{') {
        scanner.value()?;
        return Ok(Err("`error` is an object"));
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
        _ if twice => Err("two members of one name in `error`"),
        (Some(Some(code)), Some((Kind::String, message))) => Ok(ErrorFields { code, message, data }),
        (Some(Some(_)), _) => Err("`error.message` is a string"),
        _ => Err("`error.code` is an integer"),
    })
}
