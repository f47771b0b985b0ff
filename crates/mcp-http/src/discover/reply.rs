//! Classifies an answer: the row of the table that it belongs to, and a text for the user.

use std::time::Duration;

use hyper::StatusCode;
use hyper::Uri;
use hyper::header::{CONTENT_TYPE, HeaderMap};
use mcp_core::message::{ErrorObject, Payload, RawJson, Response, code, meta};
use mcp_core::transport::ErrorChain;

use super::table::{Observation, Question};
use crate::error::Refused;
use crate::net::uri::same_origin;
use crate::{HttpError, TimeoutStep};

/// The most characters of a peer's text that a text for the user quotes.
const CLIP: usize = 120;

/// How a server identifies itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Named {
    pub(super) versions: Vec<String>,
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
}

/// The content of a body.
#[derive(Debug)]
pub(super) enum Content {
    Message(Response),
    /// The first event of an HTTP+SSE stream.
    Endpoint,
    /// Something else, with a description.
    Foreign(String),
}

impl Content {
    /// A body that is not MCP, described by its content type.
    pub(super) fn foreign(headers: &HeaderMap) -> Content {
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        Content::Foreign(kind.map_or_else(|| "a body without a type".to_owned(), clip))
    }
}

/// The answer to a question.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) observed: Observation,
    pub(super) status: Option<StatusCode>,
    /// A description of the answer, for the user.
    pub(super) why: String,
    pub(super) named: Named,
    /// The refusal, for a status outside 2xx.
    pub(super) refused: Option<Refused>,
    /// The error, if no answer was read.
    pub(super) error: Option<HttpError>,
}

impl Reply {
    fn new(observed: Observation, status: Option<StatusCode>, why: String) -> Reply {
        Reply { observed, status, why, named: Named::default(), refused: None, error: None }
    }

    /// No answer in time.
    pub(super) fn late(after: Duration, status: Option<StatusCode>) -> Reply {
        let what = if status.is_some() { "no end of the answer" } else { "no answer" };
        Reply::new(Observation::TimedOut, status, format!("{what} within {} ms", after.as_millis()))
    }

    /// No answer, or an answer that was cut off.
    pub(super) fn failed(url: &Uri, status: Option<StatusCode>, error: HttpError) -> Reply {
        let observed = match &error {
            HttpError::Redirect { to, .. } => {
                let home = to.parse::<Uri>().is_ok_and(|to| same_origin(&to, url));
                Observation::Redirect { home }
            }
            HttpError::TimedOut { step: TimeoutStep::Connect, .. } => Observation::Unreachable,
            HttpError::TimedOut { .. } => Observation::TimedOut,
            HttpError::Cut { .. } | HttpError::Closed => Observation::Cut,
            HttpError::Connect { .. }
            | HttpError::Url { .. }
            | HttpError::Setting { .. }
            | HttpError::Authorization(_) => Observation::Unreachable,
            _ => Observation::Foreign,
        };
        let status = match &error {
            HttpError::Redirect { status, .. } => Some(*status),
            _ => status,
        };
        Reply {
            error: Some(error.clone()),
            ..Reply::new(observed, status, ErrorChain::new(&error).to_string())
        }
    }

    /// An answer that was read.
    pub(super) fn of(
        url: &Uri,
        question: Question,
        status: StatusCode,
        content: Result<Content, HttpError>,
    ) -> Reply {
        match content {
            Err(error) => Reply::failed(url, Some(status), error),
            Ok(Content::Endpoint) => {
                Reply::new(Observation::Endpoint, Some(status), "a stream of HTTP+SSE".to_owned())
            }
            Ok(Content::Message(response)) => message(question, status, response),
            Ok(Content::Foreign(what)) => {
                let wanted = if question == Question::Stream { "a stream of HTTP+SSE" } else { "MCP" };
                Reply::new(Observation::Foreign, Some(status), format!("{what}, which is not {wanted}"))
            }
        }
    }

    /// A status without an MCP answer.
    pub(super) fn refused(refused: Refused) -> Reply {
        let reply = Reply::new(Observation::Foreign, Some(refused.status), clip(&refused.to_string()));
        Reply { refused: Some(refused), ..reply }
    }
}

/// Classifies a JSON-RPC answer.
fn message(question: Question, status: StatusCode, response: Response) -> Reply {
    match response.outcome {
        Ok(result) => result_of(question, status, &result),
        Err(error) => {
            let observed = match seen_in_error(&error) {
                Observation::Rpc if is_misplaced(status, response.id.is_some()) => Observation::Foreign,
                observed => observed,
            };
            let named = match &observed {
                Observation::Versions(theirs) => Named { versions: theirs.clone(), ..Named::default() },
                _ => Named::default(),
            };
            let why = format!("answers in JSON-RPC: {}", clip(&error.to_string()));
            Reply { named, ..Reply::new(observed, Some(status), why) }
        }
    }
}

fn result_of(question: Question, status: StatusCode, result: &Payload) -> Reply {
    let raw = result.raw();
    let supported = raw.member("supportedVersions").as_ref().and_then(texts);
    let chosen = raw.member("protocolVersion").and_then(|version| version.to_text());
    let (observed, versions, info, what) = match (question, supported, chosen) {
        (Question::Modern, Some(theirs), _) => {
            let info = raw.member("_meta").and_then(|meta| meta.member(meta::SERVER_INFO));
            (Observation::Versions(theirs.clone()), theirs, info, "answers server/discover")
        }
        (Question::Legacy, _, Some(version)) => {
            (Observation::Initialized, vec![version], raw.member("serverInfo"), "answers initialize")
        }
        _ => (Observation::Rpc, Vec::new(), None, "answers in JSON-RPC"),
    };
    let said = |key: &str| {
        info.as_ref()
            .and_then(|info| info.member(key))
            .and_then(|text| text.to_text())
            .map(|text| clip(&text))
    };
    let named = Named { name: said("name"), version: said("version"), versions };
    let why = if named.versions.is_empty() {
        what.to_owned()
    } else {
        format!("{what}: {}", clip(&named.versions.join(", ")))
    };
    Reply { named, ..Reply::new(observed, Some(status), why) }
}

/// Whether an error concerns the URL and not the question. MCP servers also use JSON-RPC to report that a path does
/// not exist (404, without the id of the request), or that it does not accept POST (405), such as the stream of
/// HTTP+SSE.
fn is_misplaced(status: StatusCode, has_id: bool) -> bool {
    status == StatusCode::METHOD_NOT_ALLOWED || (status == StatusCode::NOT_FOUND && !has_id)
}

/// Classifies an error. Some codes are only sent by a server of 2026-07-28.
// T-07.
fn seen_in_error(error: &ErrorObject) -> Observation {
    let data = |key: &str| error.data.as_ref().and_then(|data| data.member(key));
    match error.code {
        code::UNSUPPORTED_VERSION => {
            data("supported").as_ref().and_then(texts).map_or(Observation::Rpc, Observation::Versions)
        }
        code::MISSING_CLIENT_CAPABILITY if data("requiredCapabilities").is_some_and(|it| it.is_object()) => {
            Observation::ModernError
        }
        code::HEADER_MISMATCH => Observation::ModernError,
        _ => Observation::Rpc,
    }
}

fn texts(array: &RawJson) -> Option<Vec<String>> {
    (array.as_bytes().first() == Some(&b'[')).then_some(())?;
    array.elements().iter().map(RawJson::to_text).collect()
}

/// Puts a peer's text on one line, shortened to [`CLIP`] characters.
fn clip(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(CLIP).collect()
}
