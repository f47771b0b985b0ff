//! What a session has to know about the binding below it.

/// The properties of a binding that change what a session does. Constant over the life of a link.
///
/// A byte stream is [`Binding::STREAM`] under its own name. Other bindings start from [`Binding::new`], which
/// promises nothing, and set what they promise:
///
/// ```
/// use mcp_core::transport::{AbandonBy, Binding};
///
/// const UNIX: Binding = Binding::STREAM.named("unix-socket");
/// const TOPICS: Binding = Binding::new("topics").abandon(AbandonBy::Message);
/// assert!(UNIX.ordered && !TOPICS.ordered);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Binding {
    /// A short name for logs, such as `"stdio"` or `"http"`.
    pub name: &'static str,
    /// The link is one long-lived stream. A close or a silence while the client probes for the server's era is then
    /// evidence for a legacy server; docs/eras.md has the table.
    pub continuous: bool,
    /// Messages arrive in the order they were sent, across lanes. True for a pipe; false for HTTP and
    /// publish/subscribe.
    pub ordered: bool,
    /// How a client abandons a request of revision 2026-07-28.
    pub abandon: AbandonBy,
    /// The link ends with its first exchange, so the server drives it inline, without spawning a task.
    /// [`Accept::accept`](super::Accept::accept) says what the transport does with it.
    pub one_exchange: bool,
    /// The transport copies members of the body into metadata, as HTTP does into headers. The session then reads
    /// tool schemas before calls, and expects the error `-32020` for a mismatch.
    pub mirrors: bool,
    /// On a client's end: a legacy server's messages outside exchanges need a stream that the transport opens after
    /// `notifications/initialized`, and its state is reported by
    /// [`Inbound::ServerStream`](super::Inbound::ServerStream). Without it such messages can come at any time.
    pub server_stream: bool,
}

/// How a client abandons a request of revision 2026-07-28. Legacy requests are abandoned by message, and their lane
/// ended after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AbandonBy {
    // Ledger CANC-C-008.
    /// By the message `notifications/cancelled`, for bindings whose lanes do not reach the peer.
    Message,
    // Ledger CANC-C-009.
    /// By [`Outbound::End`](super::Outbound::End), for bindings whose lanes reach the peer. A message would travel on
    /// another lane than the request, and could overtake it.
    End,
}

impl Binding {
    /// An ordered byte stream: stdio, a pipe, a socket. Lanes do not reach the peer.
    pub const STREAM: Binding =
        Binding::new("stream").continuous(true).ordered(true).abandon(AbandonBy::Message);

    /// A binding under this name that promises nothing: not `continuous`, not `ordered`, requests abandoned by the
    /// end of their lane, any number of exchanges, no mirrored members.
    pub const fn new(name: &'static str) -> Binding {
        Binding {
            name,
            continuous: false,
            ordered: false,
            abandon: AbandonBy::End,
            one_exchange: false,
            mirrors: false,
            server_stream: false,
        }
    }

    /// Sets [`Binding::name`].
    #[must_use]
    pub const fn named(mut self, name: &'static str) -> Binding {
        self.name = name;
        self
    }

    /// Sets [`Binding::continuous`].
    #[must_use]
    pub const fn continuous(mut self, continuous: bool) -> Binding {
        self.continuous = continuous;
        self
    }

    /// Sets [`Binding::ordered`].
    #[must_use]
    pub const fn ordered(mut self, ordered: bool) -> Binding {
        self.ordered = ordered;
        self
    }

    /// Sets [`Binding::abandon`].
    #[must_use]
    pub const fn abandon(mut self, abandon: AbandonBy) -> Binding {
        self.abandon = abandon;
        self
    }

    /// Sets [`Binding::one_exchange`].
    #[must_use]
    pub const fn one_exchange(mut self, one_exchange: bool) -> Binding {
        self.one_exchange = one_exchange;
        self
    }

    /// Sets [`Binding::server_stream`].
    #[must_use]
    pub const fn server_stream(mut self, server_stream: bool) -> Binding {
        self.server_stream = server_stream;
        self
    }

    /// Sets [`Binding::mirrors`].
    #[must_use]
    pub const fn mirrors(mut self, mirrors: bool) -> Binding {
        self.mirrors = mirrors;
        self
    }
}
