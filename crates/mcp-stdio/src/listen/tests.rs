//! The accept loop, in virtual time.

use std::sync::atomic::{AtomicUsize, Ordering};

use mcp_core::message::ProtocolVersion;
use mcp_core::transport::{Transport, async_trait};
use rustix::io::Errno;
use tokio::time::{Instant, timeout};

use super::*;

/// Counts links and holds each until it is released.
#[derive(Default)]
struct Counting {
    links: AtomicUsize,
    done: tokio::sync::Notify,
}

#[async_trait]
impl Accept for Counting {
    async fn accept(self: Arc<Self>, _link: Box<dyn Transport>) {
        self.links.fetch_add(1, Ordering::SeqCst);
        self.done.notified().await;
    }

    fn versions(&self) -> &[ProtocolVersion] {
        &[]
    }
}

type Nowhere = StreamTransport<tokio::io::Empty, tokio::io::Sink>;

fn link() -> Nowhere {
    StreamTransport::new(tokio::io::empty(), tokio::io::sink())
}

/// FAULT C-46: out of descriptors, the loop backs off instead of spinning, and goes on afterwards.
#[tokio::test(start_paused = true)]
async fn an_exhausted_listener_backs_off() {
    let start = Instant::now();
    let mut calls = 0;
    let served = serve(Limits::default(), Arc::new(Counting::default()), |_: &mut Context<'_>| {
        calls += 1;
        match start.elapsed() < Duration::from_secs(60) {
            true => Poll::Ready(Err::<Nowhere, _>(Errno::MFILE.into())),
            false => Poll::Ready(Err(Errno::BADF.into())),
        }
    });
    assert_eq!(Errno::from_io_error(&served.await.unwrap_err()), Some(Errno::BADF));
    assert!((10..80).contains(&calls), "{calls} calls in a minute");
}

/// A peer that hangs up before it is accepted is not an error of the listener.
#[tokio::test(start_paused = true)]
async fn a_peer_that_is_gone_already_does_not_end_the_listener() {
    let accept = Arc::new(Counting::default());
    let mut calls = 0;
    let served = serve(Limits::default(), accept.clone(), |_: &mut Context<'_>| {
        calls += 1;
        match calls {
            1 => Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
            2 => Poll::Ready(Ok(link())),
            _ => Poll::Pending,
        }
    });
    assert!(timeout(Duration::from_secs(1), served).await.is_err());
    assert_eq!(accept.links.load(Ordering::SeqCst), 1);
}

/// The number of links is bounded: the next peer waits until a place is free.
#[tokio::test(start_paused = true)]
async fn links_are_bounded() {
    let accept = Arc::new(Counting::default());
    let mut served =
        Box::pin(serve(Limits::default().max_links(2), accept.clone(), |_: &mut Context<'_>| {
            Poll::Ready(Ok(link()))
        }));
    assert!(timeout(Duration::from_secs(1), &mut served).await.is_err());
    assert_eq!(accept.links.load(Ordering::SeqCst), 2);
    accept.done.notify_one();
    assert!(timeout(Duration::from_secs(1), &mut served).await.is_err());
    assert_eq!(accept.links.load(Ordering::SeqCst), 3);
}

/// Reads its link to the end and remembers how it ended.
#[derive(Default)]
struct Reading {
    ends: std::sync::Mutex<Vec<String>>,
}

#[async_trait]
impl Accept for Reading {
    async fn accept(self: Arc<Self>, link: Box<dyn Transport>) {
        let (_sender, mut receiver) = link.split();
        let end = loop {
            match receiver.recv().await {
                Ok(Some(_)) => {}
                Ok(None) => break "end".to_owned(),
                Err(error) => break error.to_string(),
            }
        };
        self.ends.lock().unwrap().push(end);
    }

    fn versions(&self) -> &[ProtocolVersion] {
        &[]
    }
}

type Pipe = tokio::io::DuplexStream;
type Half = (tokio::io::ReadHalf<Pipe>, tokio::io::WriteHalf<Pipe>);

/// A listener on pipes: what is sent here connects.
fn listener(limits: Limits) -> (tokio::sync::mpsc::UnboundedSender<Pipe>, Arc<Reading>) {
    let (connect, mut peers) = tokio::sync::mpsc::unbounded_channel::<Pipe>();
    let accept = Arc::new(Reading::default());
    let accepting = Arc::clone(&accept);
    tokio::spawn(async move {
        let next = |context: &mut Context<'_>| {
            peers.poll_recv(context).map(|peer| {
                let (reader, writer): Half = tokio::io::split(peer.ok_or(io::ErrorKind::NotConnected)?);
                Ok(StreamTransport::new(reader, writer).limits(limits))
            })
        };
        serve(limits, accepting, next).await
    });
    (connect, accept)
}

impl Reading {
    fn ends(&self) -> Vec<String> {
        self.ends.lock().unwrap().clone()
    }
}

const PING: &[u8] = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n";

fn peer(connect: &tokio::sync::mpsc::UnboundedSender<Pipe>) -> Pipe {
    let (ours, theirs) = tokio::io::duplex(1024);
    connect.send(theirs).unwrap();
    ours
}

/// FAULT F-A8: a peer that sends nothing is given up; one that has sent a message may be silent forever.
#[tokio::test(start_paused = true)]
async fn a_peer_has_30_s_for_its_first_message() {
    use tokio::io::AsyncWriteExt;
    let (connect, accept) = listener(Limits::default());
    let _silent = peer(&connect);
    let mut speaking = peer(&connect);
    speaking.write_all(PING).await.unwrap();
    tokio::time::sleep(Duration::from_secs(29)).await;
    assert_eq!(accept.ends(), Vec::<String>::new());
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(accept.ends(), ["no message within 30s (first_message)"]);
}

/// FAULT F-A8: the idle limit counts from each message on.
#[tokio::test(start_paused = true)]
async fn an_idle_limit_is_kept_on_request() {
    use tokio::io::AsyncWriteExt;
    let (connect, accept) = listener(Limits::default().idle(Duration::from_secs(60)));
    let mut speaking = peer(&connect);
    for _ in 0..3 {
        speaking.write_all(PING).await.unwrap();
        tokio::time::sleep(Duration::from_secs(59)).await;
    }
    assert_eq!(accept.ends(), Vec::<String>::new());
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(accept.ends(), ["no message within 60s (idle)"]);
}

/// FAULT F-A8: silent peers do not lock out others: the oldest of them makes way for the next peer.
#[tokio::test(start_paused = true)]
async fn the_oldest_silent_peer_makes_way() {
    use tokio::io::AsyncWriteExt;
    let limits = Limits::default().max_links(2).first_message(Duration::MAX);
    let (connect, accept) = listener(limits);
    let mut speaking = peer(&connect);
    speaking.write_all(PING).await.unwrap();
    let _silent = peer(&connect);
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(accept.ends(), Vec::<String>::new());
    let mut next = peer(&connect);
    next.write_all(PING).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(accept.ends().len(), 1, "{:?}", accept.ends());
    assert!(accept.ends()[0].contains("max_links"), "{:?}", accept.ends());
    // Those who speak keep their places; a further peer waits.
    let waiting = peer(&connect);
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(accept.ends().len(), 1);
    drop((speaking, waiting));
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(accept.ends().len(), 3, "{:?}", accept.ends());
}
