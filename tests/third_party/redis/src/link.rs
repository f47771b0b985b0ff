//! One link: a frame is a letter that says what it is, and the text of a message where it is one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use futures::stream::StreamExt;
use mcp_core::message::{Decoded, Message, Refusal, Shape, decode};
use mcp_core::transport::{
    AbandonBy, Binding, Closed, Envelope, Inbound, Lane, Loss, LossKind, Outbound, SendError, Transport,
    TransportError, TransportReceiver, TransportSender, async_trait,
};
use redis::aio::{MultiplexedConnection, PubSubStream};
use redis::{Msg, RedisError, cmd};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::trouble;

/// What the server says when it has subscribed.
pub(crate) const READY: &str = "r";
/// A message, the last one of its lane, the end of a lane; a message was taken; the end of the link.
const MESSAGE: u8 = b'm';
const LAST: u8 = b'l';
const END: u8 = b'e';
const TAKEN: u8 = b't';
const BYE: u8 = b'b';

/// Messages that may lie unread at the peer; one more waits.
const WINDOW: usize = 64;
/// How often it is looked whether the peer is still there, and how long a farewell may take.
const PRESENCE: Duration = Duration::from_millis(500);
const FAREWELL: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Side {
    Client,
    Server,
}

/// What a lane waits for.
#[derive(PartialEq)]
enum Waits {
    Answer,
    Taken,
}

/// What the two halves share.
struct Shared {
    lanes: Mutex<HashMap<Lane, Waits>>,
    window: Semaphore,
}

impl Shared {
    fn lanes(&self) -> MutexGuard<'_, HashMap<Lane, Waits>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where this side publishes.
#[derive(Clone)]
struct Wire {
    publish: MultiplexedConnection,
    channel: String,
}

impl Wire {
    async fn put(mut self, lane: Lane, frame: Vec<u8>) -> Result<(), TransportError> {
        let lane = if lane.is_shared() { String::new() } else { format!(":{}", lane.number()) };
        let mut command = cmd("PUBLISH");
        command.arg(self.channel + &lane).arg(frame);
        match command.query_async::<usize>(&mut self.publish).await {
            Ok(0) => Err(trouble("the peer is gone")),
            Ok(_) => Ok(()),
            Err(error) => Err(TransportError::new(error)),
        }
    }

    /// Redis ends the subscription of a peer whose connection has ended.
    async fn until_gone(mut self) {
        loop {
            sleep(PRESENCE).await;
            let mut command = cmd("PUBSUB");
            command.arg("NUMSUB").arg(&self.channel);
            let counted = command.query_async::<(String, usize)>(&mut self.publish).await;
            if !counted.is_ok_and(|(_, peers)| peers > 0) {
                return;
            }
        }
    }
}

/// A link whose own channels are subscribed.
pub(crate) struct Link {
    side: Side,
    own: String,
    wire: Wire,
    pub(crate) stream: PubSubStream,
}

impl Link {
    pub(crate) async fn open(
        redis: &redis::Client,
        publish: MultiplexedConnection,
        name: String,
        side: Side,
    ) -> Result<Link, RedisError> {
        let (up, down) = (format!("{name}:up"), format!("{name}:down"));
        let (own, channel) = if side == Side::Client { (down, up) } else { (up, down) };
        let mut subscription = redis.get_async_pubsub().await?;
        subscription.subscribe(&own).await?;
        subscription.psubscribe(format!("{own}:*")).await?;
        Ok(Link { side, own, wire: Wire { publish, channel }, stream: subscription.into_on_message() })
    }
}

impl Transport for Link {
    fn binding(&self) -> Binding {
        Binding { ordered: false, abandon: AbandonBy::End, ..Binding::STREAM.named("redis") }
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        let Link { side, own, wire, stream } = *self;
        let shared = Arc::new(Shared { lanes: Mutex::default(), window: Semaphore::new(WINDOW) });
        let gone = wire.clone().until_gone().boxed();
        let sender = Sender { side, wire: Some(wire.clone()), shared: shared.clone(), sent: 0 };
        let receiver = Receiver { side, own, wire, stream, shared, gone, taken: None, seen: 0, all: None };
        (Box::new(sender), Box::new(receiver))
    }
}

struct Sender {
    side: Side,
    /// `None` once it is closed.
    wire: Option<Wire>,
    shared: Arc<Shared>,
    sent: u64,
}

#[async_trait]
impl TransportSender for Sender {
    async fn send(&mut self, out: Outbound) -> Result<(), SendError> {
        let ended = || SendError::Fatal(trouble("the link has ended"));
        let wire = self.wire.clone().ok_or_else(ended)?;
        let (lane, frame) = match out {
            Outbound::End { lane, .. } if self.shared.lanes().remove(&lane).is_none() => return Ok(()),
            Outbound::End { lane, .. } => (lane, vec![END]),
            Outbound::Message { message, lane, last, .. } => {
                let asks = matches!(message, Message::Request(_));
                if self.side == Side::Client {
                    // Before it is sent: the answer may be there first.
                    self.shared.lanes().insert(lane, if asks { Waits::Answer } else { Waits::Taken });
                } else if !lane.is_shared() && !self.shared.lanes().contains_key(&lane) {
                    let loss = Loss::new(LossKind::NoRoute, "this exchange is over");
                    return Err(SendError::Rejected(loss));
                }
                let last = last && self.side == Side::Server && self.shared.lanes().remove(&lane).is_some();
                let mut frame = vec![if last { LAST } else { MESSAGE }];
                message.write_to(&mut frame);
                self.shared.window.acquire().await.map_err(|_| ended())?.forget();
                (lane, frame)
            }
        };
        self.sent += 1;
        wire.put(lane, frame).await.map_err(SendError::Fatal)
    }

