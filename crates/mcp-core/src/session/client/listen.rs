//! Subscriptions in both eras, and `subscriptions/listen` (ledger 3.19).

use std::time::Instant;

use tracing::debug;

use crate::error::Error;
use crate::message::{Field, Notification, Payload, RawJson, RequestId};
use crate::session::{Change, ListenId, SubscriptionFilter};
use crate::transport::{EndReason, Lane, LossKind};

use super::config::Reconnect;
use super::inflight::Purpose;
use super::link::Phase;
use super::modern;
use super::notifications::change_of;
use super::timers::TimerKey;
use super::{ClientEvent, ClientSession};

/// One subscription. It outlives links.
#[derive(Debug)]
pub(super) struct ListenEntry {
    pub(super) filter: SubscriptionFilter,
    pub(super) state: ListenState,
    /// It was active before, so the next start has a gap.
    pub(super) before: bool,
    /// The number of consecutive requests that were cut before they delivered a change.
    failed: u32,
    /// When it was last requested.
    asked: Option<Instant>,
}

/// The state of a subscription.
#[derive(Debug)]
pub(super) enum ListenState {
    /// Not requested on this link.
    Waiting,
    /// Requested under this number, not acknowledged yet (2026-07-28).
    Asked(u64),
    /// Some `resources/subscribe` requests are not answered yet (legacy).
    Subscribing { pending: usize, honoured: SubscriptionFilter },
    /// Active.
    Active(Active),
}

#[derive(Debug)]
pub(super) struct Active {
    /// The open request (2026-07-28).
    number: Option<u64>,
    pub(super) honoured: SubscriptionFilter,
    /// It has delivered a change.
    delivered: bool,
}

impl Active {
    /// A legacy subscription, which has no open request.
    pub(super) fn without_request(honoured: SubscriptionFilter) -> Active {
        Active { number: None, honoured, delivered: false }
    }
}

impl ListenEntry {
    fn number(&self) -> Option<u64> {
        match &self.state {
            ListenState::Asked(number) => Some(*number),
            ListenState::Active(on) => on.number,
            ListenState::Waiting | ListenState::Subscribing { .. } => None,
        }
    }
}

impl<T: Clone> ClientSession<T> {
    pub(super) fn new_listen(&mut self, now: Instant, filter: SubscriptionFilter) -> ListenId {
        self.last_listen += 1;
        let listen = ListenId(self.last_listen);
        if let Phase::Over(reason) = &self.phase {
            let outcome = Err(Error::Closed(reason.clone()));
            self.event(ClientEvent::ListenEnded { listen, outcome });
            return listen;
        }
        let fresh =
            ListenEntry { filter, state: ListenState::Waiting, before: false, failed: 0, asked: None };
        self.listens.insert(listen, fresh);
        self.start_listen(now, listen);
        self.dial_if_needed(now);
        listen
    }

    pub(super) fn start_listens(&mut self, now: Instant) {
        let ids: Vec<ListenId> = self.listens.keys().copied().collect();
        for id in ids {
            self.start_listen(now, id);
        }
    }

    /// Requests a subscription, if it waits and a link is ready.
    pub(super) fn start_listen(&mut self, now: Instant, id: ListenId) {
        let waiting = |listen: &&mut ListenEntry| matches!(listen.state, ListenState::Waiting);
        if !self.is_ready() {
            return;
        }
        if self.legacy().is_some() {
            return self.subscribe(now, id);
        }
        let Some(listen) = self.listens.get_mut(&id).filter(waiting) else { return };
        let filter = RawJson::serialize(&listen.filter).unwrap_or_default();
        let params = RawJson::object([("notifications", filter)]);
        // No time limit: the request stays open as long as the subscription (T-45).
        let number = self.request(now, "subscriptions/listen", Some(params), Purpose::Listen(id), None);
        if let Some(listen) = self.listens.get_mut(&id) {
            listen.state = ListenState::Asked(number);
            listen.asked = Some(now);
        }
    }

    /// A subscription has become active.
    pub(super) fn listen_started(&mut self, id: ListenId, on: Active) {
        let Some(listen) = self.listens.get_mut(&id) else { return };
        let honoured = on.honoured.clone();
        listen.state = ListenState::Active(on);
        let gap = std::mem::replace(&mut listen.before, true);
        self.event(ClientEvent::ListenStarted { listen: id, honoured, gap });
    }

    /// A notification of a modern server other than progress and cancellations. The subscription is identified by the
    /// typed id of its request, and by the lane unless that is shared.
    // T-13, T-14.
    pub(super) fn on_modern_notification(&mut self, lane: Lane, notification: Notification) {
        let tag = notification.field(Field::MetaSubscriptionId).and_then(RequestId::parse);
        let tagged = tag.as_ref().and_then(|tag| self.inflight.by_id(tag)).map(|(number, _)| number);
        let laned = (!lane.is_shared()).then_some(lane.number());
        let ack = notification.method == "notifications/subscriptions/acknowledged";
        let found = laned.or(tagged).and_then(|number| match self.inflight.get(number) {
            Some(Purpose::Listen(listen)) => Some((number, *listen)),
            _ => None,
        });
        match found {
            Some((number, _)) if tag.is_some() && tagged != Some(number) => {
                self.drop_notification(&notification, "another subscription's id");
            }
            Some((number, listen)) if ack => self.listen_acknowledged(number, listen, &notification),
            Some((_, listen)) => self.deliver(listen, notification),
            None if tag.is_some() || ack => self.drop_notification(&notification, "no such subscription"),
            None => self.pass_on(lane, notification),
        }
    }

