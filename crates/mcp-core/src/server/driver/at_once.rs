//! Links of one exchange. A request whose handler sends nothing before its answer needs no driver: no queues, no writer
//! loop, no entry in the server's list. The session decides as on any other link. Everything else goes on in a driver.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::error::CloseReason;
use crate::runtime::{FAREWELL, Received, boxed, now, sleep_until};
use crate::session::Output;
use crate::session::server::{ServerEvent, ServerSession};
use crate::transport::budget::Permit;
use crate::transport::{
    Binding, Inbound, Outbound, SendError, TransportError, TransportReceiver, TransportSender,
};

use super::answers::charged;
use super::events::exchange;
use super::link::close_link;
use super::serve::{Served, serve};
use super::server::ServerShared;
use super::shared::LinkShared;
use super::waiting;
use crate::server::context::Exchange;

/// A handler that runs in the future of its link, or its outcome.
pub(super) enum Inline {
    Running(BoxFuture<'static, Served>),
    Done(Served),
}

/// Where a driver goes on.
pub(super) struct Start {
    pub(super) session: ServerSession,
    /// Outputs of the session that are not carried out yet.
    pub(super) outputs: Vec<Output<ServerEvent>>,
    /// What was received and not passed to the session.
    pub(super) received: Option<Box<Received>>,
    pub(super) inline: Option<(Arc<Exchange>, Inline)>,
    /// The state of the link, if a handler has it already.
    pub(super) shared: Option<Arc<LinkShared>>,
}

impl Start {
    pub(super) fn new(session: ServerSession) -> Start {
        Start { session, outputs: Vec::new(), received: None, inline: None, shared: None }
    }

    /// Goes on with what was received, if anything was.
    pub(super) fn receiving(session: ServerSession, received: Option<Box<Received>>) -> Box<Start> {
        Box::new(Start { received, ..Start::new(session) })
    }

