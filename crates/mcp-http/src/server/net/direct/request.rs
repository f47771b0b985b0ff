//! Reads the head of a request out of the bytes of a connection.

use std::mem::MaybeUninit;

use bytes::{Buf, Bytes};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Request, Uri, Version};
use mcp_core::message::ProtocolVersion;

use crate::headers::{METHOD, NAME, PROTOCOL_VERSION, SESSION_ID};

/// The headers of a request that is read here. hyper reads those with more.
const HEADERS: usize = 64;

/// A request whose body has a known length.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) parts: Parts,
    pub(super) length: u64,
    /// The client asks to end the connection after the answer.
    pub(super) close: bool,
}

/// What bytes are the start of.
#[derive(Debug)]
pub(super) enum Parsed {
    /// A request. Its head was taken out of the bytes.
    Request(Received),
    /// An incomplete head.
    Partial,
    /// A request that hyper has to serve or to refuse: malformed, of another version, with a transfer coding, an expectation
    /// or an upgrade, with a method that is special, or with a head that is longer than allowed.
    Other,
}

/// Reads the head at the start of these bytes, of at most `limit` bytes. It accepts less than hyper does, and what it accepts
/// means the same: both use the parser of `httparse`.
pub(super) fn parse(bytes: &mut Bytes, limit: usize) -> Parsed {
    let mut headers = [const { MaybeUninit::uninit() }; HEADERS];
    let mut request = httparse::Request::new(&mut []);
    let length = match request.parse_with_uninit_headers(bytes, &mut headers) {
        Ok(httparse::Status::Complete(length)) if length <= limit => length,
        Ok(httparse::Status::Partial) if bytes.len() <= limit => return Parsed::Partial,
        Ok(_) | Err(_) => return Parsed::Other,
    };
    match received(bytes, &request) {
        Some(received) => {
            bytes.advance(length);
            Parsed::Request(received)
        }
        None => Parsed::Other,
    }
}

/// `None` for what hyper has to serve.
fn received(bytes: &Bytes, request: &httparse::Request<'_, '_>) -> Option<Received> {
    let (Some(1), Some(method), Some(path)) = (request.version, request.method, request.path) else {
        return None;
    };
    let method = Method::from_bytes(method.as_bytes()).ok()?;
    // Their answers have other rules for bodies.
    if method == Method::HEAD || method == Method::CONNECT {
        return None;
    }
    let mut headers = HeaderMap::with_capacity(request.headers.len());
    let (mut length, mut close) = (None, false);
    for line in request.headers.iter() {
        let name = name(line.name)?;
        match name {
            header::TRANSFER_ENCODING | header::EXPECT | header::UPGRADE => return None,
            header::CONTENT_LENGTH if length.is_some() => return None,
            header::CONTENT_LENGTH => length = Some(decimal(line.value)?),
            header::CONNECTION if line.value.eq_ignore_ascii_case(b"keep-alive") => {}
            header::CONNECTION if line.value.eq_ignore_ascii_case(b"close") => close = true,
            header::CONNECTION => return None,
            _ => {}
        }
        let value = match usual_value(line.value) {
            Some(value) => value,
            None => HeaderValue::from_maybe_shared(bytes.slice_ref(line.value)).ok()?,
        };
        headers.append(name, value);
    }
    let mut parts = Request::new(()).into_parts().0;
    parts.method = method;
    parts.uri = Uri::from_maybe_shared(bytes.slice_ref(path.as_bytes())).ok()?;
    parts.version = Version::HTTP_11;
    parts.headers = headers;
    Some(Received { parts, length: length.unwrap_or(0), close })
}

/// The name of a header. Names of MCP are compared first, because others than those of HTTP are copied.
fn name(text: &str) -> Option<HeaderName> {
    match text {
        "mcp-protocol-version" => Some(PROTOCOL_VERSION),
        "mcp-method" => Some(METHOD),
        "mcp-name" => Some(NAME),
        "mcp-session-id" => Some(SESSION_ID),
        _ => HeaderName::from_bytes(text.as_bytes()).ok(),
    }
}

