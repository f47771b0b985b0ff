//! A transport whose peer follows a script.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokio::sync::Notify;

use super::{ONE, text};
use crate::message::{Decoded, Message, decode};
use crate::transport::{
    Binding, CloseReport, Inbound, Lane, Outbound, SendError, Transport, TransportError, TransportReceiver,
    TransportSender,
};

/// A peer that says what it has to say, and reads nothing until it is allowed to.
#[derive(Clone, Default)]
pub(super) struct Script {
    says: Arc<Mutex<VecDeque<Inbound>>>,
    said: Arc<Notify>,
    /// The answers that it has read.
    read: Arc<Mutex<Vec<String>>>,
    reads: Arc<Notify>,
    reading: Arc<AtomicBool>,
    /// A link of one exchange instead of a stream.
    once: bool,
}

impl Script {
    /// A link of one exchange. Its peer never ends it.
    pub(super) fn once() -> Script {
        Script { once: true, ..Script::default() }
    }

    pub(super) fn decoded(text: &str, lane: Lane) -> Inbound {
        match decode(text.to_owned().into()) {
            Decoded::One(Ok(message)) => Inbound::message(message, lane),
            Decoded::Batch(items) => Inbound::batch(items, lane),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn says(&self, text: &str, lane: Lane) {
        self.says.lock().unwrap().push_back(Script::decoded(text, lane));
        self.said.notify_one();
    }

    pub(super) fn calls(&self, method: &str, calls: usize) {
        self.calls_on(Lane::SHARED, method, calls);
    }

    pub(super) fn calls_on(&self, lane: Lane, method: &str, calls: usize) {
        for id in 0..calls {
            self.says(
                &format!(
                    r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
                ),
                lane,
            );
        }
    }

    pub(super) fn read_on(&self) {
        self.reading.store(true, Ordering::SeqCst);
        self.reads.notify_one();
    }

    pub(super) fn answers(&self) -> Vec<String> {
        self.read.lock().unwrap().clone()
    }
}

impl Transport for Script {
    fn binding(&self) -> Binding {
        if self.once { ONE } else { Binding::STREAM }
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        (self.clone(), self)
    }
}

#[async_trait]
impl TransportSender for Script {
    async fn send(&mut self, out: Outbound) -> Result<(), SendError> {
        if let Outbound::Message { message: Message::Response(_), lane, .. } = &out
            && !lane.is_batch()
        {
            while !self.reading.load(Ordering::SeqCst) {
                self.reads.notified().await;
            }
        }
        if let Outbound::Message { message, .. } = out {
            self.read.lock().unwrap().push(text(&message));
        }
        Ok(())
    }

    async fn close(&mut self) -> Result<CloseReport, TransportError> {
        Ok(CloseReport::default())
    }
}

#[async_trait]
impl TransportReceiver for Script {
    async fn recv(&mut self) -> Result<Option<Inbound>, TransportError> {
        loop {
            let next = self.says.lock().unwrap().pop_front();
            match next {
                Some(next) => return Ok(Some(next)),
                None => self.said.notified().await,
            }
        }
    }
}
