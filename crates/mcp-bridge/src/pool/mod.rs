//! The upstream sessions of one entry: who has which, how they are started, and when they are closed.

mod call;
mod exchange;
mod follower;
mod health;
mod live;
mod notice;
mod open;
mod pace;
mod questions;
mod schemas;
mod shown;
mod verdicts;
mod watch;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mcp_core::CloseReason;
use mcp_core::client::Client;
use mcp_core::message::{ErrorObject, ProtocolVersion, RawJson};
use mcp_core::server::Server;
use mcp_core::server::seal::Sealer;
use mcp_core::transport::{ErrorChain, Owner};
use rustc_hash::FxHashMap;
use tokio::time::Instant;

use crate::limits::Limits;
use crate::lock::Lock;
use crate::observer::{Event, Observer};
use crate::status::{State, UpstreamStatus};
use crate::translate::{self, Era};
use crate::upstream::{Caller, Upstream};

pub(crate) use call::{Parked, Running};
pub(crate) use exchange::{Asked, Exchange, Question};
pub(crate) use follower::Follower;
use health::Health;
pub(crate) use health::Refusal;
pub(crate) use live::{Busy, Levels, Live};
use pace::Pace;
use verdicts::Verdicts;
use watch::watch;

/// Whose an upstream session is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// A link of a client: a legacy session, a byte stream, or a single request.
    Link(u64),
    /// A caller, with what tells apart its messages that must not share a session.
    Caller(Owner, Vec<u8>),
    /// All callers.
    Everyone,
}

/// What is known of a client when an upstream session is opened for it.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) caller: Caller,
    pub(crate) era: Era,
    /// The revision that the client asked for or uses.
    pub(crate) version: ProtocolVersion,
    pub(crate) info: Option<RawJson>,
    pub(crate) capabilities: RawJson,
}

impl Facts {
    /// A copy that does not keep the client's message in memory.
    pub(crate) fn detached(&self) -> Facts {
        let info = self.info.as_ref().map(RawJson::detach);
        Facts { info, capabilities: self.capabilities.detach(), ..self.clone() }
    }
}

/// The upstream sessions of one entry.
pub(crate) struct Pool {
    pub(crate) name: String,
    pub(crate) upstream: Upstream,
    pub(crate) limits: Limits,
    pub(crate) sealer: Sealer,
    /// The calls that wait for answers of their clients.
    pub(crate) parked: Lock<HashMap<u64, Parked>>,
    /// The sessions that are being closed.
    ending: Lock<Vec<Client>>,
    /// A fast hash is enough: there are few, whatever the callers are named.
    lives: Lock<FxHashMap<Key, Vec<Arc<Live>>>>,
    health: Lock<Health>,
    pace: Arc<Pace>,
    observer: Option<Arc<dyn Observer>>,
    verdicts: Verdicts,
    numbers: AtomicU64,
    /// The notifications that reached no client.
    dropped: AtomicU64,
}

impl Pool {
    pub(crate) fn new(
        name: String,
        upstream: Upstream,
        limits: Limits,
        sealer: Sealer,
        observer: Option<Arc<dyn Observer>>,
    ) -> Pool {
        let verdicts = Verdicts::of(&upstream);
        let health = upstream.unusable.clone().map(Health::unusable).unwrap_or_default();
        Pool {
            name,
            upstream,
            pace: Arc::new(Pace::new(limits.starts)),
            limits,
            sealer,
            parked: Lock::default(),
            ending: Lock::default(),
            lives: Lock::default(),
            health: Lock::new(health),
            observer,
            verdicts,
            numbers: AtomicU64::new(1),
            dropped: AtomicU64::new(0),
        }
    }

    /// A fresh number, for a link or a parked call.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// The upstream session for a client: one that is open, or a new one. Returns once it is ready.
    pub(crate) async fn get(self: &Arc<Self>, key: &Key, facts: &Facts) -> Result<Arc<Live>, Refusal> {
        if let Some(live) = self.open(key, facts.era, &facts.capabilities) {
            return Ok(live);
        }
        let capabilities = translate::client_capabilities(facts.era, &facts.capabilities);
        loop {
            let known = self.of(key);
            for live in &known {
                // Its era decides whether others may use it, so a session that is being opened is waited for.
                match live.ready().await {
                    Ok(()) if live.serves(facts.era, &facts.capabilities) => return Ok(live.clone()),
                    Ok(()) => {}
                    Err(error) => {
                        self.remove(key, live);
                        if !live.was_ready() {
                            return Err(Refusal::failed(ErrorObject::internal(self.why_not_started(&error))));
                        }
                    }
                }
            }
            let open: Vec<Arc<Live>> = known.into_iter().filter(|live| !live.is_closed()).collect();
            if open.len() >= self.limits.variants {
                let least = open.into_iter().filter(|live| live.era() == Some(Era::Legacy));
                if let Some(live) = least.min_by_key(|live| live.used()) {
                    return Ok(live);
                }
            }
            let pause = self.health.lock().pause();
            if let Some(pause) = pause {
                tokio::time::sleep(pause).await;
            }
            if let Some(live) = self.start(key, facts, &capabilities)? {
                return self.opened(key, facts, live).await;
            }
        }
    }

