//! A transport over a sink and a stream of frames that name their lanes.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use futures::future::{self, BoxFuture};
use futures::{Sink, SinkExt, Stream, StreamExt, TryStreamExt};

use super::{LaneFrame, Lanes, single};
use crate::transport::framed::{EndClosed, Frame};
use crate::transport::{
    Binding, CloseReport, Envelope, Inbound, Outbound, SendError, Transport, TransportError,
    TransportReceiver, TransportSender,
};

type Frames<F> = Pin<Box<dyn Stream<Item = Result<LaneFrame<F>, TransportError>> + Send>>;
type Carrier<F> = Pin<Box<dyn Sink<LaneFrame<F>, Error = TransportError> + Send>>;
type Timer = Box<dyn Fn() -> BoxFuture<'static, ()> + Send>;

/// A transport over a sink and a stream of [`LaneFrame`]s. See the [module](super).
///
/// What the carrier owes: the frames of one lane in order; a [`LaneFrame::Taken`] for each message of the client
/// that is no request, which the other end sends or the carrier itself makes up; and an end, be it
/// [`LaneFrame::Close`] or that of the stream. Frames whose lane is over are dropped here.
///
/// A stream made by [`futures::stream::unfold`] keeps its future from one `recv` to the next, so what is written
/// as an `async fn` loses nothing when the driver drops a `recv`.
pub struct Laned<F> {
    binding: Binding,
    lanes: Arc<Lanes>,
    sink: Carrier<F>,
    stream: Frames<F>,
    envelope: Envelope,
    close_timer: Timer,
}

impl<F: Frame> Laned<F> {
    /// The client's end. `name` is for logs.
    pub fn client<S, E, R, G>(name: &'static str, sink: S, stream: R) -> Laned<F>
    where
        S: Sink<LaneFrame<F>, Error = E> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
        R: Stream<Item = Result<LaneFrame<F>, G>> + Send + 'static,
        G: Into<Box<dyn Error + Send + Sync>>,
    {
        Laned {
            binding: Binding::new(name).continuous(true),
            lanes: Lanes::client(),
            sink: Box::pin(sink.sink_map_err(|error| TransportError::new(error))),
            stream: Box::pin(stream.map_err(|error| TransportError::new(error))),
            envelope: Envelope::default(),
            close_timer: Box::new(|| Box::pin(future::ready(()))),
        }
    }

    /// The server's end. `name` is for logs.
    pub fn server<S, E, R, G>(name: &'static str, sink: S, stream: R) -> Laned<F>
    where
        S: Sink<LaneFrame<F>, Error = E> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
        R: Stream<Item = Result<LaneFrame<F>, G>> + Send + 'static,
        G: Into<Box<dyn Error + Send + Sync>>,
    {
        Laned { lanes: Lanes::server(), ..Laned::client(name, sink, stream) }
    }

    /// What is known about every message that comes in: the peer's address, a verified identity.
    #[must_use]
    pub fn envelope(mut self, envelope: Envelope) -> Laned<F> {
        self.envelope = envelope;
        self
    }

    /// How long closing may wait for the carrier: until this future ends. Without one, closing is begun
    /// and not waited for.
    #[must_use]
    pub fn close_within<T>(mut self, timer: impl Fn() -> T + Send + 'static) -> Laned<F>
    where
        T: Future<Output = ()> + Send + 'static,
    {
        self.close_timer = Box::new(move || Box::pin(timer()));
        self
    }
}

impl<F> fmt::Debug for Laned<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Laned").field("binding", &self.binding).finish_non_exhaustive()
    }
}

impl<F: Frame> Transport for Laned<F> {
    fn binding(&self) -> Binding {
        self.binding
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        let Laned { lanes, sink, stream, envelope, close_timer, .. } = *self;
        let sender =
            Sender { lanes: lanes.clone(), sink: Some(sink), farewell: Some(LaneFrame::Close), close_timer };
        (Box::new(sender), Box::new(Receiver { lanes, stream: Some(stream), envelope }))
    }
}

struct Sender<F> {
    lanes: Arc<Lanes>,
    /// `None` once it is closed.
    sink: Option<Carrier<F>>,
    /// `None` once the carrier has it.
    farewell: Option<LaneFrame<F>>,
    close_timer: Timer,
}

impl<F> Sender<F> {
    fn sink(&mut self) -> Result<&mut Carrier<F>, TransportError> {
        self.sink.as_mut().ok_or_else(|| TransportError::new(EndClosed))
    }
}

#[async_trait]
impl<F: Frame> TransportSender for Sender<F> {
    async fn send(&mut self, out: Outbound) -> Result<(), SendError> {
        self.sink()?;
        let Some(frame) = self.lanes.outbound(out)? else { return Ok(()) };
        Ok(self.sink()?.feed(frame.map(F::from_message)).await?)
    }

    async fn flush(&mut self) -> Result<(), TransportError> {
        self.sink()?.flush().await
    }

    async fn close(&mut self) -> Result<CloseReport, TransportError> {
        let Some(sink) = &mut self.sink else { return Ok(CloseReport::default()) };
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
        // The carrier is polled first, so that closing is begun whatever the timer says. A carrier that is gone
        // already misses nothing.
        let _closed = future::select(closing, (self.close_timer)()).await;
        self.sink = None;
        Ok(CloseReport::default())
    }
}

struct Receiver<F> {
    lanes: Arc<Lanes>,
    stream: Option<Frames<F>>,
    envelope: Envelope,
}

impl<F: Frame> Receiver<F> {
    /// Takes nothing that it does not return in the same poll: that is what makes `recv` cancel-safe.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Inbound>, TransportError>> {
        loop {
            let Some(stream) = &mut self.stream else { return Poll::Ready(Ok(None)) };
            match stream.poll_next_unpin(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(LaneFrame::Close)) | None) => self.stream = None,
                Poll::Ready(Some(Err(error))) => {
                    self.stream = None;
                    return Poll::Ready(Err(error));
                }
                Poll::Ready(Some(Ok(frame))) => {
                    let frame = frame.map(|text| single(text.decode()));
                    if let Some(inbound) = self.lanes.inbound(frame, self.envelope.clone()) {
                        return Poll::Ready(Ok(Some(inbound)));
                    }
                }
            }
        }
    }
}

#[async_trait]
impl<F: Frame> TransportReceiver for Receiver<F> {
    async fn recv(&mut self) -> Result<Option<Inbound>, TransportError> {
        future::poll_fn(|cx| self.poll_next(cx)).await
    }
}
