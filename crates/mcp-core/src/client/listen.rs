//! A subscription: a stream of what changed, which outlives its links.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::Stream;

use crate::client::driver::{Command, ListenSlot, SubscriptionEvent};

use super::Client;

/// A subscription. Lives over reconnects, until the server ends it, the client closes, or this handle is
/// dropped, which ends it on the server.
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

    /// The next item; `None` after [`SubscriptionEvent::Ended`]. Cancel-safe.
    pub async fn next(&mut self) -> Option<SubscriptionEvent> {
        std::future::poll_fn(|cx| self.poll_item(cx)).await
    }

    /// How many items were dropped because nobody took them in time.
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
