//! Plays a transcript against a server session.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mcp_core::CloseReason;
use mcp_core::message::{ErrorObject, Message, Method, ProtocolVersion, RawJson};
use mcp_core::session::server::{Reply, ServerConfig, ServerEvent, ServerSession};
use mcp_core::session::{Change, ExchangeId, InputRequest, InputRequired, LogLevel, OutgoingId, Output};
use mcp_core::transport::{Binding, CloseReport, ErrorChain, Inbound};

use super::actor::{
    Actor, Clock, Names, Role, binding, error_object, json, outbound, required_json, shown, text,
};
use super::parse::{Header, lane, split};

pub(super) struct ServerActor {
    session: ServerSession,
    binding: Binding,
    clock: Clock,
    wait: Option<Instant>,
    said: Vec<String>,
    requests: Names<ExchangeId>,
    outgoing: Names<OutgoingId>,
}

pub(super) fn versions(header: &Header) -> Result<Option<Vec<ProtocolVersion>>, String> {
    let Some(labels) = header.get("versions") else { return Ok(None) };
    let read = |label| ProtocolVersion::parse(label).ok_or_else(|| format!("no version `{label}`"));
    labels.split_whitespace().map(read).collect::<Result<_, _>>().map(Some)
}

pub(super) fn info(name: &str) -> RawJson {
    RawJson::object([("name", RawJson::string(name)), ("version", RawJson::string("1"))])
}

impl ServerActor {
    pub(super) fn new(header: &Header) -> Result<ServerActor, String> {
        let capabilities = json(header.get("capabilities").unwrap_or("{}"))?;
        let mut config = ServerConfig::new(info("server"), capabilities.unwrap_or(RawJson::EMPTY_OBJECT));
        if let Some(versions) = versions(header)? {
            config.versions = versions;
        }
        config.instructions = header.get("instructions").map(str::to_owned);
        if let Some(most) = header.get("max-in-flight") {
            config.max_in_flight = most.parse().map_err(|_| format!("`{most}` is not a number"))?;
        }
        let (binding, clock) = (binding(header)?, Clock::new());
        let session = ServerSession::new(clock.now, Arc::new(config), binding);
        let mut actor = ServerActor {
            session,
            binding,
            clock,
            wait: None,
            said: Vec::new(),
            requests: Names::default(),
            outgoing: Names::default(),
        };
        actor.drain();
        Ok(actor)
    }

    fn drain(&mut self) {
        loop {
            let line = match self.session.poll_output() {
                Output::Transmit(out) => outbound(Role::Server, self.binding, &out),
                Output::Event(event) => Some(format!("= {}", self.event(event))),
                Output::Redial { .. } => Some("= Redial".to_owned()),
                Output::Close(reason) => Some(format!("= Close {}", ErrorChain::new(&reason))),
                Output::Wait(at) => {
                    self.wait = at;
                    return;
                }
            };
            self.said.extend(line);
        }
    }

    fn event(&mut self, event: ServerEvent) -> String {
        match event {
            ServerEvent::Request(incoming) => {
                let number = self.requests.number(incoming.exchange);
                let context = &incoming.context;
                let answers = context.input_responses.as_ref().map(|answers| format!(" {}", shown(answers)));
                let method = incoming.method.as_str();
                format!("Request {number} {method} {}{}", context.version, answers.unwrap_or_default())
            }
            ServerEvent::Cancelled { exchange } => format!("Cancelled {}", self.requests.number(exchange)),
            ServerEvent::Notification { notification, .. } => {
                format!("Notification {}", text(&Message::from(notification)))
            }
            ServerEvent::Initialized { version, client_capabilities, .. } => {
                format!("Initialized {version} {}", shown(&client_capabilities))
            }
            ServerEvent::ResourceSubscription { uri, on } => {
                format!("ResourceSubscription {} {uri}", if on { "on" } else { "off" })
            }
            ServerEvent::OutgoingDone { outgoing, outcome } => {
                let number = self.outgoing.number(outgoing);
                match outcome {
                    Ok(result) => format!("OutgoingDone {number} {}", shown(result.raw())),
                    Err(error) => format!("OutgoingDone {number} Error: {}", ErrorChain::new(&error)),
                }
            }
            ServerEvent::Drained => "Drained".to_owned(),
            other => format!("unknown event: {other:?}"),
        }
    }

