//! A transport over a sink and a stream of frames that name their lanes.

use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::task::Context;

use futures::{Sink, Stream};

use super::{LaneFrame, Lanes, single};
use crate::transport::framed::Frame;
use crate::transport::glue::{Glue, Mapping, Received};
use crate::transport::{
    Binding, Envelope, Outbound, SendError, Transport, TransportReceiver, TransportSender,
};

/// A transport over a sink and a stream of [`LaneFrame`]s. See the [module](super) for what the carrier owes.
///
/// A stream made by [`futures::stream::unfold`] keeps its future from one `recv` to the next, so a carrier that is
/// written as an `async fn` loses nothing when the driver drops a `recv`.
pub struct Laned<F: Frame>(Glue<LaneFrames<F>>);

impl<F: Frame> Laned<F> {
    /// The client's end. `name` is for logs.
    pub fn client<S, E, R, G>(name: &'static str, sink: S, stream: R) -> Laned<F>
    where
        S: Sink<LaneFrame<F>, Error = E> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
        R: Stream<Item = Result<LaneFrame<F>, G>> + Send + 'static,
        G: Into<Box<dyn Error + Send + Sync>>,
    {
        let binding = Binding::new(name).continuous(true);
        Laned(Glue::new(binding, LaneFrames::new(Lanes::client()), sink, stream))
    }

    /// The server's end. `name` is for logs.
    pub fn server<S, E, R, G>(name: &'static str, sink: S, stream: R) -> Laned<F>
    where
        S: Sink<LaneFrame<F>, Error = E> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
        R: Stream<Item = Result<LaneFrame<F>, G>> + Send + 'static,
        G: Into<Box<dyn Error + Send + Sync>>,
    {
        let binding = Binding::new(name).continuous(true);
        Laned(Glue::new(binding, LaneFrames::new(Lanes::server()), sink, stream))
    }

    /// Declares that the carrier keeps the order of all lanes. Sets [`Binding::ordered`]; the carrier then owes no
    /// [`LaneFrame::Taken`]. Declare it at both ends.
    #[must_use]
    pub fn ordered(mut self) -> Laned<F> {
        self.0.binding.ordered = true;
        self.0.mapping.lanes.ordered = true;
        self
    }

    /// Declares that the carrier outlives the peer, as a message broker does, so that a close or a silence says
    /// nothing about the peer. Clears [`Binding::continuous`].
    #[must_use]
    pub fn discontinuous(mut self) -> Laned<F> {
        self.0.binding.continuous = false;
        self
    }

    /// Sets the envelope of every inbound message: the peer's address, a verified identity.
    #[must_use]
    pub fn envelope(mut self, envelope: Envelope) -> Laned<F> {
        self.0.envelope = envelope;
        self
    }

    /// Sets how long closing waits for the carrier: until this future ends. Without it, closing begins and is not
    /// waited for.
    #[must_use]
    pub fn close_within<T>(mut self, timer: impl Fn() -> T + Send + 'static) -> Laned<F>
    where
        T: Future<Output = ()> + Send + 'static,
    {
        self.0.close_within(timer);
        self
    }

    /// Replaces the binding, for the in-memory pair.
    pub(in crate::transport) fn with_binding(mut self, binding: Binding) -> Laned<F> {
        self.0.binding = binding;
        self.0.mapping.lanes.ordered = binding.ordered;
        self.0.mapping.lanes.one_exchange = binding.one_exchange;
        self
    }
}

impl<F: Frame> fmt::Debug for Laned<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Laned").field("binding", &self.0.binding).finish_non_exhaustive()
    }
}

impl<F: Frame> Transport for Laned<F> {
    fn binding(&self) -> Binding {
        self.0.binding
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        self.0.split()
    }
}

/// What frames mean on a carrier with lanes.
struct LaneFrames<F> {
    lanes: Lanes,
    frame: PhantomData<fn() -> F>,
}

impl<F: Frame> LaneFrames<F> {
    fn new(lanes: Lanes) -> LaneFrames<F> {
        LaneFrames { lanes, frame: PhantomData }
    }
}

impl<F: Frame> Mapping for LaneFrames<F> {
    type Frame = LaneFrame<F>;

    fn outbound(&self, out: Outbound) -> Result<Option<LaneFrame<F>>, SendError> {
        Ok(self.lanes.outbound(out)?.map(|frame| frame.map(F::from_message)))
    }

    fn inbound(&self, frame: LaneFrame<F>, envelope: &Envelope) -> Received {
        if let LaneFrame::Close = frame {
            return Received::End;
        }
        let frame = frame.map(|text| single(text.decode()));
        match self.lanes.inbound(frame, envelope.clone()) {
            Some(inbound) => Received::Inbound(inbound),
            None => Received::Nothing,
        }
    }

    fn farewell(&self) -> Option<LaneFrame<F>> {
        Some(LaneFrame::Close)
    }

    fn poll_over(&self, cx: &mut Context<'_>) -> bool {
        self.lanes.poll_over(cx)
    }
}
