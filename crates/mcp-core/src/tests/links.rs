//! Links that end by themselves, and peers that do not read; with a peer made by hand.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{KINDS, Seen, builder, router, serve};
use crate::client::{CallOptions, Client, ClientState, EraMode, Reconnect};
use crate::message::{Message, ProtocolVersion, RawJson, Request, Response};
use crate::transport::{
    Binding, CloseReport, Connect, ConnectError, Inbound, Lane, Outbound, SendError, Transport,
    TransportError, TransportReceiver, TransportSender, memory,
};
use crate::{CloseReason, Error};

/// How the peer below behaves once it has the call.
#[derive(Clone, Copy)]
struct Behaviour {
    /// It takes this long to end.
    close: Duration,
    /// It answers the call before its output ends, and that it will end is known from writing first.
    broken_with_answer: bool,
    /// It stops reading.
    stuck: bool,
    /// It cannot be written to, and its output stays open.
    mute: bool,
}

const DIES: Behaviour =
    Behaviour { close: Duration::ZERO, broken_with_answer: false, stuck: false, mute: false };

/// A legacy server that shakes hands and then, at its first call, comes to an end.
struct Mortal(Behaviour);

#[async_trait]
impl Connect for Mortal {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        Ok(Box::new(Mortal(self.0)))
    }
}

impl Transport for Mortal {
    fn binding(&self) -> Binding {
        Binding::STREAM
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        let (replies, incoming) = mpsc::unbounded_channel();
        let behaviour = self.0;
        (Box::new(Input { behaviour, replies }), Box::new(Out { incoming, ready: VecDeque::new() }))
    }
}

struct Input {
    behaviour: Behaviour,
    replies: mpsc::UnboundedSender<Option<Message>>,
}

struct Out {
    incoming: mpsc::UnboundedReceiver<Option<Message>>,
    ready: VecDeque<Option<Message>>,
}

fn initialized(request: &Request) -> Message {
    let text =
        r#"{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"m","version":"1"}}"#;
    Response::result(request.id.clone(), RawJson::parse(text).unwrap()).into()
}

#[async_trait]
impl TransportSender for Input {
    async fn send(&mut self, out: Outbound) -> Result<(), SendError> {
        let Outbound::Message { message: Message::Request(request), .. } = out else { return Ok(()) };
        if request.method == "initialize" {
            self.replies.send(Some(initialized(&request))).unwrap();
            return Ok(());
        }
        if self.behaviour.stuck {
            return pending().await;
        }
        if self.behaviour.mute {
            return Err(SendError::fatal("broken pipe"));
        }
        if self.behaviour.broken_with_answer {
            let answer = Response::result(request.id, RawJson::EMPTY_OBJECT);
            let replies = self.replies.clone();
            // What a dead child left in its pipe comes a little after the write has failed.
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                replies.send(Some(answer.into())).unwrap();
                replies.send(None).unwrap();
            });
            return Err(SendError::fatal("broken pipe"));
        }
        self.replies.send(None).unwrap();
        Ok(())
    }

    async fn close(&mut self) -> Result<CloseReport, TransportError> {
        tokio::time::sleep(self.behaviour.close).await;
        Ok(CloseReport {
            signal: Some(9),
            stderr_tail: Some("out of cheese".into()),
            ..CloseReport::default()
        })
    }
}

#[async_trait]
impl TransportReceiver for Out {
    async fn recv(&mut self) -> Result<Option<Inbound>, TransportError> {
        let next = match self.ready.pop_front() {
            Some(next) => next,
            None => self.incoming.recv().await.flatten(),
        };
        if next.is_none() {
            self.ready.push_front(None);
        }
        let lane = Lane::SHARED;
        Ok(next.map(|message| Inbound::message(message, lane)))
    }
}

async fn mortal(behaviour: Behaviour) -> Client {
    builder(EraMode::Legacy(ProtocolVersion::V2025_11_25))
        .reconnect(Reconnect::Never)
        .connect(Mortal(behaviour))
        .await
        .unwrap()
}

/// FAULT C-1: what is known of the end is in the error: the signal, the last words.
#[tokio::test(start_paused = true)]
async fn a_dead_child_fails_its_calls_with_its_last_words() {
    let client = mortal(DIES).await;
    let error = client.request("x/any", None).await.unwrap_err();
    let Error::Closed(reason) = &error else { panic!("{error}") };
    assert_eq!(reason.closed().and_then(|closed| closed.signal), Some(9), "{error}");
    assert!(error.to_string().contains("out of cheese"), "{error}");
    assert!(matches!(client.closed().await, CloseReason::PeerClosed(_)));
}

