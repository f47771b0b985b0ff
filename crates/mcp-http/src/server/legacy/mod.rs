//! The legacy era over HTTP: sessions, their streams, and the two endpoints of 2024-11-05.
//!
//! ```text
//! POST ─┐                      ┌─ inbox ──────────▶ recv ┐
//! GET  ─┼─▶ table ─▶ session ──┤                         ├─ one link, one task: `Accept::accept`
//! DELETE┘                      └─ exchanges, streams ◀─ send ┘
//!                                     │        └─▶ event store
//!                                     └─▶ queue ─▶ body of an answer
//! ```
//!
//! A session is independent of connections: `initialize` creates it, and it ends by DELETE, when it is idle, with its
//! link or with the server. An exchange outlives its connection, and GET resumes a stream whose events are kept.

// Ledger HTTP-S-011.

mod connect;
mod control;
mod counters;
mod delete;
mod get;
mod hooks;
mod http_sse;
mod id;
mod lane;
mod link;
mod open;
mod post;
mod queue;
mod route;
mod send;
mod session;
mod sessionless;
mod standalone;
mod store;
mod stream;
mod table;

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper::header::RETRY_AFTER;
use hyper::{HeaderMap, StatusCode};
use mcp_core::message::{ErrorObject, ProtocolVersion};
use mcp_core::transport::{Accept, Owner};

use super::budgets::Budgets;
use super::caller::Caller;
use super::checks::{self, Label};
use super::respond::{self, Reply};
use super::{HttpServerConfig, SessionConfig};
use crate::headers::SESSION_ID;
use crate::lock::Lock;
use counters::Counters;
use session::{Session, SessionContext, SessionKind};
use table::{SessionTimeouts, Table};

pub use control::{CloseStreamError, StreamControl};
pub use counters::{SessionCounters, SessionTotals};
pub use hooks::{SessionEvents, SessionInfo};
pub use store::{EventId, EventStore, MemoryEventStore, StoreError, StoreLimits};

/// Seconds after which a client may retry when all sessions are in use.
const RETRY_AFTER_SECONDS: &str = "10";

/// All sessions of a server.
pub(crate) struct Legacy {
    accept: Arc<dyn Accept>,
    context: Arc<SessionContext>,
    table: Arc<Table>,
    most: usize,
    budgets: Arc<Budgets>,
    /// Held by the request that takes the permit of a session.
    opening: Lock<()>,
    /// The path that HTTP+SSE clients learn for their POSTs.
    messages_path: String,
    /// The prefix that a trusted proxy names goes in front of it.
    prefixed: bool,
    /// Clients get sessions.
    has_sessions: bool,
    events: Option<Arc<dyn SessionEvents>>,
    draining: AtomicBool,
    /// All callers have the one token of this server, so they count as one.
    has_token: bool,
    /// The warning about sessions without an owner was logged.
    warned: AtomicBool,
}

impl Legacy {
    pub(crate) fn new(accept: Arc<dyn Accept>, config: &HttpServerConfig, budgets: Arc<Budgets>) -> Legacy {
        let context = SessionContext {
            counters: Arc::new(Counters::default()),
            store: config.event_store.clone(),
            keep_alive: config.timeouts.keep_alive,
            queue: config.limits.stream_queue,
            retry: config.sessions.retry,
            budgets: budgets.clone(),
            cancel_on_disconnect: config.sessions.cancel_on_disconnect,
        };
        let SessionConfig { idle, unused, .. } = config.sessions;
        let timeouts = SessionTimeouts { idle, unused, write: config.timeouts.write };
        Legacy {
            accept,
            context: Arc::new(context),
            table: Arc::new(Table::new(timeouts)),
            most: config.sessions.max,
            budgets,
            opening: Lock::default(),
            messages_path: config.public_messages_path.as_ref().unwrap_or(&config.messages_path).clone(),
            prefixed: config.forwarded_prefix,
            has_sessions: config.sessions.enabled,
            events: config.sessions.events.clone(),
            draining: AtomicBool::new(false),
            has_token: config.bearer.is_some(),
            warned: AtomicBool::new(false),
        }
    }