    /// Returns the request with the number that starts the text, and the rest of the text.
    fn request<'a>(&self, rest: &'a str) -> Result<(ExchangeId, &'a str), String> {
        let (number, rest) = split(rest);
        Ok((self.requests.get(number)?, rest))
    }

    fn reply(&mut self, exchange: ExchangeId, reply: Result<Reply, ErrorObject>) {
        self.session.reply(self.clock.now, exchange, reply);
    }
}

fn input_required(text: &str) -> Result<InputRequired, String> {
    let raw = required_json(text)?;
    let questions = raw.member("requests").map(|requests| requests.members()).unwrap_or_default();
    let requests = questions.into_iter().map(|(key, question)| {
        let method = question.member("method").and_then(|method| method.to_text());
        let method = Method::new(method.ok_or("a question without a method")?);
        Ok(InputRequest::new(key, method, question.member("params")))
    });
    let mut needed = InputRequired::default();
    needed.requests = requests.collect::<Result<_, &str>>()?;
    needed.state = raw.member("state").and_then(|state| state.to_text());
    Ok(needed)
}

impl Actor for ServerActor {
    fn say(&mut self, inbound: Inbound) {
        self.session.handle_inbound(self.clock.now, inbound);
        self.drain();
    }

    fn act(&mut self, verb: &str, rest: &str) -> Result<(), String> {
        let now = self.clock.now;
        match verb {
            "reply" => {
                let (exchange, rest) = self.request(rest)?;
                self.reply(exchange, Ok(Reply::Result(required_json(rest)?)));
            }
            "error" => {
                let (exchange, rest) = self.request(rest)?;
                self.reply(exchange, Err(error_object(rest)?));
            }
            "unknown" => {
                let (exchange, _) = self.request(rest)?;
                self.reply(exchange, Ok(Reply::MethodNotFound));
            }
            "need" => {
                let (exchange, rest) = self.request(rest)?;
                self.reply(exchange, Ok(Reply::InputRequired(input_required(rest)?)));
            }
            "progress" => {
                let (exchange, rest) = self.request(rest)?;
                let progress = rest.parse().map_err(|_| format!("`{rest}` is not a progress value"))?;
                self.session.progress(now, exchange, progress, None, None);
            }
            "log" => {
                let (exchange, rest) = self.request(rest)?;
                let (level, data) = split(rest);
                let level = LogLevel::parse(level).ok_or_else(|| format!("no level `{level}`"))?;
                self.session.log(now, exchange, level, None, required_json(data)?);
            }
            "notify" => {
                let (exchange, rest) = self.request(rest)?;
                let (method, params) = split(rest);
                self.session.notify(now, exchange, Method::new(method.to_owned()), json(params)?);
            }
            "publish" => {
                let change = match rest {
                    "tools" => Change::ToolsList,
                    "prompts" => Change::PromptsList,
                    "resources" => Change::ResourcesList,
                    uri => Change::Resource { uri: uri.to_owned() },
                };
                self.session.publish(now, &change, None);
            }
            "request" => {
                let (method, params) = split(rest);
                let outgoing = self.session.request(now, None, Method::new(method.to_owned()), json(params)?);
                let _number = self.outgoing.number(outgoing);
            }
            "drain" => self.session.drain(now),
            "close" => self.session.close(now, CloseReason::Requested),
            "read-closed" => self.session.handle_read_closed(now),
            "disconnect" => self.session.handle_closed(now, None, CloseReport::default()),
            "ended" => self.session.handle_inbound(now, Inbound::ended(lane(rest)?.0)),
            _ => return Err(format!("no verb `{verb}` for a server")),
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
