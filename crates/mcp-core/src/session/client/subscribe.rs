//! Subscriptions on a legacy link: `resources/subscribe`, and notifications that come unasked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use tracing::debug;

use crate::error::Error;
use crate::message::{Notification, Payload, RawJson};
use crate::session::{Change, ListenId, SubscriptionFilter};
use crate::transport::ServerStream;

use super::inflight::Purpose;
use super::listen::{Active, ListenState};
use super::timers::TimerKey;
use super::{ClientEvent, ClientSession};

/// The subscribed resources of one link, each requested once for all its subscriptions.
#[derive(Debug, Default)]
pub(super) struct Uris(BTreeMap<String, UriSubscription>);

#[derive(Debug)]
struct UriSubscription {
    holders: BTreeSet<ListenId>,
    /// The `resources/subscribe` request.
    number: u64,
    /// The request was answered.
    on: bool,
}

fn of_uri(uri: &str) -> RawJson {
    RawJson::object([("uri", RawJson::string(uri))])
}

/// How long subscriptions wait for the state of the server's own stream. Some servers send the head of that stream with
/// its first message only, so silence means that it is there.
const SERVER_STREAM: Duration = Duration::from_secs(2);

impl<T: Clone> ClientSession<T> {
    /// The state of the server's own stream: starts the subscriptions that wait for it, and tells the active ones if
    /// they may have missed something or can hear nothing any more.
    // FAULT F-C8.
    pub(super) fn server_stream(&mut self, now: Instant, state: ServerStream) {
        self.timers.clear(TimerKey::ServerStream);
        let Some(link) = self.link_mut() else { return };
        let open = matches!(state, ServerStream::Open { .. });
        let was = link.server_stream.replace(open);
        if self.legacy().is_none() {
            return;
        }
        let unchanged = matches!(
            (was, state),
            (None, _)
                | (Some(true), ServerStream::Open { gap: false })
                | (Some(false), ServerStream::Unavailable)
        );
        if !unchanged {
            let active: Vec<(ListenId, SubscriptionFilter)> = self
                .listens
                .iter()
                .filter_map(|(id, listen)| match &listen.state {
                    ListenState::Active(on) => Some((*id, on.honoured.clone())),
                    _ => None,
                })
                .collect();
            for (listen, honoured) in active {
                self.event(ClientEvent::ListenLost { listen });
                match (was, open) {
                    // It was told that nothing can come.
                    (Some(false), _) => {
                        if let Some(entry) = self.listens.get_mut(&listen) {
                            entry.state = ListenState::Waiting;
                        }
                    }
                    (_, true) => self.listen_started(listen, Active::without_request(honoured)),
                    (_, false) => {
                        self.listen_started(listen, Active::without_request(SubscriptionFilter::default()));
                    }
                }
            }
        }
        self.start_listens(now);
    }

    /// Requests the part of a filter that the server declared.
    // LIFE-B-012, SUB-B-015.
    pub(super) fn subscribe(&mut self, now: Instant, id: ListenId) {
        let Some(listen) = self.listens.get(&id) else { return };
        if !matches!(listen.state, ListenState::Waiting) {
            return;
        }
        let filter = listen.filter.clone();
        let Some(link) = self.link() else { return };
        if link.binding.server_stream {
            match link.server_stream {
                Some(true) => {}
                Some(false) => return self.listen_started(id, Active::without_request(Default::default())),
                None if self.timers.is_set(TimerKey::ServerStream) => return,
                None => return self.timers.set(TimerKey::ServerStream, now.checked_add(SERVER_STREAM)),
            }
        }
        let Some(legacy) = self.legacy_mut() else { return };
        let features = legacy.features;
        let mut honoured = SubscriptionFilter {
            tools_list_changed: filter.tools_list_changed && features.tools_changed,
            prompts_list_changed: filter.prompts_list_changed && features.prompts_changed,
            resources_list_changed: filter.resources_list_changed && features.resources_changed,
            resource_subscriptions: Vec::new(),
        };
        let mut pending = 0;
        let mut fresh = Vec::new();
        let wanted: BTreeSet<String> =
            filter.resource_subscriptions.into_iter().filter(|_| features.subscribe).collect();
        for uri in wanted {
            match legacy.uris.0.get_mut(&uri) {
                Some(held) => {
                    held.holders.insert(id);
                    if held.on { honoured.resource_subscriptions.push(uri) } else { pending += 1 }
                }
                None => {
                    pending += 1;
                    fresh.push(uri);
                }
            }
        }
        if pending == 0 {
            return self.listen_started(id, Active::without_request(honoured));
        }
        if let Some(listen) = self.listens.get_mut(&id) {
            listen.state = ListenState::Subscribing { pending, honoured };
        }
        let limit = Some(self.config.call_timeout);
        for uri in fresh {
            let purpose = Purpose::Subscribe(uri.clone());
            let number = self.request(now, "resources/subscribe", Some(of_uri(&uri)), purpose, limit);
            let held = UriSubscription { holders: BTreeSet::from([id]), number, on: false };
            if let Some(legacy) = self.legacy_mut() {
                legacy.uris.0.insert(uri, held);
            }
        }
    }

