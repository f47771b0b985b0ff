//! The kit's server side: collects every link that a listener accepts.

use std::sync::{Arc, MutexGuard};

use async_trait::async_trait;
use tokio::sync::{Mutex as AsyncMutex, mpsc, watch};

use crate::fault::DroppingReceiver;
use crate::lock::Lock;
use mcp_core::message::ProtocolVersion;
use mcp_core::transport::{
    Accept, Binding, CloseReport, ErrorChain, Inbound, Lane, Outbound, SendError, Transport, TransportError,
    TransportReceiver, TransportSender,
};

/// What a receiver reported.
#[derive(Debug)]
pub(super) enum Seen {
    In(Inbound),
    /// The end: clean, or with the error's text.
    End(Result<(), String>),
    /// What `recv` returned after the end.
    AfterEnd(Result<Option<Inbound>, String>),
}

/// How a receiver is driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    Plain,
    /// The future is dropped at every await point.
    Dropping,
}

/// Forwards what a receiver reports until its end. Reads only while `open` is set.
pub(super) async fn read(
    receiver: Box<dyn TransportReceiver>,
    reading: Reading,
    mut open: watch::Receiver<bool>,
    mut tell: impl FnMut(Seen),
) {
    let mut receiver: Box<dyn TransportReceiver> = match reading {
        Reading::Plain => receiver,
        Reading::Dropping => Box::new(DroppingReceiver::new(receiver)),
    };
    loop {
        if open.wait_for(|open| *open).await.is_err() {
            return;
        }
        match receiver.recv().await {
            // It belongs to no lane, and no promise is about it.
            Ok(Some(Inbound::ServerStream { .. })) => {}
            Ok(Some(inbound)) => tell(Seen::In(inbound)),
            end => {
                let clean = end.is_ok();
                tell(Seen::End(end.map(|_| ()).map_err(|error| ErrorChain::new(&error).to_string())));
                if clean {
                    for _ in 0..2 {
                        let again =
                            receiver.recv().await.map_err(|error| ErrorChain::new(&error).to_string());
                        tell(Seen::AfterEnd(again));
                    }
                }
                return;
            }
        }
    }
}

/// One link of the server.
#[derive(Clone)]
pub(super) struct ServerLink {
    pub(super) binding: Binding,
    sender: Arc<AsyncMutex<Option<Box<dyn TransportSender>>>>,
    done: watch::Sender<bool>,
}

/// The `Accept` that the kit passes to a listener.
pub(super) struct Gather {
    links: Lock<Vec<ServerLink>>,
    events: mpsc::UnboundedSender<(usize, Seen)>,
    reading: Reading,
    open: watch::Receiver<bool>,
}

/// What the server's links receive, and how the kit sends on them.
pub(super) struct Hub {
    gather: Arc<Gather>,
    events: mpsc::UnboundedReceiver<(usize, Seen)>,
    open: watch::Sender<bool>,
}

impl Hub {
    pub(super) fn new(reading: Reading) -> (Hub, Arc<Gather>) {
        let (tell, events) = mpsc::unbounded_channel();
        let (open, opened) = watch::channel(true);
        let gather = Arc::new(Gather { links: Lock::default(), events: tell, reading, open: opened });
        (Hub { gather: gather.clone(), events, open }, gather)
    }

    /// Pauses or resumes reading, after the current `recv`.
    pub(super) fn read(&self, on: bool) {
        let _nobody_reads = self.open.send(on);
    }

    pub(super) fn links(&self) -> Vec<ServerLink> {
        self.gather.links().clone()
    }

    pub(super) fn link(&self, index: usize) -> Option<ServerLink> {
        self.gather.links().get(index).cloned()
    }

    /// The next event of any link.
    pub(super) async fn next(&mut self) -> (usize, Seen) {
        match self.events.recv().await {
            Some(event) => event,
            // The hub itself keeps a sender.
            None => std::future::pending().await,
        }
    }
}

impl ServerLink {
    /// Sends and flushes.
    pub(super) async fn send(&self, out: Outbound) -> Result<(), SendError> {
        match &mut *self.sender.lock().await {
            Some(sender) => {
                sender.send(out).await?;
                Ok(sender.flush().await?)
            }
            None => Err(SendError::fatal("the kit dropped this link")),
        }
    }

    /// Closes the link as a driver does, and lets `accept` return.
    pub(super) async fn close(&self) -> Result<CloseReport, TransportError> {
        let closed = match &mut *self.sender.lock().await {
            Some(sender) => sender.close().await,
            None => Ok(CloseReport::default()),
        };
        let _returned = self.done.send(true);
        closed
    }

    /// Closes twice, and returns both reports.
    pub(super) async fn close_twice(&self) -> [Result<CloseReport, TransportError>; 2] {
        [self.close().await, self.close().await]
    }

    /// Drops both halves without closing.
    pub(super) async fn vanish(&self) {
        self.sender.lock().await.take();
        let _returned = self.done.send(true);
    }
}

impl Gather {
    fn links(&self) -> MutexGuard<'_, Vec<ServerLink>> {
        self.links.lock()
    }
}

#[async_trait]
impl Accept for Gather {
    async fn accept(self: Arc<Self>, link: Box<dyn Transport>) {
        let binding = link.binding();
        let (sender, receiver) = link.split();
        let (done, mut over) = watch::channel(false);
        let sender = Arc::new(AsyncMutex::new(Some(sender)));
        let index = {
            let mut links = self.links();
            links.push(ServerLink { binding, sender, done });
            links.len() - 1
        };
        let events = self.events.clone();
        let reading = read(receiver, self.reading, self.open.clone(), move |seen| {
            let _nobody_looks = events.send((index, seen));
        });
        // A link is served until it is closed: at its end, answers may still be owed.
        tokio::select! {
            biased;
            _ = over.wait_for(|over| *over) => {}
            () = async { reading.await; std::future::pending().await } => {}
        }
    }

    fn versions(&self) -> &[ProtocolVersion] {
        ProtocolVersion::ALL
    }
}

/// A message of the client, as the server's end delivered it.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) link: usize,
    pub(super) lane: Lane,
    pub(super) message: mcp_core::message::Message,
}
