//! Notifications of handlers before their reply, and changes that servers publish.

use std::sync::Arc;

use super::{EXCHANGES, ONE, Peer, server};
use crate::message::{Message, RawJson};
use crate::server::{Handler, PromptDef, Router, Server, ToolDef};
use crate::session::{Change, LogLevel};
use crate::transport::{Binding, Envelope, Identity, Owner, memory};
use crate::warnings::Warnings;

fn router() -> Router {
    Router::new()
        .tool(ToolDef::new("any"), |_, _| async { Ok("x") })
        .prompt(PromptDef::new("any"), |_, _| async { Ok(RawJson::EMPTY_OBJECT) })
        .tools_list_changed()
        .prompts_list_changed()
        .method("x/steps", |_, context| async move {
            for step in 1..=3 {
                context.progress(f64::from(step), Some(3.0), Some("going")).await;
            }
            context.log(LogLevel::Error, None, RawJson::string("last words")).await;
            Ok(RawJson::EMPTY_OBJECT)
        })
        .method("x/mine", |_, context| async move {
            context.publish_to(&context.owner(), Change::ToolsList);
            Ok(RawJson::EMPTY_OBJECT)
        })
        .method("x/flood", |_, context| async move {
            for step in 1..=5000 {
                context.progress(f64::from(step), None, None).await;
            }
            Ok(RawJson::EMPTY_OBJECT)
        })
}

