//! The link of one modern POST: delivers one message on lane 1, and sends the answers.

use std::future::{poll_fn, ready};
use std::sync::Arc;
use std::task::Poll;

use futures::future::BoxFuture;
use mcp_core::message::Message;
use mcp_core::transport::{
    Binding, CloseReport, Inbound, Lane, LossKind, Outbound, SendError, Transport, TransportError,
    TransportReceiver, TransportSender, async_trait,
};

use super::exchange::{Exchange, LinkEvent};

/// The lane of the exchange.
pub(crate) const LANE: Lane = Lane::numbered(1);

const BINDING: Binding = Binding::new("http").one_exchange(true).mirrors(true);

/// The server's end of one POST. It is also the receiving half, so that the message is moved once.
pub(super) struct Link {
    exchange: Arc<Exchange>,
    inbound: Option<Inbound>,
}

impl Link {
    pub(super) fn new(exchange: Arc<Exchange>, inbound: Inbound) -> Box<Link> {
        Box::new(Link { exchange, inbound: Some(inbound) })
    }
}

impl Transport for Link {
    fn binding(&self) -> Binding {
        BINDING
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        (Box::new(Sender { exchange: self.exchange.clone() }), self)
    }
}

struct Sender {
    exchange: Arc<Exchange>,
}

#[async_trait]
impl TransportSender for Sender {
    /// Messages that are not blocked need no future with space for a message.
    fn send<'s, 'f>(&'s mut self, out: Outbound) -> BoxFuture<'f, Result<(), SendError>>
    where
        's: 'f,
        Self: 'f,
    {
        let said = match out {
            Outbound::Message { lane, .. } if lane != LANE => {
                Err(no_route("this link carries one exchange only"))
            }
            Outbound::Message { message: Message::Request(_), .. } => {
                Err(no_route("a server sends no requests on 2026-07-28"))
            }
            Outbound::Message { message, last, answered_by, .. } => {
                match self.exchange.say(message, last, answered_by) {
                    Ok(()) => Ok(()),
                    Err(blocked) => return Box::pin(self.exchange.wait(blocked)),
                }
            }
            Outbound::End { lane, reason, .. } => {
                if lane == LANE {
                    self.exchange.end(reason);
                }
                Ok(())
            }
            _ => Ok(()),
        };
        match said {
            Ok(()) => nothing(),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }

    fn flush<'s, 'f>(&'s mut self) -> BoxFuture<'f, Result<(), TransportError>>
    where
        's: 'f,
        Self: 'f,
    {
        nothing()
    }

    fn close<'s, 'f>(&'s mut self) -> BoxFuture<'f, Result<CloseReport, TransportError>>
    where
        's: 'f,
        Self: 'f,
    {
        self.exchange.finish();
        Box::pin(poll_fn(|_| Poll::Ready(Ok(CloseReport::default()))))
    }
}

/// The answering task does not wait longer than the link lives.
impl Drop for Sender {
    fn drop(&mut self) {
        self.exchange.finish();
    }
}

#[async_trait]
impl TransportReceiver for Link {
    // Written out, so that the boxed future holds a pointer and not a message.
    fn recv<'s, 'f>(&'s mut self) -> BoxFuture<'f, Result<Option<Inbound>, TransportError>>
    where
        's: 'f,
        Self: 'f,
    {
        Box::pin(poll_fn(|cx| match self.inbound.take() {
            Some(inbound) => Poll::Ready(Ok(Some(inbound))),
            None => self.exchange.poll_event(cx).map(|event| match event {
                LinkEvent::HungUp => Ok(Some(Inbound::ended(LANE))),
                LinkEvent::Over => Ok(None),
            }),
        }))
    }
}

/// A completed send. The future has no size, so its box does not allocate.
fn nothing<'f, E: 'f>() -> BoxFuture<'f, Result<(), E>> {
    Box::pin(poll_fn(|_| Poll::Ready(Ok(()))))
}

fn no_route(why: &'static str) -> SendError {
    SendError::rejected(LossKind::NoRoute, why)
}