/// FAULT C-2: a child that ends its output and continues does not keep its calls waiting.
#[tokio::test(start_paused = true)]
async fn a_child_that_lives_on_does_not_keep_its_calls_waiting() {
    let client = mortal(Behaviour { close: Duration::from_secs(4), ..DIES }).await;
    let begun = Instant::now();
    let error = client.request("x/any", None).await.unwrap_err();
    assert!(begun.elapsed() <= Duration::from_millis(500), "{:?}", begun.elapsed());
    assert!(error.to_string().contains("still being ended"), "{error}");
    // The client is closed when the child is gone, and not before.
    client.closed().await;
    assert!(begun.elapsed() >= Duration::from_secs(4));
}

/// FAULT C-3: an answer that is under way when the write fails still counts.
#[tokio::test(start_paused = true)]
async fn an_answer_under_way_outlives_a_broken_pipe() {
    let client = mortal(Behaviour { broken_with_answer: true, ..DIES }).await;
    client.request("x/any", None).await.unwrap();
    assert!(matches!(client.closed().await, CloseReason::LinkFailed { .. }));
}

/// FAULT C-1: the error has what is known of the end, also what became known while the link was closing.
#[tokio::test(start_paused = true)]
async fn the_end_is_told_also_where_last_words_are_waited_for() {
    let client = mortal(Behaviour { close: Duration::from_millis(400), mute: true, ..DIES }).await;
    let error = client.request("x/any", None).await.unwrap_err();
    assert!(error.to_string().contains("out of cheese"), "{error}");
}

/// FAULT C-12: a peer that does not read is given up, with an error that says so.
#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_is_given_up() {
    let client = mortal(Behaviour { stuck: true, ..DIES }).await;
    let options =
        CallOptions { timeout: Some(Duration::MAX), maximum: Some(Duration::MAX), ..Default::default() };
    let calls: Vec<_> = (0..3).map(|_| client.call("x/any", None, options.clone())).collect();
    for call in calls {
        let error = call.await.unwrap_err();
        assert!(crate::transport::ErrorChain::new(&error).to_string().contains("write stalled"), "{error}");
    }
}

/// A close is not kept waiting by a peer that does not read.
#[tokio::test(start_paused = true)]
async fn a_close_is_not_kept_waiting_by_a_peer_that_does_not_read() {
    let client = mortal(Behaviour { stuck: true, ..DIES }).await;
    let call = client.call("x/any", None, CallOptions::default());
    tokio::time::sleep(Duration::from_millis(10)).await;
    let begun = Instant::now();
    client.close().await;
    assert!(begun.elapsed() <= Duration::from_secs(3), "{:?}", begun.elapsed());
    assert!(call.await.unwrap_err().is_closed());
}

/// FAULT C-1: after a link is gone the state says so, and the next call makes a new one.
#[tokio::test(start_paused = true)]
async fn the_next_call_makes_a_new_link() {
    for (era, binding) in KINDS {
        let seen = Arc::<Seen>::default();
        let (server, connector) = serve(router(&seen), &memory::Pair::new(binding));
        let client = builder(era).connect(Switch { inner: connector, next: None, binding }).await.unwrap();
        client.request("x/echo", None).await.unwrap();
        let call = client.call("x/wait", None, CallOptions::default());
        seen.started.notified().await;
        // The server ends its links, and goes on serving new ones by another name.
        server.drain(Duration::from_secs(1)).await;
        // Exchanges that are ended one by one are lost; on a stream the link takes them with it.
        let error = call.await.unwrap_err();
        assert!(matches!(error, Error::Closed(_) | Error::Lost(_)), "{era:?}: {error}");
        let mut state = client.watch();
        let gone = state.until(|state| matches!(state, ClientState::Disconnected(_))).await;
        assert!(matches!(gone, ClientState::Disconnected(_)), "{gone:?}");
        // Also if that call is the typed `ping`, which depends on the era.
        client.ping().await.unwrap();
        client.request("x/echo", None).await.unwrap();
        assert!(client.state().is_ready());
    }
}

/// Connects to a server, and from the second time on to another.
struct Switch {
    inner: memory::Connector,
    next: Option<memory::Connector>,
    binding: Binding,
}

#[async_trait]
impl Connect for Switch {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        if let Some(next) = &mut self.next {
            return next.connect().await;
        }
        let (_server, next) = serve(router(&Arc::default()), &memory::Pair::new(self.binding));
        self.next = Some(next);
        self.inner.connect().await
    }
}
