//! What a session has to know about the binding below it.

/// The properties of a binding that change what a session does. Plain data, constant for a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// A short name for logs: `"stdio"`, `"http"`.
    pub name: &'static str,
    /// One long-lived stream: a close or silence during the era probe is evidence (rows 7 and 8 of the verdict table in docs/eras.md).
    pub continuous: bool,
    /// Everything arrives in the order it was sent, across lanes. A pipe is; HTTP and
    /// publish/subscribe are not.
    pub ordered: bool,
    /// How a request of 2026-07-28 is given up. A legacy one: by message, then [`super::Outbound::End`].
    /// Where lanes reach the peer and may overtake each other, say [`AbandonBy::End`]: a message has a lane of
    /// its own, and one that overtakes its request is not heard.
    pub abandon: AbandonBy,
    /// The link ends with its first exchange, so it is driven inline, without a task of its own. See
    /// [`Accept::accept`](super::Accept::accept) for what the transport does with it.
    pub one_exchange: bool,
    /// Body fields are copied into metadata: a `-32020` can happen, and tool schemas matter.
    pub mirrors: bool,
}

/// How a client gives up a request of 2026-07-28.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbandonBy {
    /// By `notifications/cancelled` (ledger CANC-C-008).
    Message,
    /// By ending the lane: [`super::Outbound::End`] (ledger CANC-C-009).
    End,
}

impl Binding {
    /// An ordered byte stream: stdio, a pipe, a socket.
    pub const STREAM: Binding = Binding {
        name: "stream",
        continuous: true,
        ordered: true,
        abandon: AbandonBy::Message,
        one_exchange: false,
        mirrors: false,
    };

    /// The same binding under another name.
    #[must_use]
    pub const fn named(mut self, name: &'static str) -> Binding {
        self.name = name;
        self
    }
}
