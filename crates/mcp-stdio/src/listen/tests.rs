//! The accept loop, in virtual time.

use std::sync::atomic::{AtomicUsize, Ordering};

use mcp_core::message::ProtocolVersion;
use mcp_core::transport::async_trait;
use rustix::io::Errno;
use tokio::time::{Instant, timeout};

use super::*;
use crate::StreamTransport;

/// Counts links and holds each until it is told to let go.
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

/// A peer that hangs up before it is accepted is no error of the listener.
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
