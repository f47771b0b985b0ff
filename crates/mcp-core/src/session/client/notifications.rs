//! Notifications of the server: progress, cancellation, changes, and the rest.

use std::time::Instant;

use tracing::debug;

use crate::message::{Field, Notification, RequestId};
use crate::session::{CallId, Change};
use crate::transport::Lane;

use super::inflight::Purpose;
use super::{ClientEvent, ClientSession};

impl ClientSession {
    pub(super) fn on_note(&mut self, now: Instant, lane: Lane, note: Notification) {
        match note.method.as_str() {
            "notifications/progress" => self.on_progress(now, lane, note),
            "notifications/cancelled" => self.on_cancelled(now, lane, &note),
            _ if self.modern().is_some() => self.on_modern_note(lane, note),
            _ => match change_of(&note) {
                Some(change) => self.on_legacy_change(&change, note),
                None => self.pass_on(lane, note),
            },
        }
    }

    /// To the call whose lane it came on, or to whom it may concern.
    pub(super) fn pass_on(&mut self, lane: Lane, notification: Notification) {
        match self.call_on(lane) {
            Some(call) => self.event(ClientEvent::CallNotification { call, notification }),
            None => self.event(ClientEvent::Notification(notification)),
        }
    }

    pub(super) fn drop_note(&mut self, note: &Notification, why: &'static str) {
        self.stats.dropped_notifications += 1;
        debug!(method = %note.method, why, "a notification was dropped");
    }

    /// The call that this lane belongs to.
    pub(super) fn call_on(&self, lane: Lane) -> Option<CallId> {
        match self.inflight.get(lane.number()) {
            Some(Purpose::Call(call)) if !lane.is_shared() => Some(*call),
            _ => None,
        }
    }

    /// By token, which is the number of the request; on a modern lane of its own it has to be that
    /// lane's (ledger PROG-B-002, PROG-S-007).
    fn on_progress(&mut self, now: Instant, lane: Lane, note: Notification) {
        let token = note.field(Field::ProgressToken).and_then(RequestId::parse);
        let found = token.as_ref().and_then(|token| self.inflight.by_id(token));
        let Some((number, Purpose::Call(id))) = found else {
            return self.drop_note(&note, "no such progress token");
        };
        let id = *id;
        if !lane.is_shared() && lane.number() != number && self.modern().is_some() {
            return self.drop_note(&note, "another request's progress token");
        }
        let Some(call) = self.calls.get_mut(id).filter(|call| call.options.progress) else {
            return self.drop_note(&note, "nobody asked for progress");
        };
        call.clock.progress(now);
        self.event(ClientEvent::CallNotification { call: id, notification: note });
    }

    /// A legacy server takes back a question of its own; a modern one ends a subscription. Ids are looked
    /// up in the sender's own space (ledger CANC-B-001, T-12).
    fn on_cancelled(&mut self, now: Instant, lane: Lane, note: &Notification) {
        let id = note.field(Field::RequestId).and_then(RequestId::parse);
        let known = match id {
            Some(id) if self.modern().is_some() => self.listen_cancelled(&id),
            Some(id) => self.question_cancelled(now, lane, &id),
            None => false,
        };
        if !known {
            self.drop_note(note, "it cancels nothing in flight");
        }
    }
}

/// What a notification says has changed.
pub(super) fn change_of(note: &Notification) -> Option<Change> {
    match note.method.as_str() {
        "notifications/tools/list_changed" => Some(Change::ToolsList),
        "notifications/prompts/list_changed" => Some(Change::PromptsList),
        "notifications/resources/list_changed" => Some(Change::ResourcesList),
        "notifications/resources/updated" => {
            let uri = note.params.as_ref().and_then(|params| params.text(Field::Uri)).unwrap_or_default();
            Some(Change::Resource { uri })
        }
        _ => None,
    }
}
