//! One open upstream session, and what of the clients depends on it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use mcp_core::Error;
use mcp_core::client::{Client, ClientState, Negotiated};
use mcp_core::message::{ProtocolVersion, RawJson};
use mcp_core::server::{Server, ServerConfig};
use mcp_core::session::LogLevel;
use tokio::time::Instant;

use super::exchange::Exchange;
use super::follower::Follower;
use super::health::LONGEST;
use super::notice::notices;
use super::questions::Questions;
use super::schemas::Schemas;
use super::shown::Shown;
use super::{Key, Pool, watch};
use crate::lock::Lock;
use crate::observer::Event;
use crate::translate::{self, Era};

/// The log levels of a legacy server, which has one for all that use it.
#[derive(Debug, Default)]
pub(crate) struct Levels {
    /// Its level now.
    pub(crate) set: Option<LogLevel>,
    /// The least severe one that a legacy client has set.
    pub(crate) of_links: Option<LogLevel>,
}

/// One open upstream session.
pub(crate) struct Live {
    pub(crate) key: Key,
    /// The client capabilities that it was opened with.
    pub(crate) capabilities: RawJson,
    pub(crate) pool: Weak<Pool>,
    client: Client,
    /// It was open.
    was_ready: AtomicBool,
    shown: Lock<Shown>,
    /// The requests in flight, oldest first.
    pub(crate) exchanges: Lock<Vec<Arc<Exchange>>>,
    /// The legacy clients that use it.
    pub(crate) links: Lock<Vec<Follower>>,
    pub(crate) levels: tokio::sync::Mutex<Levels>,
    schemas: Schemas,
    /// The roots that its client answered with last.
    roots: Lock<Option<RawJson>>,
    /// What uses it: links, calls, subscriptions.
    busy: AtomicUsize,
    used: Lock<Instant>,
    /// Since when its server is gone.
    down: Lock<Option<Instant>>,
    /// When its server was started.
    started: Lock<Instant>,
    /// Its server has answered a request.
    has_answered: AtomicBool,
    /// The end of its server was reported to the observer.
    end_reported: AtomicBool,
}

impl Live {
    pub(super) fn new(
        pool: &Arc<Pool>,
        key: Key,
        capabilities: RawJson,
        (client, questions): (Client, Questions),
    ) -> Arc<Live> {
        let live = Arc::new(Live {
            key,
            capabilities,
            pool: Arc::downgrade(pool),
            client,
            was_ready: AtomicBool::new(false),
            shown: Lock::default(),
            exchanges: Lock::default(),
            links: Lock::default(),
            levels: tokio::sync::Mutex::default(),
            schemas: Schemas::default(),
            roots: Lock::default(),
            busy: AtomicUsize::new(0),
            used: Lock::new(Instant::now()),
            down: Lock::default(),
            started: Lock::new(Instant::now()),
            has_answered: AtomicBool::new(false),
            end_reported: AtomicBool::new(false),
        });
        questions.belong_to(&live);
        live
    }

