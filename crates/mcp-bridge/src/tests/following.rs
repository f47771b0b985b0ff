//! A legacy client has one subscription upstream, whatever it subscribes to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use mcp_core::client::{Client, EraMode, Notifications};
use mcp_core::message::{ErrorObject, RawJson, meta};
use mcp_core::server::{Context, Handler, Reply, Server, ServerConfig};
use mcp_core::session::SubscriptionFilter;
use mcp_core::transport::{Binding, memory};
use tokio::sync::{Semaphore, mpsc, watch};

use super::setup::{EXCHANGES, LEGACY, Setup, object, only, plain, raw};
use crate::{Bridge, Policy, Upstream};

const UPDATED: &str = "notifications/resources/updated";

/// An open `subscriptions/listen`: its resources, and what it says next.
type Open = (Vec<String>, mpsc::UnboundedSender<String>);

/// A modern server whose subscriptions the test sees and speaks on.
struct Listens {
    open: watch::Sender<BTreeMap<usize, Open>>,
    made: AtomicUsize,
    most: AtomicUsize,
    /// One for each acknowledgement.
    acknowledge: Semaphore,
}

/// Leaves the open ones when it is dropped.
struct Listed<'a>(&'a Listens, usize);

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.0.open.send_modify(|open| drop(open.remove(&self.1)));
    }
}

#[derive(Clone)]
struct Shared(Arc<Listens>);

#[async_trait]
impl Handler for Shared {
    async fn handle(&self, context: Context) -> Result<Reply, ErrorObject> {
        if context.method().as_str() != "subscriptions/listen" {
            return Ok(Reply::MethodNotFound);
        }
        let filter = context.params().and_then(|params| params.member("notifications")).unwrap();
        let mut filter: SubscriptionFilter = filter.deserialize().unwrap();
        filter.resource_subscriptions.retain(|uri| !uri.starts_with("refused:"));
        let number = self.0.made.fetch_add(1, Ordering::SeqCst);
        let (says, mut said) = mpsc::unbounded_channel();
        let _listed = Listed(&self.0, number);
        let uris = filter.resource_subscriptions.clone();
        self.0.open.send_modify(|open| drop(open.insert(number, (uris, says))));
        self.0.most.fetch_max(self.0.open.borrow().len(), Ordering::SeqCst);
        let mut id = Vec::new();
        context.request_id().write_to(&mut id);
        let own = RawJson::object([(meta::SUBSCRIPTION_ID, RawJson::parse(id).unwrap())]);
        tokio::select! {
            () = context.cancelled() => return Err(ErrorObject::internal("cancelled")),
            permit = self.0.acknowledge.acquire() => permit.unwrap().forget(),
        }
        let params =
            [("_meta", own.clone()), ("notifications", RawJson::serialize(&filter).unwrap_or_default())];
        context.notify("notifications/subscriptions/acknowledged", Some(RawJson::object(params))).await;
        loop {
            let uri = tokio::select! {
                () = context.cancelled() => return Err(ErrorObject::internal("cancelled")),
                uri = said.recv() => uri.unwrap(),
            };
            let params = RawJson::object([("_meta", own.clone()), ("uri", RawJson::string(&uri))]);
            context.notify(UPDATED, Some(params)).await;
        }
    }

