//! What a search for an endpoint came to, as plain data.

use std::fmt;
use std::time::Duration;

use hyper::Uri;

use crate::HttpError;
use crate::error::Refused;
use crate::net::AuthScheme;
use crate::net::uri::shown;

/// The family of revisions that a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Era {
    /// 2026-07-28: no handshake.
    Modern,
    /// 2024-11-05 to 2025-11-25: `initialize`, then a session.
    Legacy,
}

impl fmt::Display for Era {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Era::Modern => "modern",
            Era::Legacy => "legacy",
        })
    }
}

/// One request of the search, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// Where, without its query.
    pub url: String,
    /// `POST` or `GET`.
    pub method: &'static str,
    /// In which era it was asked.
    pub era: Era,
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// The time from the request to the end of its evaluation.
    pub elapsed: Duration,
    /// A description of the result. It may quote the peer: untrusted.
    pub why: String,
    /// The parsed `WWW-Authenticate` of a refusal. Untrusted.
    pub challenges: Vec<AuthScheme>,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Attempt { url, method, era, status, elapsed, why, .. } = self;
        write!(f, "{method} {url} ({era}): ")?;
        if let Some(status) = status {
            write!(f, "{status}, ")?;
        }
        write!(f, "{} ms, {why}", elapsed.as_millis())
    }
}

/// The endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// The complete URL to use from now on. A query is kept as given.
    pub url: String,
    /// The newest era that it supports.
    pub era: Era,
    /// The revisions that the server listed, unchanged; for a legacy server, the one that it chose. Empty if it
    /// listed none.
    pub versions: Vec<String>,
    /// The name that the server reports. Untrusted.
    pub server_name: Option<String>,
    /// The version of its software. Untrusted.
    pub server_version: Option<String>,
    /// It is the stream of an HTTP+SSE server (2024-11-05).
    pub via_sse: bool,
}

impl Found {
    /// The URL without its query, to be shown.
    pub fn shown_url(&self) -> String {
        self.url.parse::<Uri>().map_or_else(|_| String::new(), |url| shown(&url))
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.shown_url(), self.era)?;
        if !self.versions.is_empty() {
            write!(f, ": {}", self.versions.join(", "))?;
        }
        if self.via_sse {
            f.write_str(", HTTP+SSE")?;
        }
        f.write_str(")")
    }
}

/// A server that refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// Where, without its query.
    pub url: String,
    /// Status, challenge, delay and the start of the body.
    pub refused: Refused,
}

impl Refusal {
    /// Whether credentials are missing, wrong, or not enough.
    pub fn is_auth(&self) -> bool {
        matches!(self.refused.status.as_u16(), 401 | 403 | 407)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.url, self.refused)
    }
}

/// The result of a search. If no candidate was an endpoint, `found`, `refusal` and `failure` are `None` and
/// `out_of_time` is `false`.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DiscoveryReport {
    /// Every request, in order.
    pub attempts: Vec<Attempt>,
    /// The first endpoint.
    pub found: Option<Found>,
    /// The first refusal.
    pub refusal: Option<Refusal>,
    /// The error that ended the search: no connection to the host, or a redirect to another origin.
    pub failure: Option<HttpError>,
    /// Whether the deadline ended the search before all candidates were tried.
    pub out_of_time: bool,
}

impl fmt::Display for DiscoveryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for attempt in &self.attempts {
            writeln!(f, "{attempt}")?;
        }
        match (&self.found, &self.refusal, &self.failure) {
            (Some(found), _, _) => write!(f, "found {found}"),
            (None, Some(refusal), _) => write!(f, "refused: {refusal}"),
            (None, None, Some(failure)) => write!(f, "not reached: {failure}"),
            (None, None, None) if self.out_of_time => f.write_str("nothing found before the deadline"),
            (None, None, None) => f.write_str("nothing found"),
        }
    }
}
