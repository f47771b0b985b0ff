//! The upstream sessions of one entry: who has which, how they are started, and when they are closed.

mod call;
mod exchange;
mod health;
mod live;
mod notice;
mod open;
mod questions;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use mcp_core::client::KnownEra;
use mcp_core::message::{ErrorObject, ProtocolVersion, RawJson};
use mcp_core::server::Server;
use mcp_core::server::seal::Sealer;
use mcp_core::transport::{ErrorChain, Owner};
use tokio::time::Instant;

use crate::limits::Limits;
use crate::lock::Lock;
use crate::status::{State, UpstreamStatus};
use crate::translate::{self, Era};
use crate::upstream::{Caller, Upstream};

pub(crate) use call::{Parked, Running};
pub(crate) use exchange::{Exchange, Question};
use health::Health;
pub(crate) use health::Refusal;
pub(crate) use live::Live;

/// Whose an upstream session is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// A link of a client: a legacy session, a byte stream, or a single request.
    Link(u64),
    /// A caller.
    Caller(Owner),
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

/// The upstream sessions of one entry.
pub(crate) struct Pool {
    pub(crate) name: String,
    pub(crate) upstream: Upstream,
    pub(crate) limits: Limits,
    pub(crate) sealer: Sealer,
    /// The calls that wait for answers of their clients.
    pub(crate) parked: Lock<HashMap<u64, Parked>>,
    lives: Lock<HashMap<Key, Vec<Arc<Live>>>>,
    health: Lock<Health>,
    /// The era that the server was found to speak, for legacy and for modern clients.
    verdicts: Lock<[Option<KnownEra>; 2]>,
    numbers: AtomicU64,
}

impl Pool {
    pub(crate) fn new(name: String, upstream: Upstream, limits: Limits, sealer: Sealer) -> Pool {
        Pool {
            name,
            upstream,
            limits,
            sealer,
            parked: Lock::default(),
            lives: Lock::default(),
            health: Lock::default(),
            verdicts: Lock::default(),
            numbers: AtomicU64::new(1),
        }
    }

