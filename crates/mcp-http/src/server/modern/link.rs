//! The link of one modern POST: it brings one message on lane 1, and takes what is said of it.

use std::future::poll_fn;
use std::sync::Arc;

use mcp_core::message::Message;
use mcp_core::transport::{
    AbandonBy, Binding, Closed, Inbound, Lane, Loss, LossKind, Outbound, SendError, Transport,
    TransportError, TransportReceiver, TransportSender, async_trait,
};

use super::exchange::{Exchange, News};

/// The lane of the one exchange.
pub(crate) const LANE: Lane = Lane::numbered(1);

const BINDING: Binding = Binding {
    name: "http",
    continuous: false,
    ordered: false,
    abandon: AbandonBy::End,
    one_exchange: true,
    mirrors: true,
};

/// The server's end of one POST.
pub(super) struct Link {
    exchange: Arc<Exchange>,
    inbound: Inbound,
}

impl Link {
    pub(super) fn new(exchange: Arc<Exchange>, inbound: Inbound) -> Link {
        Link { exchange, inbound }
    }
}

impl Transport for Link {
    fn binding(&self) -> Binding {
        BINDING
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        let Link { exchange, inbound } = *self;
        let receiver = Receiver { exchange: exchange.clone(), inbound: Some(inbound) };
        (Box::new(Sender { exchange }), Box::new(receiver))
    }
}

struct Sender {
    exchange: Arc<Exchange>,
}

#[async_trait]
impl TransportSender for Sender {
    async fn send(&mut self, out: Outbound) -> Result<(), SendError> {
        match out {
            Outbound::Message { lane, .. } if lane != LANE => {
                Err(no_route("nothing travels beside the one exchange of this link"))
            }
            Outbound::Message { message: Message::Request(_), .. } => {
                Err(no_route("a server sends no requests on 2026-07-28"))
            }
            Outbound::Message { message, last, origin, .. } => {
                match self.exchange.say(message, last, origin) {
                    Ok(()) => Ok(()),
                    // In a box, for it is rare: most sends need no room for it.
                    Err(unsaid) => Box::pin(self.exchange.wait(unsaid)).await,
                }
            }
            Outbound::End { lane, why } => {
                if lane == LANE {
                    self.exchange.end(why);
                }
                Ok(())
            }
        }
    }

    async fn close(&mut self) -> Result<Closed, TransportError> {
        self.exchange.finish();
        Ok(Closed::default())
    }
}

/// However the link ends, whoever answers the client is not left waiting.
impl Drop for Sender {
    fn drop(&mut self) {
        self.exchange.finish();
    }
}

struct Receiver {
    exchange: Arc<Exchange>,
    inbound: Option<Inbound>,
}

#[async_trait]
impl TransportReceiver for Receiver {
    async fn recv(&mut self) -> Result<Option<Inbound>, TransportError> {
        if let Some(inbound) = self.inbound.take() {
            return Ok(Some(inbound));
        }
        Ok(match poll_fn(|cx| self.exchange.poll_news(cx)).await {
            News::HungUp => Some(Inbound::Ended { lane: LANE }),
            News::Over => None,
        })
    }
}

fn no_route(why: &'static str) -> SendError {
    SendError::Rejected(Loss::new(LossKind::NoRoute, why))
}
