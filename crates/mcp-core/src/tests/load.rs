//! Many calls, large messages, both directions at once.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;

use super::{KINDS, Seen, builder, object, pair, router, serve};
use crate::client::CallOptions;
use crate::message::RawJson;
use crate::transport::memory;

/// FAULT C-39: each of 5,000 concurrent calls gets its own answer.
#[tokio::test(start_paused = true)]
async fn five_thousand_concurrent_calls_get_their_own_answers() {
    for (era, binding) in KINDS {
        let (client, _server) = pair(&Arc::default(), era, binding).await;
        let calls = (0..5000_i64).map(|number| {
            let client = client.clone();
            tokio::spawn(async move {
                let params = RawJson::object([("say", RawJson::integer(number))]);
                let result = client.request("x/echo", Some(params)).await.unwrap();
                assert_eq!(result.raw().member("said"), Some(RawJson::integer(number)));
            })
        });
        for call in join_all(calls).await {
            call.unwrap();
        }
    }
}

/// Large messages both ways over a link that holds one do not deadlock.
#[tokio::test(start_paused = true)]
async fn two_full_directions_do_not_deadlock() {
    for (era, binding) in KINDS {
        let narrow = memory::Pair::new(binding).capacity(1);
        let (_server, connector) = serve(router(&Arc::default()), &narrow);
        let client = builder(era).connect(connector).await.unwrap();
        let text = "x".repeat(1 << 16);
        let calls = (0..200).map(|_| {
            let params = RawJson::object([("say", RawJson::string(&text))]);
            client.call("x/echo", Some(params), CallOptions::default())
        });
        for result in join_all(calls).await {
            assert!(result.unwrap().raw().as_bytes().len() > 1 << 16);
        }
    }
}

/// Progress one way while calls go the other, over a link that holds one message.
#[tokio::test(start_paused = true)]
async fn progress_and_calls_do_not_deadlock() {
    for (era, binding) in KINDS {
        let narrow = memory::Pair::new(binding).capacity(1);
        let (_server, connector) = serve(router(&Arc::default()), &narrow);
        let client = builder(era).connect(connector).await.unwrap();
        let calls = (0..20)
            .map(|_| client.call("x/progress", object(r#"{"steps":500}"#), super::with_progress()))
            .chain((0..500).map(|_| client.call("x/echo", None, CallOptions::default())));
        for result in join_all(calls).await {
            result.unwrap();
        }
    }
}

/// Cancelled calls give their places back: more of them than fit at once.
#[tokio::test(start_paused = true)]
async fn cancelled_calls_give_their_places_back() {
    let seen = Arc::<Seen>::default();
    let (_server, connector) = serve(router(&seen), &memory::Pair::new(KINDS[0].1));
    let client = builder(KINDS[0].0).max_in_flight(2).connect(connector).await.unwrap();
    for _ in 0..20 {
        let call = client.call("x/wait", None, CallOptions::default());
        let waited = tokio::time::timeout(Duration::from_millis(10), call).await;
        assert!(waited.is_err());
    }
    client.request("x/echo", None).await.unwrap();
}
