//! Carrying out what the link says: answers to POSTs, events to the store and to whoever reads.

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

impl Session {
    /// Where events are kept for clients that come back.
    pub(super) fn store(&self) -> Option<&Arc<dyn EventStore>> {
        self.context.store.as_ref().filter(|_| self.kind == SessionKind::StreamableHttp)
    }

    /// What the link sends. Waits for the event store, and for a moment for a reader that is slow. The answer to a POST,
    /// which most of it is, is told at once, and needs no future that has room for the rest.
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

    /// To whoever sent the POST. Never under the lock: an answer that nobody takes is dropped here, and a stream that
    /// is dropped looks at the session.
    pub(super) fn answer(&self, to: oneshot::Sender<Answer>, answer: Answer) {
        let _hung_up = to.send(answer);
    }

    /// First the store, then the reader: what was read can be asked for again.
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
            // One buffer for both: the message stands before the two newlines.
            message = event.slice(event.len() - 2 - message.len()..event.len() - 2);
            if let Err(error) = store.append(self.id.as_str(), id, message.clone()).await {
                tracing::warn!(%error, "an event is not kept: whoever misses it cannot ask for it again");
            }
        }
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

    /// The reader is behind. One that moves sets the pace; one that does not is cut if it can come back for the rest,
    /// and loses its oldest notifications if it cannot (FAULT C-13).
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
            tracing::debug!("a stream whose reader does not read is cut; it can be taken up again");
            writer.cut();
            if let Some(stream) = self.lock().stream(stream) {
                stream.detach(writer);
            }
        } else {
            self.context.counters.dropped(writer.squeeze(event, droppable));
        }
    }
}
