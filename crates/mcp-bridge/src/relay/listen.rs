//! Changes: subscriptions of modern clients, and what legacy clients hear unasked.

use std::sync::Arc;

use mcp_core::client::{Subscription, SubscriptionEvent};
use mcp_core::message::{ErrorObject, Notification, RawJson, meta};
use mcp_core::server::{Context, Reply};
use mcp_core::session::SubscriptionFilter;
use tokio::sync::oneshot;

use super::{Relay, Task};
use crate::pool::{Follower, Live};
use crate::translate::{bare_change, with_subscription};

/// A filter for every list.
fn lists() -> SubscriptionFilter {
    SubscriptionFilter::new().tools_list_changed().prompts_list_changed().resources_list_changed()
}

/// The notifications that say that anything of this filter may have changed.
fn everything(honoured: &SubscriptionFilter) -> Vec<(&'static str, Option<RawJson>)> {
    let lists = [
        (honoured.tools_list_changed, "notifications/tools/list_changed"),
        (honoured.prompts_list_changed, "notifications/prompts/list_changed"),
        (honoured.resources_list_changed, "notifications/resources/list_changed"),
    ];
    let lists = lists.into_iter().filter(|(on, _)| *on).map(|(_, method)| (method, None));
    let resources = honoured.resource_subscriptions.iter().map(|uri| {
        let params = RawJson::object([("uri", RawJson::string(uri))]);
        ("notifications/resources/updated", Some(params))
    });
    lists.chain(resources).collect()
}

impl Relay {
    /// `subscriptions/listen` of a modern client: a subscription upstream for as long as it is open.
    pub(super) async fn listen(&self, live: &Arc<Live>, context: &Context) -> Result<Reply, ErrorObject> {
        let filter = context.params().and_then(|params| params.member("notifications")).unwrap_or_default();
        let mut filter: SubscriptionFilter =
            filter.deserialize().map_err(|error| ErrorObject::invalid_params(error.to_string()))?;
        filter.resource_subscriptions.retain(|uri| self.pool.upstream.filter.resource(uri));
        let mut id = Vec::new();
        context.request_id().write_to(&mut id);
        let id = RawJson::parse(id).map_err(|error| ErrorObject::internal(error.to_string()))?;
        let own = RawJson::object([(meta::SUBSCRIPTION_ID, id.clone())]);
        let mut changes = live.client().listen(filter);
        let mut acknowledged = false;
        loop {
            let event = tokio::select! {
                biased;
                () = context.cancelled() => return Err(ErrorObject::internal("Cancelled")),
                () = context.stopping() => break,
                event = changes.next() => event,
            };
            match event {
                Some(SubscriptionEvent::Started { honoured, .. }) if !acknowledged => {
                    acknowledged = true;
                    let honoured_raw = RawJson::serialize(&honoured).unwrap_or_default();
                    let params = RawJson::object([("_meta", own.clone()), ("notifications", honoured_raw)]);
                    context.notify("notifications/subscriptions/acknowledged", Some(params)).await;
                    if honoured.is_empty() {
                        break;
                    }
                }
                // It was lost in between.
                Some(SubscriptionEvent::Started { honoured, .. }) => {
                    live.forget_schemas();
                    for (method, params) in everything(&honoured) {
                        context.notify(method, Some(with_subscription(params.as_ref(), &id))).await;
                    }
                }
                Some(SubscriptionEvent::Changed(Notification { method, params, .. })) => {
                    if method == "notifications/tools/list_changed" {
                        live.forget_schemas();
                    }
                    let params = with_subscription(params.as_ref().map(|params| params.raw()), &id);
                    context.notify(method, Some(params)).await;
                }
                Some(SubscriptionEvent::Ended(Err(error))) if !acknowledged => {
                    return Err(self.failure(&error));
                }
                Some(SubscriptionEvent::Ended(_)) | None => break,
                Some(_) => {}
            }
        }
        Ok(Reply::Result(RawJson::object([("_meta", own)])))
    }

