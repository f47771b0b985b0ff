//! What of a client's message goes along with what is sent for it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use mcp_core::client::{Client, EraMode};
use mcp_core::message::Message;
use mcp_core::server::Server;
use mcp_core::transport::{
    Binding, CloseReport, Connect, ConnectError, Envelope, Outbound, SendError, Transport, TransportError,
    TransportReceiver, TransportSender, memory,
};

use super::setup::{Counting, EXCHANGES, LEGACY, Seen, plain, router};
use crate::lock::Lock;
use crate::{Bridge, Forwarded, Policy, Upstream};

/// What a transport found in a message.
#[derive(Clone, Debug)]
struct Key(&'static str);

type Sent = Arc<Lock<Vec<(String, Option<&'static str>)>>>;

/// A connector that notes each request with the key beside it, and under which key the link was opened.
struct Noting<C> {
    inner: C,
    opened: Option<&'static str>,
    sent: Sent,
}

#[async_trait]
impl<C: Connect> Connect for Noting<C> {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        self.sent.lock().push(("opened".to_owned(), self.opened));
        Ok(Box::new(Noted { link: self.inner.connect().await?, sent: self.sent.clone() }))
    }
}

struct Noted {
    link: Box<dyn Transport>,
    sent: Sent,
}

impl Transport for Noted {
    fn binding(&self) -> Binding {
        self.link.binding()
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        let (inner, receiver) = self.link.split();
        (Box::new(NotedSender { inner, sent: self.sent }), receiver)
    }
}

struct NotedSender {
    inner: Box<dyn TransportSender>,
    sent: Sent,
}

#[async_trait]
impl TransportSender for NotedSender {
    async fn send(&mut self, out: Outbound) -> Result<(), SendError> {
        if let Outbound::Message { message: Message::Request(request), envelope, .. } = &out {
            let key = envelope.get::<Key>().map(|key| key.0);
            self.sent.lock().push((request.method.as_str().to_owned(), key));
        }
        self.inner.send(out).await
    }

    async fn flush(&mut self) -> Result<(), TransportError> {
        self.inner.flush().await
    }

    async fn close(&mut self) -> Result<CloseReport, TransportError> {
        self.inner.close().await
    }
}

/// A link that is there already.
struct Once(Option<memory::End>);

#[async_trait]
impl Connect for Once {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        Ok(Box::new(self.0.take().ok_or(ConnectError::AlreadyUsed)?))
    }
}

/// A client whose messages the listener finds this key in.
async fn client(bridge: &Bridge, era: EraMode, key: Option<&'static str>) -> Client {
    let envelope = key.map_or_else(Envelope::default, |key| Envelope::default().with(Key(key)));
    let (near, far) = memory::Pair::new(EXCHANGES).envelope(envelope).link();
    let front = bridge.front("it").unwrap();
    tokio::spawn(async move { front.serve(far).await });
    plain(era).connect(Once(Some(near))).await.unwrap()
}

fn setup(pick: bool) -> (Arc<Seen>, Sent, Bridge) {
    let (seen, sent) = (Arc::new(Seen::default()), Sent::default());
    let server = Server::builder("upstream", "1").build(router(&seen)).unwrap();
    let (connector, listener) = memory::connector(EXCHANGES);
    tokio::spawn(listener.serve(Counting { server, seen: seen.clone() }));
    let noted = sent.clone();
    let upstream = Upstream::new(move |caller| {
        let opened = caller.forwarded.get::<Key>().map(|key| key.0);
        Noting { inner: connector.clone(), opened, sent: noted.clone() }
    });
    let upstream = upstream.policy(Policy::PerCaller);
    let upstream = match pick {
        true => upstream.forward(|envelope| match envelope.get::<Key>() {
            Some(key) => Forwarded::new(Envelope::default().with(key.clone()), key.0),
            None => Forwarded::default(),
        }),
        false => upstream,
    };
    (seen, sent, Bridge::builder().upstream("it", upstream).build().unwrap())
}

// BR-06: each call has what its own client sent, and clients that send different things share no session.
#[tokio::test(start_paused = true)]
async fn what_goes_along_is_that_of_the_call() {
    for era in [LEGACY, EraMode::Modern] {
        let (seen, sent, bridge) = setup(true);
        for (key, links) in [(Some("ada"), 1), (Some("bob"), 2), (Some("ada"), 2), (None, 3)] {
            let client = client(&bridge, era, key).await;
            let opened = sent.lock().iter().filter(|line| **line == ("opened".to_owned(), key)).count();
            assert_eq!(opened, 1, "{era:?} {key:?}");
            client.list_tools().await.unwrap();
            assert!(sent.lock().contains(&("tools/list".to_owned(), key)), "{era:?} {key:?}");
            assert_eq!(seen.links.load(Ordering::SeqCst), links, "{era:?} {key:?}");
        }
    }
}

/// Nothing goes along unless it is picked.
#[tokio::test(start_paused = true)]
async fn nothing_goes_along_by_default() {
    let (seen, sent, bridge) = setup(false);
    for key in ["ada", "bob"] {
        client(&bridge, EraMode::Modern, Some(key)).await.list_tools().await.unwrap();
    }
    assert!(sent.lock().iter().all(|(_, key)| key.is_none()), "{:?}", sent.lock());
    assert_eq!(seen.links.load(Ordering::SeqCst), 1);
}