/// PROG-B-003, META-S-018: a handler's notifications arrive in order and before its reply, on every binding.
#[tokio::test(start_paused = true)]
async fn notifications_come_in_order_and_before_the_reply() {
    for binding in [Binding::STREAM, EXCHANGES, ONE] {
        let server = server(router());
        let mut peer = Peer::of(&server, binding);
        let meta = r#"{"_meta":{"progressToken":"p","io.modelcontextprotocol/logLevel":"info"}}"#;
        peer.modern(1, "x/steps", meta).await;
        for step in 1..=3 {
            let progress = peer.text().await;
            assert!(progress.contains(&format!(r#""progress":{step}"#)), "{progress}");
        }
        assert!(peer.text().await.contains("last words"));
        assert!(matches!(peer.next().await, Some(Message::Response(_))));
    }
}

/// PROG-B-002, META-S-017: a client that requested no notifications receives none.
#[tokio::test(start_paused = true)]
async fn unasked_notifications_are_not_sent() {
    let server = server(router());
    let mut peer = Peer::of(&server, Binding::STREAM);
    peer.modern(1, "x/steps", "{}").await;
    assert!(matches!(peer.next().await, Some(Message::Response(_))));
}

/// FAULT C-13: a handler with many notifications waits for the reader, while other replies and pings are
/// written and read; nothing is lost.
#[tokio::test(start_paused = true)]
async fn a_flood_of_progress_is_bounded_and_complete() {
    let server = server(router());
    let mut peer = Peer::with(&server, &memory::Pair::new(Binding::STREAM).capacity(4));
    peer.modern(1, "x/flood", r#"{"_meta":{"progressToken":1}}"#).await;
    // The client does not read yet: the handler waits, and the server does not.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    peer.modern(2, "x/steps", "{}").await;
    let (mut progress, mut replies) = (0, Vec::new());
    while replies.len() < 2 {
        match peer.next().await {
            Some(Message::Notification(_)) => progress += 1,
            Some(Message::Response(response)) => replies.push(response.id),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(progress, 5000);
    assert_eq!(replies[0], Some(2.into()));
}

/// SUB-S-003: a change reaches every subscribed link; behind a slow reader equal changes are merged.
#[tokio::test(start_paused = true)]
async fn changes_reach_all_listeners_and_are_merged_behind_a_slow_one() {
    let server = server(router());
    let mut fast = Peer::of(&server, Binding::STREAM);
    let mut slow = Peer::with(&server, &memory::Pair::new(Binding::STREAM).capacity(1));
    for peer in [&mut fast, &mut slow] {
        peer.modern(
            1,
            "subscriptions/listen",
            r#"{"notifications":{"toolsListChanged":true,"promptsListChanged":true}}"#,
        )
        .await;
        assert!(peer.text().await.contains("acknowledged"));
    }
    let counted = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = counted.clone();
    tokio::spawn(async move {
        while fast.text().await.contains("list_changed") {
            counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
    });
    for _ in 0..2000 {
        server.publish(Change::ToolsList);
        tokio::task::yield_now().await;
    }
    server.publish(Change::PromptsList);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(counted.load(std::sync::atomic::Ordering::SeqCst), 2001);
    let (mut late, mut last) = (0, String::new());
    while let Ok(text) = tokio::time::timeout(std::time::Duration::from_secs(1), slow.text()).await {
        late += 1;
        last = text;
    }
    assert!(last.contains("notifications/prompts/list_changed"), "{last}");
    assert!((2..1000).contains(&late), "{late}");
    let _alive: &Server = &server;
}

// SUB-S-005, DESIGN 12: what one user may not see does not reach them by a change either.
/// A change with an audience reaches the subscribers of this owner, in both eras and no other.
#[tokio::test(start_paused = true)]
async fn a_change_reaches_its_audience_only() {
    let server = server(router());
    let of = |subject| match subject {
        "" => Envelope::default(),
        subject => Envelope::default().with(Identity::new(subject)),
    };
    let mut peers = Vec::new();
    for subject in ["ann", "bob", ""] {
        let mut modern = Peer::with(&server, &memory::Pair::new(Binding::STREAM).envelope(of(subject)));
        modern.modern(1, "subscriptions/listen", r#"{"notifications":{"toolsListChanged":true}}"#).await;
        assert!(modern.text().await.contains("acknowledged"));
        let mut legacy = Peer::with(&server, &memory::Pair::new(Binding::STREAM).envelope(of(subject)));
        legacy.initialize("{}").await;
        peers.extend([(subject, modern), (subject, legacy)]);
    }
    for (audience, subject) in [
        (Identity::new("ann").owner(), "ann"),
        (Identity::new("bob").owner(), "bob"),
        (Owner::anonymous(), ""),
    ] {
        server.publish_to(&audience, Change::ToolsList);
        for (of, peer) in &mut peers {
            let told = tokio::time::timeout(std::time::Duration::from_secs(1), peer.text()).await;
            assert_eq!(told.is_ok(), *of == subject, "{of:?} of {subject:?}: {told:?}");
        }
    }
    server.publish(Change::ToolsList);
    for (_, peer) in &mut peers {
        assert!(peer.text().await.contains("list_changed"));
    }
}

// SUB-S-005.
/// What a handler publishes to the owner of its caller reaches this caller's other links, and no other caller.
#[tokio::test(start_paused = true)]
async fn a_handler_publishes_to_the_owner_of_its_caller() {
    let server = server(router());
    let of = |subject| Envelope::default().with(Identity::new(subject).with_scopes(["any"]));
    for caller in [of("ann"), Envelope::default()] {
        let mut listening = Peer::with(&server, &memory::Pair::new(Binding::STREAM).envelope(caller.clone()));
        let mut other = Peer::with(&server, &memory::Pair::new(Binding::STREAM).envelope(of("bob")));
        for peer in [&mut listening, &mut other] {
            peer.modern(1, "subscriptions/listen", r#"{"notifications":{"toolsListChanged":true}}"#).await;
            assert!(peer.text().await.contains("acknowledged"));
        }
        let mut calling = Peer::with(&server, &memory::Pair::new(Binding::STREAM).envelope(caller));
        calling.modern(1, "x/mine", "{}").await;
        let second = std::time::Duration::from_secs(1);
        let told = tokio::time::timeout(second, listening.text()).await;
        assert!(told.is_ok_and(|told| told.contains("list_changed")));
        let told = tokio::time::timeout(second, other.text()).await;
        assert!(told.is_err(), "{told:?}");
    }
}

// SUB-S-003, T-27.
/// Each list is declared on its own. A change of another list reaches no client, whatever it asked for.
#[tokio::test(start_paused = true)]
async fn a_change_that_is_not_declared_reaches_no_client() {
    let tools_only = Router::new()
        .tool("any", async |_, _| Ok("x"))
        .prompt("any", async |_, _| Ok(RawJson::EMPTY_OBJECT))
        .tools_list_changed();
    assert_eq!(tools_only.capabilities().to_string(), r#"{"prompts":{},"tools":{"listChanged":true}}"#);
    let server = server(tools_only);
    let mut modern = Peer::of(&server, Binding::STREAM);
    let filter = r#"{"notifications":{"toolsListChanged":true,"promptsListChanged":true}}"#;
    modern.modern(1, "subscriptions/listen", filter).await;
    assert!(!modern.text().await.contains("promptsListChanged"));
    let mut legacy = Peer::of(&server, Binding::STREAM);
    legacy.initialize("{}").await;
    let (warnings, _until_the_end) = Warnings::start();
    server.publish(Change::PromptsList);
    assert_eq!(warnings.count(), 1);
    server.publish(Change::ToolsList);
    for peer in [&mut modern, &mut legacy] {
        assert!(peer.text().await.contains("notifications/tools/list_changed"));
    }
    assert_eq!(warnings.count(), 1);
}

/// A handler that logs without the capability is warned about: a legacy client receives nothing.
#[tokio::test(start_paused = true)]
async fn logging_that_is_not_declared_is_a_warning() {
    for (router, expected) in [(router(), 1), (router().logging(), 0)] {
        let (warnings, _until_the_end) = Warnings::start();
        let server = server(router);
        let mut legacy = Peer::of(&server, Binding::STREAM);
        legacy.initialize("{}").await;
        legacy.send(r#"{"jsonrpc":"2.0","id":2,"method":"x/steps"}"#).await;
        assert_eq!(legacy.text().await.contains("last words"), expected == 0);
        assert_eq!(warnings.count(), expected);
    }
}
