//! The loop that owns the sending half of a link.

use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures::future::BoxFuture;

use crate::message::{Message, RequestId};
use crate::transport::{Lane, Loss, Outbound, SendError, TransportError, TransportSender};

use super::mailbox::Mailbox;
use super::turn::Turn;
use super::weight;

/// A queued message, with the permit that it holds until it is sent.
#[derive(Debug)]
pub(crate) struct OutboxItem<P> {
    pub(crate) out: Outbound,
    pub(crate) _permit: Option<P>,
}

/// A message that the transport rejected, for the session.
#[derive(Debug)]
pub(crate) struct Rejected {
    pub(crate) lane: Lane,
    /// Its id, if it was a request: one lane may carry several.
    pub(crate) request: Option<RequestId>,
    pub(crate) loss: Loss,
}

/// What the writer of a link tells the other loop of its task.
#[derive(Debug)]
pub(crate) struct Writing {
    pub(crate) rejected: Mailbox<Rejected>,
    /// A message was taken from the queue and is not flushed yet.
    busy: AtomicBool,
}

impl Default for Writing {
    fn default() -> Writing {
        Writing { rejected: Mailbox::new(), busy: AtomicBool::new(false) }
    }
}

impl Writing {
    /// Whether everything is flushed and nothing was rejected, so that the future of the writer can be dropped.
    pub(crate) fn is_idle<P>(&self, queue: &Mailbox<OutboxItem<P>>) -> bool {
        !self.busy.load(Ordering::Relaxed) && queue.is_empty() && self.rejected.is_empty()
    }
}

/// Writes queued messages until the queue is closed and empty: sends all that are queued, then flushes once.
///
/// The caller must poll this future after every push to the queue or close, and take the rejected messages after every
/// poll; no waker is registered for them.
///
/// # Errors
///
/// The link has failed, or the peer left one message unread for `limit`.
///
/// **Cancel-safe** only while it is idle: after another drop, only `close` may be called on the sender.
// FAULT C-12.
pub(crate) async fn write<P>(
    sender: &mut dyn TransportSender,
    queue: &Mailbox<OutboxItem<P>>,
    writing: &Writing,
    limit: Duration,
) -> Result<(), TransportError> {
    let mut turn = Turn::default();
    loop {
        queue.ready_beside().await;
        writing.busy.store(true, Ordering::Relaxed);
        let mut sent = false;
        while let Some(Sending { work, lane, request, bytes, _permit: permit }) = begin(&mut *sender, queue) {
            sent = true;
            turn.spend(bytes);
            match within(limit, work).await? {
                Ok(()) => {}
                Err(SendError::Rejected(loss)) => {
                    // The mailbox is open: the other loop ends after this one.
                    let _open = writing.rejected.push(Rejected { lane, request, loss });
                }
                Err(SendError::Fatal(error)) => return Err(error),
            }
            drop(permit);
            turn.pass_on().await;
        }
        if !sent {
            return Ok(());
        }
        within(limit, sender.flush()).await??;
        writing.busy.store(false, Ordering::Relaxed);
    }
}

/// A message that is being sent, and what identifies it if it is rejected.
struct Sending<'a, P> {
    work: BoxFuture<'a, Result<(), SendError>>,
    lane: Lane,
    request: Option<RequestId>,
    bytes: usize,
    _permit: Option<P>,
}

/// Begins to send the next message. A separate function, so that the message is not stored in the writer's future.
fn begin<'a, P>(
    sender: &'a mut dyn TransportSender,
    queue: &Mailbox<OutboxItem<P>>,
) -> Option<Sending<'a, P>> {
    let OutboxItem { out, _permit } = queue.try_pop()?;
    let (lane, request) = name(&out);
    let bytes = weight::outbound(&out);
    Some(Sending { work: sender.send(out), lane, request, bytes, _permit })
}

async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, TransportError> {
    let mut work = std::pin::pin!(work);
    // Most work is ready at once and needs no timer.
    if let Poll::Ready(done) = std::future::poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await {
        return Ok(done);
    }
    // Boxed, so that idle links do not pay for the timeout's size.
    Box::pin(tokio::time::timeout(limit, work)).await.map_err(|_| {
        TransportError::new(format!("write stalled: the peer left a message unread for {limit:?}"))
    })
}

/// The lane and request id of a message. Ids of this side's requests are numbers or shared texts, so cloning is cheap.
fn name(out: &Outbound) -> (Lane, Option<RequestId>) {
    match out {
        Outbound::Message { message: Message::Request(request), lane, .. } => {
            (*lane, Some(request.id.clone()))
        }
        Outbound::Message { lane, .. } | Outbound::End { lane, .. } => (*lane, None),
    }
}