    /// Starts draining: no new sessions. Sessions without a request in flight end now, the others when the application ends
    /// them, or by [`Legacy::close`].
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
        for session in self.table.all() {
            // Only the application knows what is in flight on the one stream of HTTP+SSE.
            if session.kind == SessionKind::StreamableHttp && !session.is_busy() {
                self.table.end(&session);
            }
        }
    }

    /// Ends all sessions now.
    pub(crate) fn close(&self) {
        self.draining.store(true, Ordering::SeqCst);
        for session in self.table.all() {
            self.table.end(&session);
        }
    }

    /// Ends the sessions of an owner. Returns how many there were.
    pub(crate) fn end_sessions(&self, owner: &Owner) -> usize {
        let sessions = self.table.all();
        let own = sessions.iter().filter(|session| session.belongs_to(Some(owner)));
        own.inspect(|session| self.table.end(session)).count()
    }

    /// Counts of what is open.
    pub(crate) fn counters(&self) -> SessionCounters {
        self.context.counters.snapshot(self.table.len())
    }

    /// What has become of the sessions since the start.
    pub(crate) fn totals(&self) -> SessionTotals {
        self.context.counters.totals()
    }

    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// The session that a request names. Checks in the order of ledger 2.6 what all requests but `initialize` need: an id
    /// (400), of a session of this caller (404), and a version that is served (400).
    fn session_of(&self, caller: &Caller) -> Result<Arc<Session>, Reply> {
        let Some(id) = caller.headers().get(SESSION_ID) else {
            return Err(refuse(
                StatusCode::BAD_REQUEST,
                "Mcp-Session-Id is missing; open a session with `initialize`",
            ));
        };
        let found = id
            .to_str()
            .ok()
            .and_then(|id| self.table.find(id, SessionKind::StreamableHttp, caller.owner.as_ref()));
        let session = found.ok_or_else(session_not_found)?;
        self.check_version(caller.headers())?;
        Ok(session)
    }

    // Ledger T-20, HTTP-S-017, HTTP-S-018.
    /// The negotiated version governs a session. The header may be missing, or name any version that is served.
    fn check_version(&self, headers: &HeaderMap) -> Result<(), Reply> {
        let label = match checks::version_label(headers) {
            Label::Absent => return Ok(()),
            Label::Many => {
                let why = "more than one Mcp-Protocol-Version header, and they differ";
                return Err(refuse(StatusCode::BAD_REQUEST, why));
            }
            Label::One(label) => label,
        };
        let asked = String::from_utf8_lossy(label);
        let served = self.accept.versions();
        if ProtocolVersion::parse(&asked)
            .is_some_and(|version| version.is_legacy() && served.contains(&version))
        {
            return Ok(());
        }
        let error = ErrorObject::unsupported_version(served, &asked);
        Err(respond::error(StatusCode::BAD_REQUEST, &error, None))
    }
}

/// Sessions do not outlive the server.
impl Drop for Legacy {
    fn drop(&mut self) {
        self.close();
    }
}

// Ledger HTTP-S-003.
/// A refusal of the HTTP request.
fn refuse(status: StatusCode, why: &'static str) -> Reply {
    respond::error(status, &ErrorObject::invalid_request(why), None)
}

// Ledger SESS-S-007, SESS-S-010.
/// The same refusal for sessions that are unknown, have ended, or belong to another caller.
fn session_not_found() -> Reply {
    refuse(StatusCode::NOT_FOUND, "The session is unknown or has ended; open a new one with `initialize`")
}

// FAULT B: session exhaustion.
/// 503 with `Retry-After`.
fn unavailable(why: impl Into<Cow<'static, str>>) -> Reply {
    let seconds = hyper::header::HeaderValue::from_static(RETRY_AFTER_SECONDS);
    let error = ErrorObject::invalid_request(why);
    respond::error(StatusCode::SERVICE_UNAVAILABLE, &error, None).with_header(RETRY_AFTER, seconds)
}
