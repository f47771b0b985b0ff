//! What a bridge tells about its upstream servers.

use std::time::Duration;

use mcp_core::message::{ProtocolVersion, RawJson};

/// What a bridge is doing, entry by entry.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Status {
    /// The upstream servers, in the order in which they were given.
    pub upstreams: Vec<UpstreamStatus>,
}

/// The state of one upstream server.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct UpstreamStatus {
    /// Its name.
    pub name: String,
    /// Whether it can be used.
    pub state: State,
    /// Its open sessions. Each is a child process or a connection.
    pub sessions: usize,
    /// The sessions that are being opened.
    pub starting: usize,
    /// The calls in flight.
    pub calls: usize,
    /// The calls that wait for answers of their clients.
    pub parked: usize,
    /// The revision that was negotiated with it.
    pub version: Option<ProtocolVersion>,
    /// Why it failed last. Forgotten when it starts again. Contains text of the server.
    pub failure: Option<String>,
    /// The time until it may be started again. `None` if it may be now, or never again.
    pub retry_after: Option<Duration>,
    /// How many of its notifications reached no client since the bridge was built: they belong to no request, and no client
    /// that uses it hears of them; or they are progress that the client did not ask for.
    pub dropped: u64,
}

/// Whether an upstream server can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// It was not needed yet, or not for a while.
    Cold,
    /// Its first session is being opened.
    Starting,
    /// It has a session.
    Ready,
    /// It failed, and is not started again before a short wait is over.
    BackingOff,
    /// It cannot be used, or failed too often and is left alone for a while.
    Failed,
}

impl State {
    /// The name, such as `"ready"`.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Cold => "cold",
            State::Starting => "starting",
            State::Ready => "ready",
            State::BackingOff => "backing-off",
            State::Failed => "failed",
        }
    }
}

impl Status {
    /// As a JSON object.
    pub fn to_raw(&self) -> RawJson {
        RawJson::object([("upstreams", RawJson::array(self.upstreams.iter().map(UpstreamStatus::to_raw)))])
    }
}

impl UpstreamStatus {
    /// As a JSON object.
    pub fn to_raw(&self) -> RawJson {
        let count = |number: usize| RawJson::integer(i64::try_from(number).unwrap_or(i64::MAX));
        let mut members = vec![
            ("name", RawJson::string(&self.name)),
            ("state", RawJson::string(self.state.as_str())),
            ("sessions", count(self.sessions)),
            ("starting", count(self.starting)),
            ("calls", count(self.calls)),
            ("parked", count(self.parked)),
            ("dropped", RawJson::integer(i64::try_from(self.dropped).unwrap_or(i64::MAX))),
        ];
        members.extend(self.version.map(|version| ("version", RawJson::string(version.as_str()))));
        members.extend(self.failure.as_deref().map(|why| ("failure", RawJson::string(why))));
        let seconds = self.retry_after.map(|wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
        let seconds = seconds.and_then(|seconds| i64::try_from(seconds).ok());
        members.extend(seconds.map(|seconds| ("retryAfter", RawJson::integer(seconds))));
        RawJson::object(members)
    }
}
