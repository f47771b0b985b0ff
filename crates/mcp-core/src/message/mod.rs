//! JSON-RPC 2.0 messages as MCP uses them, with payloads that stay text.
//!
//! Floor 0: names nothing else of this crate. [`decode`] reads a message in one pass, and
//! [`Message::write_to`] writes one; between the two a payload is never rebuilt.

pub(crate) mod encode;
mod envelope;
mod error;
mod id;
pub mod meta;
pub mod method;
mod payload;
mod raw;
mod refusal;
mod result_prefilter;
pub(crate) mod scan;
mod string_scan;
mod version;

#[cfg(test)]
mod tests;

pub use envelope::{Decoded, MAX_BATCH, decode, decode_with_depth, peek_prefix};
pub use error::{ErrorObject, code};
pub use id::{MAX_ID_BYTES, RequestId};
pub use method::Method;
pub use payload::{Field, Payload};
pub use raw::RawJson;
pub use refusal::{Refusal, Shape};
pub use scan::{DEFAULT_MAX_DEPTH, HARD_MAX_DEPTH, ScanError};
pub use version::ProtocolVersion;

/// One JSON-RPC message.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Wants an answer.
    Request(Request),
    /// Wants none, and never gets one.
    Notification(Notification),
    /// Answers a request.
    Response(Response),
}

/// A message that wants an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Unique among the sender's requests in flight.
    pub id: RequestId,
    /// What to do.
    pub method: Method,
    /// With what. An object where present.
    pub params: Option<Payload>,
}

/// A message that wants no answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// What happened.
    pub method: Method,
    /// To what. An object where present.
    pub params: Option<Payload>,
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// The request's id. `None` where the responder could not read it; on the wire absent or null.
    pub id: Option<RequestId>,
    /// A result, which is an object, or an error.
    pub outcome: Result<Payload, ErrorObject>,
}

impl Request {
    /// A request of our own making.
    pub fn new(id: impl Into<RequestId>, method: impl Into<Method>, params: Option<RawJson>) -> Request {
        Request { id: id.into(), method: method.into(), params: params.map(Payload::new) }
    }

    /// A member of the params, if there are params.
    pub fn field(&self, field: Field) -> Option<&[u8]> {
        self.params.as_ref().and_then(|params| params.field(field))
    }
}

impl Notification {
    /// A notification of our own making.
    pub fn new(method: impl Into<Method>, params: Option<RawJson>) -> Notification {
        Notification { method: method.into(), params: params.map(Payload::new) }
    }

    /// A member of the params, if there are params.
    pub fn field(&self, field: Field) -> Option<&[u8]> {
        self.params.as_ref().and_then(|params| params.field(field))
    }
}

impl Response {
    /// A response with a result.
    pub fn result(id: RequestId, result: RawJson) -> Response {
        Response { id: Some(id), outcome: Ok(Payload::new(result)) }
    }

    /// A response with an error.
    pub fn error(id: Option<RequestId>, error: ErrorObject) -> Response {
        Response { id, outcome: Err(error) }
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
