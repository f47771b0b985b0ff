//! The downstream side of one entry: takes links, finds their upstream session, and serves them.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use mcp_core::message::{
    ErrorObject, Field, Message, Payload, ProtocolVersion, RawJson, Request, RequestId, Response, method,
};
use mcp_core::server::Server;
use mcp_core::transport::{
    Accept, AnsweredBy, Envelope, Inbound, Lane, Outbound, Owner, Peek, Transport, TransportSender,
};

use crate::lock::Lock;
use crate::observer::Event;
use crate::once::Once;
use crate::pool::{Facts, Key, Live, Pool, Refusal};
use crate::relay::Relay;
use crate::translate::Era;
use crate::upstream::{Caller, Policy};

/// The clients' side of one upstream server: what a listener takes as its [`Accept`], or a program serves one link with.
/// Made by [`Bridge::front`](crate::Bridge::front). Clones are cheap.
#[derive(Clone)]
pub struct Front {
    shared: Arc<Shared>,
}

struct Shared {
    pool: Arc<Pool>,
    versions: Vec<ProtocolVersion>,
    /// Answers what needs no upstream server: refusals.
    offline: Server,
    draining: AtomicBool,
    /// The servers of the links that are being served.
    servers: Lock<HashMap<u64, Server>>,
}

/// Closes what belongs to a link or a single request when it ends, also if its future is dropped.
struct Release<'a> {
    pool: &'a Pool,
    key: &'a Key,
}

impl Drop for Release<'_> {
    fn drop(&mut self) {
        if matches!(self.key, Key::Link(_)) {
            self.pool.release(self.key);
        }
    }
}

/// Removes the server of a link when the link ends, also if its future is dropped.
struct Listed<'a> {
    shared: &'a Shared,
    number: u64,
    live: &'a Live,
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.shared.servers.lock().remove(&self.number);
        self.live.links.lock().retain(|link| !link.is_closed());
    }
}

/// How a link is served.
enum Plan {
    /// Without an upstream server: nothing on the link would reach it.
    Offline,
    /// The first message says nothing of the client: a ping, a probe of another era, something malformed. The client follows.
    Undecided,
    /// The one request of the link, by a session that is open.
    Open(Arc<Live>),
    /// The same, by a session that is to be opened first.
    Request(Box<Facts>),
    /// By an upstream session that belongs to the link, or to its caller.
    Link(Box<Facts>),
}

impl Front {
    pub(crate) fn new(pool: Arc<Pool>, versions: Vec<ProtocolVersion>, offline: Server) -> Front {
        let shared =
            Shared { pool, versions, offline, draining: AtomicBool::new(false), servers: Lock::default() };
        Front { shared: Arc::new(shared) }
    }

    /// Serves one link until it ends.
    pub async fn serve(&self, link: impl Transport) {
        self.shared.serve(Box::new(link)).await;
    }
}

impl Shared {
    async fn serve(&self, link: Box<dyn Transport>) {
        let one_exchange = link.binding().one_exchange;
        let mut link = Peek::new(link);
        let plan = loop {
            let plan = link.first().await.map_or(Plan::Offline, |first| self.plan(first, one_exchange));
            match (plan, &mut link) {
                (Plan::Undecided, link) => Box::pin(self.answer_offline(link)).await,
                (plan, _) => break plan,
            }
        };
        // What is boxed takes no memory from the usual request, whose session is open.
        match plan {
            Plan::Open(live) => self.serve_request(&live, Box::new(link)).await,
            Plan::Offline | Plan::Undecided => drop(Box::pin(self.offline.serve(link)).await),
            Plan::Request(facts) => Box::pin(self.open_request(*facts, link)).await,
            Plan::Link(facts) => Box::pin(self.open_link(*facts, link)).await,
        }
    }

    /// Opens the session of a request, and serves it.
    async fn open_request(&self, facts: Facts, link: Peek) {
        let key = self.key(&facts, true);
        let _released = Release { pool: &self.pool, key: &key };
        match self.pool.get(&key, &facts).await {
            Ok(live) => self.serve_request(&live, Box::new(link)).await,
            Err(refusal) => self.refuse(link, &refusal).await,
        }
    }

    /// Opens the session of a link, and serves it.
    async fn open_link(&self, facts: Facts, link: Peek) {
        let key = self.key(&facts, false);
        let _released = Release { pool: &self.pool, key: &key };
        match self.pool.get(&key, &facts).await {
            Ok(live) => self.serve_link(key.clone(), facts, live, link).await,
            Err(refusal) => self.refuse(link, &refusal).await,
        }
    }

