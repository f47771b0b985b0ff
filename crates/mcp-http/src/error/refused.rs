//! A refusal by HTTP.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use mcp_core::message::{Decoded, Message, Response, decode};

use super::first_line;
use crate::auth_scheme::AuthScheme;

/// A refusal by HTTP: a status outside 2xx without an MCP answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// The status.
    pub status: StatusCode,
    /// `Retry-After`, in seconds or from a date.
    pub retry_after: Option<Duration>,
    /// `WWW-Authenticate`, shortened.
    pub challenge: Option<String>,
    /// The start of the body, at most 64 KiB. Untrusted text.
    pub body: String,
    /// The method that was answered so, such as `tools/call`; empty where none was sent, as for a GET.
    pub method: String,
    /// Host and port of the proxy in between, which may have made the answer.
    pub proxy: Option<String>,
}

impl Refused {
    /// Creates a refusal with this status and without details.
    pub fn new(status: StatusCode) -> Refused {
        Refused {
            status,
            retry_after: None,
            challenge: None,
            body: String::new(),
            method: String::new(),
            proxy: None,
        }
    }

    /// The challenges in [`Refused::challenge`], in order.
    pub fn schemes(&self) -> Vec<AuthScheme> {
        self.challenge.as_deref().map_or_else(Vec::new, AuthScheme::parse)
    }

    /// Whether the status is 401, 403 or 407.
    pub fn is_auth(&self) -> bool {
        matches!(self.status.as_u16(), 401 | 403 | 407)
    }

    /// Whether a later attempt may succeed: the status is 408, 429 or 5xx.
    pub fn is_retryable(&self) -> bool {
        self.is_busy() || self.status.as_u16() == 408 || self.status.is_server_error()
    }

    /// 429 or 503.
    pub fn is_busy(&self) -> bool {
        matches!(self.status.as_u16(), 429 | 503)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP status {}", self.status)?;
        if let Some(proxy) = &self.proxy {
            write!(f, " (through the proxy {proxy})")?;
        }
        if let Some(after) = self.retry_after {
            write!(f, ", retry after {} s", after.as_secs())?;
        }
        let line = first_line(&self.sentence());
        if line.is_empty() { Ok(()) } else { write!(f, ": {line}") }
    }
}

impl Refused {
    /// What the body says to a person: the message of an error in JSON-RPC, the text of a web page.
    fn sentence(&self) -> Cow<'_, str> {
        match decode(Bytes::copy_from_slice(self.body.as_bytes())) {
            Decoded::One(Ok(Message::Response(Response { outcome: Err(error), .. }))) => error.message,
            _ if self.body.trim_start().starts_with('<') => Cow::Owned(without_tags(&self.body)),
            _ => Cow::Borrowed(&self.body),
        }
    }
}

/// A text without its markup. What stands in a page's scripts stays; only the first line is shown.
fn without_tags(page: &str) -> String {
    let mut inside = false;
    page.chars()
        .filter(|c| {
            let shown = !inside && *c != '<';
            inside = *c == '<' || (inside && *c != '>');
            shown
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FAULT C-28: a person sees what was said, and no markup.
    #[test]
    fn a_refusal_is_shown_by_its_sentence() {
        let rows = [
            (r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"not authorized"}}"#, ": not authorized"),
            ("<!DOCTYPE html>\n<html><body>no <b>route</b></body></html>", ": no route"),
            ("<html", ""),
            ("\n  slow down\nplease", ": slow down"),
            ("", ""),
        ];
        for (body, wanted) in rows {
            let refused = Refused { body: body.to_owned(), ..Refused::new(StatusCode::BAD_GATEWAY) };
            assert_eq!(refused.to_string(), format!("HTTP status 502 Bad Gateway{wanted}"));
        }
    }
}
