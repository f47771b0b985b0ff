//! Finding the MCP endpoint behind a URL, without guessing more than needed and without leaving anything behind.
//!
//! ```no_run
//! # async fn example() -> Result<(), mcp_http::HttpError> {
//! use mcp_http::client::HttpClientConfig;
//! use mcp_http::discover::{DiscoverOptions, discover};
//!
//! let report = discover("https://example.com", &DiscoverOptions::default(), &HttpClientConfig::default()).await?;
//! match &report.found {
//!     Some(found) => println!("use {}", found.url),
//!     None => println!("{report}"),
//! }
//! # Ok(()) }
//! ```

mod ask;
mod candidates;
mod reply;
mod report;
mod table;

#[cfg(test)]
mod tests;

use std::time::Duration;

use hyper::Uri;
use tokio::time::Instant;

use crate::HttpError;
use crate::client::HttpClientConfig;
use crate::error::Refused;
use crate::net::Net;
use crate::net::uri::{self, shown};

use ask::Asker;
use candidates::Candidate;
use reply::{Named, Reply};
use table::{Decision, Question, judge};

pub use report::{Attempt, DiscoveryReport, Era, Found, Refusal};

/// A longer share of a candidate is shortened to this, which an instant can represent.
const LONGEST_SHARE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How the search is made. Plain data: change what you need.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DiscoverOptions {
    /// The paths of the server to try, in this order, instead of the usual ones. A path in the URL itself is still
    /// tried first.
    pub paths: Option<Vec<String>>,
    /// Whether all candidates are tried, even after one was found or refused.
    pub exhaustive: bool,
    /// How long the whole search may take. Deleting a session that it opened has a separate limit
    /// ([`HttpClientConfig::delete_timeout`](crate::client::HttpClientConfig::delete_timeout)).
    pub deadline: Duration,
    /// How long one candidate may take at most. `None` divides what is left of the deadline by the candidates that are
    /// left.
    pub share: Option<Duration>,
    /// The name and version of the program, sent to servers.
    pub client: (String, String),
}

impl Default for DiscoverOptions {
    fn default() -> DiscoverOptions {
        DiscoverOptions {
            paths: None,
            exhaustive: false,
            deadline: Duration::from_secs(30),
            share: None,
            client: (env!("CARGO_PKG_NAME").to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        }
    }
}

/// Searches for the endpoint behind this URL, which is parsed as by [`HttpClient::new`](crate::HttpClient::new).
///
/// The path of the URL is tried first, unchanged, and then the paths of the options. If neither has a path, `/mcp`,
/// `/`, `/tools`, `/api/mcp` and `/v1/mcp` are tried, and then `/sse` for a server of 2024-11-05.
///
/// Each path receives `server/discover`, which leaves nothing open on the server, and then `initialize` if the answer
/// does not show 2026-07-28. A session that `initialize` opens is deleted immediately.
///
/// The search ends at the first sign of MCP, which may be a JSON-RPC error; at a refusal (401, 403, 407, 408, 429,
/// 5xx), which other paths would only repeat; and if the host cannot be reached or redirects to another origin. It
/// continues after 404, 405, a 2xx that is not MCP, a 400 without a JSON-RPC body, a redirect within the origin, and
/// silence.
///
/// Finding nothing is not an error: the report lists the attempts.
///
/// Cancel-safe with one exception: if the future is dropped between the answer to `initialize` and the DELETE, a
/// session stays open until the server times it out.
///
/// # Errors
///
/// [`HttpError::Url`] and [`HttpError::Setting`], before anything is sent.
pub async fn discover(
    url: &str,
    options: &DiscoverOptions,
    config: &HttpClientConfig,
) -> Result<DiscoveryReport, HttpError> {
    let given = uri::parse(url)?;
    let candidates = candidates::list(&given, options.paths.as_deref())?;
    let net = Net::new(&given, &config.net, &config.credentials)?;
    Ok(search(&net, &candidates, options, config).await)
}

async fn search(
    net: &Net,
    candidates: &[Candidate],
    options: &DiscoverOptions,
    config: &HttpClientConfig,
) -> DiscoveryReport {
    let asker = Asker { net, config, client: &options.client };
    let mut search = Search { asker, report: DiscoveryReport::default() };
    let begin = Instant::now();
    for (index, candidate) in candidates.iter().enumerate() {
        let left = options.deadline.saturating_sub(begin.elapsed());
        if left.is_zero() {
            search.report.out_of_time = true;
            break;
        }
        let others = u32::try_from(candidates.len() - index).unwrap_or(u32::MAX);
        let share = options.share.unwrap_or(left / others).min(left);
        match search.candidate(candidate, Instant::now() + share.min(LONGEST_SHARE)).await {
            End::Next => {}
            End::Settled if options.exhaustive => {}
            End::Settled | End::Stopped => break,
        }
    }
    search.report
}

/// How a candidate ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It is not the endpoint.
    Next,
    /// It is, or it refuses.
    Settled,
    /// No candidate can be reached.
    Stopped,
}

struct Search<'a> {
    asker: Asker<'a>,
    report: DiscoveryReport,
}

impl Search<'_> {
    /// Asks one candidate until it is known what it is.
    async fn candidate(&mut self, candidate: &Candidate, until: Instant) -> End {
        let url = &candidate.url;
        // What an earlier answer proved, should a later one say nothing more.
        let mut proof: Option<Found> = None;
        let mut question = candidate.first;
        loop {
            let sent = Instant::now();
            let reply = self.asker.ask(url, question, until).await;
            let step = judge(question, reply.status.map(|status| status.as_u16()), &reply.observed);
            self.report.attempts.push(Attempt {
                url: shown(url),
                method: if question == Question::Stream { "GET" } else { "POST" },
                era: if question == Question::Modern { Era::Modern } else { Era::Legacy },
                status: reply.status.map(|status| status.as_u16()),
                elapsed: sent.elapsed(),
                why: reply.why.clone(),
                challenges: reply.refused.as_ref().map_or_else(Vec::new, Refused::schemes),
            });
            match step {
                Decision::Found(era) => {
                    let found = found(url, era, question, reply.named);
                    return self.settle(Some(found));
                }
                Decision::LookCloser => {
                    proof = Some(found(url, Era::Legacy, question, reply.named));
                    question = Question::Legacy;
                }
                Decision::Ask(Question::Stream) if proof.is_some() || !candidate.stream => {
                    return if proof.is_some() { self.settle(proof) } else { End::Next };
                }
                Decision::Ask(next) => question = next,
                Decision::Next if proof.is_some() => return self.settle(proof),
                Decision::Next => return End::Next,
                Decision::Refused => {
                    self.refuse(url, reply);
                    return self.settle(proof);
                }
                Decision::Stop => {
                    self.report.failure = reply.error;
                    self.settle(proof);
                    return End::Stopped;
                }
            }
        }
    }

    fn settle(&mut self, found: Option<Found>) -> End {
        if self.report.found.is_none() {
            self.report.found = found;
        }
        End::Settled
    }

    fn refuse(&mut self, url: &Uri, reply: Reply) {
        if let (None, Some(refused)) = (&self.report.refusal, reply.refused) {
            self.report.refusal = Some(Refusal { url: shown(url), refused });
        }
    }
}

fn found(url: &Uri, era: Era, question: Question, named: Named) -> Found {
    Found {
        url: url.to_string(),
        era,
        versions: named.versions,
        server_name: named.name,
        server_version: named.version,
        via_sse: question == Question::Stream,
    }
}
