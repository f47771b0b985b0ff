//! Passing the changes of a subscription on to a legacy client, also while it is replaced by another one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mcp_core::client::{Subscription, SubscriptionEvent};
use mcp_core::message::{Notification, RawJson};
use mcp_core::session::SubscriptionFilter;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::follow::everything;
use crate::pool::Follower;
use crate::translate::bare_change;

/// How long a subscription is read on after the next one has started. Over HTTP each has its own stream, so a change
/// from before the start of the next one may arrive after it.
const OVERLAP: Duration = Duration::from_secs(1);

/// How many changes of a replaced subscription are kept. More are passed on at once.
const HELD: usize = 256;

/// A subscription that has started.
pub(super) struct Opened {
    pub(super) changes: Subscription,
    pub(super) honoured: SubscriptionFilter,
}

/// Passes changes on to a legacy client.
pub(super) struct Teller {
    link: Follower,
    /// `None` once it has ended.
    changes: Option<Subscription>,
    honoured: SubscriptionFilter,
    started: bool,
    /// Changes may have been missed since it was active.
    missed: bool,
    old: Option<Old>,
}

/// A subscription that was replaced.
struct Old {
    changes: Option<Subscription>,
    until: Instant,
    /// What it reported, and what the new one reported since its start. The latter need not be said twice.
    held: BTreeMap<String, Notification>,
    reported: BTreeSet<String>,
    /// It may have had more to say.
    lost: bool,
}

fn key(change: &Notification) -> String {
    let params = bare_change(change.params.as_ref().map(|params| params.raw())).unwrap_or_default();
    format!("{} {params}", change.method)
}

async fn next(changes: &mut Option<Subscription>) -> Option<SubscriptionEvent> {
    match changes {
        Some(changes) => changes.next().await,
        None => std::future::pending().await,
    }
}

async fn next_of_old(old: &mut Option<Old>) -> Option<SubscriptionEvent> {
    match old {
        Some(old) => {
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(old.until) => None,
                event = next(&mut old.changes) => event,
            }
        }
        None => std::future::pending().await,
    }
}

impl Teller {
    pub(super) fn new(link: Follower, changes: Subscription, missed: bool) -> Teller {
        let honoured = SubscriptionFilter::new();
        Teller { link, changes: Some(changes), honoured, started: false, missed, old: None }
    }

    /// Runs until the link ends.
    pub(super) async fn run(mut self, mut opened: mpsc::Receiver<Opened>) {
        loop {
            tokio::select! {
                biased;
                () = self.link.closed() => return,
                Some(opened) = opened.recv() => self.replace(opened).await,
                event = next_of_old(&mut self.old) => self.hear_old(event).await,
                event = next(&mut self.changes) => self.hear(event).await,
            }
        }
    }

    async fn replace(&mut self, opened: Opened) {
        self.end_old().await;
        let changes = self.changes.replace(opened.changes);
        self.honoured = opened.honoured;
        self.started = true;
        if std::mem::take(&mut self.missed) {
            return self.tell_everything().await;
        }
        self.old = changes.map(|changes| Old {
            changes: Some(changes),
            until: Instant::now() + OVERLAP,
            held: BTreeMap::new(),
            reported: BTreeSet::new(),
            lost: false,
        });
    }

    async fn hear(&mut self, event: Option<SubscriptionEvent>) {
        match event {
            Some(SubscriptionEvent::Started { honoured, .. }) => {
                self.honoured = honoured;
                // Whenever it starts again, something may have been missed.
                if std::mem::replace(&mut self.started, true) || self.missed {
                    self.tell_everything().await;
                }
                self.missed = false;
            }
            Some(SubscriptionEvent::Changed(change)) => {
                if let Some(old) = self.old.as_mut().filter(|old| old.reported.len() < HELD) {
                    old.reported.insert(key(&change));
                }
                self.tell(change).await;
            }
            // The client is notified of everything once it starts again.
            Some(SubscriptionEvent::Lost) => (self.missed, self.old) = (true, None),
            Some(SubscriptionEvent::Missed { .. }) => self.tell_everything().await,
            Some(SubscriptionEvent::Ended(_)) | None => self.changes = None,
            Some(_) => {}
        }
    }

    async fn hear_old(&mut self, event: Option<SubscriptionEvent>) {
        let Some(old) = &mut self.old else { return };
        match event {
            Some(SubscriptionEvent::Changed(change)) if wants(&self.honoured, &change) => {
                if old.held.len() < HELD {
                    old.held.insert(key(&change), change);
                } else {
                    self.tell(change).await;
                }
            }
            Some(SubscriptionEvent::Changed(_)) => {}
            // The end of what it has to say.
            Some(SubscriptionEvent::Ended(Ok(()))) => old.changes = None,
            None => self.end_old().await,
            Some(_) => (old.changes, old.lost) = (None, true),
        }
    }

    /// Passes on what the replaced subscription alone reported, and ends it.
    async fn end_old(&mut self) {
        let Some(Old { held, reported, lost, .. }) = self.old.take() else { return };
        if lost {
            return self.tell_everything().await;
        }
        for (key, change) in held {
            if !reported.contains(&key) {
                self.tell(change).await;
            }
        }
    }

    async fn tell(&self, change: Notification) {
        let params = bare_change(change.params.as_ref().map(|params| params.raw()));
        self.link.notify(change.method, params).await;
    }

    async fn tell_everything(&self) {
        for (method, params) in everything(&self.honoured) {
            self.link.notify(method, params).await;
        }
    }
}

/// Whether the new subscription is for this change as well.
fn wants(honoured: &SubscriptionFilter, change: &Notification) -> bool {
    let uri = change.params.as_ref().and_then(|params| params.raw().member("uri"));
    let Some(uri) = uri.as_ref().and_then(RawJson::to_text) else { return true };
    honoured.resource_subscriptions.iter().any(|whole| uri.starts_with(whole.as_str()))
}
