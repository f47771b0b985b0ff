//! The end of a client: asked for, by dropping it, before it was ready.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;

use super::{KINDS, Seen, builder, pair};
use crate::client::{CallOptions, ClientState};
use crate::transport::{Connect, ConnectError, Transport};
use crate::{CloseReason, Error};

/// Closing settles everything in flight, once, with the reason; and what comes later.
#[tokio::test(start_paused = true)]
async fn closing_settles_everything() {
    for (era, binding) in KINDS {
        let seen = Arc::<Seen>::default();
        let (client, server) = pair(&seen, era, binding).await;
        let calls: Vec<_> = (0..10).map(|_| client.call("x/wait", None, CallOptions::default())).collect();
        seen.started.notified().await;
        assert!(matches!(client.close().await, CloseReason::Requested));
        for call in calls {
            let error = call.await.unwrap_err();
            assert!(error.is_closed(), "{error}");
        }
        assert!(client.request("x/echo", None).await.unwrap_err().is_closed());
        assert!(client.notify("notifications/roots/list_changed", None).await.is_err());
        assert!(matches!(client.state(), ClientState::Closed(CloseReason::Requested)));
        assert!(matches!(client.close().await, CloseReason::Requested));
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(server.links(), 0, "{era:?} {}", binding.name);
    }
}

/// LIFE-B-019: the last handle closes the link; a call in flight is a handle.
#[tokio::test(start_paused = true)]
async fn dropping_the_last_handle_closes_the_link() {
    for (era, binding) in KINDS {
        let (client, server) = pair(&Arc::default(), era, binding).await;
        let call = client.call("x/echo", None, CallOptions::default());
        drop(client);
        call.await.unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(server.links(), 0);
    }
}

/// A connector that never completes, and records when its future is dropped.
struct Never(Arc<AtomicBool>);

struct Gone(Arc<AtomicBool>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[async_trait]
impl Connect for Never {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        let _gone = Gone(self.0.clone());
        pending().await
    }
}

/// Promise 8: a close does not wait for a connect; the connect is dropped.
#[tokio::test(start_paused = true)]
async fn a_close_while_connecting_drops_the_attempt() {
    let gone = Arc::new(AtomicBool::new(false));
    let client = builder(KINDS[0].0).start(Never(gone.clone())).unwrap();
    let call = client.call("x/echo", None, CallOptions::default());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(matches!(client.state(), ClientState::Connecting));
    assert!(matches!(client.close().await, CloseReason::Requested));
    assert!(call.await.unwrap_err().is_closed());
    assert!(gone.load(Ordering::SeqCst));
}

/// FAULT C-22: the start is bounded.
#[tokio::test(start_paused = true)]
async fn a_start_that_takes_too_long_fails() {
    let gone = Arc::new(AtomicBool::new(false));
    let error = builder(KINDS[0].0).connect(Never(gone.clone())).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!(gone.load(Ordering::SeqCst));
}

struct Refused;

#[async_trait]
impl Connect for Refused {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        Err(ConnectError::unusable("no such program: xyz"))
    }
}

/// FAULT C-21, C-23: the reason why there is no link is the error.
#[tokio::test(start_paused = true)]
async fn a_link_that_cannot_be_made_is_the_error() {
    let error = builder(KINDS[0].0).connect(Refused).await.unwrap_err();
    assert!(matches!(error, Error::Closed(CloseReason::NoLink(ConnectError::Unusable(_)))), "{error:?}");
    assert!(crate::transport::ErrorChain::new(&error).to_string().contains("xyz"));
}

/// A client needs a runtime, and says so.
#[test]
fn without_a_runtime_there_is_an_error() {
    assert!(matches!(builder(KINDS[0].0).start(Refused), Err(Error::Misuse(_))));
}

/// The last state is not waited for twice, also while the client itself is still held.
#[tokio::test(start_paused = true)]
async fn watching_ends_with_the_client() {
    let (client, _server) = pair(&Arc::default(), KINDS[0].0, KINDS[0].1).await;
    let mut state = client.watch();
    client.close().await;
    let last = state.changed().await;
    assert!(matches!(last, Some(ClientState::Closed(_))), "{last:?}");
    let after = tokio::time::timeout(Duration::from_secs(1), state.changed()).await;
    assert!(after.expect("it ends").is_none());
}

/// A runtime that goes away before the driver had its first turn leaves no call pending.
#[test]
fn a_runtime_that_never_ran_leaves_nobody_waiting() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = {
        let _inside = runtime.enter();
        builder(KINDS[0].0).start(Refused).unwrap()
    };
    let mut call = client.call("x/echo", None, CallOptions::default());
    let mut notifications = client.notifications();
    drop(runtime);
    let outcome = (&mut call).now_or_never().expect("an outcome");
    assert!(outcome.unwrap_err().is_closed());
    assert!(notifications.next().now_or_never().expect("an end").is_none());
    assert!(matches!(client.state(), ClientState::Closed(_)));
}

struct Panics;

#[async_trait]
impl Connect for Panics {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        panic!("a bug in a transport")
    }
}

/// A transport that panics ends the client, with a reason other than `Requested`.
#[tokio::test(start_paused = true)]
async fn a_panic_of_a_transport_is_not_a_close() {
    let client = builder(KINDS[0].0).start(Panics).unwrap();
    let error = client.request("x/echo", None).await.unwrap_err();
    assert!(matches!(error, Error::Closed(CloseReason::LinkFailed { .. })), "{error}");
    assert!(matches!(client.closed().await, CloseReason::LinkFailed { .. }));
}
