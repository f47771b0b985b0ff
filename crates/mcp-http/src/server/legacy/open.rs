//! Opens a session: by `initialize` without an id, or by the stream of 2024-11-05.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::FutureExt;
use hyper::StatusCode;
use mcp_core::message::Request;
use mcp_core::transport::Inbound;
use mcp_core::transport::budget::{BudgetKey, FullScope, Permit};

use super::counters::Resource;
use super::hooks::Announced;
use super::id::SessionId;
use super::lane::{Answer, Brought};
use super::link::Link;
use super::session::{Session, SessionKind};
use super::table::Registered;
use super::{Legacy, post, refuse, unavailable};
use crate::headers::SESSION_ID;
use crate::server::caller::Caller;
use crate::server::respond::{Formats, Reply};

/// Cleans up a session whose client hung up before it learned the id.
pub(super) struct Opening(Option<Arc<Session>>);

impl Opening {
    /// The client is about to learn the id.
    pub(super) fn done(mut self) {
        self.0 = None;
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        if let Some(session) = self.0.take() {
            session.close();
        }
    }
}

impl Legacy {
    // FAULT B: session fixation.
    /// Creates a session that is not in the table yet, and spawns the task of its link. The server chooses the id,
    /// never the client.
    pub(super) fn start(
        &self,
        kind: SessionKind,
        caller: &Caller,
        first: impl FnOnce(&Arc<Session>),
    ) -> Result<(Arc<Session>, Opening), Reply> {
        if self.is_draining() {
            return Err(unavailable("The server is stopping"));
        }
        let place = self.place(&caller.key)?;
        // Links of sessions that have ended may still be closing.
        let Some(counted) = self.context.counters.count_up_to(Resource::Link, self.most.saturating_mul(2))
        else {
            return Err(unavailable("Too many sessions are closing (sessions.max)"));
        };
        self.check_owner(caller);
        let id = SessionId::fresh().map_err(|error| {
            tracing::error!(%error, "no random bytes for a session id");
            refuse(StatusCode::INTERNAL_SERVER_ERROR, "The server cannot create a session id")
        })?;
        let announced = Announced::new(self.events.clone(), caller);
        let session = Arc::new(Session::new(id, kind, caller, place, self.context.clone(), announced));
        self.context.counters.opened();
        let opening = Opening(Some(session.clone()));
        first(&session);
        let registered =
            Registered { table: self.table.clone(), session: session.clone(), _counted: counted };
        let link = Box::new(Link::new(session.clone()));
        let accept = self.accept.clone();
        tokio::spawn(async move {
            if let Some(store) = registered.session.store() {
                let session = &registered.session;
                store.begin(session.id.as_str(), &session.key.owner).await;
            }
            let served = AssertUnwindSafe(accept.accept(link)).catch_unwind().await;
            if served.is_err() {
                tracing::error!("serving a session panicked");
            }
            registered.session.close();
            if let Some(store) = registered.session.store() {
                store.forget(registered.session.id.as_str()).await;
            }
            let ended = registered.session.clone();
            drop(registered);
            ended.announced.ended();
        });
        Ok((session, opening))
    }

    // FAULT F-S6.
    /// Takes one of the sessions that this caller may have. At the limit the session that is idle for longest ends: of this
    /// caller, or of all if the server is full.
    fn place(&self, key: &BudgetKey) -> Result<Permit, Reply> {
        // Sessions outlive connections, so that a connection has no share of them.
        let share = self.budgets.sessions.link(&key.owner);
        // One opener at a time, so that no other takes the place that was freed.
        let _turn = self.opening.lock();
        let full = match share.take(1, 0) {
            Ok(place) => return Ok(place),
            Err(full) => full,
        };
        let of = (full.scope != FullScope::Server).then_some(&key.owner);
        let freed = self.table.end_idlest(of);
        let place = if freed { share.take(1, 0) } else { Err(full) };
        place.map_err(|full| {
            self.context.counters.refused();
            unavailable(full.to_string())
        })
    }

    /// Warns once if this session can be used by every caller who knows its id, and the server around this service may know the caller.
    fn check_owner(&self, caller: &Caller) {
        let unowned = caller.request.is_mounted() && caller.owner.is_none() && !self.has_token;
        if unowned && !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "sessions of this mounted service have no owner: put an `Identity` into the extensions of requests, or set `authenticate`"
            );
        }
    }

    /// `initialize`. A result carries the id of the new session; an error ends the session.
    pub(super) async fn initialize(&self, caller: &Caller, request: Request, formats: Formats) -> Reply {
        let mut answer = None;
        let envelope = caller.envelope.clone();
        let started = self.start(SessionKind::StreamableHttp, caller, |session| {
            let lane = session.mint();
            let (exchange, to_come) = session.exchange(Brought::Opening, vec![request.id.clone()], formats);
            let inbound = Inbound::message(request, lane).with_envelope(envelope);
            if session.ask_first(lane, inbound, exchange).is_ok() {
                answer = Some(to_come);
            }
        });
        let (session, opening) = match started {
            Ok(started) => started,
            Err(refusal) => return refusal,
        };
        let answer = match answer {
            Some(answer) => answer.await.unwrap_or(Answer::Failed),
            None => Answer::Failed,
        };
        let accepted =
            matches!(answer, Answer::Body { accepted: true, .. } | Answer::Stream { accepted: true, .. });
        if !accepted && !matches!(answer, Answer::Stream { .. }) {
            session.close();
        }
        let mut response = post::respond_with(&session, answer);
        if !self.has_sessions {
            session.close();
        } else if accepted && let Some(id) = session.id.to_header() {
            response = response.with_header(SESSION_ID, id);
            self.table.insert(&session);
            session.announced.opened();
        }
        // A stream with an error ends its session after it.
        opening.done();
        response
    }
}
