//! A session with a scripted peer and a virtual clock: JSON text in, JSON text out.

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::Value;

use crate::error::{CloseReason, Error};
use crate::message::{Decoded, ErrorObject, Message, Payload, ProtocolVersion, RawJson, decode};
use crate::session::client::{CallOptions, ClientConfig, ClientEvent, ClientSession, KnownEra};
use crate::session::{CallId, InputId, ListenId, Output, SubscriptionFilter};
use crate::transport::{
    Binding, CloseReport, ConnectError, EndReason, Inbound, Lane, Loss, LossKind, Outbound, TransportError,
};

pub(super) const PIPE: Binding = Binding::STREAM;
pub(super) const HTTP: Binding = Binding::new("http").mirrors(true);

pub(super) const DISCOVER: &str = r#"{"resultType":"complete","supportedVersions":["2026-07-28","2025-11-25"],"capabilities":{"tools":{"listChanged":true}},"instructions":"be kind","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","version":"1"}}}"#;
pub(super) const INITIALIZE: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},"logging":{}},"serverInfo":{"name":"s","version":"1"}}"#;

/// What went out.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) lane: u64,
    pub(super) version: Option<ProtocolVersion>,
    pub(super) text: String,
    pub(super) json: Value,
}

impl Sent {
    pub(super) fn method(&self) -> &str {
        self.json["method"].as_str().unwrap_or("")
    }
}

pub(super) struct Peer {
    pub(super) session: ClientSession,
    pub(super) start: Instant,
    pub(super) clock: Duration,
    pub(super) sent: Vec<Sent>,
    pub(super) ended: Vec<(u64, EndReason)>,
    pub(super) events: Vec<ClientEvent>,
    /// When links were asked for.
    pub(super) redials: Vec<Duration>,
    pub(super) closes: Vec<CloseReason>,
    pub(super) wait: Option<Duration>,
}

