//! The handler of the downstream servers: every request of a client, on its way to an upstream session and back.

mod follow;
mod forward;
mod listen;
mod park;
mod span;
mod tell;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use async_trait::async_trait;
use mcp_core::message::{ErrorObject, Notification, RawJson};
use mcp_core::server::{Context, Handler, Reply, ServerLink};
use mcp_core::transport::Envelope;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::Instrument;

use crate::lock::Lock;
use crate::observer::Event;
use crate::pool::{Facts, Follower, Key, Live, Pool, Refusal};
use crate::translate::Era;
use crate::upstream::Caller;
use follow::Following;
use span::Trace;

/// The era of the client of a request.
fn downstream(context: &Context) -> Era {
    Era::of(context.version())
}

fn refused(refusal: Refusal) -> Reply {
    match refusal.busy {
        true => Reply::Busy(refusal.error),
        false => Reply::Verbatim(Err(refusal.error)),
    }
}

/// The handler of one downstream server: of one link, or of all single requests that use one upstream session.
pub(crate) struct Relay {
    pool: Arc<Pool>,
    source: Source,
    capabilities: RawJson,
    /// The legacy client, once it has finished its handshake.
    link: OnceLock<Follower>,
    /// The legacy client has set a log level.
    level_set: AtomicBool,
    /// What the legacy client hears of.
    following: Following,
}

/// Where the upstream session comes from.
enum Source {
    /// The front found it for this very request, and holds it.
    Found(Weak<Live>),
    /// It belongs to a link, and is replaced when it has ended.
    Link {
        key: Key,
        facts: Facts,
        live: Lock<Arc<Live>>,
        /// The client begins a new session if this one ends.
        renews: bool,
    },
}

/// A task that ends when it is dropped.
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Relay {
    fn new(pool: Arc<Pool>, source: Source, capabilities: RawJson) -> Relay {
        Relay {
            pool,
            source,
            capabilities,
            link: OnceLock::new(),
            level_set: AtomicBool::new(false),
            following: Following::default(),
        }
    }

    /// The handler of all single requests that use this session.
    pub(crate) fn found(pool: Arc<Pool>, live: &Arc<Live>, capabilities: RawJson) -> Relay {
        Relay::new(pool, Source::Found(Arc::downgrade(live)), capabilities)
    }

    /// The handler of one link.
    pub(crate) fn of_link(
        pool: Arc<Pool>,
        key: Key,
        facts: Facts,
        live: Arc<Live>,
        capabilities: RawJson,
        renews: bool,
    ) -> Relay {
        Relay::new(pool, Source::Link { key, facts, live: Lock::new(live), renews }, capabilities)
    }

    /// The upstream session of a request.
    async fn live(&self, context: &Context) -> Result<Arc<Live>, Reply> {
        let (key, facts, slot) = match &self.source {
            Source::Found(live) => {
                let gone = || Reply::Busy(ErrorObject::internal("the upstream session has ended"));
                return live.upgrade().ok_or_else(gone);
            }
            Source::Link { key, facts, live, .. } => (key, facts, live),
        };
        let known = slot.lock().clone();
        if known.is_closed() {
            return Box::pin(self.open(key, facts)).await;
        }
        if !context.version().is_modern() || known.serves(Era::Modern, context.client_capabilities()) {
            return Ok(known);
        }
        // A modern client declares its capabilities with each request. A legacy server knows those that its session was
        // opened with, so the client has several.
        let facts = Facts { caller: facts.caller.clone(), ..self.facts(context) };
        Box::pin(self.pool.get(key, &facts)).await.map_err(refused)
    }

    /// What is known of the client that sent this request.
    fn facts(&self, context: &Context) -> Facts {
        Facts {
            caller: Caller::of(context.envelope(), self.pool.upstream.forwarded(context.envelope())),
            era: downstream(context),
            version: context.version(),
            info: context.client_info().cloned(),
            capabilities: context.client_capabilities().clone(),
        }
    }

    /// Tells the observer what became of a request.
    fn report(&self, context: &Context, served: &Result<Reply, ErrorObject>, took: Duration) {
        let (method, version) = (context.method().as_str(), context.version());
        let forwarded = |succeeded| {
            self.pool.observe(|upstream| Event::Forwarded { upstream, method, version, succeeded, took });
        };
        match served {
            Ok(Reply::Busy(error)) => {
                let reason = &error.message;
                self.pool.observe(|upstream| Event::Refused { upstream, method, reason });
            }
            Ok(Reply::InputRequired(_)) => self.pool.observe(|upstream| Event::Parked { upstream, method }),
            Ok(Reply::Verbatim(Err(_)) | Reply::MethodNotFound) | Err(_) => forwarded(false),
            Ok(_) => forwarded(true),
        }
    }

    async fn serve(&self, context: &Context, trace: &Trace) -> Result<Reply, ErrorObject> {
        let method = context.method().as_str();
        let live = match self.live(context).await {
            Ok(live) => live,
            Err(refused) => return Ok(refused),
        };
        let busy = live.enter();
        // The era as it is now: the server may have been replaced by one of the other era.
        let upstream = live.era().unwrap_or(Era::Legacy);
        match (method, upstream) {
            // What is boxed takes no memory from a call.
            ("subscriptions/listen", _) => Box::pin(self.listen(&live, context)).await,
            ("resources/subscribe", _) => Box::pin(self.subscribe(context)).await,
            ("resources/unsubscribe", _) => Ok(Box::pin(self.unsubscribe(context)).await),
            ("logging/setLevel", Era::Modern) => {
                // Sent with each request from now on.
                self.level_set.store(true, Ordering::Relaxed);
                Ok(Reply::Result(RawJson::EMPTY_OBJECT))
            }
            _ => {
                let mut has_moved = false;
                let reply = self.forward(&live, upstream, context, trace, busy, &mut has_moved).await;
                if !has_moved {
                    return reply;
                }
                // The request was refused for its revision, so it has not run.
                Box::pin(self.forward_anew(&live, context, trace)).await
            }
        }
    }

    /// Forwards a request that was refused because the server was replaced by one of the other era.
    async fn forward_anew(
        &self,
        old: &Arc<Live>,
        context: &Context,
        trace: &Trace,
    ) -> Result<Reply, ErrorObject> {
        match self.anew(old, context).await {
            Ok(next) => {
                let upstream = next.era().unwrap_or(Era::Legacy);
                self.forward(&next, upstream, context, trace, next.enter(), &mut true).await
            }
            Err(refused) => Ok(refused),
        }
    }

    /// A session in place of one whose server was replaced by one of the other era.
    async fn anew(&self, old: &Arc<Live>, context: &Context) -> Result<Arc<Live>, Reply> {
        self.pool.give_up(old);
        let (key, facts) = match &self.source {
            Source::Link { key, facts, .. } => (key.clone(), facts.clone()),
            Source::Found(_) => (old.key.clone(), self.facts(context)),
        };
        self.open(&key, &facts).await
    }

    /// An upstream session in place of one that has ended.
    async fn open(&self, key: &Key, facts: &Facts) -> Result<Arc<Live>, Reply> {
        let next = self.pool.get(key, facts).await.map_err(refused)?;
        if let Source::Link { live, .. } = &self.source {
            let old = std::mem::replace(&mut *live.lock(), next.clone());
            if let Some(link) = self.link.get() {
                // The new session knows the client, and its lists may differ.
                self.follow(&next, link, true);
                if let Some(now) = next.version() {
                    link.upstream_is_now(now, old.version());
                }
            }
        }
        Ok(next)
    }
}