    async fn close(&mut self) -> Result<Closed, TransportError> {
        if let Some(wire) = &self.wire {
            let bye = format!("{}{}", char::from(BYE), self.sent).into_bytes();
            // A peer that is gone misses nothing.
            let _heard = timeout(FAREWELL, wire.clone().put(Lane::SHARED, bye)).await;
            self.wire = None;
        }
        Ok(Closed::default())
    }
}

struct Receiver {
    side: Side,
    own: String,
    wire: Wire,
    stream: PubSubStream,
    shared: Arc<Shared>,
    /// Kept from one `recv` to the next, so that a dropped one takes nothing with it: the look-out for the peer,
    /// and the word that the last message was taken.
    gone: BoxFuture<'static, ()>,
    taken: Option<BoxFuture<'static, Result<(), TransportError>>>,
    seen: u64,
    /// How many frames there are, once the peer has said it.
    all: Option<u64>,
}

#[async_trait]
impl TransportReceiver for Receiver {
    async fn recv(&mut self) -> Result<Option<Inbound>, TransportError> {
        loop {
            if let Some(taken) = &mut self.taken {
                // A peer that is gone is noticed below.
                let _heard = taken.await;
                self.taken = None;
            }
            // The farewell may have overtaken other lanes.
            if self.all.is_some_and(|all| self.seen >= all) {
                self.shared.window.close();
                return Ok(None);
            }
            let lost = tokio::select! {
                biased;
                frame = self.stream.next() => match frame {
                    Some(frame) => match self.judge(&frame) {
                        Some(inbound) => return Ok(Some(inbound)),
                        None => continue,
                    },
                    None => trouble("the subscription has ended"),
                },
                () = &mut self.gone => trouble("the peer is gone"),
            };
            self.all = Some(0);
            self.shared.window.close();
            return Err(lost);
        }
    }
}

impl Receiver {
    fn judge(&mut self, frame: &Msg) -> Option<Inbound> {
        let lane = match frame.get_channel_name().strip_prefix(&self.own)? {
            "" => Lane::SHARED,
            lane => Lane::numbered(lane.strip_prefix(':')?.parse().ok().filter(|lane| *lane > 0)?),
        };
        let (kind, text) = frame.get_payload_bytes().split_first()?;
        self.seen += u64::from([MESSAGE, LAST, END].contains(kind));
        match *kind {
            BYE => self.all = Some(String::from_utf8_lossy(text).parse().unwrap_or(0)),
            TAKEN => {
                self.shared.window.add_permits(1);
                let mut lanes = self.shared.lanes();
                if lanes.get(&lane) == Some(&Waits::Taken) {
                    lanes.remove(&lane);
                    return Some(Inbound::Delivered { lane });
                }
            }
            END if self.shared.lanes().remove(&lane).is_some() => {
                let loss = Loss::new(LossKind::Cut, "the server ended the exchange without an answer");
                let lost = Inbound::Lost { lane, loss };
                return Some(if self.side == Side::Client { lost } else { Inbound::Ended { lane } });
            }
            MESSAGE | LAST => {
                self.taken = Some(self.wire.clone().put(lane, vec![TAKEN]).boxed());
                return self.message(lane, *kind == LAST, text);
            }
            _ => {}
        }
        None
    }

    /// The message, unless nobody waits for it any more.
    fn message(&self, lane: Lane, last: bool, text: &[u8]) -> Option<Inbound> {
        let decoded = match decode(text.to_vec().into()) {
            Decoded::One(decoded) => decoded,
            Decoded::Batch(_) => Err(Refusal::invalid(None, Shape::Unknown, format_args!("this is a batch"))),
        };
        let is_open = match (self.side, &decoded) {
            (Side::Client, _) if last => self.shared.lanes().remove(&lane).is_some(),
            (Side::Client, _) => lane.is_shared() || self.shared.lanes().contains_key(&lane),
            (Side::Server, Ok(Message::Request(_)) | Err(_)) => {
                !lane.is_shared() && self.shared.lanes().insert(lane, Waits::Answer).is_none()
            }
            (Side::Server, Ok(_)) => true,
        };
        is_open.then(|| match decoded {
            Ok(message) => Inbound::Message { message, lane, envelope: Envelope::default() },
            Err(refusal) => Inbound::Refused { lane, refusal },
        })
    }
}
