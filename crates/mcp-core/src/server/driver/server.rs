//! The state that all links of a server share, and its shutdown.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::error::CloseReason;
use crate::lock::Lock;
use crate::runtime::signal::Signal;
use crate::runtime::within;
use crate::session::Change;
use crate::session::server::ServerConfig;
use crate::transport::{Owner, Transport};
use rustc_hash::FxHashMap;

use super::command::Command;
use super::limits::{Budgets, ServerLimits};
use super::shared::LinkShared;
use crate::server::handler::Handler;

/// The state that all links of a server share.
pub(crate) struct ServerShared {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) handler: Arc<dyn Handler>,
    pub(crate) limits: ServerLimits,
    pub(crate) budgets: Budgets,
    stopping: Arc<Signal>,
    /// The deadline of a drain has passed: all links are closed, new ones included.
    closing: AtomicBool,
    links: Lock<FxHashMap<u64, Arc<LinkShared>>>,
    next_link: AtomicU64,
    link_ended: Notify,
    progress: Lock<Progress>,
}

/// What the links had written when it was last looked at.
#[derive(Default)]
struct Progress {
    at: Option<Instant>,
    written: FxHashMap<u64, u64>,
}

/// How long a link must have written nothing to be cut for others.
const STALLED: Duration = Duration::from_secs(1);

/// Removes a link from the server's list when its driver ends or is dropped.
struct Registered<'a> {
    server: &'a ServerShared,
    number: u64,
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.server.links().remove(&self.number);
        self.server.link_ended.notify_waiters();
    }
}

impl ServerShared {
    fn links(&self) -> std::sync::MutexGuard<'_, FxHashMap<u64, Arc<LinkShared>>> {
        self.links.lock()
    }

    fn tell_all(&self, command: impl Fn() -> Command) {
        for link in self.links().values() {
            link.command(command());
        }
    }

    /// Reports a change to every subscriber on every link, or to those of one owner.
    pub(crate) fn publish(&self, change: Change, audience: Option<Owner>) {
        for link in self.links().values() {
            link.publish((change.clone(), audience.clone()));
        }
    }

    /// The unread answers fill the server: ends the link that holds most of them, among those that have written nothing
    /// for a second.
    pub(super) fn cut_slowest(&self, now: Instant) {
        let mut progress = self.progress.lock();
        let recent = |at: Instant| now.saturating_duration_since(at) < STALLED;
        if progress.at.is_some_and(recent) {
            return;
        }
        let links = self.links();
        let stalled = links.iter().filter(|(number, link)| {
            link.unread_bytes() > 0 && progress.written.get(number) == Some(&link.written())
        });
        if let Some((number, link)) = stalled.max_by_key(|(_, link)| link.unread_bytes()) {
            tracing::warn!(link = number, "the peer does not read its answers, and others need the memory");
            link.command(Command::Cut);
        }
        progress.written = links.iter().map(|(number, link)| (*number, link.written())).collect();
        progress.at = Some(now);
    }

    pub(crate) async fn drive(self: &Arc<Self>, link: Box<dyn Transport>) -> CloseReason {
        let number = self.next_link.fetch_add(1, Ordering::Relaxed);
        let shared = Arc::new(LinkShared::new(number, self.stopping.clone(), &self.limits));
        self.links().insert(number, shared.clone());
        let _registered = Registered { server: self, number };
        // Checked after the insert: either the drain sees the link on the list, or the drain is seen here.
        if self.closing.load(Ordering::SeqCst) {
            shared.command(Command::Close);
        } else if self.stopping.is_raised() {
            shared.command(Command::Drain);
        }
        super::run(self.clone(), shared, link).await
    }

    /// Waits until no link is left.
    async fn idle(&self) {
        loop {
            let mut ended = std::pin::pin!(self.link_ended.notified());
            ended.as_mut().enable();
            if self.links().is_empty() {
                return;
            }
            ended.await;
        }
    }

    /// Signals the handlers, then the links, to stop.
    pub(crate) fn begin_drain(&self) {
        self.stopping.raise();
        self.tell_all(|| Command::Drain);
    }

    /// Drains all links. Returns whether everything was answered before the deadline.
    pub(crate) async fn drain(&self, deadline: Duration) -> bool {
        self.begin_drain();
        let done = within(deadline, self.idle()).await.is_some();
        if !done {
            self.closing.store(true, Ordering::SeqCst);
            self.tell_all(|| Command::Close);
            // Promise 8 bounds the time that closing a link takes.
            self.idle().await;
        }
        done
    }

    /// The commands that wait, on all links.
    #[cfg(test)]
    pub(crate) fn waiting_commands(&self) -> usize {
        self.links().values().map(|link| link.commands.len()).sum()
    }

    /// The number of open links.
    pub(crate) fn open(&self) -> usize {
        self.links().len()
    }

    pub(crate) fn new(
        config: Arc<ServerConfig>,
        limits: ServerLimits,
        handler: Arc<dyn Handler>,
    ) -> ServerShared {
        ServerShared {
            budgets: Budgets::new(&config, &limits),
            progress: Lock::default(),
            config,
            handler,
            limits,
            stopping: Arc::default(),
            closing: AtomicBool::new(false),
            links: Lock::default(),
            next_link: AtomicU64::new(0),
            link_ended: Notify::new(),
        }
    }
}
