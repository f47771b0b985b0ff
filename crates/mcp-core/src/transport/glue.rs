//! A transport over a sink and a stream of frames: what [`Framed`](super::framed::Framed) and
//! [`Laned`](super::lanes::Laned) share.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use futures::future::{self, BoxFuture, Either};
use futures::{Sink, SinkExt, Stream, StreamExt, TryStreamExt};

use super::framed::EndClosed;
use super::{
    Binding, CloseReport, Envelope, ErrorChain, Inbound, Outbound, SendError, TransportError,
    TransportReceiver, TransportSender,
};

type Frames<T> = Pin<Box<dyn Stream<Item = Result<T, TransportError>> + Send>>;
type Carrier<T> = Pin<Box<dyn Sink<T, Error = TransportError> + Send>>;
type Timer = Box<dyn Fn() -> BoxFuture<'static, ()> + Send>;

/// What the frames of a carrier mean. The two halves of a link share it.
pub(super) trait Mapping: Send + Sync + 'static {
    type Frame: Send + 'static;

    /// The frame to send; `None` if nothing has to be sent (yet).
    fn outbound(&self, out: Outbound) -> Result<Option<Self::Frame>, SendError>;

    /// What a frame is to the session.
    fn inbound(&self, frame: Self::Frame, envelope: &Envelope) -> Received;

    /// The last frame of this end, for a carrier that needs one.
    fn farewell(&self) -> Option<Self::Frame> {
        None
    }

    /// Whether the link has ended without a frame that says so. Registers the waker if not.
    fn poll_over(&self, _cx: &mut Context<'_>) -> bool {
        false
    }
}

/// What a frame is to the session.
pub(super) enum Received {
    Inbound(Inbound),
    /// The frame is about a lane that is over.
    Nothing,
    /// The clean end of the link.
    End,
}

/// One end of a link.
pub(super) struct Glue<M: Mapping> {
    pub(super) binding: Binding,
    pub(super) mapping: M,
    pub(super) envelope: Envelope,
    sink: Carrier<M::Frame>,
    stream: Frames<M::Frame>,
    close_timer: Timer,
}

impl<M: Mapping> Glue<M> {
    pub(super) fn new<S, E, R, G>(binding: Binding, mapping: M, sink: S, stream: R) -> Glue<M>
    where
        S: Sink<M::Frame, Error = E> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
        R: Stream<Item = Result<M::Frame, G>> + Send + 'static,
        G: Into<Box<dyn Error + Send + Sync>>,
    {
        Glue {
            binding,
            mapping,
            envelope: Envelope::default(),
            sink: Box::pin(sink.sink_map_err(|error| TransportError::new(error))),
            stream: Box::pin(stream.map_err(|error| TransportError::new(error))),
            close_timer: Box::new(|| Box::pin(future::ready(()))),
        }
    }

    pub(super) fn close_within<T>(&mut self, timer: impl Fn() -> T + Send + 'static)
    where
        T: Future<Output = ()> + Send + 'static,
    {
        self.close_timer = Box::new(move || Box::pin(timer()));
    }

    pub(super) fn split(self) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        let mapping = Arc::new(self.mapping);
        let sender = Sender {
            farewell: mapping.farewell(),
            mapping: mapping.clone(),
            sink: Some(self.sink),
            close_timer: self.close_timer,
            report: CloseReport::default(),
        };
        let receiver = Receiver { mapping, stream: Some(self.stream), envelope: self.envelope };
        (Box::new(sender), Box::new(receiver))
    }
}

impl<M: Mapping> fmt::Debug for Glue<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Glue").field("binding", &self.binding).finish_non_exhaustive()
    }
}

struct Sender<M: Mapping> {
    mapping: Arc<M>,
    /// `None` once it is closed.
    sink: Option<Carrier<M::Frame>>,
    /// `None` once the carrier has it.
    farewell: Option<M::Frame>,
    close_timer: Timer,
    report: CloseReport,
}

impl<M: Mapping> Sender<M> {
    fn sink(&mut self) -> Result<&mut Carrier<M::Frame>, TransportError> {
        self.sink.as_mut().ok_or_else(|| TransportError::new(EndClosed))
    }
}

#[async_trait]
impl<M: Mapping> TransportSender for Sender<M> {
    async fn send(&mut self, out: Outbound) -> Result<(), SendError> {
        self.sink()?;
        let Some(frame) = self.mapping.outbound(out)? else { return Ok(()) };
        Ok(self.sink()?.feed(frame).await?)
    }

    async fn flush(&mut self) -> Result<(), TransportError> {
        self.sink()?.flush().await
    }

    async fn close(&mut self) -> Result<CloseReport, TransportError> {
        let Some(sink) = &mut self.sink else { return Ok(self.report.clone()) };
        let farewell = &mut self.farewell;
        let closing = future::poll_fn(|cx| {
            if farewell.is_some() {
                match sink.poll_ready_unpin(cx) {
                    Poll::Ready(Ok(())) => {}
                    other => return other,
                }
                if let Some(frame) = farewell.take() {
                    sink.start_send_unpin(frame)?;
                }
            }
            sink.poll_close_unpin(cx)
        });
        // The carrier is polled first, so that closing begins even if the timer is ready at once.
        let closed = future::select(closing, (self.close_timer)()).await;
        if let Either::Left((Err(error), _)) = closed {
            self.report.note = Some(format!("the carrier did not close: {}", ErrorChain::new(&error)));
        }
        self.sink = None;
        Ok(self.report.clone())
    }
}

struct Receiver<M: Mapping> {
    mapping: Arc<M>,
    /// `None` once the link has ended.
    stream: Option<Frames<M::Frame>>,
    envelope: Envelope,
}

impl<M: Mapping> Receiver<M> {
    /// Cancel-safe, since everything that is taken from the stream is returned by the same poll.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Inbound>, TransportError>> {
        loop {
            let Some(stream) = &mut self.stream else { return Poll::Ready(Ok(None)) };
            if self.mapping.poll_over(cx) {
                self.stream = None;
                return Poll::Ready(Ok(None));
            }
            match stream.poll_next_unpin(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => self.stream = None,
                Poll::Ready(Some(Err(error))) => {
                    self.stream = None;
                    return Poll::Ready(Err(error));
                }
                Poll::Ready(Some(Ok(frame))) => match self.mapping.inbound(frame, &self.envelope) {
                    Received::Inbound(inbound) => return Poll::Ready(Ok(Some(inbound))),
                    Received::Nothing => {}
                    Received::End => self.stream = None,
                },
            }
        }
    }
}

#[async_trait]
impl<M: Mapping> TransportReceiver for Receiver<M> {
    async fn recv(&mut self) -> Result<Option<Inbound>, TransportError> {
        future::poll_fn(|cx| self.poll_next(cx)).await
    }
}
