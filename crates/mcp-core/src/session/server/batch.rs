//! Batches, which only 2025-03-26 has.
// T-01.

use crate::message::{ErrorObject, Message, Refusal, Response};
use crate::transport::{AnsweredBy, EndReason, Envelope, Lane};
use rustc_hash::FxHashMap;

use super::ServerSession;
use super::route::{self, Claim};

/// The number of answers that each batch is owed. The transport collects them on the batch's lane.
#[derive(Debug, Default)]
pub(super) struct Batches {
    owed: FxHashMap<Lane, usize>,
}

impl Batches {
    /// Whether this is the lane of an open batch.
    pub(super) fn holds(&self, lane: Lane) -> bool {
        !self.owed.is_empty() && self.owed.contains_key(&lane)
    }

    /// Whether any batch is open.
    pub(super) fn is_empty(&self) -> bool {
        self.owed.is_empty()
    }

    /// Counts an answer on this lane. Returns whether it is the last one, which it always is on other lanes.
    pub(super) fn answered(&mut self, lane: Lane) -> bool {
        let Some(owed) = self.owed.get_mut(&lane) else { return true };
        *owed = owed.saturating_sub(1);
        let last = *owed == 0;
        if last {
            self.owed.remove(&lane);
        }
        last
    }
}

impl ServerSession {
    /// Checks a batch as a whole, then handles each message as if it had come alone.
    pub(super) fn handle_batch(
        &mut self,
        items: Vec<Result<Message, Refusal>>,
        lane: Lane,
        envelope: Envelope,
    ) {
        if let Some(why) = self.batch_fault(&items) {
            let error = ErrorObject::invalid_request(why);
            let version = self.legacy.as_ref().map(|legacy| legacy.version);
            return self.respond(lane, Response::error(None, error), AnsweredBy::Protocol, version);
        }
        let owed = items.iter().filter(|item| is_answered(item)).count();
        if owed > 0 && !lane.is_shared() {
            self.batches.owed.insert(lane, owed);
        }
        for item in items {
            match item {
                Ok(Message::Request(request)) => match route::claim(&request, &self.config.versions) {
                    Claim::None => self.handle_request(request, lane, envelope.clone()),
                    _ => {
                        let error = ErrorObject::invalid_request("A request of 2026-07-28 comes alone");
                        self.refuse(lane, request.id, error);
                    }
                },
                Ok(Message::Notification(note)) => self.handle_notification(note, lane, envelope.clone()),
                Ok(Message::Response(response)) => self.handle_response(response),
                Err(refusal) if refusal.is_answerable() => {
                    self.respond(
                        lane,
                        Response::error(refusal.id, refusal.error),
                        AnsweredBy::Protocol,
                        None,
                    );
                }
                Err(_) => tracing::debug!("a malformed notification or response in a batch is ignored"),
            }
        }
        if owed == 0 && !lane.is_shared() {
            self.end_lane(lane, EndReason::NoAnswer);
        }
    }

    /// The reason to refuse the whole batch, if there is one.
    fn batch_fault(&self, items: &[Result<Message, Refusal>]) -> Option<&'static str> {
        let has = |wanted: fn(&Message) -> bool| items.iter().flatten().any(wanted);
        if items.is_empty() {
            return Some("An empty batch");
        }
        if !self.legacy.as_ref().is_some_and(|legacy| legacy.version.has_batching()) {
            return Some("Batches exist in sessions of 2025-03-26 only");
        }
        if has(|item| matches!(item, Message::Request(request) if request.method == "initialize")) {
            return Some("`initialize` is never part of a batch");
        }
        if has(|item| matches!(item, Message::Response(_)))
            && has(|item| !matches!(item, Message::Response(_)))
        {
            return Some("A batch holds responses, or requests and notifications");
        }
        None
    }
}

/// Whether an item of a batch is answered.
fn is_answered(item: &Result<Message, Refusal>) -> bool {
    match item {
        Ok(message) => matches!(message, Message::Request(_)),
        Err(refusal) => refusal.is_answerable(),
    }
}
