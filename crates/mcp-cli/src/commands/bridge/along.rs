//! `--forward-header`: headers of clients that go along to a server behind a URL.

use clap::Args;
use mcp_bridge::Forwarded;
use mcp_core::transport::Envelope;
use mcp_http::Secret;
use mcp_http::client::{CallHeaders, HttpClientConfig};
use mcp_http::http::header::HeaderName;
use mcp_http::server::HttpRequest;

use crate::exit::Failure;

/// Which headers go along.
#[derive(Clone, Debug, Args)]
pub(super) struct Along {
    /// Pass this header of clients on to the server behind a URL; may be given more than once
    #[arg(long, help_heading = "Options for HTTP", requires = "listen", value_name = "NAME")]
    forward_header: Vec<String>,
}

/// Headers of a client's request, for the requests that open its session with the server.
#[derive(Clone, Debug)]
struct Opening(Vec<(HeaderName, Secret)>);

/// What a client must not choose: credentials for the bridge, what describes one message or one connection, and who is asked.
const NEVER: [&str; 19] = [
    "accept",
    "authorization",
    "connection",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "last-event-id",
    "origin",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

impl Along {
    /// The names, checked.
    pub(super) fn names(&self) -> Result<Vec<HeaderName>, Failure> {
        self.forward_header.iter().map(|name| allowed(name)).collect()
    }
}

fn allowed(name: &str) -> Result<HeaderName, Failure> {
    let bad = |why: &str| Failure::usage(format!("--forward-header {name:?}: {why}"));
    let parsed: HeaderName = name.parse().map_err(|_| bad("not the name of a header"))?;
    let lower = parsed.as_str();
    if NEVER.contains(&lower) || lower.starts_with("mcp-") || lower.starts_with("content-") {
        return Err(bad("this header is never passed on"));
    }
    Ok(parsed)
}

/// The headers of these names in a client's request. Clients that send others share no session.
pub(super) fn pick(names: &[HeaderName], envelope: &Envelope) -> Forwarded {
    let Some(request) = envelope.get::<HttpRequest>() else { return Forwarded::default() };
    let mut opening = Vec::new();
    let (mut call, mut key) = (CallHeaders::new(), Vec::new());
    for name in names {
        let mut values = request.headers().get_all(name).iter();
        // Two readers could read two values.
        let (Some(value), None) = (values.next(), values.next()) else { continue };
        let Ok(text) = value.to_str() else { continue };
        key.extend_from_slice(format!("{name}:{}:{text}\n", text.len()).as_bytes());
        call = call.header(name.clone(), text);
        opening.push((name.clone(), Secret::from(text)));
    }
    Forwarded::new(Envelope::default().with(call).with(Opening(opening)), key)
}

/// Adds the headers of the client that a session is opened for.
pub(super) fn open_with(config: &mut HttpClientConfig, forwarded: &Envelope) {
    let Some(Opening(headers)) = forwarded.get() else { return };
    for (name, value) in headers {
        // Its value came in a header.
        if let Ok(value) = value.to_header() {
            config.credentials.headers.retain(|(known, _)| known != name);
            config.credentials.headers.push((name.clone(), value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // BR-06.
    #[test]
    fn credentials_and_hop_by_hop_headers_are_never_passed_on() {
        for name in [
            "Authorization",
            "cookie",
            "Mcp-Session-Id",
            "MCP-Protocol-Version",
            "Content-Length",
            "te",
            "a b",
        ] {
            assert!(allowed(name).is_err(), "{name}");
        }
        for name in ["X-Api-Key", "x-request-id", "traceparent"] {
            assert_eq!(allowed(name).unwrap().as_str(), name.to_lowercase());
        }
    }
}
