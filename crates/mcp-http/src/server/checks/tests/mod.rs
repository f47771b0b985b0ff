//! Tests of the checks: each cell of its tables, then properties over all of them.

mod headers;
mod properties;
mod route;
mod status;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use mcp_core::message::{Decoded, Message, ProtocolVersion, Request, decode, meta};

const MODERN: &str = "2026-07-28";

/// Servers of both eras, of the modern one, and of the legacy one.
const BOTH: &[ProtocolVersion] = ProtocolVersion::ALL;
const MODERN_ONLY: &[ProtocolVersion] = &[ProtocolVersion::V2026_07_28];
const LEGACY_ONLY: &[ProtocolVersion] = &[ProtocolVersion::V2025_11_25, ProtocolVersion::V2025_03_26];

fn message(json: &str) -> Message {
    match decode(Bytes::from(json.to_owned())) {
        Decoded::One(Ok(message)) => message,
        other => panic!("{json}: {other:?}"),
    }
}

fn request(json: &str) -> Request {
    match message(json) {
        Message::Request(request) => request,
        other => panic!("{other:?}"),
    }
}

/// A request or, without an id, a notification, with this in its `_meta`.
fn call(method: &str, id: Option<&str>, meta: &str) -> Message {
    let id = id.map_or(String::new(), |id| format!(r#""id":{id},"#));
    message(&format!(r#"{{"jsonrpc":"2.0",{id}"method":"{method}","params":{{"_meta":{{{meta}}}}}}}"#))
}

/// What a modern client puts into `_meta`.
fn claim(version: &str) -> String {
    format!(r#""{}":"{version}","{}":{{}}"#, meta::PROTOCOL_VERSION, meta::CLIENT_CAPABILITIES)
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        (name, HeaderValue::from_bytes(value.as_bytes()).unwrap())
    };
    pairs.iter().map(pair).collect()
}

/// Version headers with these values.
fn version(values: &[&str]) -> HeaderMap {
    headers(&values.iter().map(|value| ("Mcp-Protocol-Version", *value)).collect::<Vec<_>>())
}