    /// Starts the tasks beside it, which end with it.
    pub(super) fn watch(self: &Arc<Self>) {
        tokio::spawn(watch(self.pool.clone(), Arc::downgrade(self), self.client.watch()));
        tokio::spawn(notices(Arc::downgrade(self), self.client.notifications()));
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Waits until it is open. Cancel-safe.
    pub(crate) async fn ready(&self) -> Result<(), Error> {
        if self.was_ready() && !self.is_closed() {
            return Ok(());
        }
        self.note_negotiated(self.client.ready().await?);
        Ok(())
    }

    /// What clients are shown of the upstream server. `None` before it is open.
    pub(crate) fn negotiated(&self) -> Option<Arc<Negotiated>> {
        self.shown.lock().negotiated().cloned()
    }

    /// The revision of its server that is there, or was there last.
    pub(crate) fn version(&self) -> Option<ProtocolVersion> {
        self.shown.lock().version()
    }

    /// Notes what was negotiated with a server: the first one, or one that may have replaced it.
    fn note_negotiated(&self, negotiated: Negotiated) {
        let now = negotiated.version;
        let mut shown = self.shown.lock();
        let before = shown.version();
        shown.set(negotiated);
        drop(shown);
        self.was_ready.store(true, Ordering::Release);
        if before != Some(now) {
            let links = self.links.lock().clone();
            links.iter().for_each(|link| link.upstream_is_now(now, before));
        }
    }

    /// The era of the link as it is now: a server that was replaced may speak another one.
    pub(crate) fn era(&self) -> Option<Era> {
        let known = self.client.known_era().map(|known| known.version);
        known.filter(|_| self.was_ready()).map(Era::of)
    }

    pub(crate) fn was_ready(&self) -> bool {
        self.was_ready.load(Ordering::Acquire)
    }

    /// Whether its server is there. It is started again when it is needed next.
    pub(crate) fn is_ready(&self) -> bool {
        self.was_ready() && self.client.is_ready()
    }

    pub(crate) fn is_starting(&self) -> bool {
        matches!(self.client.state(), ClientState::Connecting)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Whether a client of this era with these capabilities can use it. A modern server learns of each client with each
    /// request; a legacy one knows what it was opened with.
    pub(crate) fn serves(&self, era: Era, capabilities: &RawJson) -> bool {
        match self.era() {
            Some(Era::Modern) if era == Era::Modern => true,
            Some(_) => self.capabilities == translate::client_capabilities(era, capabilities),
            None => false,
        }
    }

    /// What a server for clients of this era is set up with.
    pub(crate) fn config(&self, downstream: Era, versions: &[ProtocolVersion]) -> Arc<ServerConfig> {
        self.shown.lock().config(downstream, versions, || self.pool_name())
    }

    /// The server of all single requests that use this session.
    pub(crate) fn server(&self, make: impl FnOnce() -> Arc<Server>) -> Arc<Server> {
        let known = self.shown.lock().server();
        known.unwrap_or_else(|| {
            let made = make();
            self.shown.lock().keep_server(made)
        })
    }

    /// The servers of single requests that may be in use.
    pub(super) fn servers(&self) -> Vec<Server> {
        self.shown.lock().servers()
    }

    fn pool_name(&self) -> String {
        self.pool.upgrade().map(|pool| pool.name.clone()).unwrap_or_default()
    }

    /// The input schema of a tool, from a list that is read once.
    pub(crate) async fn schema(&self, tool: &str) -> Option<RawJson> {
        self.negotiated()?.capabilities.member("tools")?;
        self.schemas.of(&self.client, tool).await
    }

    /// A client has got a page of the tools.
    pub(crate) fn learn_schemas(&self, page: &RawJson) {
        self.schemas.learn(page);
    }

    /// The tools may have changed.
    pub(crate) fn forget_schemas(&self) {
        self.schemas.forget();
    }

    /// Keeps what its client answered to `roots/list`. Those of one client are none of another's.
    pub(super) fn keep_roots(&self, answer: &RawJson) {
        if self.key != Key::Everyone {
            *self.roots.lock() = Some(answer.detach());
        }
    }

    /// The answer to `roots/list` where no client can be asked: the last one, or else none.
    pub(super) fn roots(&self) -> RawJson {
        self.roots.lock().clone().unwrap_or_else(|| RawJson::object([("roots", RawJson::array([]))]))
    }

    /// Counts a link, a call or a subscription until it is dropped.
    pub(crate) fn enter(self: &Arc<Self>) -> Busy {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy(self.clone())
    }

    /// Since when nothing uses it.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        (self.busy.load(Ordering::Relaxed) == 0 && self.was_ready()).then(|| self.used())
    }

    /// When something began or ceased to use it last.
    pub(crate) fn used(&self) -> Instant {
        *self.used.lock()
    }

    /// The least severe level that a request of a modern client in flight wants.
    pub(crate) fn least_level(&self) -> Option<LogLevel> {
        let exchanges = self.exchanges.lock();
        let contexts = exchanges.iter().map(|exchange| exchange.context());
        contexts
            .filter(|context| context.version().is_modern())
            .filter_map(|context| context.log_level())
            .min()
    }

    pub(crate) fn calls(&self) -> usize {
        self.exchanges.lock().len()
    }

    /// Notes that its server has ended by itself, once.
    pub(super) fn note_end(&self) {
        let reason = match self.client.state() {
            ClientState::Disconnected(reason) | ClientState::Closed(reason) => reason,
            _ => return,
        };
        let first = self.was_ready() && self.down.lock().replace(Instant::now()).is_none();
        if let Some(pool) = self.pool.upgrade().filter(|_| first) {
            let was_useful =
                self.has_answered.swap(false, Ordering::Relaxed) || self.started.lock().elapsed() >= LONGEST;
            pool.ended(self, was_useful, &reason);
        }
    }

    /// Counts a notification of its server that reaches no client.
    pub(super) fn note_dropped(&self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Notes that its server has answered a request: it is of use.
    pub(crate) fn note_answer(&self) {
        if !self.has_answered.load(Ordering::Relaxed)
            && !self.has_answered.swap(true, Ordering::Relaxed)
            && let Some(pool) = self.pool.upgrade()
        {
            pool.health.lock().well();
        }
    }

    /// Notes that it has a server again, once.
    pub(super) fn note_start(&self, negotiated: Negotiated) {
        let version = negotiated.version;
        // Who opens it notes the first one, and begins to use it at the same time.
        if self.was_ready() {
            self.note_negotiated(negotiated);
        }
        let Some(down) = self.down.lock().take() else { return };
        self.end_reported.store(false, Ordering::Relaxed);
        self.forget_schemas();
        *self.started.lock() = Instant::now();
        self.has_answered.store(false, Ordering::Relaxed);
        if let Some(pool) = self.pool.upgrade() {
            pool.restarted(version, down.elapsed());
        }
    }

    /// Reports the end of its server to the observer, once. `reason`: why it ended by itself.
    pub(super) fn report_end(&self, reason: Option<&str>) {
        if self.was_ready()
            && !self.end_reported.swap(true, Ordering::Relaxed)
            && let Some(pool) = self.pool.upgrade()
        {
            pool.observe(|upstream| Event::Ended { upstream, reason });
        }
    }

    /// Begins to close it. What uses it ends with an error.
    pub(crate) fn close(&self) {
        let client = self.client.clone();
        tokio::spawn(async move { client.close().await });
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.report_end(None);
    }
}

/// Something that uses an upstream session.
pub(crate) struct Busy(Arc<Live>);

impl Drop for Busy {
    fn drop(&mut self) {
        *self.0.used.lock() = Instant::now();
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}
