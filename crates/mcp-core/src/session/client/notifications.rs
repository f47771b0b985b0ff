//! Notifications of the server: progress, cancellations, changes, others.

use std::time::Instant;

use tracing::debug;

use crate::message::{Field, Notification, RequestId};
use crate::session::{CallId, Change};
use crate::transport::Lane;

use super::inflight::Purpose;
use super::{ClientEvent, ClientSession};

impl<T: Clone> ClientSession<T> {
    pub(super) fn on_notification(&mut self, now: Instant, lane: Lane, notification: Notification) {
        match notification.method.as_str() {
            "notifications/progress" => self.on_progress(now, lane, notification),
            "notifications/cancelled" => self.on_cancelled(now, lane, &notification),
            _ if self.modern().is_some() => self.on_modern_notification(lane, notification),
            _ => match change_of(&notification) {
                Some(change) => self.on_legacy_change(&change, notification),
                None => self.pass_on(lane, notification),
            },
        }
    }

    /// Reports a notification for the call of its lane, or for no call.
    pub(super) fn pass_on(&mut self, lane: Lane, notification: Notification) {
        let found = self.call_on(lane).and_then(|id| self.calls.get(id).map(|call| (id, call.tag.clone())));
        match found {
            Some((call, tag)) => self.event(ClientEvent::CallNotification { call, tag, notification }),
            None => self.event(ClientEvent::Notification(notification)),
        }
    }

    pub(super) fn drop_notification(&mut self, notification: &Notification, why: &'static str) {
        self.stats.dropped_notifications += 1;
        debug!(method = %notification.method, why, "a notification was dropped");
    }

    /// The call whose request is in flight on this lane.
    pub(super) fn call_on(&self, lane: Lane) -> Option<CallId> {
        match self.inflight.get(lane.number()) {
            Some(Purpose::Call(call)) if !lane.is_shared() => Some(*call),
            _ => None,
        }
    }

    /// Progress is matched by its token, the number of the request. On a modern lane that is not shared the token has
    /// to be that lane's.
    // PROG-B-002, PROG-S-007.
    fn on_progress(&mut self, now: Instant, lane: Lane, notification: Notification) {
        let token = notification.field(Field::ProgressToken).and_then(RequestId::parse);
        let found = token.as_ref().and_then(|token| self.inflight.by_id(token));
        let Some((number, Purpose::Call(id))) = found else {
            return self.drop_notification(&notification, "no such progress token");
        };
        let id = *id;
        if !lane.is_shared() && lane.number() != number && self.modern().is_some() {
            return self.drop_notification(&notification, "another request's progress token");
        }
        let Some(call) = self.calls.get_mut(id).filter(|call| call.options.progress) else {
            return self.drop_notification(&notification, "progress was not requested");
        };
        call.clock.progress(now);
        let tag = call.tag.clone();
        self.event(ClientEvent::CallNotification { call: id, tag, notification });
    }

    /// A legacy server cancels its own request; a modern one ends a subscription. Ids are looked up in the sender's id
    /// space.
    // CANC-B-001, T-12.
    fn on_cancelled(&mut self, now: Instant, lane: Lane, notification: &Notification) {
        let id = notification.field(Field::RequestId).and_then(RequestId::parse);
        let known = match id {
            Some(id) if self.modern().is_some() => self.listen_cancelled(&id),
            Some(id) => self.question_cancelled(now, lane, &id),
            None => false,
        };
        if !known {
            self.drop_notification(notification, "it cancels nothing in flight");
        }
    }
}

/// The change that a notification reports.
pub(super) fn change_of(notification: &Notification) -> Option<Change> {
    match notification.method.as_str() {
        "notifications/tools/list_changed" => Some(Change::ToolsList),
        "notifications/prompts/list_changed" => Some(Change::PromptsList),
        "notifications/resources/list_changed" => Some(Change::ResourcesList),
        "notifications/resources/updated" => {
            let uri = notification
                .params
                .as_ref()
                .and_then(|params| params.field_text(Field::Uri))
                .unwrap_or_default();
            Some(Change::Resource { uri: uri.into_owned() })
        }
        _ => None,
    }
}
