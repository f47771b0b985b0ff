//! How a run fails: the error codes, the exit codes, and what is said.

mod entries;
mod http;
mod library;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use mcp_core::message::{ErrorObject, RawJson};
use mcp_core::transport::CloseReport;
use mcp_stdio::ChildEvidence;

use crate::text::{self, shell_words};

pub(crate) use http::{failure as of_http, of_refusal, unusable};

/// The `code` of an error line. [`Code::exit`] says which exit code it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    Usage,
    /// A config file, or what it says of a server.
    Config,
    /// Credentials are missing or wrong.
    AuthRequired,
    /// They are not sufficient, or this host or origin is not allowed.
    Forbidden,
    Unreachable,
    Timeout,
    SpawnFailed,
    Closed,
    ToolError,
    ToolNotFound,
    Rpc,
    Protocol,
    Version,
    Limit,
    Cancelled,
    /// The demo ran, and something in it did not go as it should.
    CheckFailed,
    /// Reading a file or writing the output failed.
    Io,
}

/// Every code with its name and its exit code.
const CODES: &[(Code, &str, u8)] = &[
    (Code::Usage, "usage", 2),
    (Code::Config, "config", 2),
    (Code::AuthRequired, "auth_required", 3),
    (Code::Forbidden, "forbidden", 3),
    (Code::Unreachable, "unreachable", 4),
    (Code::Timeout, "timeout", 4),
    (Code::SpawnFailed, "spawn_failed", 4),
    (Code::Closed, "closed", 4),
    (Code::ToolError, "tool_error", 5),
    (Code::ToolNotFound, "tool_not_found", 5),
    (Code::Rpc, "rpc_error", 1),
    (Code::Protocol, "protocol", 6),
    (Code::Version, "version", 6),
    (Code::Limit, "limit", 7),
    (Code::Cancelled, "cancelled", 1),
    (Code::CheckFailed, "check_failed", 1),
    (Code::Io, "io", 1),
];

impl Code {
    fn row(self) -> (&'static str, u8) {
        CODES.iter().find(|row| row.0 == self).map_or(("io", 1), |row| (row.1, row.2))
    }

    /// The name in an error line.
    pub(crate) fn name(self) -> &'static str {
        self.row().0
    }

    /// The exit code.
    pub(crate) fn exit(self) -> u8 {
        self.row().1
    }
}

/// Why a run failed, for a person and for a script.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What kind of failure.
    pub(crate) code: Code,
    /// What happened, in one sentence.
    pub(crate) message: String,
    /// What is known of the reason.
    pub(crate) cause: Option<String>,
    /// What the user can do about it.
    pub(crate) hint: Option<String>,
    rpc: Option<ErrorObject>,
    process: Option<CloseReport>,
    /// The HTTP status of an answer without an MCP message.
    status: Option<u16>,
    /// Where, without secrets.
    url: Option<String>,
    /// Host and port of the proxy on the way there.
    proxy: Option<String>,
    /// A server answers there, but not in MCP: the URL may be wrong.
    elsewhere: bool,
    /// A login would help.
    login: bool,
    /// The server did not answer the question for its era.
    era_unknown: bool,
    signal: Option<i32>,
    /// The text has been shown already; the exit code is all that is left to say.
    silent: bool,
}