    /// An open session for a client of this era with these capabilities.
    pub(crate) fn open(&self, key: &Key, era: Era, capabilities: &RawJson) -> Option<Arc<Live>> {
        let is_open =
            |live: &&Arc<Live>| live.was_ready() && !live.is_closed() && live.serves(era, capabilities);
        self.lives.lock().get(key)?.iter().find(is_open).cloned()
    }

    /// Waits until a session that was started is open.
    async fn opened(&self, key: &Key, facts: &Facts, live: Arc<Live>) -> Result<Arc<Live>, Refusal> {
        let began = Instant::now();
        match live.ready().await {
            Ok(()) => {
                self.health.lock().started();
                self.verdicts.found(facts, live.client().known_era());
                if let Some(version) = live.version() {
                    let took = began.elapsed();
                    tracing::info!(upstream = self.name, version = version.as_str(), ?took, "started");
                    self.observe(|upstream| Event::Started { upstream, version, took });
                }
                Ok(live)
            }
            Err(error) => {
                self.remove(key, &live);
                Err(self.not_started(&error))
            }
        }
    }

    /// Whether there is an observer.
    pub(crate) fn is_observed(&self) -> bool {
        self.observer.is_some()
    }

    /// Tells the observer, if there is one.
    pub(crate) fn observe<'a>(&'a self, event: impl FnOnce(&'a str) -> Event<'a>) {
        if let Some(observer) = &self.observer {
            observer.event(&event(&self.name));
        }
    }

    /// The newest open session of this key, without opening one.
    pub(crate) fn find(&self, key: &Key) -> Option<Arc<Live>> {
        let lives = self.lives.lock();
        lives.get(key)?.iter().rev().find(|live| !live.is_closed() && live.era().is_some()).cloned()
    }

    /// The servers of single requests.
    pub(crate) fn servers(&self) -> Vec<Server> {
        let lives = self.lives.lock();
        lives.values().flatten().flat_map(|live| live.servers()).collect()
    }

    fn of(&self, key: &Key) -> Vec<Arc<Live>> {
        self.lives.lock().get(key).cloned().unwrap_or_default()
    }

    /// Opens a session. `None` if another one of this kind has come meanwhile.
    fn start(
        self: &Arc<Self>,
        key: &Key,
        facts: &Facts,
        capabilities: &RawJson,
    ) -> Result<Option<Arc<Live>>, Refusal> {
        self.health.lock().check(&self.name)?;
        // Sessions report their end when they are dropped, which is after the lock: an observer may ask for the status.
        let mut dropped = Vec::new();
        let mut lives = self.lives.lock();
        let same = |live: &Arc<Live>| !live.is_closed() && live.capabilities == *capabilities;
        if lives.get(key).is_some_and(|known| known.iter().any(same)) {
            return Ok(None);
        }
        let count: usize = lives.values().map(Vec::len).sum();
        if count >= self.limits.upstreams {
            let limit = self.limits.upstreams;
            let busy = || {
                let why = format!("Busy: {limit} upstream sessions of {:?} are open (upstreams)", self.name);
                Refusal::busy(ErrorObject::internal(why))
            };
            dropped.push(self.evict(&mut lives).ok_or_else(busy)?);
        }
        let known = self.verdicts.known(facts.era);
        let capabilities = capabilities.detach();
        let client = open::client(self, &facts.detached(), &capabilities, known)?;
        let live = Live::new(self, key.clone(), capabilities, client);
        let siblings = lives.entry(key.clone()).or_default();
        dropped.extend(siblings.extract_if(.., |live| live.is_closed()));
        siblings.push(live.clone());
        drop(lives);
        live.watch();
        Ok(Some(live))
    }

    /// Closes the session that was idle for longest, and returns it. `None` if none was idle.
    fn evict(&self, lives: &mut FxHashMap<Key, Vec<Arc<Live>>>) -> Option<Arc<Live>> {
        let idle = lives.iter().flat_map(|(key, known)| known.iter().map(move |live| (key, live)));
        let idle = idle.filter(|(_, live)| live.idle_since().is_some()).min_by_key(|(_, live)| live.used());
        let (key, live) = idle.map(|(key, live)| (key.clone(), live.clone()))?;
        self.end(&live);
        if let Some(known) = lives.get_mut(&key) {
            known.retain(|other| !Arc::ptr_eq(other, &live));
            if known.is_empty() {
                lives.remove(&key);
            }
        }
        Some(live)
    }

