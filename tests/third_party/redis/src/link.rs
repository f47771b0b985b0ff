//! One link: a frame is a letter for its kind, followed by the text if it is a message.

use std::time::Duration;

use futures::{StreamExt, sink, stream};
use mcp_core::transport::lanes::{LaneFrame, Laned};
use mcp_core::transport::{Lane, TransportError};
use redis::aio::{MultiplexedConnection, PubSubStream};
use redis::{Client, Msg, RedisError, cmd};
use tokio::time::{Interval, interval, sleep};

/// The number of messages that may be unread at the peer; further ones wait.
const WINDOW: usize = 64;
/// How often the presence of the peer is checked, and how long closing may take.
const PRESENCE: Duration = Duration::from_millis(500);

#[derive(Clone)]
pub(crate) struct Peer {
    redis: MultiplexedConnection,
    channel: String,
}

struct Writer {
    peer: Peer,
    /// A separate subscription, so that sending does not depend on the reading half.
    taken: PubSubStream,
    unread: usize,
    sent: u64,
}

pub(crate) struct Reader {
    own: String,
    frames: PubSubStream,
    pub(crate) peer: Peer,
    presence: Interval,
    taken: Option<Lane>,
    /// The number of frames received, and the total once the peer has sent it: its last frame may overtake other lanes.
    seen: u64,
    all: u64,
}

/// Opens the channels of a link. This side is subscribed when it returns.
pub(crate) async fn open(redis: &Client, own: String, channel: String) -> Result<Reader, RedisError> {
    let mut frames = redis.get_async_pubsub().await?;
    frames.subscribe(&own).await?;
    frames.psubscribe(format!("{own}:*")).await?;
    let (frames, presence) = (frames.into_on_message(), interval(PRESENCE));
    let peer = Peer { redis: redis.get_multiplexed_async_connection().await?, channel };
    Ok(Reader { own, frames, peer, presence, taken: None, seen: 0, all: u64::MAX })
}

impl Peer {
    pub(crate) async fn put(&mut self, below: &str, frame: &[u8]) -> Result<(), TransportError> {
        let channel = format!("{}:{below}", self.channel);
        match cmd("PUBLISH").arg(channel).arg(frame).query_async(&mut self.redis).await {
            Ok(0) => Err(TransportError::new("the peer is gone")),
            published => published.map(drop).map_err(TransportError::new),
        }
    }

    async fn is_there(&mut self) -> bool {
        let count = cmd("PUBSUB").arg("NUMSUB").arg(&self.channel).query_async(&mut self.redis).await;
        count.is_ok_and(|(_, peers): (String, usize)| peers > 0)
    }
}

impl Writer {
    async fn write(mut self, frame: LaneFrame<Vec<u8>>) -> Result<Writer, TransportError> {
        let lane = frame.lane().number().to_string();
        let text = match frame {
            LaneFrame::Message { message, last, .. } => {
                self.unread += 1;
                while self.unread > WINDOW {
                    self.taken.next().await.ok_or_else(|| TransportError::new("the subscription ended"))?;
                    self.unread -= 1;
                }
                [if last { b"l" } else { b"m" }, &message[..]].concat()
            }
            LaneFrame::Close => format!("b{}", self.sent).into_bytes(),
            _ => b"e".to_vec(),
        };
        self.sent += 1;
        self.peer.put(&lane, &text).await.map(|()| self)
    }
}

impl Reader {
    /// The transport over these channels.
    pub(crate) async fn link(mut self, redis: &Client, client: bool) -> Result<Laned<Vec<u8>>, RedisError> {
        if client {
            // The server reports that it is subscribed, so nothing that is sent from now on is missed.
            self.frames.next().await;
        }
        let mut taken = redis.get_async_pubsub().await?;
        taken.subscribe(format!("{}:taken", self.own)).await?;
        let writer = Writer { peer: self.peer.clone(), taken: taken.into_on_message(), unread: 0, sent: 0 };
        let (sink, stream) = (sink::unfold(writer, Writer::write), stream::unfold(self, Reader::next));
        let end = if client { Laned::client } else { Laned::server };
        Ok(end("redis", sink, stream).close_within(|| sleep(PRESENCE)))
    }

    /// The next frame. The stream keeps this future, so a dropped `recv` loses nothing.
    async fn next(mut self) -> Option<(Result<LaneFrame<Vec<u8>>, TransportError>, Reader)> {
        if let Some(lane) = self.taken.take() {
            let _noticed_below = self.peer.put("taken", lane.number().to_string().as_bytes()).await;
        }
        let next = loop {
            if self.seen >= self.all {
                break Ok(LaneFrame::Close);
            }
            tokio::select! {
                frame = self.frames.next() => match frame.map(|frame| self.judge(&frame)) {
                    Some(Some(frame)) => break Ok(frame),
                    Some(None) => {}
                    None => break Err(TransportError::new("the subscription ended")),
                },
                _ = self.presence.tick() => if !self.peer.is_there().await {
                    break Err(TransportError::new("the peer is gone"));
                },
            }
        };
        Some((next, self))
    }

    fn judge(&mut self, frame: &Msg) -> Option<LaneFrame<Vec<u8>>> {
        let below = frame.get_channel_name().strip_prefix(&self.own)?.strip_prefix(':')?;
        if below == "taken" {
            return Some(LaneFrame::Taken { lane: Lane::numbered(frame.get_payload().ok()?) });
        }
        let lane = Lane::numbered(below.parse().ok()?);
        let (kind, text) = frame.get_payload_bytes().split_first()?;
        self.seen += u64::from(b"mle".contains(kind));
        match kind {
            b'b' => self.all = String::from_utf8_lossy(text).parse().unwrap_or(0),
            b'e' => return Some(LaneFrame::End { lane }),
            _ => {
                self.taken = Some(lane);
                return Some(LaneFrame::Message { lane, message: text.to_vec(), last: *kind == b'l' });
            }
        }
        None
    }
}
