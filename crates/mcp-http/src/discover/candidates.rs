//! Which URLs are tried, in which order. Pure.

use url::Url;

use super::table::Question;
use crate::HttpError;

/// Where servers keep their endpoint if nobody says otherwise, the most usual first (FAULT A-B2).
const WELL_KNOWN: [&str; 5] = ["/mcp", "/", "/tools", "/api/mcp", "/v1/mcp"];

/// Where servers of 2024-11-05 keep their stream.
const STREAM: &str = "/sse";

/// A URL to try.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Candidate {
    pub(super) url: Url,
    /// What is asked first.
    pub(super) first: Question,
    /// Whether the stream of 2024-11-05 is looked for where POST is refused.
    pub(super) stream: bool,
}

impl Candidate {
    /// A URL that somebody named: everything is asked there.
    fn named(url: Url) -> Candidate {
        Candidate { url, first: Question::Modern, stream: true }
    }
}

/// The candidates. A path that was given comes first, exactly as it is; others are added only where the caller lists
/// them, or where there is no path.
pub(super) fn list(given: &Url, paths: Option<&[String]>) -> Result<Vec<Candidate>, HttpError> {
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
fn at(given: &Url, path: &str) -> Result<Url, HttpError> {
    let rooted = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    if path.contains("://") || rooted.starts_with("//") {
        return Err(unusable(path, "a path is wanted, not another server"));
    }
    let url = given.join(&rooted).map_err(|error| unusable(path, &error.to_string()))?;
    if same_origin(&url, given) { Ok(url) } else { Err(unusable(path, "it leads to another server")) }
}

/// The same scheme, host and port.
pub(super) fn same_origin(a: &Url, b: &Url) -> bool {
    a.origin() == b.origin()
}

fn unusable(path: &str, why: &str) -> HttpError {
    let url = path.split(['?', '#']).next().unwrap_or_default();
    HttpError::Url { url: url.to_owned(), why: why.to_owned() }
}