    /// One request: by the server that all requests of this upstream session share.
    fn serve_request(&self, live: &Arc<Live>, link: Box<Peek>) -> impl Future<Output = ()> + use<> {
        let server = live.server(|| {
            let config = live.config(Era::Modern, &self.versions);
            let relay = Relay::found(self.pool.clone(), live, config.capabilities.clone());
            // Cannot fail: a relay has no setup to be wrong.
            let server = Server::with_config(config).build(relay);
            Arc::new(server.unwrap_or_else(|_| self.offline.clone()))
        });
        server.accept(link)
    }

    /// A link of many requests: by its own server.
    async fn serve_link(&self, key: Key, facts: Facts, live: Arc<Live>, link: Peek) {
        let _busy = live.enter();
        let config = live.config(facts.era, &self.versions);
        let capabilities = config.capabilities.clone();
        // The client of a byte stream has no other one.
        let renews = !link.binding().continuous;
        let relay = Relay::of_link(self.pool.clone(), key, facts, live.clone(), capabilities, renews);
        // A handler waits for the upstream server, so to poll it before it has a task would be for nothing.
        let server = Server::with_config(config).linger(self.pool.limits.linger).spawn_handlers(true);
        let Ok(server) = server.build(relay) else { return };
        let number = self.pool.number();
        self.servers.lock().insert(number, server.clone());
        let _listed = Listed { shared: self, number, live: &live };
        // Checked after the insert: either the drain finds the server, or the drain is seen here.
        if self.draining.load(Ordering::SeqCst) {
            Accept::drain(&server);
        }
        server.serve(link).await;
    }

    fn key(&self, facts: &Facts, single: bool) -> Key {
        let caller = || Key::Caller(facts.caller.owner.clone(), facts.caller.apart.clone());
        match (self.pool.upstream.policy, single) {
            (Policy::Shared, _) => Key::Everyone,
            (Policy::PerCaller, _) | (Policy::PerSession, true) => caller(),
            (Policy::PerRequest, _) | (Policy::PerSession, false) => Key::Link(self.pool.number()),
        }
    }

    fn caller(&self, envelope: &Envelope) -> Caller {
        Caller::of(envelope, self.pool.upstream.forwarded(envelope))
    }

    /// Decides by what comes first on a link.
    fn plan(&self, first: &Inbound, one_exchange: bool) -> Plan {
        if self.draining.load(Ordering::SeqCst) {
            return Plan::Offline;
        }
        let Inbound::Message { message: Message::Request(request), envelope, .. } = first else {
            return Self::undecided(one_exchange);
        };
        let Some((version, capabilities)) = self.modern(request) else {
            return match request.method.as_str() {
                "initialize" => self.legacy(request, envelope),
                _ => Self::undecided(one_exchange),
            };
        };
        if one_exchange {
            if !serves_upstream(request) {
                return Plan::Offline;
            }
            if let Some(live) = self.open(envelope, &capabilities) {
                return Plan::Open(live);
            }
        }
        let info = request.params.as_ref().and_then(|params| object(params, Field::MetaClientInfo));
        let caller = self.caller(envelope);
        let facts = Box::new(Facts { caller, era: Era::Modern, version, info, capabilities });
        if one_exchange { Plan::Request(facts) } else { Plan::Link(Box::new(facts.detached())) }
    }

    /// The open session of a single request.
    fn open(&self, envelope: &Envelope, capabilities: &RawJson) -> Option<Arc<Live>> {
        self.pool.open(&self.shared_key(envelope)?, Era::Modern, capabilities)
    }

    /// The key of the session that single requests share. `None` if each has its own.
    fn shared_key(&self, envelope: &Envelope) -> Option<Key> {
        match self.pool.upstream.policy {
            Policy::Shared => Some(Key::Everyone),
            Policy::PerCaller | Policy::PerSession => {
                let apart = self.pool.upstream.forwarded(envelope).key;
                Some(Key::Caller(Owner::of_envelope(envelope), apart))
            }
            Policy::PerRequest => None,
        }
    }

    /// A first message that says nothing of the client. Nothing follows it on a link of one exchange.
    fn undecided(one_exchange: bool) -> Plan {
        if one_exchange { Plan::Offline } else { Plan::Undecided }
    }

