//! One link: its sending half creates exchanges, its receiving half runs them.

use std::future::{poll_fn, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use mcp_core::message::Message;
use mcp_core::transport::{
    Binding, CloseReport, Envelope, Inbound, Lane, LossKind, Outbound, PeerEvidence, SendError, Transport,
    TransportError, TransportReceiver, TransportSender, async_trait,
};
use tokio::sync::Semaphore;
use tokio::task::coop::poll_proceed;

use super::answer::lost;
use super::call_headers::CallHeaders;
use super::close::{GRACE, delete};
use super::exchange;
use super::header_cache::HeaderCache;
use super::link_state::{LinkState, Next, Task, abortable};
use super::post::{self, Post, What};
use crate::net::Exchange;
use crate::{HttpError, boxed};

/// The most messages in flight that expect no answer. Beyond that, the sender waits for the server to accept one.
const NOTES: u32 = 1024;

/// The properties of HTTP that matter to a session.
const BINDING: Binding = Binding::new("http").mirrors(true).server_stream(true);

/// A link over HTTP. Creating one does no I/O.
pub(super) struct HttpLink(Arc<LinkState>);

impl HttpLink {
    pub(super) fn new(link: LinkState) -> HttpLink {
        HttpLink(Arc::new(link))
    }
}

impl Transport for HttpLink {
    fn binding(&self) -> Binding {
        BINDING
    }

    fn evidence(&self) -> Option<PeerEvidence> {
        Some(self.0.came.evidence())
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        let receiver = Receiver { link: self.0.clone(), tasks: FuturesUnordered::from_iter([never()]) };
        let notes = Arc::new(Semaphore::new(NOTES as usize));
        (Box::new(Sender { link: self.0, notes, header_cache: HeaderCache::default() }), Box::new(receiver))
    }
}

struct Sender {
    link: Arc<LinkState>,
    notes: Arc<Semaphore>,
    header_cache: HeaderCache,
}

impl Sender {
    /// Builds the POST of a message.
    fn post(
        &mut self,
        message: &Message,
        lane: Lane,
        envelope: &Envelope,
    ) -> Result<(Post, Exchange), SendError> {
        if !self.link.is_open() {
            return Err(SendError::fatal(HttpError::Closed));
        }
        if lane.is_shared() {
            let why = "a client sends each message on a separate lane";
            return Err(SendError::rejected(LossKind::NoRoute, why));
        }
        let built = post::build(message, envelope.version, &self.link, &mut self.header_cache);
        let (post, mut exchange) = built.map_err(SendError::Rejected)?;
        if let Some(own) = envelope.get::<CallHeaders>() {
            let own = own.checked(&self.link.net);
            exchange.headers.extend(own.map_err(|error| SendError::Rejected(lost(error)))?);
        }
        Ok((post, exchange))
    }

    fn request(&self, lane: Lane, post: Post, mut exchange: Exchange) {
        if post.what == What::Initialize {
            self.link.begin_session();
        }
        let link = self.link.clone();
        self.link.launch(
            lane,
            true,
            boxed(|| async move { exchange::request(&link, lane, &post, &mut exchange).await }),
        );
    }

    async fn note(&self, lane: Lane, post: Post, exchange: Exchange) {
        // Waits for messages that were sent before, never for later ones. The semaphore is never closed.
        let permit = self.notes.clone().acquire_owned().await.ok();
        let note = exchange::note(self.link.clone(), lane, post, exchange, permit);
        self.link.launch(lane, false, Box::pin(note));
    }
}

#[async_trait]
impl TransportSender for Sender {
    /// A request is sent by its exchange, so no future has space for it.
    fn send<'s, 'f>(&'s mut self, out: Outbound) -> BoxFuture<'f, Result<(), SendError>>
    where
        's: 'f,
        Self: 'f,
    {
        let sent = match out {
            Outbound::Message { message, lane, envelope, .. } => match self.post(&message, lane, &envelope) {
                Ok((post, exchange)) if matches!(post.what, What::Initialized | What::OneWay) => {
                    return Box::pin(async move {
                        self.note(lane, post, exchange).await;
                        Ok(())
                    });
                }
                Ok((post, exchange)) => {
                    self.request(lane, post, exchange);
                    Ok(())
                }
                Err(error) => Err(error),
            },
            Outbound::End { lane, .. } => {
                self.link.give_up(lane);
                Ok(())
            }
            _ => Ok(()),
        };
        match sent {
            Ok(()) => Box::pin(poll_fn(|_| Poll::Ready(Ok(())))),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }

    /// Drops requests in flight and streams immediately. Notifications and answers get [`GRACE`], while the receiving
    /// half runs; the session's DELETE has its own limit.
    async fn close(&mut self) -> Result<CloseReport, TransportError> {
        self.link.begin_close();
        // The permits are released when the messages were sent or dropped.
        let quiet = self.notes.acquire_many(NOTES);
        let _in_time = tokio::time::timeout(GRACE, quiet).await;
        if let Some(session) = self.link.session_to_end() {
            delete(&self.link, &session).await;
        }
        self.link.end(None);
        Ok(CloseReport::default())
    }
}

struct Receiver {
    link: Arc<LinkState>,
    /// The exchanges, and one task that [never](never) ends.
    tasks: FuturesUnordered<Task>,
}

/// A task that is never woken. `FuturesUnordered` wakes its reader once more after it has polled all of its tasks.
/// With this task in the set that does not happen, which saves a single call one needless poll.
fn never() -> Task {
    abortable(Box::pin(std::future::pending())).0
}

impl Receiver {
    /// Runs the exchanges. Their output is kept in the link state until it is returned, which makes `recv`
    /// cancel-safe.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Inbound>, TransportError>> {
        // A peer that always has more must not keep the task busy. Each returned item counts against tokio's budget,
        // which spans several calls within one poll of the task.
        let Poll::Ready(budget) = poll_proceed(cx) else { return Poll::Pending };
        loop {
            let tasks = &self.tasks;
            match self.link.step(|task| tasks.push(task)) {
                Next::HandOver(inbound) => {
                    budget.made_progress();
                    return Poll::Ready(Ok(Some(inbound)));
                }
                Next::End(end) => {
                    self.tasks.clear();
                    return Poll::Ready(end.map(|()| None));
                }
                Next::Run => {}
            }
            if let Poll::Ready(Some(_)) = self.tasks.poll_next_unpin(cx) {
                continue;
            }
            if !self.link.has_news(cx.waker()) {
                return Poll::Pending;
            }
        }
    }
}

#[async_trait]
impl TransportReceiver for Receiver {
    // Written out, so that the boxed future holds a pointer and not a message.
    fn recv<'s, 'f>(&'s mut self) -> BoxFuture<'f, Result<Option<Inbound>, TransportError>>
    where
        's: 'f,
        Self: 'f,
    {
        Box::pin(poll_fn(|cx| self.poll_next(cx)))
    }
}
