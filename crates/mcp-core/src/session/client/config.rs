//! Settings of a client session.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crate::message::{ProtocolVersion, RawJson};
use crate::session::LogLevel;
use crate::transport::Envelope;

/// The era in which a link is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EraMode {
    /// Probe with `server/discover` and decide by its outcome.
    #[default]
    Auto,
    /// 2026-07-28 only. Still probes, so that a legacy server is reported at once.
    Modern,
    /// Sends `initialize` first and offers this revision.
    Legacy(ProtocolVersion),
}

/// A peer's era as an earlier session detected it.
///
/// A session that is given one opens with `initialize`, or asks a modern peer for its capabilities, instead of probing.
/// If it proves wrong, it is dropped and the peer is probed once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KnownEra {
    /// The negotiated revision, which determines the era.
    pub version: ProtocolVersion,
}

impl KnownEra {
    /// The era of this revision.
    pub fn new(version: ProtocolVersion) -> KnownEra {
        KnownEra { version }
    }
}

/// What to do when a link ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reconnect {
    /// The session ends with its link.
    Never,
    /// Calls in flight fail. The next call or an open subscription makes a new link. Created by
    /// [`Reconnect::on_demand`].
    #[non_exhaustive]
    OnDemand {
        /// The wait before the second consecutive attempt; doubled for each further one.
        first: Duration,
        /// The longest wait.
        cap: Duration,
        /// The number of consecutive attempts without an answer from the peer, after which the session ends.
        tries: u32,
    },
}

impl Reconnect {
    /// [`Reconnect::OnDemand`] with the first wait, the longest wait and the number of attempts.
    pub fn on_demand(first: Duration, cap: Duration, tries: u32) -> Reconnect {
        Reconnect::OnDemand { first, cap, tries }
    }
}

/// On demand, after 500 ms to 30 s, with 5 attempts.
impl Default for Reconnect {
    fn default() -> Reconnect {
        Reconnect::on_demand(Duration::from_millis(500), Duration::from_secs(30), 5)
    }
}

/// Keep-alive by `ping`, on legacy links only. Off by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PingPolicy {
    /// How long a link may be silent before it is pinged. At least one millisecond.
    pub interval: Duration,
    /// How long a ping may take.
    pub timeout: Duration,
    /// The number of consecutive failed pings after which the link is given up.
    pub failures: u32,
}

impl PingPolicy {
    /// Pings a link that was silent for this long. A ping may take 10 s, and up to 3 consecutive ones may fail.
    pub fn new(interval: Duration) -> PingPolicy {
        PingPolicy { interval, timeout: Duration::from_secs(10), failures: 3 }
    }

    /// How long a ping may take.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> PingPolicy {
        self.timeout = limit;
        self
    }

    /// The number of consecutive failed pings after which the link is given up.
    #[must_use]
    pub fn failures(mut self, pings: u32) -> PingPolicy {
        self.failures = pings;
        self
    }
}

/// Settings of a client session. All have defaults except [`info`](ClientConfig::info).
///
/// A duration that an `Instant` cannot represent, such as `Duration::MAX`, means no limit.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientConfig {
    /// The client's `Implementation`: name, version.
    pub info: RawJson,
    /// The client's capabilities: an object. Declare only what the input handler can answer.
    pub capabilities: RawJson,
    /// Whether modern requests carry `clientInfo`. Default true.
    pub send_info: bool,
    /// The era in which links are opened.
    pub era: EraMode,
    /// The revisions this client speaks, newest first.
    pub versions: Vec<ProtocolVersion>,
    /// The peer's era, if it is known from an earlier session.
    pub known_era: Option<KnownEra>,
    /// What to do when a link ends.
    pub reconnect: Reconnect,
    /// How long the peer may take to answer the era probe. Default 10 s.
    pub probe_timeout: Duration,
    /// How long opening may take, from the first link until the session is ready. Default 60 s.
    pub start_timeout: Duration,
    /// The idle limit of a call: the time without an answer, or with `reset_on_progress` without progress.
    /// Default 60 s.
    pub call_timeout: Duration,
    /// The hard maximum of a call, including retries. Of the time that input takes, [`ClientConfig::input_timeout`] in
    /// all is not counted. Default 10 min.
    pub call_maximum: Duration,
    /// How long an answer to a request for input may take. Default 10 min.
    pub input_timeout: Duration,
    /// Keep-alive on legacy links.
    pub ping: Option<PingPolicy>,
    /// The most `input_required` rounds of one call. Default 10.
    pub max_rounds: u32,
    /// The most consecutive unreadable messages that are skipped; one more ends the session. Default: no limit,
    /// since programs print logs where their messages go; a transport bounds their bytes.
    pub max_garbage: u32,
    /// Whether requests for input of a legacy server that [`capabilities`](ClientConfig::capabilities) do not cover reach the
    /// input handler. Default: no, they are refused. For gateways, whose clients may declare more with the next request:
    /// [`InputRequest::missing`](crate::session::InputRequest::missing).
    pub ask_undeclared: bool,
    /// Values of `resultType` that extensions define, beside the two of the specification.
    pub result_types: Vec<String>,
}

