//! Carrying out the outputs of a client session: messages to the writer, events to the handles.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;

use crate::error::Error;
use crate::message::{ErrorObject, Payload};
use crate::runtime::unread::notification_len;
use crate::runtime::writer::OutboxItem;
use crate::session::client::ClientEvent;
use crate::session::{CallId, InputId, InputRequest};
use crate::transport::{ErrorChain, Outbound, PeerEvidence};

use super::command::{CallTag, Permit};
use super::{Command, Driver};
use crate::client::input::InputContext;
use crate::client::listen::SubscriptionEvent;

impl Driver {
    /// Queues a message for the writer. Drops it if there is no link, of which the session is informed separately.
    pub(super) fn transmit(&mut self, out: Outbound, mut permit: Option<Permit>) {
        if let Outbound::Message { lane, .. } = &out
            && let Some(tag) = self.session.tag_on(*lane)
        {
            permit.clone_from(&tag.permit);
            tag.span.record("lane", lane.number());
        }
        if let Some(outbox) = &self.outbox {
            // The outbox is closed once the link is given up.
            let _given_up = outbox.push(OutboxItem { out, _permit: permit });
        }
    }

    pub(super) fn event(&mut self, event: ClientEvent<CallTag>) {
        let limits = &self.shared.unread;
        match event {
            ClientEvent::Ready(negotiated) => {
                tracing::debug!(version = negotiated.version.as_str(), "ready");
                self.shared.ready(negotiated);
            }
            ClientEvent::CallNotification { tag, notification, .. } => {
                if !tag.slot.outcome_only {
                    let bytes = notification_len(&notification);
                    tag.slot.notifications.push(notification, bytes, limits);
                }
            }
            ClientEvent::CallDone { tag, outcome, .. } => {
                done(&tag, outcome.map_err(|error| error.with_evidence(|| self.shown())));
            }
            ClientEvent::Notification(notification) => self.shared.spread(&notification),
            ClientEvent::Input { id, call, request } => self.ask(id, call, request),
            ClientEvent::InputCancelled { id } => {
                if let Some(task) = self.inputs.remove(&id) {
                    task.abort();
                }
            }
            ClientEvent::ListenStarted { listen, honoured, gap } => {
                if let Some(slot) = self.listens.get(&listen) {
                    let bytes = honoured.heap_size();
                    slot.items.push(SubscriptionEvent::Started { honoured, gap }, bytes, limits);
                }
            }
            ClientEvent::ListenNotification { listen, notification } => {
                if let Some(slot) = self.listens.get(&listen) {
                    let bytes = notification_len(&notification);
                    slot.items.push(SubscriptionEvent::Changed(notification), bytes, limits);
                }
            }
            ClientEvent::ListenLost { listen } => {
                if let Some(slot) = self.listens.get(&listen) {
                    slot.items.push(SubscriptionEvent::Lost, 0, limits);
                }
            }
            ClientEvent::ListenEnded { listen, outcome } => {
                if let Some(slot) = self.listens.remove(&listen) {
                    slot.end(outcome.map_err(|error| error.with_evidence(|| self.shown())));
                }
            }
            ClientEvent::Disconnected(reason) => {
                tracing::debug!(%reason, "disconnected");
                self.shared.disconnected(reason);
            }
            // Published after the link is closed: see the driver's `Drop`.
            ClientEvent::Closed(reason) => self.end = Some(reason.with_evidence(|| self.shown())),
        }
    }

    /// What the peer has shown beside its messages.
    fn shown(&self) -> Option<String> {
        self.evidence.as_ref().and_then(PeerEvidence::describe)
    }

    /// Spawns a task that runs the input handler. The answer comes back as a command.
    fn ask(&mut self, input: InputId, call: Option<CallId>, request: InputRequest) {
        let limit = self.shared.limits.inputs;
        let version = self.session.negotiated().map(|negotiated| negotiated.version);
        let bytes = request.params.as_ref().map_or(0, |params| params.as_bytes().len());
        let permit = self.inputs_share.take(0, bytes as u64);
        let refusal = match (&permit, version) {
            (Err(full), _) => Some(full.to_string()),
            (_, Some(_)) if self.inputs.len() < limit => None,
            _ => Some(format!("too many requests for input at once (limit {limit})")),
        };
        let (Some(version), None) = (version, &refusal) else {
            let error = ErrorObject::internal(refusal.unwrap_or_default());
            let _ended = self.shared.commands.push(Command::Answer { input, answer: Err(error) });
            return;
        };
        let shared = self.shared.clone();
        let envelope = call.and_then(|call| self.session.envelope_of(call)).cloned().unwrap_or_default();
        let context = InputContext { version, call, envelope };
        let task = tokio::spawn(async move {
            let _held = permit;
            let answer = async { shared.input.input(request, context).await };
            let answer = AssertUnwindSafe(answer).catch_unwind().await.unwrap_or_else(|_| {
                tracing::error!("the input handler panicked");
                Err(ErrorObject::internal("Internal error"))
            });
            let _ended = shared.commands.push(Command::Answer { input, answer });
        });
        self.inputs.insert(input, task.abort_handle());
    }
}

fn done(tag: &CallTag, outcome: Result<Payload, Error>) {
    if !tag.span.is_disabled() {
        match &outcome {
            Ok(_) => tag.span.record("outcome", "ok"),
            Err(error) => tag.span.record("outcome", ErrorChain::new(error).to_string()),
        };
    }
    tag.slot.settle(outcome);
}