#[async_trait]
impl Handler for Relay {
    async fn handle(&self, context: Context) -> Result<Reply, ErrorObject> {
        let method = context.method().as_str();
        if let Err(refused) = self.pool.upstream.filter.check(method, context.params()) {
            self.pool.observe(|upstream| Event::Refused { upstream, method, reason: &refused.message });
            return Err(refused);
        }
        let began = self.pool.is_observed().then(Instant::now);
        let trace = Trace::new(&self.pool.name, &context);
        let served = if trace.span.is_disabled() {
            self.serve(&context, &trace).await
        } else {
            Box::pin(self.serve(&context, &trace)).instrument(trace.span.clone()).await
        };
        trace.end(&served);
        if let Some(began) = began {
            self.report(&context, &served, began.elapsed());
        }
        served
    }

    fn capabilities(&self) -> RawJson {
        self.capabilities.clone()
    }

    fn opened(&self, link: ServerLink) {
        let Source::Link { live, renews, .. } = &self.source else { return };
        let live = live.lock().clone();
        let link = Follower::new(link, *renews);
        if self.link.set(link.clone()).is_ok() {
            self.follow(&live, &link, false);
        }
    }

    async fn notified(&self, notification: Notification, _envelope: Envelope) {
        let Source::Link { live, .. } = &self.source else { return };
        let client = live.lock().client().clone();
        let Notification { method, params, .. } = notification;
        // Dropped there if the upstream era does not have it.
        let _closed = client.notify(method, params.map(|params| params.into_raw())).await;
    }
}

/// A link that has ended leaves the sessions that it used.
impl Drop for Relay {
    fn drop(&mut self) {
        if let Source::Link { live, .. } = &self.source {
            live.lock().links.lock().retain(|link| !link.is_closed());
        }
    }
}
