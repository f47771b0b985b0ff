//! What a client keeps of notifications and questions that are not read (FAULT F-A4).

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use super::{EXCHANGES, builder, serve};
use crate::client::{CallOptions, Client, EraMode};
use crate::message::{ProtocolVersion, RawJson};
use crate::server::{Context, Router};
use crate::session::SubscriptionFilter;
use crate::transport::{Binding, memory};

const MIB: usize = 1 << 20;
const FLOOD: usize = 40;

/// A server that sends many large notifications on each call, and then waits.
async fn flooding(era: EraMode, binding: Binding, flooded: &Arc<Notify>, go_on: &Arc<Notify>) -> Client {
    let (flooded, go_on) = (flooded.clone(), go_on.clone());
    let text = RawJson::object([("text", RawJson::string(&"x".repeat(MIB)))]);
    let router = Router::new().method("x/flood", move |_, context: Context| {
        let (flooded, go_on, text) = (flooded.clone(), go_on.clone(), text.clone());
        async move {
            for _ in 0..FLOOD {
                context.notify("notifications/x", Some(text.clone())).await;
            }
            flooded.notify_one();
            go_on.notified().await;
            Ok(RawJson::EMPTY_OBJECT)
        }
    });
    let (_server, connector) = serve(router, &memory::Pair::new(binding));
    builder(era).unread_bytes(8 * MIB).connect(connector).await.unwrap()
}

fn unread(client: &Client) -> usize {
    client.shared().unread.bytes() as usize
}

/// Waits until the client has received everything that was sent before.
async fn received(client: &Client) {
    client.request("ping", None).await.map(drop).unwrap_or_default();
}

#[tokio::test(start_paused = true)]
async fn notifications_of_a_call_are_bounded_in_bytes() {
    let (flooded, go_on) = (Arc::default(), Arc::<Notify>::default());
    let client = flooding(EraMode::Modern, EXCHANGES, &flooded, &go_on).await;
    let mut call = client.call("x/flood", None, CallOptions::new());
    flooded.notified().await;
    go_on.notify_one();
    (&mut call).await.unwrap();
    assert!((4 * MIB..=8 * MIB).contains(&unread(&client)), "{}", unread(&client));
    let mut read = 0;
    while call.next_notification().await.is_some() {
        read += 1;
    }
    assert_eq!((read, call.dropped_notifications()), (5, FLOOD as u64 - 5));
    assert_eq!(unread(&client), 0);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_kept_for_a_call_without_a_reader() {
    let (flooded, go_on) = (Arc::default(), Arc::<Notify>::default());
    let client = flooding(EraMode::Modern, EXCHANGES, &flooded, &go_on).await;
    let request = tokio::spawn({
        let client = client.clone();
        async move { client.request("x/flood", None).await }
    });
    flooded.notified().await;
    received(&client).await;
    assert_eq!(unread(&client), 0);
    go_on.notify_one();
    request.await.unwrap().unwrap();
}

/// All readers together, and each of them has a share.
#[tokio::test(start_paused = true)]
async fn notifications_of_all_readers_are_bounded_in_bytes() {
    let (flooded, go_on) = (Arc::default(), Arc::<Notify>::default());
    let era = EraMode::Legacy(ProtocolVersion::V2025_11_25);
    let client = flooding(era, Binding::STREAM, &flooded, &go_on).await;
    let mut readers: Vec<_> = (0..20).map(|_| client.notifications()).collect();
    let listen = client.listen(SubscriptionFilter::new().tools_list_changed());
    go_on.notify_one();
    client.request("x/flood", None).await.unwrap();
    assert!((4 * MIB..=8 * MIB).contains(&unread(&client)), "{}", unread(&client));
    let mut kept = 0;
    client.close().await;
    drop(listen);
    for reader in &mut readers {
        let dropped = reader.dropped();
        let mut read = 0;
        while reader.next().await.is_some() {
            read += 1;
        }
        assert_eq!(read + dropped, FLOOD as u64);
        kept += read;
    }
    assert!((4..=8).contains(&kept), "{kept}");
    assert_eq!(unread(&client), 0);
}

#[tokio::test(start_paused = true)]
async fn questions_are_bounded_in_bytes() {
    let question = RawJson::object([("text", RawJson::string(&"x".repeat(MIB)))]);
    let refused = Arc::new(AtomicUsize::new(0));
    let count = refused.clone();
    let router = Router::new().method("x/ask", move |_, context: Context| {
        let (question, count) = (question.clone(), count.clone());
        async move {
            let asked = (0..20).map(|_| context.request("sampling/createMessage", Some(question.clone())));
            let answers = futures::future::join_all(asked.map(|asked| {
                let count = &count;
                async move {
                    let error = asked.await.unwrap_err().to_string();
                    assert!(error.contains("unread notifications and questions"), "{error}");
                    count.fetch_add(1, Ordering::SeqCst);
                }
            }));
            answers.await;
            Ok(RawJson::EMPTY_OBJECT)
        }
    });
    let (_server, connector) = serve(router, &memory::Pair::new(Binding::STREAM));
    let client = builder(EraMode::Legacy(ProtocolVersion::V2025_11_25))
        .unread_bytes(8 * MIB)
        .capability("sampling", RawJson::EMPTY_OBJECT)
        .input_handler(|_, _| pending())
        .connect(connector)
        .await
        .unwrap();
    let call = client.call("x/ask", None, CallOptions::new());
    received(&client).await;
    received(&client).await;
    assert_eq!(refused.load(Ordering::SeqCst), 20 - 5);
    assert!(unread(&client) <= 8 * MIB);
    client.close().await;
    drop(call);
}
