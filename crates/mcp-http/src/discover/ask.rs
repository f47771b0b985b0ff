//! Sends one question to one URL and reads the answer.

use std::sync::Arc;

use bytes::Bytes;
use hyper::Uri;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use hyper::{Method, StatusCode};
use mcp_core::message::{Decoded, Message, ProtocolVersion, RawJson, Request, Response, decode, meta};
use tokio::time::{Instant, timeout, timeout_at};

use super::reply::{Content, Named, Reply};
use super::table::{Question, refuses};
use crate::client::HttpClientConfig;
use crate::client::stream::{Cursor, Events, read_refusal};
use crate::headers::{METHOD, PROTOCOL_VERSION, SESSION_ID};
use crate::net::uri::within;
use crate::net::{Answer, Body, Exchange, Net};
use crate::{HttpError, media};

/// Sends questions over one set of connections.
pub(super) struct Asker<'a> {
    pub(super) net: &'a Net,
    pub(super) config: &'a HttpClientConfig,
    pub(super) client: &'a (String, String),
}

impl Asker<'_> {
    /// Sends one question and waits for the answer until `until`. Deletes a session that the answer opened.
    pub(super) async fn ask(&self, url: &Uri, question: Question, until: Instant) -> Reply {
        let sent = Instant::now();
        let exchange = self.exchange(url, question);
        let mut answer = match timeout_at(until, self.net.send(exchange)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Reply::failed(url, None, error),
            Err(_) => return Reply::late(until - sent, None),
        };
        let session = answer.headers.remove(SESSION_ID).filter(|_| question != Question::Stream);
        let status = answer.status;
        let read = timeout_at(until, self.read(url, question, *answer)).await;
        let mut reply = read.unwrap_or_else(|_| Reply::late(until - sent, Some(status)));
        if let Some(session) = session {
            let deleted = self.delete(url, session, &reply.named).await;
            reply.why.push_str(if deleted {
                "; its session is deleted"
            } else {
                "; its session remains open"
            });
        }
        reply
    }

    fn exchange(&self, url: &Uri, question: Question) -> Exchange {
        let mut headers = Vec::new();
        let (method, accept, body) = match question {
            Question::Stream => (Method::GET, "text/event-stream", Bytes::new()),
            Question::Legacy => (Method::POST, "application/json, text/event-stream", self.initialize()),
            Question::Modern => {
                let version = ProtocolVersion::LATEST_MODERN.as_str();
                headers.push((PROTOCOL_VERSION, HeaderValue::from_static(version)));
                headers.push((METHOD, HeaderValue::from_static(DISCOVER)));
                (Method::POST, "application/json, text/event-stream", self.discover())
            }
        };
        headers.push((ACCEPT, HeaderValue::from_static(accept)));
        if method == Method::POST {
            headers.push((CONTENT_TYPE, HeaderValue::from_static("application/json")));
        }
        Exchange {
            method,
            url: Some(Arc::new(url.clone())),
            template: None,
            headers,
            body,
            counted: false,
            repeatable: true,
        }
    }

    fn discover(&self) -> Bytes {
        let meta = RawJson::object([
            (meta::PROTOCOL_VERSION, RawJson::string(ProtocolVersion::LATEST_MODERN.as_str())),
            (meta::CLIENT_INFO, self.implementation()),
            (meta::CLIENT_CAPABILITIES, RawJson::EMPTY_OBJECT),
        ]);
        request(DISCOVER, RawJson::object([("_meta", meta)]))
    }

    fn initialize(&self) -> Bytes {
        let params = RawJson::object([
            ("protocolVersion", RawJson::string(ProtocolVersion::LATEST_LEGACY.as_str())),
            ("capabilities", RawJson::EMPTY_OBJECT),
            ("clientInfo", self.implementation()),
        ]);
        request("initialize", params)
    }

    fn implementation(&self) -> RawJson {
        let (name, version) = self.client;
        RawJson::object([("name", RawJson::string(name)), ("version", RawJson::string(version))])
    }

    async fn read(&self, url: &Uri, question: Question, answer: Answer) -> Reply {
        let (status, limits) = (answer.status, &self.config.limits);
        if !status.is_success() {
            // An MCP answer may have any status except those that refuse everything (ledger T-04).
            let refused = read_refusal(answer, limits.error_body).await;
            let body = Bytes::from(refused.body.clone());
            let message = if refuses(status.as_u16()) { None } else { response(body) };
            return match message {
                Some(message) => Reply::of(url, question, status, Ok(Content::Message(message))),
                None => Reply::refused(refused),
            };
        }
        let Answer { headers, mut body, .. } = answer;
        let content = match question {
            Question::Stream if media::is_event_stream(&headers) => self.first_event(url, body).await,
            Question::Stream => Ok(Content::foreign(&headers)),
            _ if media::is_event_stream(&headers) => self.first_response(body).await,
            _ if media::is_json(&headers) => body
                .collect("body", limits.body)
                .await
                .map(|bytes| response(bytes).map_or_else(|| Content::foreign(&headers), Content::Message)),
            _ => Ok(Content::foreign(&headers)),
        };
        Reply::of(url, question, status, content)
    }

    async fn first_response(&self, body: Body) -> Result<Content, HttpError> {
        let mut events = Events::new(body, self.config.limits.event);
        let mut cursor = Cursor::default();
        while let Some(event) = events.message(&mut cursor).await? {
            if let Some(response) = response(event.data) {
                return Ok(Content::Message(response));
            }
        }
        Ok(Content::Foreign("a stream that ends without an answer".to_owned()))
    }

    async fn first_event(&self, url: &Uri, body: Body) -> Result<Content, HttpError> {
        let mut events = Events::new(body, self.config.limits.event);
        let mut cursor = Cursor::default();
        while let Some(event) = events.event(&mut cursor).await? {
            // A block without data is not an event in the wire format's sense.
            if event.data.is_empty() && event.kind.is_empty() {
                continue;
            }
            return Ok(match event.kind.as_str() {
                "endpoint" if is_endpoint(url, &event.data) => Content::Endpoint,
                "endpoint" => Content::Foreign("an endpoint on another server".to_owned()),
                _ => Content::Foreign("a stream that begins with another event".to_owned()),
            });
        }
        Ok(Content::Foreign("a stream that ends without an answer".to_owned()))
    }

    /// Ends a session that the discovery opened. A server that does not let clients do that answers 405.
    // FAULT A-B6.
    async fn delete(&self, url: &Uri, session: HeaderValue, named: &Named) -> bool {
        let mut headers = vec![(SESSION_ID, session)];
        let version = named.versions.first().map_or(ProtocolVersion::LATEST_LEGACY.as_str(), String::as_str);
        if let Ok(version) = HeaderValue::from_str(version) {
            headers.push((PROTOCOL_VERSION, version));
        }
        let exchange = Exchange {
            method: Method::DELETE,
            url: Some(Arc::new(url.clone())),
            template: None,
            headers,
            body: Bytes::new(),
            counted: false,
            repeatable: true,
        };
        let sent = timeout(self.config.delete_timeout, self.net.send(exchange)).await;
        matches!(sent, Ok(Ok(answer)) if answer.status.is_success() || answer.status == StatusCode::NOT_FOUND)
    }
}

const DISCOVER: &str = "server/discover";

fn request(method: &'static str, params: RawJson) -> Bytes {
    let mut out = Vec::new();
    Message::from(Request::new(1, method, Some(params))).write_to(&mut out);
    out.into()
}

/// Returns the first response in this text. A server of 2025-03-26 may answer in a batch.
fn response(text: Bytes) -> Option<Response> {
    match decode(text) {
        Decoded::One(Ok(Message::Response(response))) => Some(response),
        Decoded::Batch(items) => items.into_iter().find_map(|item| match item {
            Ok(Message::Response(response)) => Some(response),
            _ => None,
        }),
        _ => None,
    }
}

/// Whether the first event names the URL for POSTs, relative or absolute, on this server.
// SSE24-S-002, T-32.
fn is_endpoint(stream: &Uri, data: &[u8]) -> bool {
    std::str::from_utf8(data).is_ok_and(|text| within(stream, text.trim()).is_ok())
}
