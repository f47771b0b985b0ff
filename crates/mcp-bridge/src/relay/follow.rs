//! What legacy clients hear of: one subscription upstream for the lists and for every resource of a link.

use std::collections::BTreeSet;
use std::sync::Arc;

use mcp_core::client::{Client, Subscription, SubscriptionEvent};
use mcp_core::message::{ErrorObject, RawJson};
use mcp_core::server::{Context, Reply};
use mcp_core::session::SubscriptionFilter;
use tokio::sync::mpsc;

use super::tell::{Opened, Teller};
use super::{Relay, Task};
use crate::lock::Lock;
use crate::pool::{Follower, Live};

/// The subscription of a link to its upstream session.
#[derive(Default)]
pub(super) struct Following {
    /// Held while the subscription is opened with another filter.
    turn: tokio::sync::Mutex<()>,
    now: Lock<Option<Now>>,
}

struct Now {
    client: Client,
    uris: BTreeSet<String>,
    /// Takes what follows the subscription that is passed on.
    next: mpsc::Sender<Opened>,
    _task: Task,
}

/// How the filter changes.
enum Step<'a> {
    With(&'a str),
    Without(&'a str),
}

/// A filter for every list, and for these resources.
fn filter<'a>(uris: impl IntoIterator<Item = &'a str>) -> SubscriptionFilter {
    let lists =
        SubscriptionFilter::new().tools_list_changed().prompts_list_changed().resources_list_changed();
    uris.into_iter().fold(lists, |filter, uri| filter.resource(uri))
}

/// The notifications that say that anything of this filter may have changed.
pub(super) fn everything(honoured: &SubscriptionFilter) -> Vec<(&'static str, Option<RawJson>)> {
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

impl Step<'_> {
    fn apply(&self, uris: &mut BTreeSet<String>) {
        match self {
            Step::With(uri) => uris.insert((*uri).to_owned()),
            Step::Without(uri) => uris.remove(*uri),
        };
    }
}

impl Following {
    fn has(&self, uri: &str) -> bool {
        self.now.lock().as_ref().is_some_and(|now| now.uris.contains(uri))
    }

    /// Opens a subscription with the new filter, and ends the old one once this one has started. Cancel-safe: nothing
    /// has changed if it is dropped.
    async fn change(&self, step: Step<'_>) -> Result<(), String> {
        let ended = || "the upstream session has ended".to_owned();
        let (client, next, filter) = {
            let now = self.now.lock();
            let now = now.as_ref().ok_or_else(ended)?;
            let mut uris = now.uris.clone();
            step.apply(&mut uris);
            (now.client.clone(), now.next.clone(), filter(uris.iter().map(String::as_str)))
        };
        let opened = started(client.listen(filter)).await?;
        if let Step::With(uri) = step
            && !opened.honoured.resource_subscriptions.iter().any(|honoured| honoured == uri)
        {
            return Err("the server refused".to_owned());
        }
        let place = next.reserve().await.map_err(|_| ended())?;
        let mut now = self.now.lock();
        // The session may have been replaced meanwhile.
        let now = now.as_mut().filter(|now| now.next.same_channel(&next)).ok_or_else(ended)?;
        step.apply(&mut now.uris);
        place.send(opened);
        Ok(())
    }
}

impl Relay {
    /// A legacy client hears of changes of every list, and of its resources. `missed`: it may have missed some.
    pub(super) fn follow(&self, live: &Arc<Live>, link: &Follower, missed: bool) {
        let mut links = live.links.lock();
        links.retain(|other| !other.is_closed());
        links.push(link.clone());
        drop(links);
        let client = live.client().clone();
        let mut now = self.following.now.lock();
        let uris = now.take().map(|before| before.uris).unwrap_or_default();
        let changes = client.listen(filter(uris.iter().map(String::as_str)));
        let (next, opened) = mpsc::channel(1);
        let task = Task(tokio::spawn(Teller::new(link.clone(), changes, missed).run(opened)));
        *now = Some(Now { client, uris, next, _task: task });
    }

    /// `resources/subscribe` of a legacy client. Answered once the upstream server has taken it.
    pub(super) async fn subscribe(&self, context: &Context) -> Result<Reply, ErrorObject> {
        if self.link.get().is_none() {
            return Err(ErrorObject::invalid_request("`notifications/initialized` has to come first"));
        }
        let uri = uri(context)?;
        let _turn = self.following.turn.lock().await;
        if self.following.has(&uri) {
            return Ok(Reply::Result(RawJson::EMPTY_OBJECT));
        }
        let limit = self.pool.limits.subscriptions;
        if self.following.now.lock().as_ref().is_some_and(|now| now.uris.len() >= limit) {
            let why = format!("Too many subscriptions: the limit is {limit} (subscriptions)");
            return Err(ErrorObject::internal(why));
        }
        match self.following.change(Step::With(&uri)).await {
            Ok(()) => Ok(Reply::Result(RawJson::EMPTY_OBJECT)),
            Err(why) => Err(ErrorObject::internal(format!("{uri} cannot be subscribed to: {why}"))),
        }
    }

    /// `resources/unsubscribe` of a legacy client.
    pub(super) async fn unsubscribe(&self, context: &Context) -> Reply {
        if let Ok(uri) = uri(context) {
            let _turn = self.following.turn.lock().await;
            if self.following.has(&uri)
                && self.following.change(Step::Without(&uri)).await.is_err()
                && let Some(now) = &mut *self.following.now.lock()
            {
                // It is left out of the next one.
                now.uris.remove(&uri);
            }
        }
        Reply::Result(RawJson::EMPTY_OBJECT)
    }
}

fn uri(context: &Context) -> Result<String, ErrorObject> {
    let uri = context.params().and_then(|params| params.member("uri")).and_then(|uri| uri.to_text());
    uri.ok_or_else(|| ErrorObject::invalid_params("`uri` has to be a string"))
}

/// A subscription once it has started.
async fn started(mut changes: Subscription) -> Result<Opened, String> {
    loop {
        match changes.next().await {
            Some(SubscriptionEvent::Started { honoured, .. }) => return Ok(Opened { changes, honoured }),
            Some(SubscriptionEvent::Ended(Err(error))) => return Err(error.to_string()),
            Some(SubscriptionEvent::Ended(Ok(()))) | None => return Err("the server refused".to_owned()),
            Some(_) => {}
        }
    }
}
