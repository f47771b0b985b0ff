//! Deadlines and other tasks beside a transport that is always ready (FAULT F-A1).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

use super::builder;
use crate::Error;
use crate::client::{CallOptions, EraMode};
use crate::message::{Decoded, Message, Notification, ProtocolVersion, RawJson, Response, decode};
use crate::server::{Context, Router, Server};
use crate::transport::{
    Binding, CloseReport, Connect, ConnectError, Inbound, Lane, Outbound, SendError, Transport,
    TransportError, TransportReceiver, TransportSender,
};

/// A peer that has something to say at any time, and never makes the reader wait.
#[derive(Clone, Default)]
struct Flood {
    /// What it says before the flood.
    first: Arc<Mutex<VecDeque<Message>>>,
    /// What was received since another task had its turn.
    since: Arc<AtomicUsize>,
}

/// Far more than one turn.
const NEVER_YIELDS: usize = 10_000;

impl Flood {
    fn says(&self, text: &str) {
        let Decoded::One(Ok(message)) = decode(text.to_owned().into()) else {
            panic!("not a message: {text}")
        };
        self.first.lock().unwrap().push_back(message);
    }

    /// Lets the link have many turns. Fails if it takes one that does not end.
    async fn turns(&self) {
        for _ in 0..100 {
            self.since.store(0, Ordering::SeqCst);
            tokio::task::yield_now().await;
        }
    }
}

impl Transport for Flood {
    fn binding(&self) -> Binding {
        Binding::STREAM
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        (self.clone(), self)
    }
}

#[async_trait]
impl Connect for Flood {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        Ok(Box::new(self.clone()))
    }
}

#[async_trait]
impl TransportSender for Flood {
    async fn send(&mut self, out: Outbound) -> Result<(), SendError> {
        if let Outbound::Message { message: Message::Request(request), .. } = out
            && request.method == "initialize"
        {
            let text = r#"{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"m","version":"1"}}"#;
            let answer = Response::result(request.id, RawJson::parse(text).unwrap());
            self.first.lock().unwrap().push_back(answer.into());
        }
        Ok(())
    }

    async fn close(&mut self) -> Result<CloseReport, TransportError> {
        Ok(CloseReport::default())
    }
}

#[async_trait]
impl TransportReceiver for Flood {
    async fn recv(&mut self) -> Result<Option<Inbound>, TransportError> {
        let since = self.since.fetch_add(1, Ordering::SeqCst);
        assert!(since < NEVER_YIELDS, "the driver never lets another task run");
        let first = self.first.lock().unwrap().pop_front();
        let message = first.unwrap_or_else(|| Notification::new("notifications/x", None).into());
        Ok(Some(Inbound::message(message, Lane::SHARED)))
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_call_ends_in_time_beside_a_flood() {
    let flood = Flood::default();
    let client = builder(EraMode::Legacy(ProtocolVersion::V2025_11_25)).connect(flood.clone()).await.unwrap();
    let call = client.call("x/slow", None, CallOptions::new().maximum(3 * SECOND));
    flood.turns().await;
    // The clock stands still while a task runs, and this flood always does.
    tokio::time::advance(3 * SECOND).await;
    flood.turns().await;
    let outcome = call.await;
    assert!(matches!(outcome, Err(Error::TimedOut { .. })), "{outcome:?}");
    client.close().await;
}

/// A server on such a link, whose handler asks the client and gets no answer in time.
fn asking(timed_out: &Arc<AtomicUsize>) -> (Server, Flood) {
    let timed_out = timed_out.clone();
    let router = Router::new().method("x/ask", move |_, context: Context| {
        let timed_out = timed_out.clone();
        async move {
            let answer = context.request("roots/list", None).await;
            assert!(matches!(answer, Err(Error::TimedOut { .. })), "{answer:?}");
            timed_out.fetch_add(1, Ordering::SeqCst);
            Ok(RawJson::EMPTY_OBJECT)
        }
    });
    let server =
        Server::builder("test", "1").configure(|config| config.input_timeout = 3 * SECOND).build(router);
    let flood = Flood::default();
    flood.says(
        r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"roots":{}},"clientInfo":{"name":"t","version":"1"}}}"#,
    );
    flood.says(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    flood.says(r#"{"jsonrpc":"2.0","id":1,"method":"x/ask"}"#);
    (server.unwrap(), flood)
}

#[tokio::test(start_paused = true)]
async fn a_question_ends_in_time_beside_a_flood() {
    let timed_out = Arc::new(AtomicUsize::new(0));
    let (server, flood) = asking(&timed_out);
    let served = tokio::spawn({
        let (server, link) = (server.clone(), flood.clone());
        async move { server.serve(link).await }
    });
    flood.turns().await;
    tokio::time::advance(3 * SECOND).await;
    flood.turns().await;
    assert_eq!(timed_out.load(Ordering::SeqCst), 1);
    assert!(!served.is_finished());
    // A drain ends as well, though the peer goes on.
    let draining = tokio::spawn(async move { server.drain(SECOND).await });
    flood.turns().await;
    tokio::time::advance(2 * SECOND).await;
    flood.turns().await;
    assert!(draining.is_finished() && served.is_finished());
}

/// The same thread serves others, on a runtime with worker threads too.
#[test]
fn a_flood_leaves_its_worker_to_others() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    runtime.block_on(async {
        let (server, flood) = asking(&Arc::default());
        let link = flood.clone();
        let served = tokio::spawn(async move { server.serve(link).await });
        tokio::spawn(async move { flood.turns().await }).await.unwrap();
        assert!(!served.is_finished());
        served.abort();
    });
}
