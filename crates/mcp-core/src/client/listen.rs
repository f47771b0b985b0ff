//! A subscription: a stream of what changed, which outlives its links.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::Stream;

use crate::driver::client::{Command, ListenItem, ListenSlot};

use super::Client;

/// A subscription. Lives over reconnects, until the server ends it, the client closes, or this handle is
/// dropped, which ends it on the server.
#[must_use = "dropping a subscription ends it"]
#[derive(Debug)]
pub struct Listen {
    client: Client,
    slot: Arc<ListenSlot>,
}

impl Listen {
    pub(super) fn new(client: Client, slot: Arc<ListenSlot>) -> Listen {
        Listen { client, slot }
    }

    /// The next item; `None` after [`ListenItem::Ended`]. Cancel-safe.
    pub async fn next(&mut self) -> Option<ListenItem> {
        std::future::poll_fn(|cx| self.poll_item(cx)).await
    }

    /// How many items were dropped because nobody took them in time.
    pub fn dropped(&self) -> u64 {
        self.slot.items.dropped()
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<ListenItem>> {
        match self.slot.items.take_unreported() {
            0 => self.slot.items.poll_pop(cx),
            items => Poll::Ready(Some(ListenItem::Missed { items })),
        }
    }
}

impl Stream for Listen {
    type Item = ListenItem;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ListenItem>> {
        self.poll_item(cx)
    }
}

impl Drop for Listen {
    fn drop(&mut self) {
        if !self.slot.items.is_closed() {
            self.client.command(Command::Unlisten(self.slot.clone()));
        }
    }
}
