//! Carries out what the link sends: answers to POSTs, events to the store and to readers.

use std::future::ready;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use mcp_core::transport::{LossKind, Outbound, SendError};
use tokio::sync::oneshot;

use super::lane::{Answer, Delivery, Exchange};
use super::queue::{Offer, Writer};
use super::route::{Event, SendPlan};
use super::session::{Ended, Session, SessionKind};
use super::store::{EventId, EventStore};
use super::stream::{Given, frame};
use crate::server::body;

impl Session {
    /// The store of events that clients can resume from.
    pub(super) fn store(&self) -> Option<&Arc<dyn EventStore>> {
        self.context.store.as_ref().filter(|_| self.kind == SessionKind::StreamableHttp)
    }

    /// Sends a message of the link. Waits for the event store, and for a moment for a slow reader. The usual case, the answer
    /// to a POST, is sent at once and needs no large future.
    pub(super) fn send(self: &Arc<Self>, out: Outbound) -> BoxFuture<'_, Result<(), SendError>> {
        match self.decide(out) {
            Ok(plan) if plan.events.is_empty() && plan.end.is_none() => {
                if let Some((to, answer)) = plan.answer {
                    self.answer(to, answer);
                }
                Box::pin(ready(self.conclude(plan.close, plan.rejected)))
            }
            Ok(plan) => Box::pin(self.carry_out(plan)),
            Err(over) => Box::pin(ready(Err(over))),
        }
    }

    fn decide(self: &Arc<Self>, out: Outbound) -> Result<SendPlan, SendError> {
        let mut state = self.lock();
        if state.is_over() {
            return Err(SendError::fatal(Ended));
        }
        Ok(match out {
            Outbound::Message { message, lane, last, answered_by, envelope, .. } => {
                state.version = envelope.version.or(state.version);
                if self.kind == SessionKind::HttpSse {
                    self.route_to_one(&mut state, &message, lane)
                } else if lane.is_shared() {
                    self.route_shared(&mut state, &message)
                } else {
                    self.route(&mut state, &message, lane, last, answered_by)
                }
            }
            Outbound::End { lane, reason, .. } => self.route_end(&mut state, lane, reason),
            _ => SendPlan::default(),
        })
    }

    async fn carry_out(&self, plan: SendPlan) -> Result<(), SendError> {
        if let Some((to, answer)) = plan.answer {
            self.answer(to, answer);
        }
        for event in plan.events {
            self.tell_stream(event).await;
        }
        if let Some(lane) = plan.end {
            let ended = self.lock().finish(lane);
            if let Some(Exchange { delivery: Delivery::Stream(stream), .. }) = ended {
                stream.end();
            }
            if let Some(store) = self.store() {
                store.end(self.id.as_str(), lane.number()).await;
            }
        }
        self.conclude(plan.close, plan.rejected)
    }

    fn conclude(&self, close: bool, rejected: Option<&'static str>) -> Result<(), SendError> {
        if close {
            self.close();
        }
        match rejected {
            Some(why) => Err(SendError::rejected(LossKind::NoRoute, why)),
            None => Ok(()),
        }
    }

    /// Answers a POST. Not under the lock: if the client hung up, the answer is dropped here, and dropping a stream locks the
    /// session.
    pub(super) fn answer(&self, to: oneshot::Sender<Answer>, answer: Answer) {
        let _hung_up = to.send(answer);
    }

    /// Stores an event first, then gives it to the reader, so that a reader can resume from every event that it read.
    async fn tell_stream(&self, event: Event) {
        let Event { stream, mut message, droppable } = event;
        let mut number = None;
        if self.store().is_some() {
            let Some(next) = self.lock().stream(stream).map(super::stream::Stream::number) else { return };
            number = Some(next);
        }
        let id = number.map(|number| EventId { stream, number });
        let event = frame(id, &message);
        if let (Some(store), Some(id)) = (self.store(), id) {
            // One buffer for both: the message is in front of the two newlines.
            message = event.slice(event.len() - 2 - message.len()..event.len() - 2);
            if let Err(error) = store.append(self.id.as_str(), id, message.clone()).await {
                tracing::warn!(%error, "an event is not kept: clients that miss it cannot resume");
            }
        }
        let event = self.charged(stream, event).await;
        let given = {
            let mut state = self.lock();
            match state.stream(stream) {
                Some(stream) => stream.give(number, event, droppable),
                None => return,
            }
        };
        match given {
            Given::Yes => {}
            Given::Full(writer, event) => {
                self.tell_slow_reader(stream, &writer, number, event, droppable).await
            }
            Given::No if number.is_some() => {}
            Given::No if stream == 0 && droppable => {
                let lost = self.lock().standalone.keep(message);
                self.context.counters.dropped(lost);
            }
            Given::No => self.context.counters.dropped(u64::from(droppable)),
        }
    }

    // FAULT F-A7.
    /// The event, charged to the reader of the stream. If there is no space, and no reader is slower, that reader is cut.
    async fn charged(&self, stream: u64, event: Bytes) -> Bytes {
        let writer = self.lock().stream(stream).and_then(|stream| stream.writer().cloned());
        let Some(writer) = writer else { return event };
        match body::charge(writer.holder(), &event).await {
            Ok(charged) => charged,
            Err(full) => {
                tracing::debug!(%full, "a stream is cut");
                writer.cut();
                event
            }
        }
    }

    // FAULT C-13.
    /// Waits for a slow reader that makes progress. A stuck one is cut if it can resume, and otherwise loses its oldest
    /// notifications.
    async fn tell_slow_reader(
        &self,
        stream: u64,
        writer: &Writer,
        number: Option<u64>,
        mut event: Bytes,
        droppable: bool,
    ) {
        if writer.room().await {
            match writer.offer(event, droppable) {
                Offer::Full(again) => event = again,
                Offer::Gone => return,
                Offer::Queued => {
                    if let (Some(number), Some(stream)) = (number, self.lock().stream(stream)) {
                        stream.gave(writer, number);
                    }
                    return;
                }
            }
        }
        if number.is_some() {
            tracing::debug!("a stream is cut, because its reader does not read; it can be resumed");
            writer.cut();
            if let Some(stream) = self.lock().stream(stream) {
                stream.detach(writer);
            }
        } else {
            self.context.counters.dropped(writer.squeeze(event, droppable));
        }
    }
}
