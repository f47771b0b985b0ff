//! Subscriptions, and notifications that belong to nothing.

use std::sync::Arc;
use std::time::Duration;

use super::{KINDS, Seen, pair};
use crate::client::{Subscription, SubscriptionEvent};
use crate::session::{Change, SubscriptionFilter};

fn tools() -> SubscriptionFilter {
    SubscriptionFilter { tools_list_changed: true, ..SubscriptionFilter::default() }
}

async fn next(listen: &mut Subscription) -> SubscriptionEvent {
    tokio::time::timeout(Duration::from_secs(100), listen.next()).await.expect("an item").expect("no end")
}

/// SUB-C-004, SUB-S-003: it starts, reports changes, and ends on the server when dropped.
#[tokio::test(start_paused = true)]
async fn a_subscription_starts_tells_and_ends() {
    for (era, binding) in KINDS {
        let (client, server) = pair(&Arc::<Seen>::default(), era, binding).await;
        let mut listen = client.listen(tools());
        let started = next(&mut listen).await;
        assert!(
            matches!(&started, SubscriptionEvent::Started { honoured, gap: false } if honoured.tools_list_changed),
            "{era:?}: {started:?}"
        );
        server.publish(Change::ToolsList);
        let changed = next(&mut listen).await;
        assert!(
            matches!(&changed, SubscriptionEvent::Changed(note) if note.method == "notifications/tools/list_changed"),
            "{changed:?}"
        );
        drop(listen);
        client.request("x/echo", None).await.unwrap();
    }
}

/// FAULT C-13: a slow reader learns that events are missing, and does not delay others.
#[tokio::test(start_paused = true)]
async fn a_slow_listener_is_told_that_it_missed_changes() {
    for (era, binding) in KINDS {
        let (client, server) = pair(&Arc::<Seen>::default(), era, binding).await;
        let mut listen = client.listen(tools());
        assert!(matches!(next(&mut listen).await, SubscriptionEvent::Started { .. }));
        for _ in 0..1000 {
            server.publish(Change::ToolsList);
            tokio::task::yield_now().await;
        }
        client.request("x/echo", None).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let first = next(&mut listen).await;
        assert!(matches!(first, SubscriptionEvent::Missed { items } if items >= 500), "{first:?}");
        assert!(matches!(next(&mut listen).await, SubscriptionEvent::Changed(_)));
    }
}

/// Closing the client ends its subscriptions, with the reason.
#[tokio::test(start_paused = true)]
async fn a_subscription_ends_with_its_client() {
    for (era, binding) in KINDS {
        let (client, _server) = pair(&Arc::<Seen>::default(), era, binding).await;
        let mut listen = client.listen(tools());
        assert!(matches!(next(&mut listen).await, SubscriptionEvent::Started { .. }));
        client.close().await;
        let mut last = None;
        while let Some(item) = listen.next().await {
            last = Some(item);
        }
        assert!(matches!(last, Some(SubscriptionEvent::Ended(Err(_)))), "{last:?}");
    }
}

/// A legacy server sends changes unasked: a separate reader receives them, and ends with the client.
#[tokio::test(start_paused = true)]
async fn unasked_notifications_reach_their_readers() {
    let (era, binding) = KINDS[2];
    let (client, server) = pair(&Arc::<Seen>::default(), era, binding).await;
    let mut first = client.notifications();
    let mut second = client.notifications();
    drop(client.notifications());
    client.request("x/echo", None).await.unwrap();
    server.publish(Change::ToolsList);
    for reader in [&mut first, &mut second] {
        assert_eq!(reader.next().await.unwrap().method, "notifications/tools/list_changed");
    }
    client.close().await;
    assert!(first.next().await.is_none());
    assert!(client.notifications().next().await.is_none());
}
