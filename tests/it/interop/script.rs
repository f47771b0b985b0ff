//! The form of a conversation of our client with a server, in which each step is described or declined with a reason.

use mcp_core::message::ProtocolVersion;
use mcp_core::session::SubscriptionFilter;

use super::servers::{Server, Way};

/// A step's description, or why there is none.
pub(super) enum Can<T> {
    /// The peer can, and this is how.
    Do(T),
    /// The peer cannot, because of this.
    Not(&'static str),
}

/// A tool call and what its text has to contain. In both, `{folder}` is a temporary folder, `{large}` 1 MiB.
pub(super) struct Exchange {
    pub(super) tool: &'static str,
    pub(super) arguments: &'static str,
    pub(super) want: &'static str,
}

/// A long call that is given up, and the tool that tells how many were.
pub(super) struct Cancel {
    pub(super) tool: &'static str,
    pub(super) arguments: &'static str,
    pub(super) counter: Counter,
    pub(super) begins: Begins,
}

/// What shows that a long call has begun.
#[derive(Clone, Copy)]
pub(super) enum Begins {
    /// It reports progress.
    Progress,
    /// It asks the cluster, which does not answer.
    Cluster,
}

/// What counts the cancellations that have reached the server.
#[derive(Clone, Copy)]
pub(super) enum Counter {
    /// A tool of the server.
    Tool(&'static str),
    /// This text in what the processes have written.
    Log(&'static str),
    /// The statuses with which the server accepted them.
    Accepted,
    /// A copy of the server's input.
    Input,
}

/// A prompt with one argument, by name and value, and what its text contains.
pub(super) struct Prompt {
    pub(super) name: &'static str,
    pub(super) argument: (&'static str, &'static str),
    pub(super) want: &'static str,
}

/// A change: what to listen for, what causes it, what is heard.
pub(super) struct Change {
    pub(super) filter: fn() -> SubscriptionFilter,
    pub(super) cause: Exchange,
    pub(super) method: &'static str,
}

/// The whole conversation with one server.
pub(super) struct Script {
    pub(super) row: &'static str,
    pub(super) server: Server,
    pub(super) way: Way,
    /// What the server writes when it learns that the client is gone, if it writes anything.
    pub(super) farewell: Option<&'static str>,
    /// The era is found out, unless it is given by a legacy version.
    pub(super) legacy: Option<ProtocolVersion>,
    pub(super) version: ProtocolVersion,
    pub(super) call: Exchange,
    /// The call tells three steps.
    pub(super) progress: Can<Exchange>,
    pub(super) cancel: Can<Cancel>,
    /// A tool that fails, and what it says.
    pub(super) error: Exchange,
    /// The code that answers an unknown method.
    pub(super) unknown: i64,
    pub(super) large: &'static [Exchange],
    /// A URI, and what its text contains.
    pub(super) resource: Can<(&'static str, &'static str)>,
    pub(super) prompt: Can<Prompt>,
    pub(super) input: Can<Exchange>,
    pub(super) listen: Can<Change>,
}

pub(super) const fn exchange(tool: &'static str, arguments: &'static str, want: &'static str) -> Exchange {
    Exchange { tool, arguments, want }
}

pub(super) fn tools() -> SubscriptionFilter {
    SubscriptionFilter::new().tools_list_changed()
}

pub(super) fn resources() -> SubscriptionFilter {
    SubscriptionFilter::new().resources_list_changed()
}

pub(super) fn knowledge_graph() -> SubscriptionFilter {
    SubscriptionFilter::new().resource("memory://knowledge-graph")
}

/// An unknown method is refused with an HTTP status alone.
pub(super) const REFUSED: i64 = 0;
pub(super) const METHOD_NOT_FOUND: i64 = -32601;
pub(super) const INVALID_PARAMS: i64 = -32602;
pub(super) const TOOLS_CHANGED: &str = "notifications/tools/list_changed";
pub(super) const NO_PROGRESS: &str = "none of its tools reports progress";
pub(super) const NO_LONG_CALLS: &str = "none of its tools takes long";
pub(super) const NO_PROMPTS: &str = "it has no prompts";
