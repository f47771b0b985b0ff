//! HTTP+SSE of 2024-11-05: found when `initialize` is refused, then spoken for the rest of the link.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::Uri;
use hyper::header::HeaderMap;
use mcp_core::transport::{Lane, Loss, TransportError};

use super::answer;
use super::answer::{Meaning, is_modern_error, lists_versions};
use super::exchange::{refusal, settle};
use super::link_state::{LinkState, Session};
use super::post::Post;
use super::reopen::{Opened, open};
use super::standalone::shared;
use super::stream::{Cursor, Events, drain};
use crate::HttpError;
use crate::net::Exchange;
use crate::net::uri;
use crate::net::uri::Elsewhere;

/// How long the stream may take to name its endpoint.
const ENDPOINT_TIME: Duration = Duration::from_secs(10);

/// Whether a refused `initialize` may come from such a server: 400, 404 or 405, and no error that only a modern server
/// makes.
// SSE24-C-008, SSE24-C-009, T-33.
pub(super) fn may_be(status: StatusCode, meaning: &Meaning) -> bool {
    matches!(status.as_u16(), 400 | 404 | 405)
        && !matches!(
            meaning,
            Meaning::Answer(response) if is_modern_error(status, response) || lists_versions(response)
        )
}

/// Opens the stream and reads where messages go. The link speaks HTTP+SSE from then on.
///
/// # Errors
///
/// The server is of another kind: what is wrong with the stream, or `None` if there is none, as with most servers.
pub(super) async fn find(link: &Arc<LinkState>) -> Result<Arc<Uri>, Option<String>> {
    let found = tokio::time::timeout(ENDPOINT_TIME, first_event(link)).await;
    let silent = |_| Some(format!("no `endpoint` event within {ENDPOINT_TIME:?}"));
    let (endpoint, events) = found.map_err(silent)??;
    tracing::debug!(endpoint = uri::shown(&endpoint), "the server speaks HTTP+SSE of 2024-11-05");
    let endpoint = Arc::new(endpoint);
    link.enter_http_sse(endpoint.clone());
    link.launch_stream(Box::pin(receive(link.clone(), events)));
    Ok(endpoint)
}

/// The failure of an `initialize` that was refused with this loss, where the stream is none either.
pub(super) fn no_endpoint(link: &LinkState, why: String, refused: &Loss) -> Loss {
    let earlier = refused.source.downcast_ref::<HttpError>().cloned();
    let source = Arc::new(earlier.unwrap_or(HttpError::Closed));
    Loss::new(refused.kind, HttpError::NoEndpoint { url: uri::shown(&link.url), why, source })
}

async fn first_event(link: &LinkState) -> Result<(Uri, Events), Option<String>> {
    let mut body = match open(link, &Session::default(), None).await {
        Opened::Stream(body) => body,
        // A page in place of a stream.
        Opened::Never(error @ HttpError::NotMcp(_)) => return Err(Some(error.to_string())),
        Opened::Never(_) | Opened::Later(..) => return Err(None),
    };
    body.may_be_silent();
    let mut events = Events::of(link, body);
    let mut cursor = Cursor::default();
    let event = loop {
        // What has no data is no event in the wire format's sense.
        match events.event(&mut cursor).await {
            Ok(Some(event)) if event.data.is_empty() && event.kind.is_empty() => {}
            Ok(Some(event)) => break event,
            Ok(None) => return Err(Some("it ended without an `endpoint` event".to_owned())),
            Err(error) => return Err(Some(error.to_string())),
        }
    };
    if event.kind != "endpoint" {
        return Err(Some("its first event is not `endpoint`".to_owned()));
    }
    let endpoint = resolve(&link.url, &String::from_utf8_lossy(&event.data)).map_err(|Elsewhere(to)| {
        tracing::warn!(to, "the server names an endpoint of another origin; it is refused");
        Some(format!("it names an endpoint of another origin, {to}, which is refused"))
    })?;
    Ok((endpoint, events))
}

/// The URL that an `endpoint` event names, against that of the stream. Another origin is refused: the credentials would
/// go there.
// T-32, SSE24-C-003.
fn resolve(stream: &Uri, endpoint: &str) -> Result<Uri, Elsewhere> {
    uri::within(stream, endpoint.trim())
}

/// The one stream: what comes on it is matched by its ids. Its end is the end of the link.
// SSE24-S-005.
async fn receive(link: Arc<LinkState>, mut events: Events) {
    let error = shared(&link, &mut events, &mut Cursor::default()).await;
    link.end(error.map(TransportError::new));
}

/// Sends a request; what answers it comes on the stream.
// SSE24-S-004.
pub(super) async fn request(link: &Arc<LinkState>, lane: Lane, post: &Post, exchange: &Exchange) {
    match link.net.send(exchange).await {
        Ok(answer) if answer.status.is_success() => {
            link.release(lane);
            drain(answer.body).await;
        }
        Ok(answer) => {
            let meaning = refusal(link, *answer, post).await;
            settle(link, lane, post, &HeaderMap::new(), meaning);
        }
        Err(error) => link.settle(lane, answer::inbound(lane, answer::lost(error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-32, SSE24-C-003: relative URIs resolve; foreign origins are refused.
    #[test]
    fn the_endpoint_is_resolved_and_stays_on_its_origin() {
        let stream = uri::parse("https://example.com:8443/mcp/sse?x=1").unwrap();
        for (given, want) in [
            ("/messages?sessionId=7", Some("https://example.com:8443/messages?sessionId=7")),
            ("messages", Some("https://example.com:8443/mcp/messages")),
            ("?session_id=7", Some("https://example.com:8443/mcp/sse?session_id=7")),
            (" https://example.com:8443/post ", Some("https://example.com:8443/post")),
            ("https://example.com/post", None),
            ("http://example.com:8443/post", None),
            ("//evil.example/post", None),
            ("https://evil.example:8443/post", None),
            ("file:///etc/passwd", None),
            ("javascript:alert(1)", None),
        ] {
            assert_eq!(resolve(&stream, given).ok().map(|url| url.to_string()).as_deref(), want, "{given}");
        }
    }
}