    fn why_not_started(&self, error: &(dyn std::error::Error + 'static)) -> String {
        format!("the upstream server {:?} could not be started: {}", self.name, ErrorChain::new(error))
    }

    /// A server could not be started, for the first time or again.
    fn not_started(&self, error: &(dyn std::error::Error + 'static)) -> Refusal {
        let why = self.why_not_started(error);
        tracing::warn!(upstream = self.name, error = %ErrorChain::new(error), "not started");
        self.observe(|upstream| Event::NotStarted { upstream, reason: &why });
        self.health.lock().ill(why, &self.limits)
    }

    /// How long the server of a session that was open is not started again; an error if that is for long, or for good.
    fn rest(&self) -> Result<Duration, String> {
        let health = self.health.lock();
        match health.check(&self.name) {
            Err(refusal) if health.given_up() => Err(refusal.error.message.into_owned()),
            _ => Ok(health.retry_after().unwrap_or_default()),
        }
    }

    /// The server of a session has ended by itself.
    fn ended(&self, live: &Live, was_useful: bool, reason: &CloseReason) {
        if reason.is_retryable() {
            let why = format!("the upstream server {:?} ended: {}", self.name, ErrorChain::new(reason));
            tracing::warn!(upstream = self.name, error = %ErrorChain::new(reason), "ended");
            live.report_end(Some(&why));
            self.health.lock().ended(why, was_useful, &self.limits);
        }
    }

    /// The server of a session was started again.
    fn restarted(&self, version: ProtocolVersion, took: Duration) {
        self.health.lock().started();
        tracing::info!(upstream = self.name, version = version.as_str(), ?took, "started again");
        self.observe(|upstream| Event::Started { upstream, version, took });
    }

    /// Removes a session, so that no further client gets it.
    pub(crate) fn remove(&self, key: &Key, live: &Arc<Live>) {
        let mut lives = self.lives.lock();
        if let Some(known) = lives.get_mut(key) {
            known.retain(|other| !Arc::ptr_eq(other, live));
            if known.is_empty() {
                lives.remove(key);
            }
        }
    }

    /// Closes a session whose server was replaced by one of the other era, at once or with its last call, and forgets which
    /// era it spoke.
    pub(crate) fn give_up(&self, live: &Arc<Live>) {
        self.remove(&live.key, live);
        self.verdicts.forget();
        self.end_unused(live);
    }

    /// Begins to close a session that no client gets any more. The end of the bridge waits for it.
    fn end(&self, live: &Live) {
        let mut ending = self.ending.lock();
        ending.retain(|client| client.state().closed().is_none());
        ending.push(live.client().clone());
        live.close();
    }

    /// Removes everything of a link that has ended, and closes it: at once, or with its last call. A call may wait for the
    /// answers that its client brings with another request.
    pub(crate) fn release(&self, key: &Key) {
        let lives = self.lives.lock().remove(key).unwrap_or_default();
        for live in &lives {
            self.end_unused(live);
        }
    }

    /// Begins to close a session that was removed, unless it has calls: it closes when the last of them drops it.
    fn end_unused(&self, live: &Live) {
        if live.calls() == 0 {
            self.end(live);
        }
    }

    /// Closes every session, and waits until their servers have ended.
    pub(crate) async fn close(&self) {
        self.parked.lock().clear();
        let lives: Vec<Arc<Live>> = self.lives.lock().drain().flat_map(|(_, known)| known).collect();
        for live in &lives {
            self.end(live);
        }
        drop(lives);
        let ending = std::mem::take(&mut *self.ending.lock());
        for client in ending {
            client.closed().await;
        }
    }

    pub(crate) fn status(&self) -> UpstreamStatus {
        let lives: Vec<Arc<Live>> = self.lives.lock().values().flatten().cloned().collect();
        let health = self.health.lock();
        let ready = lives.iter().filter(|live| live.is_ready()).count();
        let starting = lives.iter().filter(|live| live.is_starting()).count();
        let state = match (ready, starting) {
            _ if health.given_up() => State::Failed,
            (0, _) if health.is_resting() => State::BackingOff,
            (0, 0) => State::Cold,
            (0, _) => State::Starting,
            _ => State::Ready,
        };
        UpstreamStatus {
            name: self.name.clone(),
            state,
            sessions: ready,
            starting,
            calls: lives.iter().map(|live| live.calls()).sum(),
            parked: self.parked.lock().len(),
            version: lives.iter().find_map(|live| live.version()),
            failure: health.failure().map(str::to_owned),
            retry_after: health.retry_after(),
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }
}
