//! Sending the application's calls and notifications, and ending calls.

use std::sync::Arc;
use std::time::Instant;

use tracing::debug;

use crate::error::Error;
use crate::message::{Field, Method, Notification, Payload, RawJson, Request, code, method};
use crate::session::{CallId, LogLevel};
use crate::transport::EndReason;

use super::calls::{Call, CallStage, Clock};
use super::config::CallOptions;
use super::inflight::{Purpose, wire_id};
use super::input_modern::Round;
use super::legacy;
use super::link::{Era, Phase, Queued};
use super::modern::{self, Extras};
use super::timers::TimerKey;
use super::{ClientEvent, ClientSession};

/// Sent by the session alone; refused by `call` and `notify`.
// CANC-C-002, T-13.
const RESERVED: [&str; 4] =
    ["initialize", "subscriptions/listen", "notifications/initialized", "notifications/cancelled"];

/// The most notifications that wait for the era. Calls are bounded by the driver's permits.
const MAX_WAITING_NOTIFICATIONS: usize = 1024;

impl<T: Clone> ClientSession<T> {
    /// A call with params that may have been received, and so are not searched again.
    pub(crate) fn new_call(
        &mut self,
        now: Instant,
        issued: Instant,
        method: Method,
        params: Option<Payload>,
        mut options: Arc<CallOptions>,
        tag: T,
    ) -> CallId {
        let id = self.calls.mint();
        if let Err(error) = self.accept(&method, params.as_ref().map(Payload::raw), &options) {
            self.event(ClientEvent::CallDone { call: id, tag, outcome: Err(error) });
            return id;
        }
        let clock = Clock::new(&self.config, &options, issued);
        if let Some((what, after)) = clock.expired(now) {
            self.event(ClientEvent::CallDone { call: id, tag, outcome: Err(Error::timed_out(what, after)) });
            return id;
        }
        let asks_for_progress = options.reset_on_progress
            || params.as_ref().is_some_and(|params| {
                params.may_have_meta() && params.field(Field::MetaProgressToken).is_some()
            });
        if asks_for_progress && !options.progress {
            Arc::make_mut(&mut options).progress = true;
        }
        let call = Call {
            method,
            params,
            options,
            tag,
            clock,
            stage: CallStage::Queued,
            rounds: 0,
            idle_rounds: 0,
            resent: false,
        };
        self.calls.insert(id, call);
        self.timers.set(TimerKey::Call(id), clock.deadline());
        if self.is_ready() {
            self.send_call(now, id, None);
        } else {
            self.queue.push_back(Queued::Call(id));
            self.dial_if_needed(now);
        }
        id
    }

    /// Checks that do not depend on the era.
    fn accept(&self, method: &Method, params: Option<&RawJson>, options: &CallOptions) -> Result<(), Error> {
        if let Phase::Over(reason) = &self.phase {
            return Err(Error::Closed(reason.clone()));
        }
        if RESERVED.contains(&method.as_str()) || method.as_str().starts_with("notifications/") {
            return Err(Error::Misuse(format!("{method} cannot be called")));
        }
        let facts = options.client.as_ref();
        let capabilities = facts.map(|client| &client.capabilities);
        let info = facts.and_then(|client| client.info.as_ref());
        for object in [params, options.meta.as_ref(), capabilities, info].into_iter().flatten() {
            if !object.is_object() {
                return Err(Error::Misuse(format!(
                    "params, _meta and the facts of a client are objects, not {}",
                    object.kind_name()
                )));
            }
        }
        Ok(())
    }

    /// Sends a call: for the first time, or with the answers of a round of input.
    pub(super) fn send_call(&mut self, now: Instant, id: CallId, round: Option<Round>) {
        let number = self.inflight.mint();
        let Phase::Open(link) = &self.phase else { return };
        let Some(call) = self.calls.get_mut(id) else { return };
        let allowed = match &link.era {
            Era::Opening(_) => return,
            Era::Legacy(legacy) => legacy::may_call(call.method.as_str(), &legacy.features),
            Era::Modern(_) if modern::may_call(call.method.as_str()) => Ok(()),
            Era::Modern(_) => Err("2026-07-28 does not have it"),
        };
        if let Err(why) = allowed {
            let error = Error::Misuse(format!("{}: {why}", call.method));
            return self.finish(id, Err(error));
        }
        if call.method == "logging/setLevel" {
            let level = call.params.as_ref().and_then(|params| params.raw().member("level")?.to_text());
            self.level = level.and_then(|level| LogLevel::parse(&level)).or(self.level);
        }
        let token = call.options.progress.then_some(number);
        let params = match &link.era {
            Era::Modern(modern) => {
                let members = round.as_ref().map(Round::members).unwrap_or_default();
                let members: Vec<(&str, &RawJson)> =
                    members.iter().map(|(key, value)| (*key, value)).collect();
                let extras = Extras {
                    token,
                    log_level: call.options.log_level,
                    meta: call.options.meta.as_ref(),
                    client: call.options.client.as_ref(),
                    members: &members,
                };
                let bare = round.is_some().then(|| Round::bare(call.params.as_ref())).flatten();
                let params = if round.is_some() { bare.as_ref() } else { call.params.as_ref() };
                Some(modern.request_meta.params_for(modern.negotiated.version, params, &extras))
            }
            _ => legacy::params(call.params.clone(), token, call.options.meta.as_ref()),
        };
        let purpose = Purpose::Call(id);
        let request = Request { id: wire_id(number, &purpose), method: call.method.clone(), params };
        let envelope = call.options.envelope.clone();
        call.stage = CallStage::Sent(number);
        if round.is_some() || call.resent {
            call.clock.restart_idle(now);
        }
        self.inflight.insert(number, purpose);
        self.transmit(number, request.into(), envelope);
    }

