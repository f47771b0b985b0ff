//! JSON-RPC error objects and the codes that the specification defines.

use std::borrow::Cow;
use std::fmt;

use super::{ProtocolVersion, RawJson};

/// The codes of ledger section 2.5.
pub mod code {
    /// The text is not JSON, or not UTF-8.
    pub const PARSE_ERROR: i64 = -32700;
    /// JSON, but not a JSON-RPC message that is legal here.
    pub const INVALID_REQUEST: i64 = -32600;
    /// The method does not exist, or its capability is off.
    pub const METHOD_NOT_FOUND: i64 = -32601;
    /// Bad parameters; on 2026-07-28 also an unknown resource.
    pub const INVALID_PARAMS: i64 = -32602;
    /// The handler failed, or a limit was hit.
    pub const INTERNAL_ERROR: i64 = -32603;
    /// 2026-07-28: an HTTP header is missing, malformed, or differs from the body.
    pub const HEADER_MISMATCH: i64 = -32020;
    /// 2026-07-28: the request needs a client capability that it did not declare.
    pub const MISSING_CLIENT_CAPABILITY: i64 = -32021;
    /// 2026-07-28: the requested version is not implemented.
    pub const UNSUPPORTED_VERSION: i64 = -32022;
    /// Legacy: an unknown resource. Sessions turn it into `-32602` on 2026-07-28 (ERR-B-004).
    pub const RESOURCE_NOT_FOUND: i64 = -32002;
    /// 2025-11-25: a URL elicitation has to finish first. Never on 2026-07-28.
    pub const URL_ELICITATION_REQUIRED: i64 = -32042;
}

/// The `error` of a response: what a peer says when it says no.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorObject {
    /// An integer. The specification reserves -32768 to -32000 (ledger 3.23).
    pub code: i64,
    /// One concise sentence. A peer's text is untrusted.
    pub message: Cow<'static, str>,
    /// Any JSON; `null` is kept apart from absent.
    pub data: Option<RawJson>,
}

impl ErrorObject {
    /// An error without data.
    pub fn new(code: i64, message: impl Into<Cow<'static, str>>) -> ErrorObject {
        ErrorObject { code, message: message.into(), data: None }
    }

    /// The same error with data.
    #[must_use]
    pub fn with_data(mut self, data: RawJson) -> ErrorObject {
        self.data = Some(data);
        self
    }

    /// `-32602`.
    pub fn invalid_params(message: impl Into<Cow<'static, str>>) -> ErrorObject {
        ErrorObject::new(code::INVALID_PARAMS, message)
    }

    /// `-32600`.
    pub fn invalid_request(message: impl Into<Cow<'static, str>>) -> ErrorObject {
        ErrorObject::new(code::INVALID_REQUEST, message)
    }

    /// `-32603`.
    pub fn internal(message: impl Into<Cow<'static, str>>) -> ErrorObject {
        ErrorObject::new(code::INTERNAL_ERROR, message)
    }

    /// `-32601`, naming the method.
    pub fn method_not_found(method: &str) -> ErrorObject {
        ErrorObject::new(code::METHOD_NOT_FOUND, format!("Method not found: {}", clip(method)))
    }

    /// `-32002` with the URI; a session turns the code into `-32602` on 2026-07-28.
    pub fn resource_not_found(uri: &str) -> ErrorObject {
        ErrorObject::new(code::RESOURCE_NOT_FOUND, "Resource not found")
            .with_data(RawJson::object([("uri", RawJson::string(uri))]))
    }

    /// `-32022` with the versions that are implemented and the one that was asked for (DISC-S-004).
    pub fn unsupported_version(supported: &[ProtocolVersion], requested: &str) -> ErrorObject {
        let supported = RawJson::array(supported.iter().map(|version| RawJson::string(version.as_str())));
        ErrorObject::new(code::UNSUPPORTED_VERSION, "Unsupported protocol version").with_data(
            RawJson::object([("supported", supported), ("requested", RawJson::string(clip(requested)))]),
        )
    }

    /// `-32021` with the capabilities that the request would have had to declare (META-S-008).
    pub fn missing_capability(required: RawJson) -> ErrorObject {
        ErrorObject::new(code::MISSING_CLIENT_CAPABILITY, "A required client capability was not declared")
            .with_data(RawJson::object([("requiredCapabilities", required)]))
    }
}

/// A peer's text, short enough for a message.
fn clip(text: &str) -> &str {
    let end = (0..=text.len().min(128)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}

impl fmt::Display for ErrorObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for ErrorObject {}