    /// A legacy client hears of changes of every list. `missed`: it may have missed some.
    pub(super) fn follow(&self, live: &Arc<Live>, link: &Follower, missed: bool) {
        let mut links = live.links.lock();
        links.retain(|other| !other.is_closed());
        links.push(link.clone());
        drop(links);
        let changes = live.client().listen(lists());
        let task = tokio::spawn(tell(changes, link.clone(), missed, None));
        *self.lists.lock() = Some(Task(task));
        // The subscriptions to resources belong to the session that has ended.
        let uris: Vec<String> = self.resources.lock().keys().cloned().collect();
        for uri in uris {
            let changes = live.client().listen(SubscriptionFilter::new().resource(uri.clone()));
            let task = tokio::spawn(tell(changes, link.clone(), missed, None));
            self.resources.lock().insert(uri, Task(task));
        }
    }

    /// `resources/subscribe` of a legacy client. Answered once the upstream server has taken it.
    pub(super) async fn subscribe(&self, live: &Arc<Live>, context: &Context) -> Result<Reply, ErrorObject> {
        let Some(link) = self.link.get() else {
            return Err(ErrorObject::invalid_request("`notifications/initialized` has to come first"));
        };
        let uri = uri(context)?;
        {
            let resources = self.resources.lock();
            let limit = self.pool.limits.subscriptions;
            if resources.contains_key(&uri) {
                return Ok(Reply::Result(RawJson::EMPTY_OBJECT));
            }
            if resources.len() >= limit {
                let why = format!("Too many subscriptions: the limit is {limit} (subscriptions)");
                return Err(ErrorObject::internal(why));
            }
        }
        let changes = live.client().listen(SubscriptionFilter::new().resource(uri.clone()));
        let (started, taken) = oneshot::channel();
        let task = Task(tokio::spawn(tell(changes, link.clone(), false, Some(started))));
        match taken.await {
            Ok(Ok(())) => {
                self.resources.lock().insert(uri, task);
                Ok(Reply::Result(RawJson::EMPTY_OBJECT))
            }
            Ok(Err(why)) => Err(ErrorObject::internal(format!("{uri} cannot be subscribed to: {why}"))),
            Err(_) => Err(ErrorObject::internal("the link has ended")),
        }
    }

    /// `resources/unsubscribe` of a legacy client.
    pub(super) fn unsubscribe(&self, context: &Context) -> Reply {
        if let Ok(uri) = uri(context) {
            self.resources.lock().remove(&uri);
        }
        Reply::Result(RawJson::EMPTY_OBJECT)
    }
}

fn uri(context: &Context) -> Result<String, ErrorObject> {
    let uri = context.params().and_then(|params| params.member("uri")).and_then(|uri| uri.to_text());
    uri.ok_or_else(|| ErrorObject::invalid_params("`uri` has to be a string"))
}

/// Passes the changes of a subscription on to a legacy client, until the link or the subscription ends.
async fn tell(
    mut changes: Subscription,
    link: Follower,
    mut missed: bool,
    mut started: Option<oneshot::Sender<Result<(), String>>>,
) {
    loop {
        let event = tokio::select! {
            () = link.closed() => return,
            event = changes.next() => event,
        };
        match event {
            Some(SubscriptionEvent::Started { honoured, .. }) => {
                if let Some(started) = started.take() {
                    let taken =
                        if honoured.is_empty() { Err("the server refused".to_owned()) } else { Ok(()) };
                    let _gone = started.send(taken);
                } else if missed {
                    for (method, params) in everything(&honoured) {
                        link.notify(method, params).await;
                    }
                }
                // Whenever it starts again, something may have been missed.
                missed = true;
            }
            Some(SubscriptionEvent::Changed(notification)) => {
                let params = bare_change(notification.params.as_ref().map(|params| params.raw()));
                link.notify(notification.method, params).await;
            }
            Some(SubscriptionEvent::Ended(outcome)) => {
                if let (Some(started), Err(error)) = (started.take(), outcome) {
                    let _gone = started.send(Err(error.to_string()));
                }
                return;
            }
            Some(_) => {}
            None => return,
        }
    }
}
