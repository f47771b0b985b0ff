//! Plays a transcript against a client session.

use std::time::{Duration, Instant};

use mcp_core::message::{Message, Method, Payload, ProtocolVersion, RawJson};
use mcp_core::session::client::{
    CallOptions, ClientConfig, ClientEvent, ClientSession, EraMode, KnownEra, Reconnect,
};
use mcp_core::session::{CallId, InputId, ListenId, Output, SubscriptionFilter};
use mcp_core::transport::{
    Binding, CloseReport, ConnectError, ErrorChain, Inbound, Loss, LossKind, TransportError,
};
use mcp_core::{CloseReason, Error};

use super::actor::{
    Actor, Clock, Names, Role, binding, error_object, json, outbound, required_json, shown, text,
};
use super::parse::{Header, lane, split};
use super::server::{info, versions};

pub(super) struct ClientActor {
    session: ClientSession,
    binding: Binding,
    clock: Clock,
    wait: Option<Instant>,
    said: Vec<String>,
    calls: Names<CallId>,
    listens: Names<ListenId>,
    inputs: Names<InputId>,
}

fn version(label: &str) -> Result<ProtocolVersion, String> {
    ProtocolVersion::parse(label).ok_or_else(|| format!("no version `{label}`"))
}

fn config(header: &Header) -> Result<ClientConfig, String> {
    let mut config = ClientConfig::new(info("client"));
    if let Some(capabilities) = header.get("capabilities") {
        config.capabilities = required_json(capabilities)?;
    }
    if let Some(versions) = versions(header)? {
        config.versions = versions;
    }
    config.era = match header.get("era").map(split) {
        None | Some(("auto", _)) => EraMode::Auto,
        Some(("modern", _)) => EraMode::Modern,
        Some(("legacy", label)) => EraMode::Legacy(version(label)?),
        Some((other, _)) => return Err(format!("no era `{other}`")),
    };
    config.known_era = header.get("known-era").map(|label| version(label).map(KnownEra::new)).transpose()?;
    if header.get("reconnect") == Some("never") {
        config.reconnect = Reconnect::Never;
    }
    Ok(config)
}

impl ClientActor {
    pub(super) fn new(header: &Header) -> Result<ClientActor, String> {
        let (binding, clock) = (binding(header)?, Clock::new());
        let mut actor = ClientActor {
            session: ClientSession::new(clock.now, config(header)?),
            binding,
            clock,
            wait: None,
            said: Vec::new(),
            calls: Names::default(),
            listens: Names::default(),
            inputs: Names::default(),
        };
        actor.drain();
        if header.get("dial") != Some("manual") {
            // The first link is connected.
            actor.said.clear();
            actor.session.handle_connected(actor.clock.now, binding);
            actor.drain();
        }
        Ok(actor)
    }

    fn drain(&mut self) {
        loop {
            let line = match self.session.poll_output() {
                Output::Transmit(out) => outbound(Role::Client, self.binding, &out),
                Output::Event(event) => Some(format!("= {}", self.event(event))),
                Output::Redial { at } => {
                    let wait = at.saturating_duration_since(self.clock.now);
                    Some(if wait.is_zero() { "= Redial".to_owned() } else { format!("= Redial in {wait:?}") })
                }
                Output::Close(reason) => Some(format!("= Close {}", ErrorChain::new(&reason))),
                Output::Wait(at) => {
                    self.wait = at;
                    return;
                }
            };
            self.said.extend(line);
        }
    }