    /// A fresh number, for a link or a parked call.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// The upstream session for a client: one that is open, or a new one. Returns once it is ready.
    pub(crate) async fn get(self: &Arc<Self>, key: &Key, facts: &Facts) -> Result<Arc<Live>, Refusal> {
        let capabilities = translate::client_capabilities(facts.era, &facts.capabilities);
        loop {
            let known = self.of(key);
            for live in &known {
                // Its era decides whether others may use it, so a session that is being opened is waited for.
                match live.ready().await {
                    Ok(()) if live.serves(facts.era, &capabilities) => return Ok(live.clone()),
                    Ok(()) => {}
                    Err(error) => {
                        self.remove(key, live);
                        if !live.was_ready() {
                            return Err(Refusal::failed(ErrorObject::internal(self.not_started(&error))));
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
            if let Some(live) = self.start(key, facts, &capabilities)? {
                return match live.ready().await {
                    Ok(()) => {
                        self.health.lock().well();
                        *self.verdict(facts.era) = live.client().known_era();
                        Ok(live)
                    }
                    Err(error) => {
                        self.remove(key, &live);
                        let why = self.not_started(&error);
                        tracing::warn!(upstream = self.name, error = %ErrorChain::new(&error), "not started");
                        Err(self.failed(why))
                    }
                };
            }
        }
    }

    /// The newest open session of this key, without opening one.
    pub(crate) fn find(&self, key: &Key) -> Option<Arc<Live>> {
        self.of(key).into_iter().rev().find(|live| !live.is_closed() && live.era().is_some())
    }

    /// The servers of single requests.
    pub(crate) fn servers(&self) -> Vec<Server> {
        self.lives.lock().values().flatten().filter_map(|live| live.server.get().cloned()).collect()
    }

    fn of(&self, key: &Key) -> Vec<Arc<Live>> {
        self.lives.lock().get(key).cloned().unwrap_or_default()
    }

    fn verdict(&self, era: Era) -> impl std::ops::DerefMut<Target = Option<KnownEra>> + '_ {
        VerdictGuard { guard: self.verdicts.lock(), at: usize::from(era == Era::Modern) }
    }

    /// Opens a session. `None` if another one of this kind has come meanwhile.
    fn start(
        self: &Arc<Self>,
        key: &Key,
        facts: &Facts,
        capabilities: &RawJson,
    ) -> Result<Option<Arc<Live>>, Refusal> {
        self.health.lock().check(&self.name)?;
        let mut lives = self.lives.lock();
        let same = |live: &Arc<Live>| !live.is_closed() && live.capabilities == *capabilities;
        if lives.get(key).is_some_and(|known| known.iter().any(same)) {
            return Ok(None);
        }
        let count: usize = lives.values().map(Vec::len).sum();
        if count >= self.limits.upstreams && !evict(&mut lives) {
            let limit = self.limits.upstreams;
            let why = format!("Busy: {limit} upstream sessions of {:?} are open (upstreams)", self.name);
            return Err(Refusal::busy(ErrorObject::internal(why)));
        }
        let known = *self.verdict(facts.era);
        let client = open::client(self, facts, capabilities, known)?;
        let live = Live::new(self, key.clone(), capabilities.clone(), client);
        let siblings = lives.entry(key.clone()).or_default();
        siblings.retain(|live| !live.is_closed());
        siblings.push(live.clone());
        drop(lives);
        live.watch();
        Ok(Some(live))
    }

    fn not_started(&self, error: &mcp_core::Error) -> String {
        format!("the upstream server {:?} could not be started: {}", self.name, ErrorChain::new(error))
    }

    /// An upstream server could not be started, or ended.
    fn failed(&self, why: String) -> Refusal {
        self.health.lock().ill(why, &self.limits)
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

    /// Removes everything of a link that has ended, and closes it: at once, or with its last call. A call may wait for the
    /// answers that its client brings with another request.
    pub(crate) fn release(&self, key: &Key) {
        let lives = self.lives.lock().remove(key).unwrap_or_default();
        for live in lives.into_iter().filter(|live| live.calls() == 0) {
            live.close();
        }
    }

    /// Closes every session, and waits until their servers have ended.
    pub(crate) async fn close(&self) {
        self.parked.lock().clear();
        let lives: Vec<Arc<Live>> = self.lives.lock().drain().flat_map(|(_, known)| known).collect();
        for live in &lives {
            live.close();
        }
        for live in lives {
            live.client().closed().await;
        }
    }

    pub(crate) fn status(&self) -> UpstreamStatus {
        let health = self.health.lock();
        let lives: Vec<Arc<Live>> = self.lives.lock().values().flatten().cloned().collect();
        let ready = lives.iter().filter(|live| live.is_ready()).count();
        let state = match (health.given_up(), lives.len()) {
            (true, _) => State::Failed,
            (false, 0) => State::Cold,
            (false, _) if ready == 0 => State::Starting,
            _ => State::Ready,
        };
        UpstreamStatus {
            name: self.name.clone(),
            state,
            sessions: ready,
            starting: lives.len() - ready,
            calls: lives.iter().map(|live| live.calls()).sum(),
            parked: self.parked.lock().len(),
            version: lives.iter().find_map(|live| live.version()),
            failure: health.failure().map(str::to_owned),
        }
    }
}

/// Closes the session that was idle for longest. Whether there was one.
fn evict(lives: &mut HashMap<Key, Vec<Arc<Live>>>) -> bool {
    let idle = lives.iter().flat_map(|(key, known)| known.iter().map(move |live| (key, live)));
    let idle = idle.filter(|(_, live)| live.idle_since().is_some()).min_by_key(|(_, live)| live.used());
    let Some((key, live)) = idle.map(|(key, live)| (key.clone(), live.clone())) else { return false };
    live.close();
    if let Some(known) = lives.get_mut(&key) {
        known.retain(|other| !Arc::ptr_eq(other, &live));
        if known.is_empty() {
            lives.remove(&key);
        }
    }
    true
}

/// One of the two verdicts.
struct VerdictGuard<'a> {
    guard: std::sync::MutexGuard<'a, [Option<KnownEra>; 2]>,
    at: usize,
}

impl std::ops::Deref for VerdictGuard<'_> {
    type Target = Option<KnownEra>;

    fn deref(&self) -> &Option<KnownEra> {
        &self.guard[self.at]
    }
}

impl std::ops::DerefMut for VerdictGuard<'_> {
    fn deref_mut(&mut self) -> &mut Option<KnownEra> {
        &mut self.guard[self.at]
    }
}

/// Closes a caller's session once it was idle for long enough, and removes one that has ended.
pub(crate) async fn watch(pool: Weak<Pool>, live: Weak<Live>) {
    loop {
        let (closed, due) = {
            let (Some(pool), Some(live)) = (pool.upgrade(), live.upgrade()) else { return };
            if matches!(live.key, Key::Link(_)) {
                (live.client().watch(), None)
            } else {
                let from = live.idle_since().unwrap_or_else(Instant::now);
                (live.client().watch(), from.checked_add(pool.limits.idle))
            }
        };
        let mut closed = closed;
        let ended = tokio::select! {
            state = closed.until(|_| false) => state.closed().cloned(),
            () = sleep_until(due) => None,
        };
        let (Some(pool), Some(live)) = (pool.upgrade(), live.upgrade()) else { return };
        if let Some(reason) = ended {
            pool.remove(&live.key, &live);
            if reason.is_retryable() && live.was_ready() {
                let why = format!("the upstream server {:?} ended: {}", pool.name, ErrorChain::new(&reason));
                pool.failed(why);
            }
            return;
        }
        let over = live.idle_since().and_then(|since| since.checked_add(pool.limits.idle));
        if over.is_some_and(|over| over <= Instant::now()) {
            tracing::debug!(upstream = pool.name, "an idle upstream session is closed");
            pool.remove(&live.key, &live);
            live.close();
            return;
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
