//! The methods of the specification: which revision has which, and who may send it.

use std::borrow::Cow;
use std::fmt;

use super::ProtocolVersion;

/// A method's name. The specification's names cost no allocation.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Method(Cow<'static, str>);

impl Method {
    /// The method of this name.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Method {
        match name.into() {
            Cow::Borrowed(name) => Method(Cow::Borrowed(name)),
            Cow::Owned(name) => Method::from_wire(&name),
        }
    }

    /// The method of a name that was just read.
    pub(crate) fn from_wire(name: &str) -> Method {
        match find(name) {
            Some(row) => Method(Cow::Borrowed(row.name)),
            None => Method(Cow::Owned(name.to_owned())),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for Method {
    fn from(name: &'static str) -> Method {
        Method(Cow::Borrowed(name))
    }
}

impl From<String> for Method {
    fn from(name: String) -> Method {
        Method::new(name)
    }
}

impl PartialEq<str> for Method {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Method {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Who sends a method, in one era.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Not defined in that era.
    Nobody,
    /// Client to server.
    Client,
    /// Server to client.
    Server,
    /// Either.
    Both,
    /// Only inside an `input_required` result (ledger 3.20).
    Input,
}

impl Sender {
    /// A client may send it.
    pub const fn client(self) -> bool {
        matches!(self, Sender::Client | Sender::Both)
    }

    /// A server may send it.
    pub const fn server(self) -> bool {
        matches!(self, Sender::Server | Sender::Both)
    }
}

/// One row of ledger table 2.4.
#[derive(Debug)]
pub struct MethodRow {
    /// The method's name.
    pub name: &'static str,
    /// Who sends it in the four legacy revisions.
    pub legacy: Sender,
    /// The first legacy revision that has it.
    pub since: ProtocolVersion,
    /// Who sends it in 2026-07-28.
    pub modern: Sender,
}

/// Every method of the specification (ledger table 2.4).
pub const METHODS: &[MethodRow] = {
    use ProtocolVersion::{V2024_11_05 as V24, V2025_06_18 as V25_06, V2025_11_25 as V25_11};
    use Sender::{Both, Client, Input, Nobody, Server};
    const fn row(name: &'static str, legacy: Sender, since: ProtocolVersion, modern: Sender) -> MethodRow {
        MethodRow { name, legacy, since, modern }
    }
    &[
        row("initialize", Client, V24, Nobody),
        row("notifications/initialized", Client, V24, Nobody),
        row("server/discover", Nobody, V24, Client),
        row("subscriptions/listen", Nobody, V24, Client),
        row("ping", Both, V24, Nobody),
        row("tools/list", Client, V24, Client),
        row("tools/call", Client, V24, Client),
        row("prompts/list", Client, V24, Client),
        row("prompts/get", Client, V24, Client),
        row("resources/list", Client, V24, Client),
        row("resources/templates/list", Client, V24, Client),
        row("resources/read", Client, V24, Client),
        row("completion/complete", Client, V24, Client),
        row("resources/subscribe", Client, V24, Nobody),
        row("resources/unsubscribe", Client, V24, Nobody),
        row("logging/setLevel", Client, V24, Nobody),
        row("roots/list", Server, V24, Input),
        row("sampling/createMessage", Server, V24, Input),
        row("elicitation/create", Server, V25_06, Input),
        row("tasks/get", Both, V25_11, Nobody),
        row("tasks/result", Both, V25_11, Nobody),
        row("tasks/list", Both, V25_11, Nobody),
        row("tasks/cancel", Both, V25_11, Nobody),
        row("notifications/tasks/status", Both, V25_11, Nobody),
        row("notifications/cancelled", Both, V24, Both),
        row("notifications/progress", Both, V24, Server),
        row("notifications/message", Server, V24, Server),
        row("notifications/tools/list_changed", Server, V24, Server),
        row("notifications/prompts/list_changed", Server, V24, Server),
        row("notifications/resources/list_changed", Server, V24, Server),
        row("notifications/resources/updated", Server, V24, Server),
        row("notifications/roots/list_changed", Client, V24, Nobody),
        row("notifications/elicitation/complete", Server, V25_11, Nobody),
        row("notifications/subscriptions/acknowledged", Nobody, V24, Server),
    ]
};

/// The row of a method of the specification; `None` for any other method.
pub fn find(name: &str) -> Option<&'static MethodRow> {
    METHODS.iter().find(|row| row.name == name)
}

/// Removed from the core by 2026-07-28: answered `-32601` there (ledger DISC-S-013).
pub fn removed_in_modern(name: &str) -> bool {
    find(name).is_some_and(|row| row.modern == Sender::Nobody && row.legacy.client())
}

/// The results of these carry `ttlMs` and `cacheScope` on 2026-07-28 (ledger CACHE-S-001).
pub fn carries_cache_hints(name: &str) -> bool {
    matches!(
        name,
        "server/discover"
            | "tools/list"
            | "prompts/list"
            | "resources/list"
            | "resources/templates/list"
            | "resources/read"
    )
}

/// These may be answered with `input_required` (ledger MRTR-S-002, MRTR-S-003).
pub fn may_need_input(name: &str) -> bool {
    matches!(name, "tools/call" | "prompts/get" | "resources/read")
}
