//! What a peer can make a client keep, and for how long.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use super::builder;
use crate::CloseReason;
use crate::client::{EraMode, Reconnect};
use crate::message::{Message, ProtocolVersion, RawJson, Request, RequestId, Response};
use crate::transport::{
    Binding, CloseReport, Connect, ConnectError, Inbound, Lane, Outbound, SendError, Transport,
    TransportError, TransportReceiver, TransportSender,
};

const PINGS: usize = 100_000;

/// A legacy server that asks for signs of life without end, and reads none of them.
#[derive(Clone, Default)]
struct Flood {
    asked: Arc<AtomicUsize>,
}

#[async_trait]
impl Connect for Flood {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        Ok(Box::new(self.clone()))
    }
}

impl Transport for Flood {
    fn binding(&self) -> Binding {
        Binding::STREAM
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        let (replies, incoming) = tokio::sync::mpsc::unbounded_channel();
        (Box::new(Input(replies)), Box::new(Output { incoming, ready: VecDeque::new(), asked: self.asked }))
    }
}

struct Input(tokio::sync::mpsc::UnboundedSender<Message>);

struct Output {
    incoming: tokio::sync::mpsc::UnboundedReceiver<Message>,
    ready: VecDeque<Message>,
    asked: Arc<AtomicUsize>,
}

#[async_trait]
impl TransportSender for Input {
    async fn send(&mut self, out: Outbound) -> Result<(), SendError> {
        let Outbound::Message { message, .. } = out else { return Ok(()) };
        match message {
            Message::Request(request) => {
                let text = r#"{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"m","version":"1"}}"#;
                let answer = Response::result(request.id, RawJson::parse(text).unwrap());
                self.0.send(answer.into()).unwrap();
                Ok(())
            }
            Message::Notification(_) => Ok(()),
            Message::Response(_) => pending().await,
        }
    }

    async fn close(&mut self) -> Result<CloseReport, TransportError> {
        Ok(CloseReport::default())
    }
}

#[async_trait]
impl TransportReceiver for Output {
    async fn recv(&mut self) -> Result<Option<Inbound>, TransportError> {
        let inbound = |message| Inbound::message(message, Lane::SHARED);
        if self.asked.load(Ordering::SeqCst) == 0 && self.ready.is_empty() {
            let opened = self.incoming.recv().await.unwrap();
            self.asked.store(1, Ordering::SeqCst);
            return Ok(Some(inbound(opened)));
        }
        let number = self.asked.fetch_add(1, Ordering::SeqCst);
        if number > PINGS {
            return pending().await;
        }
        let id = RequestId::from(i64::try_from(number).unwrap());
        Ok(Some(inbound(Request { id, method: "ping".into(), params: None }.into())))
    }
}

/// FAULT C-12, docs/bounds.md: replies are bounded too. A peer that asks and does not read is read no further,
/// and is given up when the write limit is over.
#[tokio::test(start_paused = true)]
async fn a_peer_that_asks_and_does_not_read_is_read_no_further() {
    let flood = Flood::default();
    let client = builder(EraMode::Legacy(ProtocolVersion::V2025_11_25))
        .reconnect(Reconnect::Never)
        .connect(flood.clone())
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let asked = flood.asked.load(Ordering::SeqCst);
    assert!((1_000..10_000).contains(&asked), "{asked} questions were read");
    let reason = client.closed().await;
    assert!(crate::transport::ErrorChain::new(&reason).to_string().contains("write stalled"), "{reason}");
}

/// FAULT C-12: a peer that never stops talking does not keep a close waiting.
#[tokio::test(start_paused = true)]
async fn a_flood_does_not_keep_a_close_waiting() {
    let flood = Flood::default();
    let client = builder(EraMode::Legacy(ProtocolVersion::V2025_11_25)).connect(flood.clone()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(matches!(client.close().await, CloseReason::Requested));
    let asked = flood.asked.load(Ordering::SeqCst);
    assert!(asked < 10_000, "{asked} questions were read");
}
