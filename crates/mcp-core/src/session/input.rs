//! Requests for client input, in the form that both eras share, and log levels.

use crate::message::{Method, RawJson};

/// One request for input: `elicitation/create`, `sampling/createMessage` or `roots/list`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct InputRequest {
    /// The handler's key for the answer. Unique within one [`InputRequired`].
    pub key: String,
    /// One of the three methods.
    pub method: Method,
    /// The method's parameters: an object.
    pub params: Option<RawJson>,
}

impl InputRequest {
    /// A request for input with this key.
    pub fn new(key: impl Into<String>, method: impl Into<Method>, params: Option<RawJson>) -> InputRequest {
        InputRequest { key: key.into(), method: method.into(), params }
    }
}

/// A handler's statement that it needs the client's input to continue.
///
/// On 2026-07-28 it is sent as an `input_required` result. On a legacy link the session sends the requests to the
/// client and calls the handler again with the answers.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct InputRequired {
    /// The requests. May be empty if there is a `state`.
    pub requests: Vec<InputRequest>,
    /// Returned with the retry, byte for byte. On 2026-07-28 the client holds it in between, so treat the returned
    /// text as untrusted. `server::seal` makes states that can be verified.
    pub state: Option<String>,
}

impl InputRequired {
    /// One request: `elicitation/create`, `sampling/createMessage` or `roots/list`, and its params.
    pub fn ask(key: impl Into<String>, method: impl Into<Method>, params: Option<RawJson>) -> InputRequired {
        InputRequired::default().and_ask(key, method, params)
    }

    /// Adds a request. Its key must differ from the others.
    #[must_use]
    pub fn and_ask(
        mut self,
        key: impl Into<String>,
        method: impl Into<Method>,
        params: Option<RawJson>,
    ) -> InputRequired {
        self.requests.push(InputRequest::new(key, method, params));
        self
    }

    /// Sets the state that is returned with the answers. See [`InputRequired::state`].
    #[must_use]
    pub fn with_state(mut self, state: impl Into<String>) -> InputRequired {
        self.state = Some(state.into());
        self
    }
}

/// The severity of a log message, from RFC 5424.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum LogLevel {
    Debug,
    Info,
    Notice,
    Warning,
    Error,
    Critical,
    Alert,
    Emergency,
}

impl LogLevel {
    const ALL: [(LogLevel, &'static str); 8] = [
        (LogLevel::Debug, "debug"),
        (LogLevel::Info, "info"),
        (LogLevel::Notice, "notice"),
        (LogLevel::Warning, "warning"),
        (LogLevel::Error, "error"),
        (LogLevel::Critical, "critical"),
        (LogLevel::Alert, "alert"),
        (LogLevel::Emergency, "emergency"),
    ];

    /// The level of this name. `None` for any other text.
    pub fn parse(name: &str) -> Option<LogLevel> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(level, _)| *level)
    }

    /// The name on the wire.
    #[expect(clippy::indexing_slicing, reason = "the table has every level, in the order of declaration")]
    pub fn as_str(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}
