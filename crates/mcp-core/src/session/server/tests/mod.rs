//! The server session by subject: JSON text in, JSON text out, no time passes unless a test says so.

mod batch;
mod bounds;
mod cancel;
mod gateway;
mod handshake;
mod listen;
mod log;
mod mrtr_legacy;
mod mrtr_modern;
mod outcome;
mod outgoing;
mod progress;
mod refusals;
mod routing;
mod shaping;
mod shutdown;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::*;
use crate::message::{Decoded, Method, decode};
use crate::session::{InputRequest, InputRequired, LogLevel};
use crate::transport::{AbandonBy, Loss, LossKind};

/// One session, its peer and its handlers.
pub(super) struct Peer {
    pub(super) session: ServerSession,
    pub(super) now: Instant,
    /// The last request that came to the handler.
    last: Option<Arc<Incoming>>,
    batches: u64,
}

fn raw(text: &str) -> RawJson {
    RawJson::parse(text.to_owned()).unwrap()
}

fn config() -> ServerConfig {
    let capabilities = raw(
        r#"{"tools":{"listChanged":true},"prompts":{},"resources":{"listChanged":true,"subscribe":true},"logging":{}}"#,
    );
    let mut config = ServerConfig::new(raw(r#"{"name":"s"}"#), capabilities);
    config.send_info = false;
    config
}

/// How HTTP looks from here.
const POSTS: Binding = Binding::new("posts").mirrors(true);

impl Peer {
    fn new() -> Peer {
        Peer::with(Binding::STREAM, |_| {})
    }

    pub(super) fn with(binding: Binding, change: impl FnOnce(&mut ServerConfig)) -> Peer {
        let mut config = config();
        change(&mut config);
        let now = Instant::now();
        let session = ServerSession::new(now, Arc::new(config), binding);
        Peer { session, now, last: None, batches: 1000 }
    }

    /// A stream with a legacy client that has finished its handshake.
    pub(super) fn legacy(version: &str, capabilities: &str) -> Peer {
        Peer::new().open(version, capabilities)
    }

    fn open(mut self, version: &str, capabilities: &str) -> Peer {
        let params = format!(
            r#"{{"protocolVersion":"{version}","capabilities":{capabilities},"clientInfo":{{"name":"c"}}}}"#
        );
        self.line(&format!(r#"{{"jsonrpc":"2.0","id":"i","method":"initialize","params":{params}}}"#));
        self.line(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        self
    }

    /// A line on the shared lane. A batch gets a fresh lane, as on a stream.
    pub(super) fn line(&mut self, json: &str) -> Vec<String> {
        if json.starts_with('[') {
            self.batches += 1;
            return self.on(self.batches, json);
        }
        self.on(0, json)
    }

    /// A message on a lane of this number.
    fn on(&mut self, lane: u64, json: &str) -> Vec<String> {
        let lane = Lane::numbered(lane);
        let envelope = Envelope::default();
        self.world(match decode(Bytes::copy_from_slice(json.as_bytes())) {
            Decoded::One(Ok(message)) => Inbound::message(message, lane).with_envelope(envelope),
            Decoded::One(Err(refusal)) => Inbound::refused(refusal, lane),
            Decoded::Batch(items) => Inbound::batch(items, lane).with_envelope(envelope),
        })
    }

    fn world(&mut self, inbound: Inbound) -> Vec<String> {
        self.session.handle_inbound(self.now, inbound);
        self.drain()
    }

    fn ended(&mut self, lane: u64) -> Vec<String> {
        self.world(Inbound::ended(Lane::numbered(lane)))
    }

    fn no_route(&mut self, lane: u64) -> Vec<String> {
        let loss = Loss::new(LossKind::NoRoute, "no stream to the client");
        self.world(Inbound::lost(Lane::numbered(lane), loss))
    }

    /// The transport rejected what was sent on this lane: the request of this id, or no request.
    fn rejected(&mut self, lane: u64, request: Option<i64>) -> Vec<String> {
        let loss = Loss::new(LossKind::NoRoute, "no stream to the client");
        let request = request.map(RequestId::from);
        self.session.handle_rejected(self.now, Lane::numbered(lane), request.as_ref(), loss);
        self.drain()
    }

    fn reply(&mut self, exchange: u64, reply: Reply) -> Vec<String> {
        self.settle(exchange, Ok(reply))
    }

    fn refuse(&mut self, exchange: u64, error: ErrorObject) -> Vec<String> {
        self.settle(exchange, Err(error))
    }

    fn settle(&mut self, exchange: u64, outcome: Result<Reply, ErrorObject>) -> Vec<String> {
        self.session.reply(self.now, ExchangeId(exchange), outcome);
        self.drain()
    }

    pub(super) fn result(&mut self, exchange: u64, json: &str) -> Vec<String> {
        self.reply(exchange, Reply::Result(raw(json)))
    }

    fn progress(&mut self, exchange: u64, progress: f64) -> Vec<String> {
        self.session.progress(self.now, ExchangeId(exchange), progress, None, None);
        self.drain()
    }

    fn log(&mut self, exchange: u64, level: LogLevel) -> Vec<String> {
        self.session.log(self.now, ExchangeId(exchange), level, None, raw("1"));
        self.drain()
    }

    fn notify(&mut self, exchange: u64, method: &'static str, params: &str) -> Vec<String> {
        self.session.notify(self.now, ExchangeId(exchange), Method::from(method), Some(raw(params)));
        self.drain()
    }

    fn publish(&mut self, change: crate::session::Change) -> Vec<String> {
        self.session.publish(self.now, &change, None);
        self.drain()
    }

    fn wait(&mut self, duration: Duration) -> Vec<String> {
        self.now += duration;
        self.session.handle_timeout(self.now);
        self.drain()
    }

    /// All outputs until `Wait`, one line each. After each step the session rests, which changes nothing.
    fn drain(&mut self) -> Vec<String> {
        let lines = self.outputs();
        #[cfg(feature = "server")]
        {
            let (config, binding) = (self.session.config.clone(), self.session.binding);
            self.session = self.session.rest(self.now).wake(&config, binding);
        }
        lines
    }

    fn outputs(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            assert!(lines.len() < 10_000, "the outputs do not end");
            match self.session.poll_output() {
                Output::Wait(_) => return lines,
                Output::Transmit(out) => lines.push(show(&out)),
                Output::Event(event) => {
                    lines.push(tell(&event));
                    if let ServerEvent::Request(incoming) = event {
                        self.last = Some(incoming);
                    }
                }
                Output::Close(reason) => lines.push(format!("close {reason}")),
                Output::Redial { .. } => panic!("a server does not redial"),
            }
        }
    }

    fn context(&self) -> &RequestContext {
        &self.last.as_ref().unwrap().context
    }
}

/// The message; on a lane other than the shared one with `@lane`, `!` for the last; `protocol` for an error of the session.
fn show(out: &Outbound) -> String {
    match out {
        Outbound::Message { message, lane, last, answered_by, .. } => {
            let mut text = Vec::new();
            message.write_to(&mut text);
            let text = String::from_utf8(text).unwrap().replacen(r#""jsonrpc":"2.0","#, "", 1);
            let lane = match (lane.number(), last) {
                (0, _) => String::new(),
                (number, true) => format!("@{number}! "),
                (number, false) => format!("@{number} "),
            };
            let error = matches!(message, Message::Response(Response { outcome: Err(_), .. }));
            let origin = if error && *answered_by == AnsweredBy::Protocol { " protocol" } else { "" };
            format!("{lane}{text}{origin}")
        }
        Outbound::End { lane, reason } => format!("end {lane:?} {reason:?}"),
    }
}

fn tell(event: &ServerEvent) -> String {
    match event {
        ServerEvent::Request(incoming) => format!("request #{} {}", incoming.exchange.0, incoming.method),
        ServerEvent::Cancelled { exchange } => format!("cancelled #{}", exchange.0),
        ServerEvent::Notification { notification, .. } => format!("notification {}", notification.method),
        ServerEvent::Initialized { version, .. } => format!("initialized {version}"),
        ServerEvent::ResourceSubscription { uri, on } => format!("resource {uri} {on}"),
        ServerEvent::OutgoingDone { outgoing, outcome } => match outcome {
            Ok(result) => format!("outgoing #{} {}", outgoing.0, result.raw()),
            Err(error) => format!("outgoing #{} {}", outgoing.0, crate::transport::ErrorChain::new(error)),
        },
        ServerEvent::Drained => "drained".into(),
    }
}

/// A modern request with these members in its params.
fn modern(id: &str, method: &str, members: &str) -> String {
    modern_meta(id, method, "", "{}", members)
}

/// The same with more `_meta` and these client capabilities.
fn modern_meta(id: &str, method: &str, meta: &str, capabilities: &str, members: &str) -> String {
    let comma = |text: &str| if text.is_empty() { String::new() } else { format!(",{text}") };
    let (more, members) = (comma(meta), comma(members));
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{capabilities}{more}}}{members}}}}}"#
    )
}

/// A request without a modern claim.
fn bare(id: &str, method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
}

fn cancelled(id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#)
}

/// The code of the one error that was answered.
fn code(lines: &[String]) -> i64 {
    assert_eq!(lines.len(), 1, "{lines:?}");
    let (_, rest) = lines[0].split_once(r#""code":"#).unwrap_or_else(|| panic!("no error: {lines:?}"));
    rest.split(',').next().unwrap().parse().unwrap()
}

fn question(key: &str, method: &'static str, params: &str) -> InputRequest {
    InputRequest { key: key.into(), method: Method::from(method), params: Some(raw(params)) }
}

fn needs(requests: Vec<InputRequest>, state: Option<&str>) -> Reply {
    Reply::InputRequired(InputRequired { requests, state: state.map(str::to_owned) })
}
