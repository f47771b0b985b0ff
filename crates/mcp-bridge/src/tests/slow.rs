//! A client that does not read what it asked for, beside others that share its server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;
use mcp_core::client::{CallOptions, EraMode};
use mcp_core::server::{Context, HandlerError, Router, Server, ToolDef};
use mcp_core::transport::{
    Binding, Connect, ConnectError, Inbound, Transport, TransportError, TransportReceiver, TransportSender,
    memory,
};
use tokio::time::Instant;

use super::setup::{EXCHANGES, LEGACY, object, only, plain};
use crate::{Bridge, Policy, Upstream};

/// A connector whose links deliver nothing more once the flag is set.
struct Stalling {
    inner: memory::Connector,
    stalled: Arc<AtomicBool>,
}

#[async_trait]
impl Connect for Stalling {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        Ok(Box::new(Stalled { inner: self.inner.connect().await?, stalled: self.stalled.clone() }))
    }
}

struct Stalled<T> {
    inner: T,
    stalled: Arc<AtomicBool>,
}

impl Transport for Stalled<Box<dyn Transport>> {
    fn binding(&self) -> Binding {
        self.inner.binding()
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        let (sender, inner) = self.inner.split();
        (sender, Box::new(Stalled { inner, stalled: self.stalled }))
    }
}

#[async_trait]
impl TransportReceiver for Stalled<Box<dyn TransportReceiver>> {
    async fn recv(&mut self) -> Result<Option<Inbound>, TransportError> {
        if self.stalled.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        self.inner.recv().await
    }
}

/// A server with a tool that reports progress for as long as it may, and how often it was cancelled.
fn flooding(era: EraMode) -> (Server, Arc<AtomicUsize>) {
    let cancelled = Arc::new(AtomicUsize::new(0));
    let count = cancelled.clone();
    let flood = move |_, context: Context| {
        let count = count.clone();
        async move {
            // An end, so that a bridge that never cuts the call fails the test, and does not hang it.
            for step in 0_u32..100_000 {
                if context.is_cancelled() {
                    count.fetch_add(1, Ordering::SeqCst);
                    break;
                }
                context.progress(f64::from(step), None, Some(&"x".repeat(100))).await;
                if step % 100 == 0 {
                    // The clock moves while nobody else can go on.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
            Ok::<_, HandlerError>("stopped")
        }
    };
    let router = Router::new()
        .tool(ToolDef::new("flood"), flood)
        .tool(ToolDef::new("quick"), async |_, _| Ok::<_, HandlerError>("done"));
    (Server::builder("flood", "1").versions(only(era)).build(router).unwrap(), cancelled)
}

// BR-11: the server is read on, so the calls of others take no longer. The call of the slow client is cut at the bound.
#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_slows_nobody_down() {
    for up in [LEGACY, EraMode::Modern] {
        for (down, binding) in [
            (LEGACY, Binding::STREAM),
            (LEGACY, EXCHANGES),
            (EraMode::Modern, Binding::STREAM),
            (EraMode::Modern, EXCHANGES),
        ] {
            let title = format!("{down:?} {} -> {up:?}", binding.name);
            let (server, cancelled) = flooding(up);
            let (connector, listener) = memory::connector(Binding::STREAM);
            tokio::spawn(listener.serve(server));
            let upstream = Upstream::new(move |_| connector.clone()).policy(Policy::Shared);
            let bridge = Bridge::builder().upstream("it", upstream);
            let bridge = bridge.limits(|limits| limits.notifications = 200).build().unwrap();
            let front = bridge.front("it").unwrap();
            let connect = || {
                let (connector, listener) = memory::connector(binding);
                tokio::spawn(listener.serve(front.clone()));
                connector
            };
            let stalled = Arc::new(AtomicBool::new(false));
            let slow = Stalling { inner: connect(), stalled: stalled.clone() };
            let slow = plain(down).connect(slow).await.unwrap();
            let others = join_all((0..3).map(async |_| plain(down).connect(connect()).await.unwrap())).await;
            stalled.store(true, Ordering::SeqCst);
            let flood = object(r#"{"name":"flood"}"#);
            let flood = slow.call("tools/call", flood, CallOptions::new().progress());
            let began = Instant::now();
            let calls = others.iter().map(async |client| {
                for _ in 0..200 {
                    client.request("tools/call", object(r#"{"name":"quick"}"#)).await.unwrap();
                }
            });
            let calls = tokio::time::timeout(Duration::from_secs(60), join_all(calls)).await;
            assert!(calls.is_ok(), "{title}: the others wait");
            // The clock moves only while nobody can go on.
            assert_eq!(began.elapsed(), Duration::ZERO, "{title}");
            let cut = async {
                while cancelled.load(Ordering::SeqCst) == 0 {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            };
            let cut = tokio::time::timeout(Duration::from_secs(60), cut).await;
            assert!(cut.is_ok(), "{title}: the call goes on");
            assert_eq!(bridge.status().upstreams[0].calls, 0, "{title}");
            drop(flood);
        }
    }
}
