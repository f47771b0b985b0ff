//! Changes of a server reach the clients that want to hear of them, in either era.

use std::sync::atomic::Ordering;
use std::time::Duration;

use mcp_core::client::{EraMode, Subscription, SubscriptionEvent};
use mcp_core::session::SubscriptionFilter;
use mcp_core::transport::Binding;

use super::setup::{EXCHANGES, LEGACY, Setup, object, only};
use crate::{Policy, State};

async fn started(changes: &mut Subscription) -> (SubscriptionFilter, bool) {
    loop {
        match changes.next().await.unwrap() {
            SubscriptionEvent::Started { honoured, gap } => return (honoured, gap),
            SubscriptionEvent::Lost => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn changed(changes: &mut Subscription) -> String {
    match changes.next().await.unwrap() {
        SubscriptionEvent::Changed(notification) => {
            let params =
                notification.params.map(|params| params.raw().without_members(&["_meta"]).to_string());
            format!("{} {}", notification.method, params.unwrap_or_else(|| "{}".to_owned()))
        }
        other => panic!("{other:?}"),
    }
}

// BR-04: lists and single resources, with the acknowledgement first, and nothing that was not asked for.
#[tokio::test(start_paused = true)]
async fn changes_cross_in_every_direction() {
    for up in [LEGACY, EraMode::Modern] {
        for down in [LEGACY, EraMode::Modern] {
            for binding in [Binding::STREAM, EXCHANGES] {
                let title = format!("{down:?} -> {up:?} {}", binding.name);
                let setup = Setup::new(only(up), binding, Policy::PerSession);
                let client = setup.client(down, binding).await;
                let filter =
                    SubscriptionFilter::new().tools_list_changed().prompts_list_changed().resource("test:a");
                let mut changes = client.listen(filter);
                let honoured = SubscriptionFilter::new().tools_list_changed().resource("test:a");
                assert_eq!(started(&mut changes).await, (honoured, false), "{title}");
                client.request("tools/call", object(r#"{"name":"change"}"#)).await.unwrap();
                assert_eq!(changed(&mut changes).await, "notifications/tools/list_changed {}", "{title}");
                let updated = r#"notifications/resources/updated {"uri":"test:a"}"#;
                assert_eq!(changed(&mut changes).await, updated, "{title}");
                // One that hears of nothing.
                let mut other = client.listen(SubscriptionFilter::new().resource("test:b"));
                assert_eq!(
                    started(&mut other).await.0,
                    SubscriptionFilter::new().resource("test:b"),
                    "{title}"
                );
                client.request("tools/call", object(r#"{"name":"change"}"#)).await.unwrap();
                assert_eq!(changed(&mut changes).await, "notifications/tools/list_changed {}", "{title}");
                assert!(futures::FutureExt::now_or_never(other.next()).is_none(), "{title}");
            }
        }
    }
}

// BR-14: a server that was replaced may have changed, so everything is reported as changed once.
#[tokio::test(start_paused = true)]
async fn a_restart_is_a_change_of_everything() {
    for up in [LEGACY, EraMode::Modern] {
        for down in [LEGACY, EraMode::Modern] {
            let title = format!("{down:?} -> {up:?}");
            let setup = Setup::new(only(up), Binding::STREAM, Policy::PerSession);
            let client = setup.client(down, Binding::STREAM).await;
            let mut changes =
                client.listen(SubscriptionFilter::new().tools_list_changed().resource("test:a"));
            started(&mut changes).await;
            setup.seen.kill.notify_waiters();
            let mut heard = [changed(&mut changes).await, changed(&mut changes).await];
            heard.sort();
            assert_eq!(
                heard,
                [
                    r#"notifications/resources/updated {"uri":"test:a"}"#,
                    "notifications/tools/list_changed {}"
                ],
                "{title}"
            );
            assert_eq!(setup.seen.links.load(Ordering::SeqCst), 2, "{title}");
            client.request("tools/call", object(r#"{"name":"change"}"#)).await.unwrap();
            assert_eq!(changed(&mut changes).await, "notifications/tools/list_changed {}", "{title}");
        }
    }
}

// BR-14: so is a session that was opened in place of one that was given up: nothing tells what has changed in between.
#[tokio::test(start_paused = true)]
async fn a_new_session_is_a_change_of_everything() {
    for up in [LEGACY, EraMode::Modern] {
        let title = format!("{up:?}");
        let setup = Setup::limited(only(up), |limits| {
            (limits.failures, limits.give_up) = (1, Duration::from_secs(10));
        });
        let client = setup.client(LEGACY, Binding::STREAM).await;
        let mut changes = client.listen(SubscriptionFilter::new().tools_list_changed().resource("test:a"));
        started(&mut changes).await;
        setup.seen.kill.notify_waiters();
        while setup.bridge.status().upstreams[0].state != State::Failed {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(client.list_tools().await.is_err(), "{title}");
        tokio::time::sleep(Duration::from_secs(11)).await;
        client.list_tools().await.unwrap_or_else(|error| panic!("{title}: {error}"));
        let heard = async { [changed(&mut changes).await, changed(&mut changes).await] };
        let heard = tokio::time::timeout(Duration::from_secs(60), heard).await;
        let mut heard = heard.unwrap_or_else(|_| panic!("{title}: it heard nothing"));
        heard.sort();
        let wanted =
            [r#"notifications/resources/updated {"uri":"test:a"}"#, "notifications/tools/list_changed {}"];
        assert_eq!(heard, wanted, "{title}");
    }
}

/// A client that ends its subscription ends the one upstream.
#[tokio::test(start_paused = true)]
async fn a_subscription_ends_on_both_sides() {
    for up in [LEGACY, EraMode::Modern] {
        let setup = Setup::new(only(up), EXCHANGES, Policy::PerSession);
        let client = setup.client(EraMode::Modern, EXCHANGES).await;
        let mut changes = client.listen(SubscriptionFilter::new().tools_list_changed());
        started(&mut changes).await;
        drop(changes);
        client.request("tools/call", object(r#"{"name":"change"}"#)).await.unwrap();
        let mut again = client.listen(SubscriptionFilter::new().tools_list_changed());
        started(&mut again).await;
        assert!(futures::FutureExt::now_or_never(again.next()).is_none());
    }
}
