//! Calls: their results, their notifications, their ends.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;

use super::{KINDS, Seen, builder, object, pair, router, serve, with_progress};
use crate::Error;
use crate::client::CallOptions;
use crate::message::RawJson;
use crate::tests::rejecting::Rejecting;
use crate::transport::{LossKind, memory};

/// RPC-B-002, ERR-S-008: lists, calls, errors; the same in both eras.
#[tokio::test(start_paused = true)]
async fn calls_are_answered_in_every_era_and_binding() {
    for (era, binding) in KINDS {
        let (client, _server) = pair(&Arc::default(), era, binding).await;
        let tools = client.request("tools/list", None).await.unwrap();
        assert!(tools.raw().to_string().contains(r#""name":"echo""#), "{era:?}");
        let params = object(r#"{"name":"echo","arguments":{"a":2.5e-308}}"#);
        let result = client.request("tools/call", params).await.unwrap();
        assert!(result.raw().to_string().contains("2.5e-308"), "{era:?}");
        let unknown = client.request("x/unknown", None).await.unwrap_err();
        assert_eq!(unknown.rpc().map(|error| error.code), Some(-32601), "{era:?}");
        client.close().await;
    }
}

/// FAULT C-50: a panic concerns its caller.
#[tokio::test(start_paused = true)]
async fn a_panic_in_a_handler_fails_one_call() {
    for (era, binding) in KINDS {
        let (client, _server) = pair(&Arc::default(), era, binding).await;
        let error = client.request("x/panic", None).await.unwrap_err();
        assert_eq!(error.rpc().map(|error| error.code), Some(-32603));
        client.request("x/echo", None).await.unwrap();
    }
}

/// PROG-B-003, META-S-018, FAULT C-40: progress comes with its call, in order, and before the result.
#[tokio::test(start_paused = true)]
async fn a_call_has_its_notifications() {
    for (era, binding) in KINDS {
        let (client, _server) = pair(&Arc::default(), era, binding).await;
        let mut call = client.call("x/progress", object(r#"{"steps":5}"#), with_progress());
        let mut steps = Vec::new();
        while let Some(notification) = call.next_notification().await {
            let params = notification.params.unwrap().into_raw();
            if notification.method == "notifications/progress" {
                steps.push(params.member("progress").unwrap().to_string());
            }
        }
        assert_eq!(steps.len(), 5, "{era:?}");
        assert!(steps[0].starts_with('1') && steps[4].starts_with('5'), "{steps:?}");
        call.await.unwrap();
    }
}

/// FAULT C-13: who does not read notifications loses the oldest of them, and never an answer.
#[tokio::test(start_paused = true)]
async fn a_slow_reader_of_notifications_blocks_no_reply() {
    for (era, binding) in KINDS {
        let (client, _server) = pair(&Arc::default(), era, binding).await;
        let mut call = client.call("x/progress", object(r#"{"steps":3000}"#), with_progress());
        client.request("x/echo", None).await.unwrap();
        (&mut call).await.unwrap();
        assert!(call.dropped_notifications() >= 3000 - 256, "{}", call.dropped_notifications());
        let mut kept = 0;
        while call.next_notification().await.is_some() {
            kept += 1;
        }
        assert_eq!(kept, 256);
    }
}

/// CANC-C-008, CANC-C-009, FAULT C-37: dropping a call cancels it on the server.
#[tokio::test(start_paused = true)]
async fn dropping_a_call_cancels_it_on_the_server() {
    for (era, binding) in KINDS {
        let seen = Arc::<Seen>::default();
        let (client, _server) = pair(&seen, era, binding).await;
        let call = client.call("x/wait", None, CallOptions::default());
        seen.started.notified().await;
        drop(call);
        seen.cancelled.notified().await;
        assert_eq!(seen.running(), 0, "{era:?} {}", binding.name);
        client.request("x/echo", None).await.unwrap();
    }
}

/// A guard is safe where there is no runtime.
#[test]
fn a_call_may_be_dropped_outside_of_a_runtime() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let seen = Arc::<Seen>::default();
    let (client, call) = runtime.block_on(async {
        let (client, _server) = pair(&seen, KINDS[0].0, KINDS[0].1).await;
        let call = client.call("x/wait", None, CallOptions::default());
        seen.started.notified().await;
        (client, call)
    });
    drop(call);
    runtime.block_on(seen.cancelled.notified());
    drop(runtime);
    // The task of the driver is gone with its runtime: then everything is closed, and nothing hangs.
    let late = client.request("x/echo", None);
    assert!(matches!(late.now_or_never(), Some(Err(Error::Closed(_)))));
}

/// TIME-B-003, TIME-B-005: a call that is cancelled by hand, or takes too long, ends once, and is cancelled at the server.
#[tokio::test(start_paused = true)]
async fn cancelled_and_overdue_calls_end_once() {
    for (era, binding) in KINDS {
        let seen = Arc::<Seen>::default();
        let (client, _server) = pair(&seen, era, binding).await;
        let mut call = client.call("x/wait", None, CallOptions::default());
        seen.started.notified().await;
        call.cancel();
        assert!(matches!(call.await, Err(Error::Cancelled)));
        seen.cancelled.notified().await;
        let options = CallOptions { timeout: Some(Duration::from_secs(3)), ..CallOptions::default() };
        let overdue = client.call("x/wait", None, options).await.unwrap_err();
        assert!(overdue.is_timeout(), "{overdue}");
        seen.cancelled.notified().await;
    }
}

/// Back-pressure: one call more than fit waits for a place; its clock runs meanwhile.
#[tokio::test(start_paused = true)]
async fn a_call_waits_for_a_place_no_longer_than_it_may_take() {
    let seen = Arc::<Seen>::default();
    let (_server, connector) = serve(router(&seen), &memory::Pair::new(KINDS[0].1));
    let client = builder(KINDS[0].0).max_in_flight(1).connect(connector).await.unwrap();
    let first = client.call("x/wait", None, CallOptions::default());
    seen.started.notified().await;
    let options = CallOptions { timeout: Some(Duration::from_secs(2)), ..CallOptions::default() };
    let second = client.call("x/echo", None, options);
    assert!(second.await.unwrap_err().is_timeout());
    let third = client.call("x/echo", object(r#"{"say":3}"#), CallOptions::default());
    drop(first);
    assert_eq!(third.await.unwrap().raw().member("said"), Some(RawJson::integer(3)));
}

/// Promise 6: a call that the link has no way for fails at once, though nothing else goes on there; the link continues.
#[tokio::test(start_paused = true)]
async fn a_rejected_call_fails_at_once_on_a_quiet_link() {
    for (era, binding) in KINDS {
        let (_server, connector) = serve(router(&Arc::default()), &memory::Pair::new(binding));
        let client = builder(era).connect(Rejecting::new(connector, "x/wait")).await.unwrap();
        let start = tokio::time::Instant::now();
        let outcome = client.call("x/wait", None, CallOptions::default()).await;
        assert!(
            matches!(&outcome, Err(Error::Lost(loss)) if loss.kind == LossKind::NoRoute),
            "{era:?}: {outcome:?}"
        );
        assert!(start.elapsed().is_zero(), "{era:?}: {:?}", start.elapsed());
        assert!(client.call("x/echo", None, CallOptions::default()).await.is_ok(), "{era:?}");
    }
}