/// A value that many requests have. It needs no part of the text.
fn usual_value(text: &[u8]) -> Option<HeaderValue> {
    const JSON: HeaderValue = HeaderValue::from_static("application/json");
    const FORMATS: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");
    const CALL: HeaderValue = HeaderValue::from_static("tools/call");
    const MODERN: HeaderValue = HeaderValue::from_static(ProtocolVersion::V2026_07_28.as_str());
    const LEGACY: HeaderValue = HeaderValue::from_static(ProtocolVersion::V2025_11_25.as_str());
    Some(match text {
        b"application/json" => JSON,
        b"application/json, text/event-stream" => FORMATS,
        b"tools/call" => CALL,
        b"2026-07-28" => MODERN,
        b"2025-11-25" => LEGACY,
        _ => return None,
    })
}

/// A length. `None` unless it is at most 18 digits.
fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 18 {
        return None;
    }
    text.iter().try_fold(0, |value, byte| match byte {
        b'0'..=b'9' => Some(value * 10 + u64::from(byte - b'0')),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 8192;
    const CALL: &str = "POST /mcp?a=b HTTP/1.1\r\nHost: x\r\nmcp-method: tools/call\r\nMcp-Method: tools/list\r\nX-Other:  a b \r\n\
        Accept: application/json\r\nConnection: Keep-Alive\r\ncontent-length: 5\r\n\r\n";

    fn parsed(text: &str) -> (Parsed, Bytes) {
        let mut bytes = Bytes::copy_from_slice(text.as_bytes());
        (parse(&mut bytes, LIMIT), bytes)
    }

    #[test]
    fn a_usual_head_is_read() {
        let (Parsed::Request(received), rest) = parsed(&format!("{CALL}12345")) else { panic!("{CALL}") };
        let Received { parts, length, close } = received;
        assert_eq!((length, close, &rest[..]), (5, false, &b"12345"[..]));
        assert_eq!((parts.method, parts.version), (Method::POST, Version::HTTP_11));
        assert_eq!(parts.uri, "/mcp?a=b");
        let headers: Vec<_> =
            parts.headers.iter().map(|(name, value)| format!("{name}={}", value.to_str().unwrap())).collect();
        let expected = [
            "host=x",
            "mcp-method=tools/call",
            "mcp-method=tools/list",
            "x-other=a b",
            "accept=application/json",
            "connection=Keep-Alive",
            "content-length=5",
        ];
        assert_eq!(headers, expected);
        let (Parsed::Request(received), _) = parsed("GET / HTTP/1.1\r\nConnection: close\r\n\r\n") else {
            panic!("no length")
        };
        assert_eq!((received.length, received.close), (0, true));
    }

    #[test]
    fn a_head_that_is_cut_is_no_request() {
        for cut in 0..CALL.len() {
            let (parsed, rest) = parsed(&CALL[..cut]);
            assert!(matches!(parsed, Parsed::Partial), "cut at {cut}");
            assert_eq!(rest.len(), cut, "nothing is taken");
        }
    }

    /// FAULT B: what could be read in two ways, and what needs more than a read and a write, is hyper's.
    #[test]
    fn whatever_is_unusual_is_left_to_hyper() {
        let long = format!("X: {}\r\n", "x".repeat(LIMIT));
        let many = "X: y\r\n".repeat(HEADERS + 1);
        for lines in [
            "Transfer-Encoding: chunked\r\n",
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            "Content-Length: +5\r\n",
            "Content-Length: 5, 5\r\n",
            "Content-Length:\r\n",
            "Content-Length: 9999999999999999999\r\n",
            "Expect: 100-continue\r\n",
            "Upgrade: websocket\r\n",
            "Connection: upgrade\r\n",
            "Connection: keep-alive, x\r\n",
            "Na me: x\r\n",
            "Name : x\r\n",
            "Name: \u{1}\r\n",
            " folded: x\r\n",
            &long,
            &many,
        ] {
            let text = format!("POST /mcp HTTP/1.1\r\nHost: x\r\n{lines}\r\n");
            let (parsed, rest) = parsed(&text);
            assert!(matches!(parsed, Parsed::Other), "{lines}: {parsed:?}");
            assert_eq!(rest, text, "nothing is taken");
        }
        for start in [
            "HEAD /mcp HTTP/1.1",
            "CONNECT x:1 HTTP/1.1",
            "GET /mcp HTTP/1.0",
            "GET  /mcp HTTP/1.1",
            "GET a b",
        ] {
            let (parsed, _) = parsed(&format!("{start}\r\nHost: x\r\n\r\n"));
            assert!(matches!(parsed, Parsed::Other), "{start}: {parsed:?}");
        }
    }
}