pub(super) fn config() -> ClientConfig {
    ClientConfig::new(raw(r#"{"name":"c","version":"1"}"#))
}

pub(super) fn raw(text: &str) -> RawJson {
    RawJson::parse(text.to_owned()).unwrap()
}

impl Peer {
    pub(super) fn new(config: ClientConfig) -> Peer {
        let start = Instant::now();
        let mut peer = Peer {
            session: ClientSession::new(start, config),
            start,
            clock: Duration::ZERO,
            sent: vec![],
            ended: vec![],
            events: vec![],
            redials: vec![],
            closes: vec![],
            wait: None,
        };
        peer.drain();
        peer
    }

    /// A session on a fresh link.
    pub(super) fn on(config: ClientConfig, binding: Binding) -> Peer {
        let mut peer = Peer::new(config);
        peer.connect(binding);
        peer
    }

    /// A session that is ready on a modern link.
    pub(super) fn modern(config: ClientConfig, binding: Binding) -> Peer {
        let mut peer = Peer::on(config, binding);
        peer.answer_last(DISCOVER);
        peer.forget();
        peer
    }

    /// A session that is ready on a legacy link.
    pub(super) fn legacy(mut config: ClientConfig, binding: Binding) -> Peer {
        config.known_era = Some(KnownEra { version: ProtocolVersion::V2025_11_25 });
        let mut peer = Peer::on(config, binding);
        peer.open_legacy();
        peer
    }

    /// Plays the server's part of the handshake.
    pub(super) fn open_legacy(&mut self) {
        self.open_legacy_keeping();
        self.forget();
    }

    /// The same, and what was seen is not forgotten.
    pub(super) fn open_legacy_keeping(&mut self) {
        assert_eq!(self.last().method(), "initialize");
        self.answer_last(INITIALIZE);
        let lane = self.last().lane;
        self.inbound(Inbound::delivered(Lane::numbered(lane)));
    }

    pub(super) fn now(&self) -> Instant {
        self.start + self.clock
    }

    fn since(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.start)
    }

    /// Carries out everything the session wants done.
    pub(super) fn drain(&mut self) {
        for _ in 0..100_000 {
            match self.session.poll_output() {
                Output::Transmit(Outbound::Message { message, lane, last, envelope, .. }) => {
                    assert!(last && !lane.is_shared());
                    let mut line = Vec::new();
                    message.write_to(&mut line);
                    let text = String::from_utf8(line).unwrap();
                    let json = serde_json::from_str(&text).unwrap();
                    self.sent.push(Sent { lane: lane.number(), version: envelope.version, text, json });
                }
                Output::Transmit(Outbound::End { lane, reason }) => self.ended.push((lane.number(), reason)),
                Output::Event(event) => self.events.push(event),
                Output::Redial { at } => self.redials.push(self.since(at)),
                Output::Close(reason) => self.closes.push(reason),
                Output::Wait(until) => {
                    self.wait = until.map(|until| self.since(until));
                    return;
                }
            }
        }
        panic!("the session never waits");
    }

    pub(super) fn connect(&mut self, binding: Binding) {
        self.session.handle_connected(self.now(), binding);
        self.drain();
    }

    pub(super) fn connect_fails(&mut self, error: ConnectError) {
        self.session.handle_connect_failed(self.now(), error);
        self.drain();
    }

    pub(super) fn inbound(&mut self, inbound: Inbound) {
        self.session.handle_inbound(self.now(), inbound);
        self.drain();
    }

    /// The peer says this on the shared lane.
    pub(super) fn says(&mut self, text: &str) {
        self.says_on(0, text);
    }

    pub(super) fn says_on(&mut self, lane: u64, text: &str) {
        let lane = Lane::numbered(lane);
        let inbound = match decode(Bytes::copy_from_slice(text.as_bytes())) {
            Decoded::One(Ok(message)) => Inbound::message(message, lane),
            Decoded::One(Err(refusal)) => Inbound::refused(refusal, lane),
            Decoded::Batch(items) => Inbound::batch(items, lane),
        };
        self.inbound(inbound);
    }

    /// Answers the last request with this result, on its own lane where it has one.
    pub(super) fn answer_last(&mut self, result: &str) {
        let sent = self.last().clone();
        self.says(&format!(r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#, sent.json["id"]));
    }

    pub(super) fn refuse_last(&mut self, code: i64, data: &str) {
        let sent = self.last().clone();
        let data = if data.is_empty() { String::new() } else { format!(r#","data":{data}"#) };
        self.says(&format!(
            r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":{code},"message":"no"{data}}}}}"#,
            sent.json["id"]
        ));
    }

    pub(super) fn lose(&mut self, lane: u64, kind: LossKind) {
        self.inbound(Inbound::lost(Lane::numbered(lane), Loss::new(kind, "lost")));
    }

    pub(super) fn close_link(&mut self) {
        self.session.handle_closed(self.now(), None, CloseReport::default());
        self.drain();
    }

    pub(super) fn fail_link(&mut self, why: &str) {
        self.session.handle_closed(self.now(), Some(TransportError::new(why)), CloseReport::default());
        self.drain();
    }

    /// Lets time pass, and tells the session at each instant it waits for.
    pub(super) fn pass(&mut self, time: Duration) {
        let until = self.clock + time;
        for _ in 0..10_000 {
            match self.wait {
                Some(at) if at <= until => {
                    self.clock = self.clock.max(at);
                    self.session.handle_timeout(self.now());
                    self.drain();
                }
                _ => break,
            }
        }
        self.clock = until;
    }

    pub(super) fn call(&mut self, method: &'static str, params: &str) -> CallId {
        self.call_with(method, params, CallOptions::default())
    }

    pub(super) fn call_with(&mut self, method: &'static str, params: &str, options: CallOptions) -> CallId {
        let params = (!params.is_empty()).then(|| raw(params));
        let id = self.session.call(self.now(), self.now(), method.into(), params, options, ());
        self.drain();
        id
    }

    /// A call with params that were received.
    pub(super) fn forward(&mut self, method: &'static str, params: &str, options: CallOptions) -> CallId {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        let Decoded::One(Ok(Message::Request(request))) = decode(text.into()) else { panic!("{params}") };
        let (now, options) = (self.now(), options.into());
        let id = self.session.new_call(now, now, method.into(), request.params, options, ());
        self.drain();
        id
    }

    pub(super) fn cancel(&mut self, call: CallId) {
        self.session.cancel(self.now(), call);
        self.drain();
    }

    pub(super) fn listen(&mut self, filter: SubscriptionFilter) -> ListenId {
        let id = self.session.listen(self.now(), filter);
        self.drain();
        id
    }

    pub(super) fn unsubscribe(&mut self, listen: ListenId) {
        self.session.unsubscribe(self.now(), listen);
        self.drain();
    }

    pub(super) fn notify(&mut self, method: &'static str) {
        self.session.notify(self.now(), method.into(), None);
        self.drain();
    }

    pub(super) fn answer(&mut self, input: InputId, answer: Result<&str, ErrorObject>) {
        self.session.answer_input(self.now(), input, answer.map(raw));
        self.drain();
    }

    pub(super) fn close(&mut self) {
        self.session.close(self.now(), CloseReason::Requested);
        self.drain();
    }

    pub(super) fn last(&self) -> &Sent {
        self.sent.last().expect("something was sent")
    }

    pub(super) fn methods(&self) -> Vec<&str> {
        self.sent.iter().map(Sent::method).collect()
    }

    /// Forgets what was seen so far.
    pub(super) fn forget(&mut self) {
        self.sent.clear();
        self.ended.clear();
        self.events.clear();
        self.redials.clear();
        self.closes.clear();
    }

    /// The one outcome of a call.
    pub(super) fn outcome(&self, wanted: CallId) -> Option<&Result<Payload, Error>> {
        let mut found = None;
        for event in &self.events {
            if let ClientEvent::CallDone { call, outcome, .. } = event
                && *call == wanted
            {
                assert!(found.replace(outcome).is_none(), "two outcomes");
            }
        }
        found
    }

    pub(super) fn result(&self, call: CallId) -> String {
        match self.outcome(call) {
            Some(Ok(result)) => result.raw().to_string(),
            other => panic!("no result: {other:?}"),
        }
    }

    pub(super) fn error(&self, call: CallId) -> &Error {
        match self.outcome(call) {
            Some(Err(error)) => error,
            other => panic!("no error: {other:?}"),
        }
    }

    /// The open questions: id, call, method.
    pub(super) fn questions(&self) -> Vec<(InputId, Option<CallId>, String)> {
        let of = |event: &ClientEvent| match event {
            ClientEvent::Input { id, call, request } => Some((*id, *call, request.method.to_string())),
            _ => None,
        };
        self.events.iter().filter_map(of).collect()
    }

    /// The events, by name.
    pub(super) fn story(&self) -> Vec<String> {
        self.events
            .iter()
            .map(|event| {
                let text = format!("{event:?}");
                text.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
            })
            .collect()
    }

    pub(super) fn is_ready(&self, version: ProtocolVersion) -> bool {
        self.session.negotiated().is_some_and(|negotiated| negotiated.version == version)
    }
}

pub(super) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