    /// Answers the first message of a link without an upstream server, and takes it off the link.
    async fn answer_offline(&self, link: &mut Peek) {
        let Some(first) = link.take_first() else { return };
        let (once, mut answers) = Once::new(first);
        self.offline.serve(once).await;
        while let Ok(answer) = answers.try_recv() {
            // A link that has failed ends with its next input.
            let sent = link.sender().send(answer).await.is_ok() && link.sender().flush().await.is_ok();
            tracing::debug!(sent, "answered what comes before the client's first request");
        }
    }

    /// Answers every request on a link with this error, until the link ends.
    async fn refuse(&self, link: Peek, refusal: &Refusal) {
        let one_exchange = link.binding().one_exchange;
        let (mut sender, mut receiver) = (Box::new(link) as Box<dyn Transport>).split();
        while let Ok(Some(inbound)) = receiver.recv().await {
            let Inbound::Message { message: Message::Request(request), lane, .. } = inbound else {
                continue;
            };
            let method = request.method.as_str();
            self.pool.observe(|upstream| Event::Refused { upstream, method, reason: &refusal.error.message });
            if answer(&mut *sender, request.id, lane, refusal).await.is_err() || one_exchange {
                break;
            }
        }
        let _closed = sender.close().await;
    }

    /// The revision and the client's capabilities of a request that claims 2026-07-28 correctly.
    fn modern(&self, request: &Request) -> Option<(ProtocolVersion, RawJson)> {
        let params = request.params.as_ref()?;
        let version = ProtocolVersion::parse(&params.field_text(Field::MetaProtocolVersion)?)?;
        let is_served = version.is_modern() && self.versions.contains(&version);
        let capabilities = object(params, Field::MetaClientCapabilities)?;
        is_served.then_some((version, capabilities))
    }

    fn legacy(&self, request: &Request, envelope: &Envelope) -> Plan {
        let mut legacy = self.versions.iter().copied().filter(|version| version.is_legacy());
        let Some(params) = &request.params else { return Plan::Offline };
        let asked = params.field_text(Field::ProtocolVersion);
        let newest = legacy.clone().next();
        let same = legacy.find(|version| asked.as_deref() == Some(version.as_str()));
        let object =
            |name: &str| params.raw().member(name).filter(RawJson::is_object).map(|object| object.detach());
        match (same.or(newest), object("capabilities")) {
            (Some(version), Some(capabilities)) => Plan::Link(Box::new(Facts {
                caller: self.caller(envelope),
                era: Era::Legacy,
                version,
                info: object("clientInfo"),
                capabilities,
            })),
            // Refused by the session, which says why.
            _ => Plan::Offline,
        }
    }
}

/// A member of params, if it is an object.
fn object(params: &Payload, field: Field) -> Option<RawJson> {
    params.field_json(field).filter(RawJson::is_object)
}

/// Whether a modern request needs the upstream server. What the era does not have is refused without.
fn serves_upstream(request: &Request) -> bool {
    let name = request.method.as_str();
    !name.starts_with("notifications/") && method::find(name).is_none_or(|row| row.modern.client())
}

async fn answer(
    sender: &mut dyn TransportSender,
    id: RequestId,
    lane: Lane,
    refusal: &Refusal,
) -> Result<(), ()> {
    let by = if refusal.busy { AnsweredBy::Busy } else { AnsweredBy::Handler };
    let response = Response::error(Some(id), refusal.error.clone());
    let out = Outbound::message(response, lane).last(true).answered_by(by);
    sender.send(out).await.map_err(drop)?;
    sender.flush().await.map_err(drop)
}

#[async_trait]
impl Accept for Front {
    async fn accept(self: Arc<Self>, link: Box<dyn Transport>) {
        self.shared.serve(link).await;
    }

    fn versions(&self) -> &[ProtocolVersion] {
        &self.shared.versions
    }

    async fn input_schema(&self, tool: &str, envelope: &Envelope) -> Option<RawJson> {
        // Without a shared session nothing is kept between requests.
        let key = self.shared.shared_key(envelope)?;
        self.shared.pool.find(&key)?.schema(tool).await
    }

    fn drain(&self) {
        self.shared.draining.store(true, Ordering::SeqCst);
        Accept::drain(&self.shared.offline);
        let links: Vec<Server> = self.shared.servers.lock().values().cloned().collect();
        for server in links.into_iter().chain(self.shared.pool.servers()) {
            Accept::drain(&server);
        }
    }
}

impl fmt::Debug for Front {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Front").field("upstream", &self.shared.pool.name).finish_non_exhaustive()
    }
}

/// The error of a request that came while nothing is served.
pub(crate) fn unavailable() -> ErrorObject {
    ErrorObject::internal("This link has no upstream server")
}
