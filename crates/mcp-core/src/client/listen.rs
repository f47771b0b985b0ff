//! Subscriptions: streams of changes that outlive their links.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::Stream;

use crate::client::driver::{Command, ListenSlot};
use crate::error::Error;
use crate::message::Notification;
use crate::session::SubscriptionFilter;

use super::Client;

/// What a subscription reports.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SubscriptionEvent {
    /// The subscription is active.
    Started {
        /// The part of the filter that the server supports, and that can arrive: it is empty where a legacy server over
        /// HTTP has no stream for its own messages.
        // SUB-C-004.
        honoured: SubscriptionFilter,
        /// It was active before and changes may have been missed since: read again what you keep.
        gap: bool,
    },
    /// Something changed: `notifications/.../list_changed` or `notifications/resources/updated`.
    Changed(Notification),
    /// The link, or the stream that changes come on, is gone. The client subscribes again;
    /// [`SubscriptionEvent::Started`] follows.
    Lost,
    /// This handle was read too slowly, and events were dropped here. Whether the subscription is active and
    /// what changed is unknown: read again what you keep.
    Missed {
        /// The number of dropped events.
        items: u64,
    },
    /// The subscription has ended; the last event. `Ok` if the server ended it in order.
    Ended(Result<(), Error>),
}

/// A subscription. Survives reconnects. It ends when the server ends it, when the client closes, or when this
/// handle is dropped, which also ends it on the server.
#[must_use = "dropping a subscription ends it"]
#[derive(Debug)]
pub struct Subscription {
    client: Client,
    slot: Arc<ListenSlot>,
}

impl Subscription {
    pub(super) fn new(client: Client, slot: Arc<ListenSlot>) -> Subscription {
        Subscription { client, slot }
    }

    /// The next event; `None` after [`SubscriptionEvent::Ended`]. Cancel-safe.
    pub async fn next(&mut self) -> Option<SubscriptionEvent> {
        std::future::poll_fn(|cx| self.poll_item(cx)).await
    }

    /// How many events were dropped because this handle was read too slowly.
    pub fn dropped(&self) -> u64 {
        self.slot.items.dropped()
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<SubscriptionEvent>> {
        match self.slot.items.take_unreported() {
            0 => self.slot.items.poll_pop(cx),
            items => Poll::Ready(Some(SubscriptionEvent::Missed { items })),
        }
    }
}

impl Stream for Subscription {
    type Item = SubscriptionEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<SubscriptionEvent>> {
        self.poll_item(cx)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if !self.slot.items.is_closed() {
            self.client.command(Command::Unsubscribe(self.slot.clone()));
        }
    }
}
