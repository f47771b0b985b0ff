//! What an application hears of the beginning and the end of legacy sessions.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use mcp_core::transport::Identity;

use crate::server::Peer;
use crate::server::caller::Caller;

/// Is notified of the beginning and the end of legacy sessions. Called in the tasks of the server: return soon, and do
/// not block.
pub trait SessionEvents: Send + Sync + 'static {
    /// A session has begun: its `initialize` was accepted, or its HTTP+SSE stream was opened.
    fn opened(&self, session: &SessionInfo) {
        let _unused = session;
    }

    /// A session has ended, for whatever reason. Its handlers have ended before.
    fn ended(&self, session: &SessionInfo) {
        let _unused = session;
    }
}

/// One legacy session, for [`SessionEvents`]. It does not have the session's id, which is a secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionInfo {
    /// Its number, unique in this process.
    pub number: u64,
    /// The caller who has opened it, if the server knows callers.
    pub identity: Option<Identity>,
    /// Where it was opened from.
    pub peer: Peer,
}

/// The number of the newest session.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// The notifications of one session: `ended` follows `opened`, once.
pub(super) struct Announced {
    /// Boxed, because most servers have no hook, and a server may have many sessions.
    hooked: Option<Box<Hooked>>,
    opened: AtomicBool,
}

struct Hooked {
    hook: Arc<dyn SessionEvents>,
    info: SessionInfo,
}

impl Announced {
    pub(super) fn new(hook: Option<Arc<dyn SessionEvents>>, caller: &Caller) -> Announced {
        let hooked = hook.map(|hook| {
            let info = SessionInfo {
                number: NUMBER.fetch_add(1, Ordering::Relaxed) + 1,
                identity: caller.envelope.get::<Identity>().cloned(),
                peer: caller.request.peer(),
            };
            Box::new(Hooked { hook, info })
        });
        Announced { hooked, opened: AtomicBool::new(false) }
    }

    pub(super) fn opened(&self) {
        if !self.opened.swap(true, Ordering::SeqCst) {
            self.call(|hook, info| hook.opened(info));
        }
    }

    pub(super) fn ended(&self) {
        if self.opened.swap(false, Ordering::SeqCst) {
            self.call(|hook, info| hook.ended(info));
        }
    }

    /// A panic in the hook concerns only the hook.
    fn call(&self, notify: impl FnOnce(&dyn SessionEvents, &SessionInfo)) {
        let Some(hooked) = &self.hooked else { return };
        if catch_unwind(AssertUnwindSafe(|| notify(&*hooked.hook, &hooked.info))).is_err() {
            tracing::error!("a session hook panicked");
        }
    }
}
