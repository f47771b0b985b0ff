//! What a server may ask a client for, in the form both eras share, and log levels.

use crate::message::{Method, RawJson};

/// One question to the client: `elicitation/create`, `sampling/createMessage` or `roots/list`.
#[derive(Clone, Debug, PartialEq)]
pub struct InputRequest {
    /// The handler's name for the answer; unique within one [`InputRequired`].
    pub key: String,
    /// One of the three methods.
    pub method: Method,
    /// The method's parameters: an object.
    pub params: Option<RawJson>,
}

/// A handler's word that it cannot go on without the client's input (ledger 3.20). On 2026-07-28 it goes
/// out as it is; on a legacy link the session asks the client, and calls the handler again.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InputRequired {
    /// The questions. May be empty if there is a `state`.
    pub requests: Vec<InputRequest>,
    /// Comes back with the retry, byte for byte. On 2026-07-28 it passes through the client's hands:
    /// treat what comes back as hostile (ledger MRTR-S-007). `server::seal` makes states that can be
    /// trusted.
    pub state: Option<String>,
}

impl InputRequired {
    /// One question: `elicitation/create`, `sampling/createMessage` or `roots/list`, and its params.
    pub fn ask(key: impl Into<String>, method: impl Into<Method>, params: Option<RawJson>) -> InputRequired {
        InputRequired::default().and_ask(key, method, params)
    }

    /// One question more. Its key must differ from the others'.
    #[must_use]
    pub fn and_ask(
        mut self,
        key: impl Into<String>,
        method: impl Into<Method>,
        params: Option<RawJson>,
    ) -> InputRequired {
        self.requests.push(InputRequest { key: key.into(), method: method.into(), params });
        self
    }

    /// With a state that comes back with the answers. Treat what comes back as hostile: see
    /// [`InputRequired::state`].
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

    /// The level of this name. Anything else is `-32602` to a server (ledger META-S-019).
    pub fn parse(name: &str) -> Option<LogLevel> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(level, _)| *level)
    }

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}
