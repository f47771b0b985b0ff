//! The sessions of a server by id.
//!
//! The request that opens a session inserts it. The guard in the task of its link removes it, however it ended. Other code
//! only closes sessions. The lock is never held across an await.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, MutexGuard, Weak};
use std::time::Duration;

use futures::FutureExt;
use mcp_core::transport::Owner;
use tokio::time::Instant;

use super::counters::CounterGuard;
use super::id::SessionId;
use super::session::{Session, SessionContext, SessionKind};
use crate::lock::Lock;

/// The longest and the shortest interval at which sessions are checked.
const LOOK: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(1));

/// Time limits of sessions.
#[derive(Clone, Copy, Debug)]
pub(super) struct SessionTimeouts {
    /// The session is silent.
    pub(super) idle: Duration,
    /// The same until it is used.
    pub(super) unused: Duration,
    /// A stream is not read.
    pub(super) write: Duration,
}

/// All sessions that clients can use.
pub(super) struct Table {
    sessions: Lock<Sessions>,
    timeouts: SessionTimeouts,
}

#[derive(Default)]
struct Sessions {
    by_id: HashMap<SessionId, Arc<Session>>,
    /// A task checks their time limits.
    watched: bool,
}

/// Removes a session from the table when the task of its link ends.
pub(super) struct Registered {
    pub(super) table: Arc<Table>,
    pub(super) session: Arc<Session>,
    pub(super) _counted: CounterGuard,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.table.remove(&self.session.id);
    }
}

impl Table {
    pub(super) fn new(timeouts: SessionTimeouts) -> Table {
        Table { sessions: Lock::default(), timeouts }
    }

    fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock()
    }

    pub(super) fn len(&self) -> usize {
        self.lock().by_id.len()
    }

    /// Adds a session. Needs a runtime: the first session starts the task that checks time limits.
    pub(super) fn insert(self: &Arc<Self>, session: &Arc<Session>) {
        let watched = {
            let mut sessions = self.lock();
            sessions.by_id.insert(session.id.clone(), session.clone());
            std::mem::replace(&mut sessions.watched, true)
        };
        // Its link may have ended before, when its guard found nothing to remove.
        if session.is_over() {
            self.remove(&session.id);
        }
        if !watched {
            tokio::spawn(watch(Arc::downgrade(self), self.timeouts, session.context.clone()));
        }
    }

    // Ledger SESS-S-010.
    /// The session with this id, if the caller owns it. Ends it if it was idle for too long.
    pub(super) fn find(&self, id: &str, kind: SessionKind, owner: Option<&Owner>) -> Option<Arc<Session>> {
        let session = self.lock().by_id.get(id)?.clone();
        if session.kind != kind || !session.belongs_to(owner) {
            return None;
        }
        if session.is_idle(Instant::now(), self.timeouts) {
            session.context.counters.expired();
            self.end(&session);
        }
        (!session.is_over()).then_some(session)
    }

    /// Ends a session and removes it.
    pub(super) fn end(&self, session: &Session) {
        session.close();
        self.remove(&session.id);
    }

    // FAULT F-S6.
    /// Ends the session that is idle for longest, of this owner if one is given. `false` if none is idle.
    pub(super) fn end_idlest(&self, of: Option<&Owner>) -> bool {
        let all = self.all();
        // One that is over has given its place back already.
        let open = all.iter().filter(|session| !session.is_over());
        let of_owner = open.filter(|session| of.is_none_or(|owner| session.key.owner == *owner));
        let idle = of_owner.filter_map(|session| session.idle_since().map(|since| (since, session)));
        let Some((_, session)) = idle.min_by_key(|(since, _)| *since) else { return false };
        tracing::debug!("the session that is idle for longest is ended: there are too many");
        session.context.counters.evicted();
        self.end(session);
        true
    }

    fn remove(&self, id: &SessionId) {
        // Dropped after the lock is released.
        let _session = {
            let mut sessions = self.lock();
            let removed = sessions.by_id.remove(id);
            if sessions.by_id.len() * 4 < sessions.by_id.capacity() {
                let most = sessions.by_id.len() * 2;
                sessions.by_id.shrink_to(most);
            }
            removed
        };
    }

    pub(super) fn all(&self) -> Vec<Arc<Session>> {
        self.lock().by_id.values().cloned().collect()
    }

    /// Whether no session is left. If so, the next session starts a new task.
    fn rest(&self) -> bool {
        let mut sessions = self.lock();
        sessions.watched = !sessions.by_id.is_empty();
        !sessions.watched
    }
}

/// Ends unused sessions and streams that are not read, while there are sessions. One timer for all.
async fn watch(table: Weak<Table>, timeouts: SessionTimeouts, context: Arc<SessionContext>) {
    let every = (timeouts.idle.min(timeouts.unused).min(timeouts.write) / 4).clamp(LOOK.1, LOOK.0);
    loop {
        tokio::time::sleep(every).await;
        let Some(table) = table.upgrade() else { return };
        let now = Instant::now();
        for session in table.all() {
            if session.is_idle(now, timeouts) {
                tracing::debug!("an idle session is ended");
                context.counters.expired();
                table.end(&session);
            } else if let Some(before) = now.checked_sub(timeouts.write) {
                session.cut_stalled(before);
            }
        }
        if let Some(store) = &context.store {
            // Sessions must expire even if the store panics.
            if AssertUnwindSafe(store.sweep()).catch_unwind().await.is_err() {
                tracing::error!("the event store panicked");
            }
        }
        if table.rest() {
            return;
        }
    }
}