impl Failure {
    /// A failure of this kind.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Failure {
        Failure {
            code,
            message: message.into(),
            cause: None,
            hint: None,
            rpc: None,
            process: None,
            status: None,
            url: None,
            proxy: None,
            elsewhere: false,
            login: false,
            era_unknown: false,
            signal: None,
            silent: false,
        }
    }

    /// The command line is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Failure {
        Failure::new(Code::Usage, message)
    }

    /// A signal ended the run: the exit code is 128 and the signal's number.
    pub(crate) fn signal(number: i32) -> Failure {
        let name = match number {
            1 => "SIGHUP",
            3 => "SIGQUIT",
            15 => "SIGTERM",
            _ => "SIGINT",
        };
        let mut failure = Failure::new(Code::Cancelled, format!("interrupted by {name}"));
        failure.signal = Some(number);
        failure
    }

    /// With a cause.
    pub(crate) fn because(mut self, cause: impl ToString) -> Failure {
        self.cause = Some(cause.to_string());
        self
    }

    /// With a hint.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }

    /// A login to the server would help; the hint says so as soon as the URL is known.
    pub(crate) fn needs_login(mut self) -> Failure {
        self.login = true;
        self
    }

    /// Prints nothing: the result that was shown says what failed.
    pub(crate) fn silent(mut self) -> Failure {
        self.silent = true;
        self
    }

    /// At this URL, which is shown unless the failure does not concern the server.
    pub(crate) fn at(mut self, url: Option<&str>) -> Failure {
        let ours =
            matches!(self.code, Code::Usage | Code::Config | Code::Io | Code::Cancelled | Code::CheckFailed);
        if let (Some(url), false, None) = (url, ours, &self.url) {
            self.url = Some(url.to_owned());
            if self.login {
                let more = self.hint.take().map(|hint| format!("; or {hint}")).unwrap_or_default();
                self.hint = Some(format!("run: mcp login {}{more}", shell_words::quote(url)));
            } else if self.elsewhere && self.hint.is_none() {
                self.hint = Some(format!("try: mcp discover {}", shell_words::quote(url)));
            }
        }
        self
    }

    /// Through this proxy, which is shown beside the URL.
    pub(crate) fn through(mut self, proxy: Option<&str>) -> Failure {
        self.proxy = proxy.filter(|_| self.url.is_some()).map(str::to_owned);
        self
    }

    /// In a run that asked for the era: hints at how to do without the question.
    pub(crate) fn in_auto_mode(mut self) -> Failure {
        if self.era_unknown && self.hint.is_none() {
            self.hint = Some(
                "an older server may fail on the first question, server/discover: try --era legacy"
                    .to_owned(),
            );
        }
        self
    }

    /// With what the server's process has shown, where it did not answer as it should.
    pub(crate) fn with_evidence(mut self, evidence: &ChildEvidence) -> Failure {
        // An error of time has it from the library.
        let told = self.code == Code::Timeout && self.cause.is_some();
        if told || !matches!(self.code, Code::Timeout | Code::Closed | Code::Protocol) {
            return self;
        }
        let mut evidence = evidence.clone();
        if let Some(process) = &self.process {
            // It is told already.
            evidence.stderr_tail = evidence.stderr_tail.filter(|_| process.stderr_tail.is_none());
            if process.note.as_deref().is_some_and(|note| note.contains("its stdout")) {
                return self;
            }
        }
        let shown = evidence.to_string();
        if !shown.is_empty() {
            let cause = self.cause.take().into_iter().chain([shown.trim_end().to_owned()]);
            self.cause = Some(cause.collect::<Vec<_>>().join("\n"));
        }
        self
    }

    /// With the status of an HTTP answer.
    pub(crate) fn with_status(mut self, status: Option<u16>) -> Failure {
        self.status = status;
        self
    }

    /// Message and hint in one line, for a list of problems.
    pub(crate) fn sentence(&self) -> String {
        let more = [&self.cause, &self.hint].into_iter().flatten().map(|text| format!(": {text}"));
        [self.message.clone()].into_iter().chain(more).collect()
    }

    /// The peer's error object, if it sent one.
    pub(crate) fn rpc(&self) -> Option<&ErrorObject> {
        self.rpc.as_ref()
    }

    /// The exit code of the process.
    pub(crate) fn exit(&self) -> u8 {
        match self.signal {
            Some(number) => 128_u8.saturating_add(u8::try_from(number).unwrap_or(0)),
            None => self.code.exit(),
        }
    }

    /// What goes to stderr, newline included. With `json` one line that is one JSON value.
    pub(crate) fn render(&self, json: bool) -> String {
        if json {
            return format!("{}\n", self.json());
        }
        if self.silent {
            return String::new();
        }
        let mut out = format!("mcp: {}\n", text::safe_block(&self.message));
        if let Some(url) = self.url.as_ref().filter(|url| !self.message.contains(url.as_str())) {
            let _infallible = writeln!(out, "  url: {}", text::safe_block(url));
        }
        if let Some(proxy) = self.proxy.as_ref().filter(|proxy| !self.message.contains(proxy.as_str())) {
            let _infallible = writeln!(out, "  proxy: {}", text::safe_block(proxy));
        }
        if let Some(cause) = &self.cause {
            let _infallible =
                writeln!(out, "  cause: {}", text::safe_block(cause).replace('\n', "\n         "));
        }
        if let Some(hint) = &self.hint {
            let _infallible = writeln!(out, "  hint: {}", text::safe_block(hint));
        }
        if let Some(page) = self.page() {
            let _infallible = writeln!(out, "  see: {page}");
        }
        out
    }

    /// Where the troubleshooting guide has this failure.
    fn page(&self) -> Option<String> {
        let said = |text: &Option<String>| text.as_deref().and_then(entries::of);
        entries::of(&self.message).or_else(|| said(&self.cause))
    }

    fn json(&self) -> RawJson {
        let mut error =
            vec![("code", RawJson::string(self.code.name())), ("message", RawJson::string(&self.message))];
        if let Some(cause) = &self.cause {
            error.push(("cause", RawJson::string(cause)));
        }
        if let Some(hint) = &self.hint {
            error.push(("hint", RawJson::string(hint)));
        }
        if let Some(page) = self.page() {
            error.push(("see", RawJson::string(&page)));
        }
        if let Some(status) = self.status {
            error.push(("status", RawJson::integer(status.into())));
        }
        if let Some(url) = &self.url {
            error.push(("url", RawJson::string(url)));
        }
        if let Some(proxy) = &self.proxy {
            error.push(("proxy", RawJson::string(proxy)));
        }
        if let Some(rpc) = &self.rpc {
            let mut members =
                vec![("code", RawJson::integer(rpc.code)), ("message", RawJson::string(&rpc.message))];
            members.extend(rpc.data.clone().map(|data| ("data", data)));
            error.push(("rpc", RawJson::object(members)));
        }
        if let Some(closed) = &self.process {
            let mut members = Vec::new();
            members.extend(closed.exit.map(|code| ("exit", RawJson::integer(code.into()))));
            members.extend(closed.signal.map(|signal| ("signal", RawJson::integer(signal.into()))));
            members.extend(closed.stderr_tail.as_deref().map(|tail| ("stderr", RawJson::string(tail))));
            members.extend(closed.note.as_deref().map(|note| ("note", RawJson::string(note))));
            error.push(("process", RawJson::object(members)));
        }
        RawJson::object([("error", RawJson::object(error))])
    }
}