    fn listen_acknowledged(&mut self, number: u64, id: ListenId, notification: &Notification) {
        let said = notification.params.as_ref().and_then(|params| params.field_json(Field::Notifications));
        let said = said.and_then(|said| said.deserialize::<SubscriptionFilter>().ok()).unwrap_or_default();
        let Some(listen) = self.listens.get(&id) else { return };
        if !matches!(listen.state, ListenState::Asked(_)) {
            return self.drop_notification(notification, "acknowledged before");
        }
        // The server cannot honour more than was requested (ledger SUB-C-004).
        let asked = &listen.filter;
        let honoured = SubscriptionFilter {
            tools_list_changed: said.tools_list_changed && asked.tools_list_changed,
            prompts_list_changed: said.prompts_list_changed && asked.prompts_list_changed,
            resources_list_changed: said.resources_list_changed && asked.resources_list_changed,
            resource_subscriptions: said.resource_subscriptions,
        };
        self.listen_started(id, Active { number: Some(number), honoured, delivered: false });
    }

    /// A change for one subscription. Its URI may name a part of a subscribed resource.
    // SUB-S-014.
    fn deliver(&mut self, id: ListenId, notification: Notification) {
        let change = change_of(&notification);
        let Some(listen) = self.listens.get_mut(&id) else { return };
        let wanted = change.is_some_and(|change| match change {
            Change::Resource { .. } => !listen.filter.resource_subscriptions.is_empty(),
            other => listen.filter.wants(&other),
        });
        match &mut listen.state {
            ListenState::Active(on) if wanted => {
                on.delivered = true;
                self.event(ClientEvent::ListenNotification { listen: id, notification });
            }
            // The acknowledgement comes first (ledger SUB-S-002).
            ListenState::Active(_) => {
                self.drop_notification(&notification, "the subscription does not include it")
            }
            _ => self.drop_notification(&notification, "the subscription is not acknowledged"),
        }
    }

    /// The listen request has an outcome.
    pub(super) fn listen_answered(&mut self, now: Instant, id: ListenId, outcome: Result<Payload, Error>) {
        let outcome = match outcome {
            Ok(result) if modern::is_complete(&result) => Ok(()),
            Ok(_) => Err(Error::Violation("a subscription ends with a complete result".into())),
            Err(error) => Err(error),
        };
        let Err(error) = outcome else { return self.end_listen(id, Ok(())) };
        let limit = match self.config.reconnect {
            Reconnect::OnDemand { tries, .. } => tries,
            Reconnect::Never => 0,
        };
        let Some(listen) = self.listens.get_mut(&id) else { return };
        let transient = matches!(&error, Error::Lost(loss) if matches!(
            loss.kind,
            LossKind::Cut
                | LossKind::PeerFailed
                | LossKind::Unreachable
                | LossKind::Busy { .. }
                | LossKind::TimedOut
        ));
        let was = std::mem::replace(&mut listen.state, ListenState::Waiting);
        let was_on = matches!(was, ListenState::Active(_));
        let asked = listen.asked;
        let failed =
            if matches!(&was, ListenState::Active(on) if on.delivered) { 0 } else { listen.failed + 1 };
        if !(transient && listen.before && failed < limit) {
            return self.end_listen(id, Err(error));
        }
        debug!(%error, "a subscription was cut; it is requested again");
        // One that worked is requested again at once, one that keeps failing with back-off.
        let wait = if was_on && listen.failed == 0 { 0 } else { failed };
        listen.failed = failed;
        if was_on {
            self.event(ClientEvent::ListenLost { listen: id });
        }
        // Requests keep a minimum distance, so that a peer that cuts each one cannot cause a busy loop.
        let spaced = asked.unwrap_or(now).checked_add(self.backoff(1));
        let at = now.checked_add(self.backoff(wait)).zip(spaced).map(|(at, spaced)| at.max(spaced));
        self.timers.set(TimerKey::Relisten(id), at);
    }

    /// The server ends a subscription by a cancellation, with or without a result.
    // T-12.
    pub(super) fn listen_cancelled(&mut self, id: &RequestId) -> bool {
        match self.inflight.by_id(id) {
            Some((_, Purpose::Listen(listen))) => {
                let listen = *listen;
                self.end_listen(listen, Ok(()));
                true
            }
            _ => false,
        }
    }

    fn end_listen(&mut self, id: ListenId, outcome: Result<(), Error>) {
        let Some(listen) = self.listens.remove(&id) else { return };
        if let Some(number) = listen.number() {
            self.inflight.take(number);
        }
        self.timers.clear(TimerKey::Relisten(id));
        self.event(ClientEvent::ListenEnded { listen: id, outcome });
    }

    /// The application ends a subscription.
    pub(super) fn cancel_listen(&mut self, now: Instant, id: ListenId) {
        let Some(listen) = self.listens.get(&id) else { return };
        if let Some(number) = listen.number() {
            self.inflight.take(number);
            self.abandon(number, &Purpose::Listen(id), EndReason::Cancelled);
        }
        self.release_subscription(now, id);
        self.end_listen(id, Err(Error::Cancelled));
    }

    /// The link or the peer's session is gone: every subscription has to be requested again.
    pub(super) fn suspend_listens(&mut self) {
        let ids: Vec<ListenId> = self.listens.keys().copied().collect();
        for id in ids {
            self.timers.clear(TimerKey::Relisten(id));
            let Some(listen) = self.listens.get_mut(&id) else { continue };
            let was = std::mem::replace(&mut listen.state, ListenState::Waiting);
            if matches!(was, ListenState::Active(_)) {
                self.event(ClientEvent::ListenLost { listen: id });
            }
        }
    }
}
