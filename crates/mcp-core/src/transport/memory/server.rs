//! The server's two halves.

use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use futures::channel::mpsc;
use futures::{StreamExt, future};

use crate::message::Message;
use crate::transport::{
    CloseReport, Envelope, Inbound, Lane, Outbound, SendError, TransportError, TransportReceiver,
    TransportSender,
};

use super::routes::ServerLanes;
use super::{Frame, Mode, Pipe, no_route};

#[derive(Debug)]
pub(super) struct Sender {
    pipe: Pipe,
    mode: Mode,
    lanes: Arc<ServerLanes>,
}

impl Sender {
    pub(super) fn new(pipe: Pipe, mode: Mode, lanes: Arc<ServerLanes>) -> Sender {
        Sender { pipe, mode, lanes }
    }

    /// The client's name for a lane, or why nothing can be sent on it.
    fn route(&self, lane: Lane) -> Result<Lane, SendError> {
        if lane.is_shared() {
            return if self.mode.once {
                Err(no_route("nothing travels beside the one exchange of this link"))
            } else {
                Ok(lane)
            };
        }
        self.lanes.client_of(lane).ok_or_else(|| no_route("this exchange is over"))
    }
}

#[async_trait]
impl TransportSender for Sender {
    async fn send(&mut self, out: Outbound) -> Result<(), SendError> {
        match out {
            Outbound::Message { message, lane, last, .. } => {
                let client = self.route(lane)?;
                self.pipe.put(Frame::Message { message, lane: client, last }).await?;
                if last {
                    self.lanes.end(lane);
                }
                Ok(())
            }
            Outbound::End { lane, .. } => {
                let Some(client) = self.lanes.client_of(lane) else { return Ok(()) };
                self.pipe.put(Frame::End { lane: client }).await?;
                self.lanes.end(lane);
                Ok(())
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
    deliver: mpsc::UnboundedSender<Lane>,
    mode: Mode,
    lanes: Arc<ServerLanes>,
    envelope: Envelope,
    ended: bool,
}

impl Receiver {
    pub(super) fn new(
        frames: mpsc::Receiver<Frame>,
        deliver: mpsc::UnboundedSender<Lane>,
        mode: Mode,
        lanes: Arc<ServerLanes>,
        envelope: Envelope,
    ) -> Receiver {
        Receiver { frames, deliver, mode, lanes, envelope, ended: false }
    }

    /// Takes nothing that it does not return in the same poll: that is what makes `recv` cancel-safe.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Inbound>> {
        loop {
            if self.ended || (self.mode.once && self.lanes.is_over(cx.waker())) {
                self.ended = true;
                return Poll::Ready(None);
            }
            match self.frames.poll_next_unpin(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => self.ended = true,
                Poll::Ready(Some(frame)) => {
                    if let Some(inbound) = self.take(frame) {
                        return Poll::Ready(Some(inbound));
                    }
                }
            }
        }
    }

    /// What a frame means here; nothing if it ends an exchange that is over.
    fn take(&self, frame: Frame) -> Option<Inbound> {
        match frame {
            Frame::Message { message, lane, .. } => {
                let asks = matches!(message, Message::Request(_));
                if self.mode.reports && !asks {
                    // A client that is gone needs no report.
                    let _gone = self.deliver.unbounded_send(lane);
                }
                let lane = if self.mode.exchanges { self.lanes.mint(lane, asks) } else { Lane::SHARED };
                Some(Inbound::message(message, lane).with_envelope(self.envelope.clone()))
            }
            Frame::End { lane } => self.lanes.end_by_client(lane).map(Inbound::ended),
        }
    }
}

#[async_trait]
impl TransportReceiver for Receiver {
    async fn recv(&mut self) -> Result<Option<Inbound>, TransportError> {
        Ok(future::poll_fn(|cx| self.poll_next(cx)).await)
    }
}
