//! The meaning of an answer for the search, as a table: continue, ask another question, or stop. Pure.

use mcp_core::message::ProtocolVersion;

use super::Era;

/// What was asked at one URL. The order is the order in which it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// POST of `server/discover`, with all headers of 2026-07-28. Leaves no state behind.
    Modern,
    /// POST of `initialize`.
    Legacy,
    /// GET of the event stream of 2024-11-05.
    Stream,
}

/// What came back, apart from the status.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Observation {
    /// A DiscoverResult, or `-32022` with `data.supported`: the revisions that it names.
    Versions(Vec<String>),
    /// `-32020`, or `-32021` with `data.requiredCapabilities`: only a server of 2026-07-28 says so.
    ModernError,
    /// An InitializeResult.
    Initialized,
    /// Any other answer in JSON-RPC.
    Rpc,
    /// A stream whose first event is `endpoint`, with a URL of the same origin.
    Endpoint,
    /// An answer that is not MCP, or none.
    Foreign,
    /// A redirect that is not followed; `home` if it leads to the same origin.
    Redirect {
        /// To the same scheme, host and port.
        home: bool,
    },
    /// No answer within the candidate's share of the time.
    TimedOut,
    /// The connection broke before the answer.
    Cut,
    /// No connection: refused, no such name, TLS.
    Unreachable,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// This is the endpoint.
    Found(Era),
    /// This is an endpoint already: `initialize` only says more about it.
    LookCloser,
    /// Ask this next, at the same URL.
    Ask(Question),
    /// Nothing here: the next candidate.
    Next,
    /// A server refuses. Asking elsewhere would only repeat it.
    Refused,
    /// The host cannot be reached, and all candidates share it.
    Stop,
}

/// The row for an answer. `status` is `None` where there was no answer.
pub(super) fn judge(asked: Question, status: Option<u16>, observed: &Observation) -> Decision {
    use Question::{Legacy, Modern, Stream};
    if status.is_some_and(refuses) {
        return Decision::Refused;
    }
    match (asked, observed) {
        (_, Observation::Unreachable | Observation::Redirect { home: false }) => Decision::Stop,
        (_, Observation::TimedOut | Observation::Redirect { home: true }) => Decision::Next,
        (Modern, Observation::Cut | Observation::Foreign) => Decision::Ask(Legacy),
        (_, Observation::Cut) => Decision::Stop,
        (Modern, Observation::Versions(theirs)) if only_legacy(theirs) => Decision::LookCloser,
        (Modern | Legacy, Observation::Versions(_) | Observation::ModernError) => {
            Decision::Found(Era::Modern)
        }
        (Modern, Observation::Rpc | Observation::Initialized) => Decision::LookCloser,
        (Legacy, Observation::Rpc | Observation::Initialized) => Decision::Found(Era::Legacy),
        (Legacy, Observation::Foreign) => match status {
            // Ledger SSE24-C-009: what a server of 2024-11-05 says to a POST on its stream.
            Some(400 | 404 | 405) => Decision::Ask(Stream),
            Some(200..=299) | None => Decision::Next,
            _ => Decision::Refused,
        },
        (Stream, Observation::Endpoint) => Decision::Found(Era::Legacy),
        (Stream, _) | (_, Observation::Endpoint) => Decision::Next,
    }
}

/// The statuses by which a server refuses any request: because of the caller, its rate, or an outage.
pub(super) fn refuses(status: u16) -> bool {
    matches!(status, 401 | 403 | 407 | 408 | 429 | 500..=599)
}

/// Whether a server names legacy revisions, and none of 2026-07-28 or unknown ones.
// T-08.
fn only_legacy(theirs: &[String]) -> bool {
    !theirs.is_empty()
        && theirs.iter().all(|label| ProtocolVersion::parse(label).is_some_and(|known| known.is_legacy()))
}