    fn with_outputs(session: ServerSession, outputs: Vec<Output<ServerEvent>>) -> Polled {
        Polled::Unfinished(Box::new(Start { outputs, ..Start::new(session) }))
    }
}

/// What became of an exchange when it was polled for the first time.
pub(super) enum Polled {
    /// The exchange is over with this message. The permit is held until it is sent.
    Answered(Outbound, Option<Permit>),
    Unfinished(Box<Start>),
}

/// Whether nothing follows on a link of one exchange.
fn is_last(out: &Outbound) -> bool {
    match out {
        Outbound::Message { last, .. } => *last,
        Outbound::End { .. } => true,
    }
}

/// Receives the request of a link of one exchange, and polls its handler once.
pub(super) fn poll_once(
    server: &Arc<ServerShared>,
    binding: Binding,
    receiver: &mut dyn TransportReceiver,
    cx: &mut Context<'_>,
) -> Polled {
    let mut session = server.session(binding);
    let inbound = match receiver.recv().poll_unpin(cx) {
        Poll::Ready(Ok(Some(inbound))) => inbound,
        Poll::Ready(end) => {
            return Polled::Unfinished(Start::receiving(session, Some(Box::new(end))));
        }
        Poll::Pending => return Polled::Unfinished(Start::receiving(session, None)),
    };
    let start = now();
    session.handle_inbound(start, inbound);
    let incoming = match session.poll_output() {
        Output::Event(ServerEvent::Request(incoming)) => incoming,
        output => return answered(session, output, None),
    };
    // The session is called again only when all its outputs are carried out.
    match session.poll_output() {
        Output::Wait(None) => {}
        output => {
            let request = Output::Event(ServerEvent::Request(incoming));
            return Start::with_outputs(session, vec![request, output]);
        }
    }
    let Some(permit) = waiting::place_at_once(server, &incoming) else {
        // The driver lets it wait.
        return Start::with_outputs(session, vec![Output::Event(ServerEvent::Request(incoming))]);
    };
    let shared = server.link();
    let (exchange, span) = exchange(server, &shared, incoming);
    let mut work = boxed(|| serve(server.clone(), permit, exchange.clone(), span));
    let inline = match work.as_mut().poll(cx) {
        Poll::Ready(served) if shared.commands.is_empty() => {
            drop(work);
            return finished(server, start, session, &shared, exchange, served);
        }
        Poll::Ready(served) => Inline::Done(served),
        Poll::Pending => Inline::Running(work),
    };
    let (inline, shared) = (Some((exchange, inline)), Some(shared));
    Polled::Unfinished(Box::new(Start { inline, shared, ..Start::new(session) }))
}

/// The handler has answered, and sent nothing before.
fn finished(
    server: &Arc<ServerShared>,
    now: Instant,
    mut session: ServerSession,
    shared: &Arc<LinkShared>,
    exchange: Arc<Exchange>,
    served: Served,
) -> Polled {
    let (outcome, unread) = charged(server, now, &exchange, served.outcome);
    drop(exchange);
    session.reply(now, served.exchange, outcome);
    session.keep(served.exchange, served.permit);
    if Arc::strong_count(shared) > 1 {
        // A context that outlives its request. Commands hold permits, which hold the link.
        shared.commands.abandon();
    }
    let output = session.poll_output();
    answered(session, output, unread)
}

/// What ends the wait for a handler.
enum Woken {
    Served(Served),
    Received(Received),
    /// The handler sends something, or the server stops.
    Look,
}

/// Waits for a handler that has not answered when it was polled for the first time, as long as nothing else happens. The
/// session has no timer then, because it had no output.
pub(super) async fn wait(
    server: &Arc<ServerShared>,
    mut start: Box<Start>,
    receiver: &mut dyn TransportReceiver,
) -> Polled {
    let (exchange, mut work, shared) = match (start.inline.take(), &start.shared) {
        (Some((exchange, Inline::Running(work))), Some(shared)) => (exchange, work, shared.clone()),
        (inline, _) => {
            start.inline = inline;
            return Polled::Unfinished(start);
        }
    };
    // The handler was just polled in this task.
    let mut is_polled = true;
    let woken = {
        let mut receiving = receiver.recv();
        let mut stopping = pin!(shared.stopping.wait());
        poll_fn(|cx| {
            if !std::mem::take(&mut is_polled)
                && let Poll::Ready(served) = work.as_mut().poll(cx)
            {
                return Poll::Ready(Woken::Served(served));
            }
            if let Poll::Ready(received) = receiving.as_mut().poll(cx) {
                return Poll::Ready(Woken::Received(received));
            }
            let is_over = shared.commands.poll_ready(cx).is_ready() || stopping.as_mut().poll(cx).is_ready();
            if is_over { Poll::Ready(Woken::Look) } else { Poll::Pending }
        })
        .await
    };
    let inline = match woken {
        Woken::Served(served) if shared.commands.is_empty() => {
            drop(work);
            start.shared = None;
            return finished(server, now(), start.session, &shared, exchange, served);
        }
        Woken::Served(served) => Inline::Done(served),
        Woken::Received(received) => {
            start.received = Some(Box::new(received));
            Inline::Running(work)
        }
        Woken::Look => Inline::Running(work),
    };
    start.inline = Some((exchange, inline));
    Polled::Unfinished(start)
}

/// The exchange is over if this output is a last message, and the only output.
fn answered(mut session: ServerSession, output: Output<ServerEvent>, unread: Option<Permit>) -> Polled {
    match (output, session.poll_output()) {
        (Output::Transmit(out), Output::Wait(None)) if is_last(&out) => Polled::Answered(out, unread),
        (first, second) => Start::with_outputs(session, vec![first, second]),
    }
}

/// Sends the only message of a link, and closes the link.
pub(super) async fn answer(
    server: &ServerShared,
    out: Outbound,
    sender: &mut dyn TransportSender,
    receiver: &mut dyn TransportReceiver,
) -> CloseReason {
    let limit = server.limits.write_timeout;
    let sent = match at_once(sender.send(out)).await {
        Ok(sent) => sent,
        Err(work) => {
            let work = work.map(|sent| match sent {
                Err(SendError::Fatal(error)) => Err(error),
                Ok(()) | Err(SendError::Rejected(_)) => Ok(()),
            });
            boxed(|| written(work, receiver, limit)).await.map_err(SendError::Fatal)
        }
    };
    let sent = match sent {
        Ok(()) => match at_once(sender.flush()).await {
            Ok(flushed) => flushed,
            Err(work) => boxed(|| written(work, receiver, limit)).await,
        },
        Err(SendError::Rejected(loss)) => {
            tracing::debug!(%loss, "the answer was not sent");
            Ok(())
        }
        Err(SendError::Fatal(error)) => Err(error),
    };
    let closed = match at_once(sender.close()).await {
        Ok(closed) => closed.unwrap_or_default(),
        Err(closing) => boxed(|| close_link(closing, receiver, true)).await,
    };
    match sent {
        Ok(()) => CloseReason::Requested,
        Err(error) => {
            tracing::debug!(%error, "the link failed");
            CloseReason::LinkFailed { error, closed }
        }
    }
}

/// The output of work that is ready when it is polled for the first time, or the work.
async fn at_once<'f, T>(mut work: BoxFuture<'f, T>) -> Result<T, BoxFuture<'f, T>> {
    match poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await {
        Poll::Ready(output) => Ok(output),
        Poll::Pending => Err(work),
    }
}

/// Waits until a message is written, for `limit` at most. A peer that abandons the exchange has [`FAREWELL`] left.
async fn written(
    work: impl Future<Output = Result<(), TransportError>>,
    receiver: &mut dyn TransportReceiver,
    limit: Duration,
) -> Result<(), TransportError> {
    let (mut work, mut reading) = (pin!(work), true);
    let mut until = now().checked_add(limit);
    loop {
        tokio::select! {
            biased;
            result = &mut work => return result,
            received = async { receiver.recv().await }, if reading => {
                let over = !matches!(received, Ok(Some(_)));
                reading = !over;
                if matches!(received, Ok(Some(Inbound::Ended { .. } | Inbound::Lost { .. })) | Err(_)) {
                    until = [until, now().checked_add(FAREWELL)].into_iter().flatten().min();
                }
            }
            () = sleep_until(until) => {
                let why = format!("write stalled: the peer left a message unread for {limit:?}");
                return Err(TransportError::new(why));
            }
        }
    }
}

/// Counts an exchange that has no driver, so that a drain waits for it.
pub(super) struct Entered<'a>(&'a ServerShared);

impl<'a> Entered<'a> {
    /// `None` while the server stops: a driver then carries out the drain.
    pub(super) fn new(server: &'a ServerShared) -> Option<Entered<'a>> {
        server.undriven.fetch_add(1, Ordering::SeqCst);
        // Checked after the count: either the drain sees the count, or the drain is seen here.
        Some(Entered(server)).filter(|_| !server.is_stopping())
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.undriven.fetch_sub(1, Ordering::SeqCst);
        self.0.link_has_ended();
    }
}
