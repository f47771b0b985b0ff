//! The state that all links of a server share, and its shutdown.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use tokio::sync::Notify;

use crate::error::CloseReason;
use crate::lock::Lock;
use crate::runtime::signal::Signal;
use crate::runtime::{boxed, now, within};
use crate::session::Change;
use crate::session::server::{ServerConfig, ServerSession};
use crate::transport::{Binding, Owner, Transport};
use rustc_hash::FxHashMap;

use super::at_once::{Entered, Polled, Start, answer, poll_once, wait};
use super::command::Command;
use super::limits::{Budgets, ServerLimits};
use super::rest::{Halves, Kept, run};
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
    /// The exchanges that need no driver so far. They are not on the list of links.
    pub(super) undriven: AtomicUsize,
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

/// A link on the server's list, until it ends or is dropped.
pub(super) struct Registered {
    pub(super) server: Arc<ServerShared>,
    pub(super) shared: Arc<LinkShared>,
    pub(super) kept: Kept,
}

impl Drop for Registered {
    fn drop(&mut self) {
        if let Some(closed) = &self.kept.opened {
            closed.raise();
        }
        if let Some(notices) = &self.kept.notices {
            notices.close();
        }
        // Commands hold permits, which hold the link: dropping them breaks the reference cycle.
        self.shared.commands.abandon();
        self.server.links().remove(&self.shared.number);
        self.server.link_has_ended();
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

    /// Wakes a drain. Called after a link was removed.
    pub(super) fn link_has_ended(&self) {
        // Only a drain waits, and it stops the server first.
        if self.is_stopping() {
            self.link_ended.notify_waiters();
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.is_raised()
    }

    /// The session of a new link.
    pub(super) fn session(&self, binding: Binding) -> ServerSession {
        let mut session = ServerSession::new(now(), self.config.clone(), binding);
        session.set_max_waiting(self.limits.waiting);
        session.set_subscription_budget(self.budgets.subscriptions.clone());
        session
    }

    /// The state of a new link.
    pub(super) fn link(&self) -> Arc<LinkShared> {
        let number = self.next_link.fetch_add(1, Ordering::Relaxed);
        Arc::new(LinkShared::new(number, self.stopping.clone(), &self.limits))
    }

    /// Serves a link to its end. The future of a link that may wait for long has no space for what one exchange needs.
    pub(crate) fn serve<T: 'static>(
        self: Arc<Self>,
        link: Box<dyn Transport>,
        end: fn(CloseReason) -> T,
    ) -> BoxFuture<'static, T> {
        if link.binding().one_exchange {
            return boxed(|| async move { end(self.serve_exchange(link).await) });
        }
        boxed(|| async move {
            let binding = link.binding();
            let halves = Halves::of(link);
            let start = Box::new(Start::new(self.session(binding)));
            end(self.drive(start, None, binding, halves).await)
        })
    }

    /// Serves a link of one exchange to its end.
    async fn serve_exchange(self: &Arc<Self>, link: Box<dyn Transport>) -> CloseReason {
        let binding = link.binding();
        let mut halves = Halves::of(link);
        let Some(entered) = Entered::new(self) else {
            let start = Box::new(Start::new(self.session(binding)));
            return boxed(|| self.drive(start, None, binding, halves)).await;
        };
        let polled = poll_fn(|cx| Poll::Ready(poll_once(self, binding, &mut *halves.receiver, cx))).await;
        let polled = match polled {
            // Boxed, so that handlers which answer at once do not pay for its size.
            Polled::Unfinished(start) if start.inline.is_some() => {
                boxed(|| wait(self, start, &mut *halves.receiver)).await
            }
            polled => polled,
        };
        match polled {
            Polled::Answered(out, unread) => {
                let reason = answer(self, out, &mut *halves.sender, &mut *halves.receiver).await;
                drop((unread, entered));
                reason
            }
            // Boxed, so that exchanges without a driver do not pay for its size.
            Polled::Unfinished(start) => boxed(|| self.drive(start, Some(entered), binding, halves)).await,
        }
    }

    /// Drives a link. Puts it on the list of links before it returns.
    fn drive(
        self: &Arc<Self>,
        start: Box<Start>,
        entered: Option<Entered<'_>>,
        binding: Binding,
        halves: Halves,
    ) -> impl Future<Output = CloseReason> + use<> {
        let shared = start.shared.clone().unwrap_or_else(|| self.link());
        self.links().insert(shared.number, shared.clone());
        // Counted as a link from here on.
        drop(entered);
        // Checked after the insert: either the drain sees the link on the list, or the drain is seen here.
        if self.closing.load(Ordering::SeqCst) {
            shared.command(Command::Close);
        } else if self.is_stopping() {
            shared.command(Command::Drain);
        }
        let kept = Kept::new(&self.limits);
        run(Registered { server: self.clone(), shared, kept }, start, binding, halves)
    }

    /// Waits until no link is left.
    async fn idle(&self) {
        loop {
            let mut ended = std::pin::pin!(self.link_ended.notified());
            ended.as_mut().enable();
            if self.open() == 0 {
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
        self.links().len() + self.undriven.load(Ordering::SeqCst)
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
            undriven: AtomicUsize::new(0),
            link_ended: Notify::new(),
        }
    }
}