    fn event(&mut self, event: ClientEvent) -> String {
        let note = |notification| text(&Message::Notification(notification));
        match event {
            ClientEvent::Ready(agreed) => {
                format!("Ready {} {}", agreed.version, shown(&agreed.capabilities))
            }
            ClientEvent::CallNotification { call, notification, .. } => {
                format!("CallNotification {} {}", self.calls.number(call), note(notification))
            }
            ClientEvent::CallDone { call, outcome, .. } => {
                format!("CallDone {} {}", self.calls.number(call), done(outcome))
            }
            ClientEvent::Notification(notification) => format!("Notification {}", note(notification)),
            ClientEvent::Input { id, request, .. } => {
                let params = request.params.unwrap_or(RawJson::EMPTY_OBJECT);
                let number = self.inputs.number(id);
                format!("Input {number} {} {}", request.method.as_str(), shown(&params))
            }
            ClientEvent::InputCancelled { id } => format!("InputCancelled {}", self.inputs.number(id)),
            ClientEvent::ListenStarted { listen, honoured, gap } => {
                let honoured = RawJson::serialize(&honoured).unwrap_or(RawJson::NULL);
                let gap = if gap { "again " } else { "" };
                format!("ListenStarted {} {gap}{}", self.listens.number(listen), shown(&honoured))
            }
            ClientEvent::ListenNotification { listen, notification } => {
                format!("ListenNotification {} {}", self.listens.number(listen), note(notification))
            }
            ClientEvent::ListenLost { listen } => format!("ListenLost {}", self.listens.number(listen)),
            ClientEvent::ListenEnded { listen, outcome } => {
                let outcome = outcome
                    .map_or_else(|error| format!("Error: {}", ErrorChain::new(&error)), |()| "ok".to_owned());
                format!("ListenEnded {} {outcome}", self.listens.number(listen))
            }
            ClientEvent::Disconnected(reason) => format!("Disconnected {}", ErrorChain::new(&reason)),
            ClientEvent::Closed(reason) => format!("Closed {}", ErrorChain::new(&reason)),
            other => format!("unknown event: {other:?}"),
        }
    }
}

fn done(outcome: Result<Payload, Error>) -> String {
    outcome.map_or_else(|error| format!("Error: {}", ErrorChain::new(&error)), |result| shown(result.raw()))
}

fn loss_kind(name: &str) -> Result<LossKind, String> {
    Ok(match name {
        "not-understood" => LossKind::NotUnderstood,
        "unauthorized" => LossKind::Unauthorized,
        "busy" => LossKind::busy(None),
        "peer-failed" => LossKind::PeerFailed,
        "cut" => LossKind::Cut,
        "state-gone" => LossKind::session_lost(false),
        "too-large" => LossKind::TooLarge,
        "timed-out" => LossKind::TimedOut,
        "no-route" => LossKind::NoRoute,
        _ => return Err(format!("no kind of loss `{name}`")),
    })
}

impl Actor for ClientActor {
    fn say(&mut self, inbound: Inbound) {
        self.session.handle_inbound(self.clock.now, inbound);
        self.drain();
    }

    fn act(&mut self, verb: &str, rest: &str) -> Result<(), String> {
        let now = self.clock.now;
        let (word, more) = split(rest);
        match verb {
            "call" => {
                let method = Method::new(word.to_owned());
                let call = self.session.call(now, now, method, json(more)?, CallOptions::default(), ());
                self.calls.number(call);
            }
            "notify" => self.session.notify(now, Method::new(word.to_owned()), json(more)?),
            "cancel" => self.session.cancel(now, self.calls.get(word)?),
            "listen" => {
                let filter = required_json(rest)?;
                let filter: SubscriptionFilter = filter.deserialize().map_err(|error| error.to_string())?;
                let listen = self.session.listen(now, filter);
                self.listens.number(listen);
            }
            "unsubscribe" => self.session.unsubscribe(now, self.listens.get(word)?),
            "answer" => self.session.answer_input(now, self.inputs.get(word)?, Ok(required_json(more)?)),
            "decline" => self.session.answer_input(now, self.inputs.get(word)?, Err(error_object(more)?)),
            "close" => self.session.close(now, CloseReason::Requested),
            "connect" => self.session.handle_connected(now, self.binding),
            "refuse" => {
                let error = ConnectError::unreachable(rest);
                self.session.handle_connect_failed(now, error);
            }
            "disconnect" => self.session.handle_closed(now, None, CloseReport::default()),
            "fail" => {
                self.session.handle_closed(now, Some(TransportError::new(rest)), CloseReport::default())
            }
            "delivered" => self.session.handle_inbound(now, Inbound::delivered(lane(rest)?.0)),
            "lost" => {
                let (lane, kind) = lane(rest)?;
                let loss = Loss::new(loss_kind(kind.trim())?, kind.trim());
                self.session.handle_inbound(now, Inbound::lost(lane, loss));
            }
            _ => return Err(format!("no verb `{verb}` for a client")),
        }
        self.drain();
        Ok(())
    }

    fn advance(&mut self, time: Duration) {
        let until = crate::after(self.clock.now, time);
        while let Some(now) = self.clock.next(self.wait, until) {
            self.session.handle_timeout(now);
            self.drain();
        }
    }

    fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.said)
    }
}
