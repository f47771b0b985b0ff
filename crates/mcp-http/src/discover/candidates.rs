//! The URLs to try, in order. Pure.

use hyper::Uri;

use super::table::Question;
use crate::HttpError;
use crate::net::uri::within;

/// The usual paths of endpoints, the most common first.
// FAULT A-B2.
const WELL_KNOWN: [&str; 5] = ["/mcp", "/", "/tools", "/api/mcp", "/v1/mcp"];

/// Where servers of 2024-11-05 keep their stream.
const STREAM: &str = "/sse";

/// A URL to try.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Candidate {
    pub(super) url: Uri,
    /// The first question.
    pub(super) first: Question,
    /// Whether the stream of 2024-11-05 is tried if POST is refused.
    pub(super) stream: bool,
}

impl Candidate {
    /// A URL that the user gave: all questions are asked there.
    fn named(url: Uri) -> Candidate {
        Candidate { url, first: Question::Modern, stream: true }
    }
}

/// The candidates. A path of the URL comes first, unchanged. Others are added only if the caller lists them, or if
/// the URL has no path.
pub(super) fn list(given: &Uri, paths: Option<&[String]>) -> Result<Vec<Candidate>, HttpError> {
    let bare = given.path() == "/" && given.query().is_none();
    let mut list = if bare { Vec::new() } else { vec![Candidate::named(given.clone())] };
    let others = match paths {
        Some(paths) => paths
            .iter()
            .map(|path| at(given, path).map(Candidate::named))
            .collect::<Result<Vec<Candidate>, HttpError>>()?,
        None if bare => {
            let posts = WELL_KNOWN.iter().map(|path| {
                at(given, path).map(|url| Candidate { url, first: Question::Modern, stream: false })
            });
            let stream =
                at(given, STREAM).map(|url| Candidate { url, first: Question::Stream, stream: true });
            posts.chain([stream]).collect::<Result<_, _>>()?
        }
        None => Vec::new(),
    };
    for other in others {
        if !list.iter().any(|known| known.url == other.url) {
            list.push(other);
        }
    }
    if list.is_empty() { Err(unusable("", "no path to try is given")) } else { Ok(list) }
}

/// A path on the origin that was given.
fn at(given: &Uri, path: &str) -> Result<Uri, HttpError> {
    let rooted = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    if path.contains("://") || rooted.starts_with("//") {
        return Err(unusable(path, "a path is expected, not another server"));
    }
    within(given, &rooted).map_err(|_| unusable(path, "not written as a path"))
}

fn unusable(path: &str, why: &str) -> HttpError {
    let url = path.split(['?', '#']).next().unwrap_or_default();
    HttpError::Url { url: url.to_owned(), why: why.to_owned() }
}
