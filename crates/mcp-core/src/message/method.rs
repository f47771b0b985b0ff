//! The methods of the specification: in which revisions they exist, and who may send them.

use std::borrow::Cow;
use std::fmt;

use super::ProtocolVersion;

/// The name of a method. The names that the specification defines are not allocated.
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

    /// The method of a received name.
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

/// Who may send a method in one era.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sender {
    /// The method does not exist in that era.
    None,
    /// The client.
    Client,
    /// The server.
    Server,
    /// The client and the server.
    Both,
    /// The server, inside an `input_required` result only.
    Input,
}

impl Sender {
    /// Whether a client may send it.
    pub const fn client(self) -> bool {
        matches!(self, Sender::Client | Sender::Both)
    }

    /// Whether a server may send it as a message.
    pub const fn server(self) -> bool {
        matches!(self, Sender::Server | Sender::Both)
    }
}

/// A method of the specification.
#[derive(Debug)]
#[non_exhaustive]
pub struct MethodRow {
    /// The name.
    pub name: &'static str,
    /// Who may send it in the four legacy revisions.
    pub legacy: Sender,
    /// The first legacy revision that has it.
    pub since: ProtocolVersion,
    /// Who may send it in 2026-07-28.
    pub modern: Sender,
}

/// Every method of the specification.
// Ledger table 2.4.
pub const METHODS: &[MethodRow] = {
    use ProtocolVersion::{V2024_11_05 as V24, V2025_06_18 as V25_06, V2025_11_25 as V25_11};
    use Sender::{Both, Client, Input, None, Server};
    const fn row(name: &'static str, legacy: Sender, since: ProtocolVersion, modern: Sender) -> MethodRow {
        MethodRow { name, legacy, since, modern }
    }
    &[
        row("initialize", Client, V24, None),
        row("notifications/initialized", Client, V24, None),
        row("server/discover", None, V24, Client),
        row("subscriptions/listen", None, V24, Client),
        row("ping", Both, V24, None),
        row("tools/list", Client, V24, Client),
        row("tools/call", Client, V24, Client),
        row("prompts/list", Client, V24, Client),
        row("prompts/get", Client, V24, Client),
        row("resources/list", Client, V24, Client),
        row("resources/templates/list", Client, V24, Client),
        row("resources/read", Client, V24, Client),
        row("completion/complete", Client, V24, Client),
        row("resources/subscribe", Client, V24, None),
        row("resources/unsubscribe", Client, V24, None),
        row("logging/setLevel", Client, V24, None),
        row("roots/list", Server, V24, Input),
        row("sampling/createMessage", Server, V24, Input),
        row("elicitation/create", Server, V25_06, Input),
        row("tasks/get", Both, V25_11, None),
        row("tasks/result", Both, V25_11, None),
        row("tasks/list", Both, V25_11, None),
        row("tasks/cancel", Both, V25_11, None),
        row("notifications/tasks/status", Both, V25_11, None),
        row("notifications/cancelled", Both, V24, Both),
        row("notifications/progress", Both, V24, Server),
        row("notifications/message", Server, V24, Server),
        row("notifications/tools/list_changed", Server, V24, Server),
        row("notifications/prompts/list_changed", Server, V24, Server),
        row("notifications/resources/list_changed", Server, V24, Server),
        row("notifications/resources/updated", Server, V24, Server),
        row("notifications/roots/list_changed", Client, V24, None),
        row("notifications/elicitation/complete", Server, V25_11, None),
        row("notifications/subscriptions/acknowledged", None, V24, Server),
    ]
};

/// Finds a method of the specification by its name.
pub fn find(name: &str) -> Option<&'static MethodRow> {
    METHODS.iter().find(|row| row.name == name)
}

/// Whether 2026-07-28 removed this method of clients. A server answers it with `-32601` there.
// DISC-S-013.
pub fn removed_in_modern(name: &str) -> bool {
    find(name).is_some_and(|row| row.modern == Sender::None && row.legacy.client())
}

/// Whether the results of this method carry `ttlMs` and `cacheScope` on 2026-07-28.
// CACHE-S-001.
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

/// Whether this method may be answered with `input_required`.
// MRTR-S-002, MRTR-S-003.
pub fn may_need_input(name: &str) -> bool {
    matches!(name, "tools/call" | "prompts/get" | "resources/read")
}
