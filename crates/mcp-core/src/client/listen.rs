//! A subscription: a stream of what changed, which outlives its links.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use futures::Stream;

use crate::driver::mailbox::Mailbox;
use crate::error::Error;
use crate::message::Notification;
use crate::session::{ListenId, SubscriptionFilter};

use super::Client;
use super::command::Command;

/// What a subscription tells.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ListenItem {
    /// It is on.
    Started {
        /// What the server honours of the filter (ledger SUB-C-004).
        honoured: SubscriptionFilter,
        /// It was on before, and changes may have been missed in between: read again what you keep.
        gap: bool,
    },
    /// Something changed: `notifications/…/list_changed` or `notifications/resources/updated`.
    Changed(Notification),
    /// The link is gone. The subscription is asked for again; [`ListenItem::Started`] follows.
    Lost,
    /// This handle was read too slowly, and this many of the items above are missing here. What is
    /// changed or on is not known any more: read again what you keep.
    Missed {
        /// How many.
        items: u64,
    },
    /// It has ended; the last item. `Ok` if the server ended it in order.
    Ended(Result<(), Error>),
}

/// What the driver and the handle of a subscription share.
#[derive(Debug)]
pub(crate) struct ListenSlot {
    /// Set by the driver when the session has taken the subscription.
    pub(crate) id: OnceLock<ListenId>,
    pub(crate) items: Mailbox<ListenItem>,
}

impl ListenSlot {
    pub(crate) fn new() -> ListenSlot {
        ListenSlot { id: OnceLock::new(), items: Mailbox::new() }
    }

    /// Ends the subscription. The first end stands.
    pub(crate) fn end(&self, outcome: Result<(), Error>) {
        let _first = self.items.push(ListenItem::Ended(outcome));
        self.items.close();
    }
}

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