    fn capabilities(&self) -> RawJson {
        raw(r#"{"resources":{"subscribe":true,"listChanged":true},"tools":{"listChanged":true}}"#)
    }
}

impl Listens {
    /// The server, and a legacy client of a bridge in front of it that hears of the lists.
    async fn new(binding: Binding) -> (Arc<Listens>, Client) {
        let listens = Arc::new(Listens {
            open: watch::Sender::default(),
            made: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            acknowledge: Semaphore::new(1000),
        });
        let handler = Shared(listens.clone());
        let mut config =
            ServerConfig::new(raw(r#"{"name":"listens","version":"1"}"#), handler.capabilities());
        (config.versions, config.pass_through) = (only(EraMode::Modern), true);
        let (connector, listener) = memory::connector(binding);
        tokio::spawn(listener.serve(Server::with_config(config).build(handler).unwrap()));
        let bridge =
            Bridge::builder().upstream("it", Upstream::new(move |_| connector.clone())).build().unwrap();
        let (connector, listener) = memory::connector(Binding::STREAM);
        tokio::spawn(listener.serve(bridge.front("it").unwrap()));
        let client = plain(LEGACY).connect(connector).await.unwrap();
        listens.only(&[]).await;
        (listens, client)
    }

    /// Waits until one subscription is open, for these resources.
    async fn only(&self, wanted: &[&str]) {
        let mut open = self.open.subscribe();
        let only = open.wait_for(|open| {
            let mut open = open.values();
            open.next().is_some_and(|(uris, _)| *uris == wanted) && open.next().is_none()
        });
        let only = tokio::time::timeout(Duration::from_secs(60), only).await.map(drop);
        let open = || self.open.borrow().values().map(|(uris, _)| uris.clone()).collect::<Vec<_>>();
        assert!(only.is_ok(), "{wanted:?}: {:?}", open());
    }

    /// Reports a change on the subscription with this number.
    fn say(&self, number: usize, uri: &str) {
        self.open.borrow()[&number].1.send(uri.to_owned()).unwrap();
    }
}

async fn ask(client: &Client, method: &str, uri: &str) -> Result<(), String> {
    let params = RawJson::object([("uri", RawJson::string(uri))]);
    client.request(method.to_owned(), Some(params)).await.map(drop).map_err(|error| error.to_string())
}

async fn subscribe(client: &Client, uri: &str) {
    ask(client, "resources/subscribe", uri).await.unwrap();
}

/// The resource of the next change.
async fn heard(changes: &mut Notifications) -> String {
    let next = tokio::time::timeout(Duration::from_secs(60), changes.next()).await.expect("it heard nothing");
    let change = next.unwrap();
    let uri = change.params.and_then(|params| params.raw().member("uri")?.to_text());
    uri.unwrap_or_else(|| change.method.to_string())
}

// BRIDGE 3: one `subscriptions/listen` for the lists and all resources.
#[tokio::test(start_paused = true)]
async fn a_legacy_client_has_one_subscription_upstream() {
    for binding in [Binding::STREAM, EXCHANGES] {
        let (listens, client) = Listens::new(binding).await;
        let uris: Vec<String> = (10..30).map(|number| format!("test:{number}")).collect();
        let all: Vec<&str> = uris.iter().map(String::as_str).collect();
        for uri in &uris {
            subscribe(&client, uri).await;
            subscribe(&client, uri).await;
        }
        listens.only(&all).await;
        for (number, uri) in uris.iter().enumerate() {
            ask(&client, "resources/unsubscribe", uri).await.unwrap();
            listens.only(&all[number + 1..]).await;
        }
        assert_eq!(listens.made.load(Ordering::SeqCst), 41);
        assert!(listens.most.load(Ordering::SeqCst) <= 3);
    }
}

// BRIDGE 3: the old subscription counts until the new one is acknowledged, and what it still has to say is heard.
#[tokio::test(start_paused = true)]
async fn no_change_is_lost_or_doubled_while_the_subscription_is_replaced() {
    let (listens, client) = Listens::new(EXCHANGES).await;
    let mut changes = client.notifications();
    subscribe(&client, "test:a").await;
    listens.only(&["test:a"]).await;
    listens.acknowledge.forget_permits(1000);
    let second = async {
        listens.open.subscribe().wait_for(|open| open.len() == 2).await.map(drop).unwrap();
        listens.say(1, "test:a");
        assert_eq!(heard(&mut changes).await, "test:a");
        listens.acknowledge.add_permits(1000);
    };
    tokio::join!(subscribe(&client, "test:b"), second);
    // From both.
    for number in [1, 2] {
        listens.say(number, "test:a");
    }
    assert_eq!(heard(&mut changes).await, "test:a");
    listens.say(2, "test:b");
    assert_eq!(heard(&mut changes).await, "test:b");
    listens.only(&["test:a", "test:b"]).await;
    subscribe(&client, "test:c").await;
    // From the old one alone: it was on its way.
    listens.say(2, "test:a");
    assert_eq!(heard(&mut changes).await, "test:a");
    listens.only(&["test:a", "test:b", "test:c"]).await;
    ask(&client, "resources/unsubscribe", "test:a").await.unwrap();
    // No longer wanted.
    listens.say(3, "test:a");
    listens.only(&["test:b", "test:c"]).await;
    listens.say(4, "test:c");
    assert_eq!(heard(&mut changes).await, "test:c");
}

#[tokio::test(start_paused = true)]
async fn a_refused_resource_leaves_the_others() {
    let (listens, client) = Listens::new(Binding::STREAM).await;
    let mut changes = client.notifications();
    subscribe(&client, "test:a").await;
    let refused = ask(&client, "resources/subscribe", "refused:b").await.unwrap_err();
    assert!(refused.contains("refused:b cannot be subscribed to: the server refused"), "{refused}");
    listens.only(&["test:a"]).await;
    listens.say(1, "test:a");
    assert_eq!(heard(&mut changes).await, "test:a");
    subscribe(&client, "test:c").await;
    listens.only(&["test:a", "test:c"]).await;
}

#[tokio::test(start_paused = true)]
async fn subscribing_twice_at_once_keeps_both() {
    let (listens, client) = Listens::new(Binding::STREAM).await;
    tokio::join!(
        subscribe(&client, "test:a"),
        subscribe(&client, "test:b"),
        subscribe(&client, "test:c"),
        async { ask(&client, "resources/unsubscribe", "test:x").await.unwrap() }
    );
    listens.only(&["test:a", "test:b", "test:c"]).await;
}

/// A subscription that its client no longer waits for changes nothing, and the next one is not held up.
#[tokio::test(start_paused = true)]
async fn a_cancelled_subscription_is_given_up() {
    let (listens, client) = Listens::new(Binding::STREAM).await;
    listens.acknowledge.forget_permits(1000);
    tokio::select! {
        () = subscribe(&client, "test:a") => panic!("it was not acknowledged"),
        _ = async { listens.open.subscribe().wait_for(|open| open.len() == 2).await.map(drop) } => {}
    }
    listens.only(&[]).await;
    listens.acknowledge.add_permits(1000);
    subscribe(&client, "test:b").await;
    listens.only(&["test:b"]).await;
}

#[tokio::test(start_paused = true)]
async fn unsubscribed_resources_are_not_heard_of() {
    for up in [LEGACY, EraMode::Modern] {
        let setup = Setup::new(only(up), Binding::STREAM, Policy::PerSession);
        let client = setup.client(LEGACY, Binding::STREAM).await;
        let mut changes = client.notifications();
        for uri in ["test:a", "test:b"] {
            subscribe(&client, uri).await;
        }
        let change = async || client.request("tools/call", object(r#"{"name":"change"}"#)).await.unwrap();
        let list = "notifications/tools/list_changed";
        change().await;
        assert_eq!([heard(&mut changes).await, heard(&mut changes).await], [list, "test:a"], "{up:?}");
        ask(&client, "resources/unsubscribe", "test:b").await.unwrap();
        change().await;
        assert_eq!([heard(&mut changes).await, heard(&mut changes).await], [list, "test:a"], "{up:?}");
        ask(&client, "resources/unsubscribe", "test:a").await.unwrap();
        for _ in 0..2 {
            change().await;
            assert_eq!(heard(&mut changes).await, list, "{up:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn subscriptions_are_limited() {
    let setup = Setup::limited(only(EraMode::Modern), |limits| limits.subscriptions = 1);
    let client = setup.client(LEGACY, Binding::STREAM).await;
    subscribe(&client, "test:a").await;
    let refused = ask(&client, "resources/subscribe", "test:b").await.unwrap_err();
    assert!(refused.contains("the limit is 1 (subscriptions)"), "{refused}");
    ask(&client, "resources/unsubscribe", "test:a").await.unwrap();
    subscribe(&client, "test:b").await;
}

// BR-14: a restart is a change of everything, also while a subscription is opened.
#[tokio::test(start_paused = true)]
async fn a_restart_while_subscribing_is_a_change_of_everything() {
    for up in [LEGACY, EraMode::Modern] {
        let setup = Setup::new(only(up), Binding::STREAM, Policy::PerSession);
        let client = setup.client(LEGACY, Binding::STREAM).await;
        let mut changes = client.notifications();
        subscribe(&client, "test:a").await;
        setup.seen.kill.notify_waiters();
        subscribe(&client, "test:b").await;
        let mut all = BTreeSet::new();
        while !(all.contains("notifications/tools/list_changed") && all.contains("test:a")) {
            all.insert(heard(&mut changes).await);
        }
        let change = async || client.request("tools/call", object(r#"{"name":"change"}"#)).await.unwrap();
        change().await;
        while heard(&mut changes).await != "test:a" {}
    }
}
