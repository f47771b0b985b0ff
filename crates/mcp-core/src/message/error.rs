//! JSON-RPC error objects and the codes that the specification defines.

use std::borrow::Cow;
use std::fmt;

use super::{ProtocolVersion, RawJson};

/// The error codes of JSON-RPC 2.0 and of the specification.
pub mod code {
    /// The text is not JSON, or not UTF-8.
    pub const PARSE_ERROR: i64 = -32700;
    /// JSON, but not a legal message, or not legal in this state.
    pub const INVALID_REQUEST: i64 = -32600;
    /// The method does not exist, or its capability was not declared.
    pub const METHOD_NOT_FOUND: i64 = -32601;
    /// The parameters are invalid; on 2026-07-28 also an unknown resource.
    pub const INVALID_PARAMS: i64 = -32602;
    /// The handler failed, or a limit was exceeded.
    pub const INTERNAL_ERROR: i64 = -32603;
    /// 2026-07-28: an HTTP header is missing, malformed, or differs from the body.
    pub const HEADER_MISMATCH: i64 = -32020;
    /// 2026-07-28: the request needs a client capability that it did not declare.
    pub const MISSING_CLIENT_CAPABILITY: i64 = -32021;
    /// 2026-07-28: the requested version is not implemented.
    pub const UNSUPPORTED_VERSION: i64 = -32022;
    /// Before 2026-07-28: an unknown resource. Sessions send `-32602` instead on 2026-07-28.
    pub const RESOURCE_NOT_FOUND: i64 = -32002;
    /// 2025-11-25 only: a URL elicitation has to finish first.
    pub const URL_ELICITATION_REQUIRED: i64 = -32042;
}

/// The `error` member of a response.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ErrorObject {
    /// The error code, such as those in [`code`]. JSON-RPC reserves -32768 to -32000.
    pub code: i64,
    /// A concise sentence. Do not trust the text of a peer.
    pub message: Cow<'static, str>,
    /// Any JSON, or `None` if it is absent. An explicit `null` is `Some`.
    pub data: Option<RawJson>,
}

impl ErrorObject {
    /// An error without data.
    pub fn new(code: i64, message: impl Into<Cow<'static, str>>) -> ErrorObject {
        ErrorObject { code, message: message.into(), data: None }
    }

    /// Sets the data.
    #[must_use]
    pub fn with_data(mut self, data: RawJson) -> ErrorObject {
        self.data = Some(data);
        self
    }

    /// Error `-32602`: invalid parameters.
    pub fn invalid_params(message: impl Into<Cow<'static, str>>) -> ErrorObject {
        ErrorObject::new(code::INVALID_PARAMS, message)
    }

    /// Error `-32600`: invalid request.
    pub fn invalid_request(message: impl Into<Cow<'static, str>>) -> ErrorObject {
        ErrorObject::new(code::INVALID_REQUEST, message)
    }

    /// Error `-32603`: internal error.
    pub fn internal(message: impl Into<Cow<'static, str>>) -> ErrorObject {
        ErrorObject::new(code::INTERNAL_ERROR, message)
    }

    /// Error `-32601`: the method does not exist. At most 128 bytes of its name are quoted.
    pub fn method_not_found(method: &str) -> ErrorObject {
        ErrorObject::new(code::METHOD_NOT_FOUND, format!("Method not found: {}", clip(method)))
    }

    /// Error `-32002`: the resource does not exist. A session sends `-32602` instead on 2026-07-28.
    pub fn resource_not_found(uri: &str) -> ErrorObject {
        ErrorObject::new(code::RESOURCE_NOT_FOUND, "Resource not found")
            .with_data(RawJson::object([("uri", RawJson::string(uri))]))
    }

    /// Error `-32022`: `requested` is not among the `supported` versions.
    // DISC-S-004.
    pub fn unsupported_version(supported: &[ProtocolVersion], requested: &str) -> ErrorObject {
        let supported = RawJson::array(supported.iter().map(|version| RawJson::string(version.as_str())));
        ErrorObject::new(code::UNSUPPORTED_VERSION, "Unsupported protocol version").with_data(
            RawJson::object([("supported", supported), ("requested", RawJson::string(clip(requested)))]),
        )
    }

    /// Error `-32021`: the request did not declare the `required` capabilities, an object like `ClientCapabilities`.
    // META-S-008.
    pub fn missing_capability(required: RawJson) -> ErrorObject {
        let members = required.members();
        let names: Vec<&str> = members.iter().map(|(name, _)| clip(name)).collect();
        let message = format!("A required client capability was not declared: {}", names.join(", "));
        ErrorObject::new(code::MISSING_CLIENT_CAPABILITY, message)
            .with_data(RawJson::object([("requiredCapabilities", required)]))
    }
}

/// The start of a peer's text, at most 128 bytes of it.
fn clip(text: &str) -> &str {
    let end = (0..=text.len().min(128)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

impl fmt::Display for ErrorObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for ErrorObject {}