    /// A `resources/subscribe` was answered. A refused resource is left out of what is honoured.
    pub(super) fn subscribe_answered(&mut self, number: u64, uri: &str, outcome: Result<Payload, Error>) {
        self.timers.clear(TimerKey::Request(number));
        let Some(legacy) = self.legacy_mut() else { return };
        let Some(held) = legacy.uris.0.get_mut(uri).filter(|held| held.number == number) else { return };
        let holders = held.holders.clone();
        held.on = outcome.is_ok();
        if let Err(error) = &outcome {
            debug!(%error, "a resource could not be subscribed to");
            legacy.uris.0.remove(uri);
        }
        for id in holders {
            let Some(listen) = self.listens.get_mut(&id) else { continue };
            let ListenState::Subscribing { pending, honoured } = &mut listen.state else { continue };
            *pending -= 1;
            if outcome.is_ok() {
                honoured.resource_subscriptions.push(uri.to_owned());
            }
            if *pending == 0 {
                let honoured = std::mem::take(honoured);
                self.listen_started(id, Active::without_request(honoured));
            }
        }
    }

    /// A subscription ends: unsubscribes from the resources that no other subscription holds.
    pub(super) fn release_subscription(&mut self, now: Instant, id: ListenId) {
        let Some(legacy) = self.legacy_mut() else { return };
        let mut free = Vec::new();
        legacy.uris.0.retain(|uri, held| {
            if held.holders.remove(&id) && held.holders.is_empty() {
                free.push(uri.clone());
                return false;
            }
            true
        });
        let limit = Some(self.config.call_timeout);
        for uri in free {
            self.request(now, "resources/unsubscribe", Some(of_uri(&uri)), Purpose::Unheeded, limit);
        }
    }

    /// A change that a legacy server reported: delivered to each subscription that includes it, or else reported without
    /// a subscription. Its URI may name a part of a subscribed resource.
    pub(super) fn on_legacy_change(&mut self, change: &Change, notification: Notification) {
        let active_listens = |wants: &dyn Fn(&SubscriptionFilter) -> bool| -> Vec<ListenId> {
            let on = self.listens.iter().filter(|(_, listen)| match &listen.state {
                ListenState::Active(on) => wants(&on.honoured),
                _ => false,
            });
            on.map(|(id, _)| *id).collect()
        };
        let mut takers = active_listens(&|honoured| honoured.wants(change));
        if let (Change::Resource { uri }, true) = (change, takers.is_empty()) {
            takers = active_listens(&|honoured| {
                honoured.resource_subscriptions.iter().any(|whole| uri.starts_with(whole.as_str()))
            });
        }
        if takers.is_empty() {
            self.event(ClientEvent::Notification(notification));
            return;
        }
        for listen in takers {
            let notification = notification.clone();
            self.event(ClientEvent::ListenNotification { listen, notification });
        }
    }
}