    /// Sends everything that waited for the era.
    pub(super) fn flush_queue(&mut self, now: Instant) {
        while self.is_ready()
            && let Some(next) = self.queue.pop_front()
        {
            match next {
                Queued::Call(call) => self.send_call(now, call, None),
                Queued::Notification(method, params) => self.send_notification(method, params),
            }
        }
    }

    pub(super) fn new_notification(&mut self, _now: Instant, method: Method, params: Option<RawJson>) {
        let legal = !RESERVED.contains(&method.as_str()) && params.as_ref().is_none_or(RawJson::is_object);
        match &self.phase {
            _ if !legal => debug!(%method, "not a notification of the application's; dropped"),
            Phase::Open(link) if link.is_ready() => self.send_notification(method, params),
            Phase::Open(_) | Phase::Dialing => self.queue_notification(method, params),
            Phase::Idle | Phase::Over(_) => debug!(%method, "no link; the notification is dropped"),
        }
    }

    /// Keeps a notification until the era is known. Beyond the bound the oldest is dropped and counted.
    fn queue_notification(&mut self, method: Method, params: Option<RawJson>) {
        let is_notification = |queued: &Queued| matches!(queued, Queued::Notification(..));
        if self.queue.iter().filter(|queued| is_notification(queued)).count() >= MAX_WAITING_NOTIFICATIONS
            && let Some(oldest) = self.queue.iter().position(is_notification)
        {
            self.queue.remove(oldest);
            self.stats.dropped_waiting += 1;
            debug!("too many notifications wait for a link; the oldest was dropped");
        }
        self.queue.push_back(Queued::Notification(method, params));
    }

    fn send_notification(&mut self, method: Method, params: Option<RawJson>) {
        let modern = self.modern().is_some();
        let row = method::find(method.as_str());
        if row.is_some_and(|row| !(if modern { row.modern } else { row.legacy }).client()) {
            debug!(%method, "the era does not have this notification; dropped");
            return;
        }
        self.transmit_fresh(Notification::new(method, params));
    }

    /// The outcome of a call's request.
    pub(super) fn call_answered(&mut self, now: Instant, id: CallId, outcome: Result<Payload, Error>) {
        if self.modern().is_none() {
            return self.finish(id, outcome);
        }
        match outcome {
            Ok(result) => self.modern_result(now, id, result),
            Err(error) if self.may_retry_version(id, &error) => {
                if let Some(call) = self.calls.get_mut(id) {
                    call.resent = true;
                }
                self.send_call(now, id, None);
            }
            Err(error) => self.finish(id, Err(error)),
        }
    }

    /// `-32022` for the negotiated version: one retry if the peer lists that version. The request was not executed.
    // DISC-C-005.
    fn may_retry_version(&self, id: CallId, error: &Error) -> bool {
        let refusal = error.rpc().filter(|error| error.code == code::UNSUPPORTED_VERSION);
        let theirs = refusal.and_then(super::probe::listed_by);
        let ours = self.modern().map(|modern| modern.negotiated.version.as_str());
        let first = self.calls.get(id).is_some_and(|call| !call.resent && call.rounds == 0);
        first && theirs.zip(ours).is_some_and(|(theirs, ours)| theirs.iter().any(|label| label == ours))
    }

    /// Ends a call. Only this method reports `CallDone` for a call that was accepted.
    pub(super) fn finish(&mut self, id: CallId, outcome: Result<Payload, Error>) {
        let Some(call) = self.calls.take(id) else { return };
        self.timers.clear(TimerKey::Call(id));
        match call.stage {
            CallStage::Sent(number) => {
                self.inflight.take(number);
            }
            CallStage::Queued => {
                self.queue.retain(|queued| !matches!(queued, Queued::Call(call) if *call == id))
            }
            CallStage::Asking(_) => self.cancel_inputs_of(id),
            CallStage::Resting(_) => self.timers.clear(TimerKey::Rest(id)),
        }
        self.event(ClientEvent::CallDone { call: id, tag: call.tag, outcome });
    }

    /// Gives a call up, and notifies the peer if it was sent.
    fn give_up(&mut self, id: CallId, why: EndReason, error: Error) {
        let Some(call) = self.calls.get(id) else { return };
        if let CallStage::Sent(number) = call.stage {
            self.inflight.take(number);
            self.abandon(number, &Purpose::Call(id), why);
        }
        self.finish(id, Err(error));
    }

    pub(super) fn cancel_call(&mut self, _now: Instant, id: CallId) {
        self.give_up(id, EndReason::Cancelled, Error::Cancelled);
    }

    /// A call's timer has fired. Its deadline may have moved since the timer was set.
    pub(super) fn call_expired(&mut self, now: Instant, id: CallId) {
        let Some(call) = self.calls.get(id) else { return };
        match call.clock.expired(now) {
            Some((what, after)) => self.give_up(id, EndReason::TimedOut, Error::timed_out(what, after)),
            None => self.timers.set(TimerKey::Call(id), call.clock.deadline()),
        }
    }

    /// Stops the clocks of a call for which input is awaited.
    pub(super) fn pause_call(&mut self, now: Instant, id: CallId) {
        if let Some(call) = self.calls.get_mut(id) {
            call.clock.pause(now);
        }
    }

    /// Input for a call has been settled.
    pub(super) fn resume_call(&mut self, now: Instant, id: CallId) {
        if let Some(call) = self.calls.get_mut(id)
            && call.clock.resume(now)
        {
            let deadline = call.clock.deadline();
            self.timers.set(TimerKey::Call(id), deadline);
        }
    }
}
