//! JSON-RPC 2.0 messages as MCP uses them, with payloads that stay JSON text.
//!
//! [`decode`] reads a message in one pass, and [`Message::write_to`] writes one. In between a payload is never parsed
//! into a tree, so that numbers keep their digits. The message format is defined by the
//! [specification](https://modelcontextprotocol.io/specification/2025-11-25/basic).

// Floor 0: names nothing else of this crate.

mod answer_search;
mod checked;
pub(crate) mod encode;
mod envelope;
mod error;
mod id;
pub mod meta;
pub mod method;
mod payload;
mod raw;
mod refusal;
mod result_fields;
pub(crate) mod scan;
mod string_scan;
mod version;

#[cfg(test)]
mod tests;

pub use answer_search::AnswerSearch;
pub(crate) use checked::CheckedText;
pub use envelope::{Decoded, MAX_BATCH, decode, decode_with_depth, peek_prefix};
pub use error::{ErrorObject, code};
pub use id::{MAX_ID_BYTES, RequestId};
pub use method::Method;
pub use payload::{Field, Payload};
pub use raw::RawJson;
pub use refusal::{Refusal, Shape};
pub(crate) use result_fields::ResultFields;
pub use scan::{DEFAULT_MAX_DEPTH, HARD_MAX_DEPTH, ScanError};
pub use version::ProtocolVersion;

/// One JSON-RPC message.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// A message that the receiver must answer.
    Request(Request),
    /// A message that is never answered.
    Notification(Notification),
    /// The answer to a request.
    Response(Response),
}

/// A message that the receiver must answer with a [`Response`] of the same id.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Request {
    /// The id, unique among the sender's requests in flight.
    pub id: RequestId,
    /// The method to invoke.
    pub method: Method,
    /// The params: an object, if present.
    pub params: Option<Payload>,
}

/// A message that is never answered.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Notification {
    /// The method, which says what happened.
    pub method: Method,
    /// The params: an object, if present.
    pub params: Option<Payload>,
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Response {
    /// The id of the request. `None` if the responder could not read it; on the wire it is absent or `null` then.
    pub id: Option<RequestId>,
    /// The result, an object, or the error.
    pub outcome: Result<Payload, ErrorObject>,
    /// The text had both members, one of them `null`, which says nothing. Never written.
    pub null_member: bool,
}

impl Request {
    /// A request with this id. `params` must be an object; it is not checked here.
    pub fn new(id: impl Into<RequestId>, method: impl Into<Method>, params: Option<RawJson>) -> Request {
        Request { id: id.into(), method: method.into(), params: params.map(Payload::new) }
    }

    /// The JSON text of a field of the params, or `None` if it is absent.
    pub fn field(&self, field: Field) -> Option<&[u8]> {
        self.params.as_ref().and_then(|params| params.field(field))
    }
}

impl Notification {
    /// A notification. `params` must be an object; it is not checked here.
    pub fn new(method: impl Into<Method>, params: Option<RawJson>) -> Notification {
        Notification { method: method.into(), params: params.map(Payload::new) }
    }

    /// The JSON text of a field of the params, or `None` if it is absent.
    pub fn field(&self, field: Field) -> Option<&[u8]> {
        self.params.as_ref().and_then(|params| params.field(field))
    }
}

impl Response {
    /// A response with a result, which must be an object; it is not checked here.
    pub fn result(id: RequestId, result: impl Into<Payload>) -> Response {
        Response { id: Some(id), outcome: Ok(result.into()), null_member: false }
    }

    /// A response with an error. `id` is `None` if the id of the request could not be read.
    pub fn error(id: Option<RequestId>, error: ErrorObject) -> Response {
        Response { id, outcome: Err(error), null_member: false }
    }
}

impl From<Request> for Message {
    fn from(request: Request) -> Message {
        Message::Request(request)
    }
}

impl From<Notification> for Message {
    fn from(notification: Notification) -> Message {
        Message::Notification(notification)
    }
}

impl From<Response> for Message {
    fn from(response: Response) -> Message {
        Message::Response(response)
    }
}
