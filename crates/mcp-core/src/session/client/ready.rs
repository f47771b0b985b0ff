//! The end of the opening: the era is known, and the application may use the link.

use std::time::Instant;

use crate::error::Error;
use crate::message::{Notification, RawJson};
use crate::transport::{Envelope, Loss};

use super::config::KnownEra;
use super::event::Negotiated;
use super::inflight::Purpose;
use super::legacy::{Legacy, ServerFeatures, may_call};
use super::link::Era;
use super::modern::{Modern, RequestMeta};
use super::opening::Opening;
use super::subscribe::Uris;
use super::timers::TimerKey;
use super::{ClientEvent, ClientSession};

impl<T: Clone> ClientSession<T> {
    /// `initialize` was answered: sends `notifications/initialized`, and waits until it is delivered if the binding
    /// does not keep order (promise 7).
    // LIFE-C-004.
    pub(super) fn become_legacy(&mut self, now: Instant, negotiated: Negotiated) {
        let features = ServerFeatures::read(&negotiated.capabilities);
        let lane = self.inflight.mint();
        let Some(link) = self.link_mut() else { return };
        let hold = (!link.binding.ordered).then_some(lane);
        let old = std::mem::replace(
            &mut link.era,
            Era::Legacy(Legacy { negotiated, features, hold, uris: Uris::default(), failed_pings: 0 }),
        );
        if let Era::Opening(Opening { stale: Some(loss), .. }) = old {
            self.fail_leftovers(&loss);
        }
        self.forget_probes();
        self.transmit(lane, Notification::new("notifications/initialized", None).into(), Envelope::default());
        if hold.is_none() {
            self.ready(now);
        }
    }

    pub(super) fn become_modern(&mut self, now: Instant, negotiated: Negotiated) {
        let request_meta = RequestMeta::new(&self.config, negotiated.version);
        let Some(link) = self.link_mut() else { return };
        let old = std::mem::replace(&mut link.era, Era::Modern(Modern { negotiated, request_meta }));
        if let Era::Opening(Opening { stale: Some(loss), .. }) = old {
            self.fail_leftovers(&loss);
        }
        self.forget_probes();
        self.ready(now);
    }

    /// Removes the requests of the opening. Their answers are counted as late.
    fn forget_probes(&mut self) {
        self.inflight.drain(|purpose| matches!(purpose, Purpose::Probe | Purpose::Initialize));
    }

    /// Fails the calls of the previous session on this link.
    fn fail_leftovers(&mut self, loss: &Loss) {
        for (_, purpose) in self.inflight.drain(|purpose| matches!(purpose, Purpose::Call(_))) {
            if let Purpose::Call(call) = purpose {
                self.finish(call, Err(Error::Lost(loss.clone())));
            }
        }
    }

    /// The application's messages may be sent from now on.
    pub(super) fn ready(&mut self, now: Instant) {
        self.timers.clear(TimerKey::Start);
        self.timers.clear(TimerKey::Probe);
        self.tries.first_close = None;
        self.tries.ever_ready = true;
        let Some(link) = self.link_mut() else { return };
        link.ready = Some(now);
        let Some(negotiated) = link.negotiated().cloned() else { return };
        self.known_era = Some(KnownEra { version: negotiated.version });
        self.event(ClientEvent::Ready(negotiated));
        self.start_keep_alive(now);
        self.set_level_again(now);
        self.start_listens(now);
        self.flush_queue(now);
    }

    /// A legacy server that took the place of another one does not know the log level.
    fn set_level_again(&mut self, now: Instant) {
        let Some(level) = self.level else { return };
        let set = "logging/setLevel";
        if self.legacy().is_some_and(|legacy| may_call(set, &legacy.features).is_ok()) {
            let params = RawJson::object([("level", RawJson::string(level.as_str()))]);
            self.request(now, set, Some(params), Purpose::Unheeded, Some(self.config.call_timeout));
        }
    }
}
