//! The loop that owns the sending half of a link.

use std::task::Poll;
use std::time::Duration;

use futures::future::BoxFuture;

use crate::message::{Message, RequestId};
use crate::transport::{Lane, Loss, Outbound, SendError, TransportError, TransportSender};

use super::mailbox::Mailbox;

/// Something to send, and the place it takes among the messages in flight until it is sent.
#[derive(Debug)]
pub(crate) struct OutboxItem<P> {
    pub(crate) out: Outbound,
    pub(crate) _permit: Option<P>,
}

/// A message that was not sent: what the session is told of the writer.
#[derive(Debug)]
pub(crate) struct Rejected {
    pub(crate) lane: Lane,
    /// Its id, if it was a request: many may be under way on one lane.
    pub(crate) request: Option<RequestId>,
    pub(crate) loss: Loss,
}

/// Writes what is queued until the queue is closed and empty: sends all that is there, then flushes once.
///
/// Whoever fills and closes the queue polls this afterwards, and takes what was rejected: nobody is woken.
///
/// # Errors
///
/// The link has failed, or the peer left one message unread for `limit` (FAULT C-12).
///
/// **Not cancel-safe**: after a drop only `close` is left to call on the sender.
pub(crate) async fn write<P>(
    sender: &mut dyn TransportSender,
    queue: &Mailbox<OutboxItem<P>>,
    rejected: &Mailbox<Rejected>,
    limit: Duration,
) -> Result<(), TransportError> {
    loop {
        queue.ready_beside().await;
        let mut sent = false;
        while let Some(Sending { work, lane, request, _permit }) = begin(&mut *sender, queue) {
            sent = true;
            match within(limit, work).await? {
                Ok(()) => {}
                Err(SendError::Rejected(loss)) => {
                    // The loop beside this one ends later than this one.
                    let _open = rejected.push(Rejected { lane, request, loss });
                }
                Err(SendError::Fatal(error)) => return Err(error),
            }
        }
        if !sent {
            return Ok(());
        }
        match within(limit, sender.flush()).await? {
            Ok(()) => {}
            Err(SendError::Fatal(error)) => return Err(error),
            // A flush concerns no lane: nothing was lost that a lane could be told.
            Err(SendError::Rejected(loss)) => return Err(TransportError::new(loss)),
        }
    }
}

/// A message on its way, and what is told of it if it does not arrive.
struct Sending<'a, P> {
    work: BoxFuture<'a, Result<(), SendError>>,
    lane: Lane,
    request: Option<RequestId>,
    _permit: Option<P>,
}

/// Begins to send the next message. Apart, so that who waits for it has no room for the message.
fn begin<'a, P>(
    sender: &'a mut dyn TransportSender,
    queue: &Mailbox<OutboxItem<P>>,
) -> Option<Sending<'a, P>> {
    let OutboxItem { out, _permit } = queue.try_pop()?;
    let (lane, request) = name(&out);
    Some(Sending { work: sender.send(out), lane, request, _permit })
}

async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, TransportError> {
    let mut work = std::pin::pin!(work);
    // What is done at once, as most is, needs no clock.
    if let Poll::Ready(done) = std::future::poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await {
        return Ok(done);
    }
    // Apart, so that a link that waits for nothing has no room for it.
    Box::pin(tokio::time::timeout(limit, work)).await.map_err(|_| {
        TransportError::new(format!("write stalled: the peer left a message unread for {limit:?}"))
    })
}

/// What is needed to name a message after it was given away. Ids of our own requests are numbers, or shared
/// texts: cheap to clone.
fn name(out: &Outbound) -> (Lane, Option<RequestId>) {
    match out {
        Outbound::Message { message: Message::Request(request), lane, .. } => {
            (*lane, Some(request.id.clone()))
        }
        Outbound::Message { lane, .. } | Outbound::End { lane, .. } => (*lane, None),
    }
}
