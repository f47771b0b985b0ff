//! The wrappers: each forwards everything and records it.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;

use crate::message::{ProtocolVersion, RawJson};
use crate::transport::{
    Accept, Binding, CloseReport, Connect, ConnectError, Envelope, ErrorChain, Inbound, Lane, Outbound,
    PeerEvidence, SendError, Transport, TransportError, TransportReceiver, TransportSender,
};

use super::record::{encode, refused};
use super::{Direction, RecordKind, Reporter, Tracer};

/// A traced transport. Created by [`Tracer::transport`].
pub struct TracedTransport {
    inner: Box<dyn Transport>,
    reporter: Reporter,
}

impl TracedTransport {
    pub(super) fn new(inner: Box<dyn Transport>, reporter: Reporter) -> TracedTransport {
        TracedTransport { inner, reporter }
    }
}

impl Transport for TracedTransport {
    fn binding(&self) -> Binding {
        self.inner.binding()
    }

    fn evidence(&self) -> Option<PeerEvidence> {
        self.inner.evidence()
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        let (sender, receiver) = self.inner.split();
        let reporter = self.reporter;
        (
            Box::new(TracedSender { inner: sender, reporter: reporter.clone() }),
            Box::new(TracedReceiver { inner: receiver, reporter, ended: false }),
        )
    }
}

struct TracedSender {
    inner: Box<dyn TransportSender>,
    reporter: Reporter,
}

impl TracedSender {
    fn note_failure<E: Error + 'static>(&self, lane: Option<Lane>, sent: &Result<(), E>) {
        if let Err(error) = sent {
            self.reporter.report(
                Direction::Out,
                lane,
                RecordKind::Failed { why: ErrorChain::new(error).to_string() },
            );
        }
    }
}

#[async_trait]
impl TransportSender for TracedSender {
    /// Recorded before it is sent, so the last record of a link that hangs shows what it hangs on.
    async fn send(&mut self, out: Outbound) -> Result<(), SendError> {
        let (lane, kind) = match &out {
            Outbound::Message { message, lane, .. } => {
                (*lane, RecordKind::message(message, self.reporter.redaction()))
            }
            Outbound::End { lane, reason } => (*lane, RecordKind::End(*reason)),
        };
        self.reporter.report(Direction::Out, Some(lane), kind);
        let sent = self.inner.send(out).await;
        self.note_failure(Some(lane), &sent);
        sent
    }

    async fn flush(&mut self) -> Result<(), TransportError> {
        let flushed = self.inner.flush().await;
        self.note_failure(None, &flushed);
        flushed
    }

    async fn close(&mut self) -> Result<CloseReport, TransportError> {
        let closed = self.inner.close().await;
        let how = match &closed {
            Ok(closed) => closed.to_string(),
            Err(error) => ErrorChain::new(error).to_string(),
        };
        self.reporter.report(Direction::Out, None, RecordKind::Closed { how });
        closed
    }
}

struct TracedReceiver {
    inner: Box<dyn TransportReceiver>,
    reporter: Reporter,
    ended: bool,
}

impl TracedReceiver {
    fn note(&mut self, received: &Result<Option<Inbound>, TransportError>) {
        let (lane, kind) = match received {
            // It carries nothing; the streams themselves are in the transport's log.
            Ok(Some(Inbound::ServerStream { .. })) => return,
            Ok(Some(inbound)) => {
                let (lane, kind) = self.kind(inbound);
                (Some(lane), kind)
            }
            // A link repeats its end; one record is enough.
            _ if std::mem::replace(&mut self.ended, true) => return,
            Ok(None) => (None, RecordKind::Closed { how: "the peer ended the link".to_owned() }),
            Err(error) => (None, RecordKind::Failed { why: ErrorChain::new(error).to_string() }),
        };
        self.reporter.report(Direction::In, lane, kind);
    }

    fn kind(&self, inbound: &Inbound) -> (Lane, RecordKind) {
        let redaction = self.reporter.redaction();
        match inbound {
            Inbound::Message { message, lane, .. } => (*lane, RecordKind::message(message, redaction)),
            Inbound::Batch { items, lane, .. } => {
                let items = items.iter().map(|item| match item {
                    Ok(message) => encode(message),
                    Err(refusal) => RawJson::object([("refused", refused(&refusal.error))]),
                });
                let json = RawJson::array(items);
                (*lane, RecordKind::Batch { size: json.as_bytes().len(), json: redaction.apply(&json) })
            }
            Inbound::Refused { lane, refusal } => {
                (*lane, RecordKind::Refused { error: refusal.error.clone() })
            }
            Inbound::Delivered { lane } => (*lane, RecordKind::Delivered),
            Inbound::Lost { lane, loss } => {
                (*lane, RecordKind::Lost { kind: loss.kind, why: ErrorChain::new(&*loss.source).to_string() })
            }
            Inbound::Ended { .. } | Inbound::ServerStream { .. } => (inbound.lane(), RecordKind::Ended),
        }
    }
}

#[async_trait]
impl TransportReceiver for TracedReceiver {
    async fn recv(&mut self) -> Result<Option<Inbound>, TransportError> {
        let received = self.inner.recv().await;
        self.note(&received);
        received
    }
}

/// A traced connector. Created by [`Tracer::connect`].
#[derive(Debug)]
pub struct TracedConnect<C> {
    inner: C,
    tracer: Tracer,
}

impl<C> TracedConnect<C> {
    pub(super) fn new(inner: C, tracer: Tracer) -> TracedConnect<C> {
        TracedConnect { inner, tracer }
    }
}

#[async_trait]
impl<C: Connect> Connect for TracedConnect<C> {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        match self.inner.connect().await {
            Ok(link) => Ok(Box::new(self.tracer.boxed(link))),
            Err(error) => {
                let reporter = Reporter { tracer: self.tracer.clone(), link: 0 };
                reporter.report(
                    Direction::Out,
                    None,
                    RecordKind::Failed { why: ErrorChain::new(&error).to_string() },
                );
                Err(error)
            }
        }
    }
}

/// A traced server. Created by [`Tracer::accept`].
pub struct TracedAccept {
    inner: Arc<dyn Accept>,
    tracer: Tracer,
}

impl TracedAccept {
    pub(super) fn new(inner: Arc<dyn Accept>, tracer: Tracer) -> TracedAccept {
        TracedAccept { inner, tracer }
    }
}

#[async_trait]
impl Accept for TracedAccept {
    async fn accept(self: Arc<Self>, link: Box<dyn Transport>) {
        let link = self.tracer.boxed(link);
        self.inner.clone().accept(Box::new(link)).await;
    }

    fn versions(&self) -> &[ProtocolVersion] {
        self.inner.versions()
    }

    async fn input_schema(&self, tool: &str, envelope: &Envelope) -> Option<RawJson> {
        self.inner.input_schema(tool, envelope).await
    }

    fn drain(&self) {
        self.inner.drain();
    }
}