impl ClientConfig {
    /// The defaults, with this `Implementation` object.
    pub fn new(info: RawJson) -> ClientConfig {
        ClientConfig {
            info,
            capabilities: RawJson::EMPTY_OBJECT,
            send_info: true,
            era: EraMode::Auto,
            versions: ProtocolVersion::ALL.to_vec(),
            known_era: None,
            reconnect: Reconnect::default(),
            probe_timeout: Duration::from_secs(10),
            start_timeout: Duration::from_secs(60),
            call_timeout: Duration::from_secs(60),
            call_maximum: Duration::from_secs(600),
            input_timeout: Duration::from_secs(600),
            ping: None,
            max_rounds: 10,
            max_garbage: u32::MAX,
            ask_undeclared: false,
            result_types: Vec::new(),
        }
    }
}

/// The client on whose behalf a call is made, if it is not this program: see [`CallOptions::client`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ClientFacts {
    /// Its `Implementation`: name, version. `None` if it did not say.
    pub info: Option<RawJson>,
    /// Its capabilities: an object.
    pub capabilities: RawJson,
}

impl ClientFacts {
    /// A client with these capabilities, an object, that says nothing else about itself.
    pub fn new(capabilities: RawJson) -> ClientFacts {
        ClientFacts { info: None, capabilities }
    }

    /// Sets its `Implementation` object.
    #[must_use]
    pub fn info(mut self, info: RawJson) -> ClientFacts {
        self.info = Some(info);
        self
    }
}

/// What is done with a result of 2026-07-28 that is not complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputMode {
    /// `input_required` is answered by the input handler, and the call is made again with the answers. Any other
    /// `resultType` that is not known is an error.
    #[default]
    Handle,
    /// Every result is the outcome of the call, whatever its `resultType`. For gateways, whose clients answer.
    Pass,
}

/// Options of one call.
///
/// ```
/// use std::time::Duration;
/// use mcp_core::client::CallOptions;
///
/// let patient = CallOptions::new().timeout(Duration::from_secs(300)).reset_on_progress();
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CallOptions {
    /// The idle limit. Default [`ClientConfig::call_timeout`]; `Duration::MAX` means none.
    pub timeout: Option<Duration>,
    /// The hard maximum. Default [`ClientConfig::call_maximum`]; `Duration::MAX` means none.
    pub maximum: Option<Duration>,
    /// Progress resets the idle limit. Implies a progress token.
    pub reset_on_progress: bool,
    /// Request progress notifications.
    pub progress: bool,
    /// Request log messages at or above this level (2026-07-28). On a legacy link, call `logging/setLevel` once: the session
    /// repeats it on each further link.
    pub log_level: Option<LogLevel>,
    /// Additional members of `_meta`: an object. Keys of the protocol take precedence.
    pub meta: Option<RawJson>,
    /// The client on whose behalf the call is made (2026-07-28): its facts replace those of this client in the
    /// request, and a server may ask only for what it can answer. A legacy server knows one client for each link, so
    /// nothing changes there.
    pub client: Option<ClientFacts>,
    /// What is done with a result that is not complete (2026-07-28).
    pub input: InputMode,
    /// Passed to the transport, and to the input handler with the questions that belong to this call.
    pub envelope: Envelope,
}

impl CallOptions {
    /// The defaults, which most calls have.
    pub(crate) fn shared_default() -> Arc<CallOptions> {
        static DEFAULT: LazyLock<Arc<CallOptions>> = LazyLock::new(Arc::default);
        DEFAULT.clone()
    }

    /// The defaults: the client's limits, no notifications.
    pub fn new() -> CallOptions {
        CallOptions::default()
    }

    /// The idle limit. `Duration::MAX` means none.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> CallOptions {
        self.timeout = Some(limit);
        self
    }

    /// The hard maximum. `Duration::MAX` means none.
    #[must_use]
    pub fn maximum(mut self, limit: Duration) -> CallOptions {
        self.maximum = Some(limit);
        self
    }

    /// Requests progress notifications: see [`Call::next_notification`](crate::client::Call::next_notification).
    #[must_use]
    pub fn progress(mut self) -> CallOptions {
        self.progress = true;
        self
    }

    /// Requests progress notifications, each of which restarts the idle limit.
    #[must_use]
    pub fn reset_on_progress(mut self) -> CallOptions {
        self.reset_on_progress = true;
        self
    }

    /// Requests log messages at or above this level (2026-07-28).
    #[must_use]
    pub fn log_level(mut self, level: LogLevel) -> CallOptions {
        self.log_level = Some(level);
        self
    }

    /// Additional members of `_meta`: an object.
    #[must_use]
    pub fn meta(mut self, members: RawJson) -> CallOptions {
        self.meta = Some(members);
        self
    }

    /// Makes the call on behalf of another client: see [`CallOptions::client`].
    ///
    /// ```
    /// use mcp_core::client::{CallOptions, ClientFacts, InputMode};
    /// use mcp_core::message::RawJson;
    ///
    /// // What a gateway passes on: the client can fill in forms, and answers them itself.
    /// let capabilities = RawJson::parse(r#"{"elicitation":{"form":{}}}"#)?;
    /// let options = CallOptions::new().client(ClientFacts::new(capabilities)).input(InputMode::Pass);
    /// # let _ = options;
    /// # Ok::<_, mcp_core::message::ScanError>(())
    /// ```
    #[must_use]
    pub fn client(mut self, facts: ClientFacts) -> CallOptions {
        self.client = Some(facts);
        self
    }

    /// What is done with a result that is not complete.
    #[must_use]
    pub fn input(mut self, mode: InputMode) -> CallOptions {
        self.input = mode;
        self
    }

    /// Data for the transport.
    #[must_use]
    pub fn envelope(mut self, envelope: Envelope) -> CallOptions {
        self.envelope = envelope;
        self
    }
}
