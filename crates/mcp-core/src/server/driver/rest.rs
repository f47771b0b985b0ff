//! A link from its start to its end. It has a driver only while there is work: a server may have many links that wait.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use futures::FutureExt;

use crate::error::CloseReason;
use crate::runtime::mailbox::Mailbox;
use crate::runtime::signal::Signal;
use crate::runtime::unread::Unread;
use crate::runtime::{Received, boxed};
use crate::session::server::RestingSession;
use crate::transport::{Binding, Transport, TransportReceiver, TransportSender};

use super::at_once::Start;
use super::in_place::InPlace;
use super::serve::Notice;
use super::server::Registered;
use super::shared::LinkShared;
use super::{Driver, ServerLimits};

/// What a link keeps while it has no driver.
pub(super) struct Kept {
    pub(super) in_place: InPlace,
    /// The queue to the task that delivers notices to the handler.
    pub(super) notices: Option<Arc<Unread<Notice>>>,
    /// Raised when the link ends, for those who hold a handle of it.
    pub(super) opened: Option<Arc<Signal>>,
}

impl Kept {
    pub(super) fn new(limits: &ServerLimits) -> Kept {
        Kept { in_place: InPlace::new(limits), notices: None, opened: None }
    }
}

/// The two halves of a link.
pub(super) struct Halves {
    pub(super) sender: Box<dyn TransportSender>,
    pub(super) receiver: Box<dyn TransportReceiver>,
}

impl Halves {
    pub(super) fn of(link: Box<dyn Transport>) -> Halves {
        let (sender, receiver) = link.split();
        Halves { sender, receiver }
    }
}

/// A link, with or without a driver.
struct Link {
    halves: Halves,
    binding: Binding,
    registered: Registered,
}

/// How a driver has ended.
pub(super) enum Driven {
    /// The link is closed.
    Closed(CloseReason),
    /// Nothing is in progress, and nothing happened for a while.
    Idle(RestingSession),
}

/// Drives a link to its end.
///
/// On a link that carries one exchange nothing is spawned: the handler is polled in this future, beside the writer. A
/// binding that has to answer its caller before the handler ends spawns this future.
// Not an `async fn`, whose future would have each argument twice.
pub(super) fn run(
    registered: Registered,
    mut start: Box<Start>,
    binding: Binding,
    halves: Halves,
) -> impl Future<Output = CloseReason> {
    let mut link = Link { halves, binding, registered };
    async move {
        let link = &mut link;
        loop {
            let session = match boxed(|| drive(link, start)).await {
                Driven::Closed(reason) => return reason,
                Driven::Idle(session) => session,
            };
            let received = rest(&link.registered.shared, &mut *link.halves.receiver).await;
            let session = session.wake(&link.registered.server.config, link.binding);
            start = Start::receiving(session, received);
        }
    }
}

/// Drives a link until it is closed or idle.
async fn drive(link: &mut Link, start: Box<Start>) -> Driven {
    let Link { halves, binding, registered: Registered { server, shared, kept } } = link;
    let outbox = Mailbox::new();
    let (mut driver, received) = Driver::new(server, shared, kept, start, *binding, &outbox);
    driver.drive_link(received, &mut *halves.sender, &mut *halves.receiver).await
}

/// Waits for a message, which it returns, or for a command.
async fn rest(shared: &LinkShared, receiver: &mut dyn TransportReceiver) -> Option<Box<Received>> {
    let mut receiving = receiver.recv();
    poll_fn(|cx| match receiving.poll_unpin(cx) {
        Poll::Ready(received) => Poll::Ready(Some(Box::new(received))),
        Poll::Pending => shared.commands.poll_ready(cx).map(|()| None),
    })
    .await
}
