//! What a client session is told once.

use std::time::Duration;

use crate::message::{ProtocolVersion, RawJson};
use crate::session::LogLevel;
use crate::transport::Envelope;

/// Which era to open in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EraMode {
    /// Probe with `server/discover` and decide by its outcome.
    #[default]
    Auto,
    /// 2026-07-28 only. Still probes, so that a legacy server fails at once and clearly (ERA-C-005).
    Modern,
    /// `initialize` first, offering this revision.
    Legacy(ProtocolVersion),
}

/// What is known of a peer's era: can be read back, kept, and given to a later session, which then need
/// not find out: it opens with `initialize`, or asks a modern peer for its capabilities. It is dropped, and
/// the peer probed once, if it proves wrong (ledger ERA-C-010).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownEra {
    /// The revision that was agreed on. Its era is the era.
    pub version: ProtocolVersion,
}

/// What to do when a link ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconnect {
    /// The session ends with its link.
    Never,
    /// Calls in flight fail; the next call or open subscription makes a new link.
    OnDemand {
        /// The wait before the second try in a row; doubled from there.
        first: Duration,
        /// The longest wait.
        cap: Duration,
        /// Tries in a row without an answer from the peer, after which the session ends.
        tries: u32,
    },
}

impl Default for Reconnect {
    fn default() -> Reconnect {
        Reconnect::OnDemand { first: Duration::from_millis(500), cap: Duration::from_secs(30), tries: 5 }
    }
}

/// Keep-alive by `ping`; legacy links only (ledger PING-B-002). Off unless asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PingPolicy {
    /// How long a link may be silent before it is pinged.
    pub interval: Duration,
    /// How long a ping may take.
    pub timeout: Duration,
    /// Failed pings in a row after which the link counts as failed.
    pub failures: u32,
}

/// What a client session is told once. All of it has a default but who the client is.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The client's `Implementation`: name, version.
    pub info: RawJson,
    /// The client's capabilities: an object. Say only what an input handler can answer.
    pub capabilities: RawJson,
    /// Whether modern requests carry `clientInfo` (META-C-005).
    pub send_info: bool,
    /// Which era to open in.
    pub era: EraMode,
    /// The revisions this client speaks, newest first.
    pub versions: Vec<ProtocolVersion>,
    /// What is known of the peer.
    pub known_era: Option<KnownEra>,
    /// What to do when a link ends.
    pub reconnect: Reconnect,
    /// How long the peer may be silent to the probe. Default 10 s.
    pub probe_timeout: Duration,
    /// How long opening may take, from the first link to the known_era. Default 60 s.
    pub start_timeout: Duration,
    /// The idle limit of a call: no answer, and with `reset_on_progress` no progress. Default 60 s.
    pub call_timeout: Duration,
    /// The hard maximum of a call, input and retries included. Default 10 min.
    pub call_maximum: Duration,
    /// How long a person may take to answer. Default 10 min.
    pub input_timeout: Duration,
    /// Keep-alive on legacy links.
    pub ping: Option<PingPolicy>,
    /// `input_required` rounds of one call. Default 10.
    pub max_rounds: u32,
    /// Unreadable lines in a row that are skipped; then the link is given up. Default 100; 0 is strict.
    pub max_garbage: u32,
    /// Values of `resultType` that extensions added, beside the two of the core (RPC-B-017).
    pub result_types: Vec<String>,
}

impl ClientConfig {
    /// The defaults, for a client with this `Implementation` object.
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
            max_garbage: 100,
            result_types: Vec::new(),
        }
    }
}

/// What one call may differ in.
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    /// The idle limit, in place of [`ClientConfig::call_timeout`]. `Duration::MAX` is none.
    pub timeout: Option<Duration>,
    /// The hard maximum, in place of [`ClientConfig::call_maximum`]. `Duration::MAX` is none.
    pub maximum: Option<Duration>,
    /// Progress resets the idle limit. Implies a progress token.
    pub reset_on_progress: bool,
    /// Ask for progress notifications.
    pub progress: bool,
    /// Ask for log messages at or above this level (2026-07-28; on a legacy link ask once, by
    /// `logging/setLevel`).
    pub log_level: Option<LogLevel>,
    /// Members for `_meta` beside the protocol's own: an object.
    pub meta: Option<RawJson>,
    /// Passed to the transport.
    pub envelope: Envelope,
}
