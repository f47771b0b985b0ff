//! The client's two halves.

use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use futures::channel::mpsc;
use futures::{StreamExt, future};

use crate::message::Message;
use crate::transport::{
    CloseReport, Inbound, Lane, Loss, LossKind, Outbound, SendError, TransportError, TransportReceiver,
    TransportSender,
};

use super::routes::ClientLanes;
use super::{Frame, Mode, Pipe, no_route};

#[derive(Debug)]
pub(super) struct Sender {
    pipe: Pipe,
    mode: Mode,
    lanes: Arc<ClientLanes>,
}

impl Sender {
    pub(super) fn new(pipe: Pipe, mode: Mode, lanes: Arc<ClientLanes>) -> Sender {
        Sender { pipe, mode, lanes }
    }
}

#[async_trait]
impl TransportSender for Sender {
    async fn send(&mut self, out: Outbound) -> Result<(), SendError> {
        match out {
            Outbound::Message { message, lane, last, .. } => {
                if !self.mode.exchanges {
                    return self.pipe.put(Frame::Message { message, lane: Lane::SHARED, last }).await;
                }
                if lane.is_shared() {
                    return Err(no_route("a client sends each message on a lane of its own"));
                }
                if self.mode.once && !self.lanes.first() {
                    return Err(no_route("this link carries one exchange, and had it"));
                }
                if matches!(message, Message::Request(_)) {
                    // Before the send: the answer may be there before it returns.
                    self.lanes.open(lane);
                }
                self.pipe.put(Frame::Message { message, lane, last }).await
            }
            Outbound::End { lane, .. } => {
                if self.lanes.end(lane) {
                    self.pipe.put(Frame::End { lane }).await
                } else {
                    Ok(())
                }
            }
        }
    }

    async fn close(&mut self) -> Result<CloseReport, TransportError> {
        self.pipe.close();
        Ok(CloseReport::default())
    }
}

#[derive(Debug)]
pub(super) struct Receiver {
    frames: mpsc::Receiver<Frame>,
    delivered: mpsc::UnboundedReceiver<Lane>,
    lanes: Arc<ClientLanes>,
    ended: bool,
}

impl Receiver {
    pub(super) fn new(
        frames: mpsc::Receiver<Frame>,
        delivered: mpsc::UnboundedReceiver<Lane>,
        lanes: Arc<ClientLanes>,
    ) -> Receiver {
        Receiver { frames, delivered, lanes, ended: false }
    }

    /// Takes nothing that it does not return in the same poll: that is what makes `recv` cancel-safe.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Inbound>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if let Poll::Ready(Some(lane)) = self.delivered.poll_next_unpin(cx) {
            return Poll::Ready(Some(Inbound::delivered(lane)));
        }
        loop {
            match self.frames.poll_next_unpin(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => {
                    self.ended = true;
                    return Poll::Ready(None);
                }
                Poll::Ready(Some(frame)) => {
                    if let Some(inbound) = self.take(frame) {
                        return Poll::Ready(Some(inbound));
                    }
                }
            }
        }
    }

    /// What a frame means here; nothing if the client gave its lane up.
    fn take(&self, frame: Frame) -> Option<Inbound> {
        match frame {
            Frame::Message { message, lane, last } => {
                let alive =
                    lane.is_shared() || if last { self.lanes.end(lane) } else { self.lanes.is_open(lane) };
                alive.then(|| Inbound::message(message, lane))
            }
            Frame::End { lane } => self.lanes.end(lane).then(|| {
                Inbound::lost(
                    lane,
                    Loss::new(LossKind::Cut, "the server ended the exchange without an answer"),
                )
            }),
        }
    }
}

#[async_trait]
impl TransportReceiver for Receiver {
    async fn recv(&mut self) -> Result<Option<Inbound>, TransportError> {
        Ok(future::poll_fn(|cx| self.poll_next(cx)).await)
    }
}
