//! One link: a frame is a letter that says what it is, and the text of a message where it is one.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, sink, stream};
use mcp_core::transport::lanes::{LaneFrame, Laned};
use mcp_core::transport::{Lane, TransportError};
use redis::aio::{MultiplexedConnection, PubSubStream};
use redis::{Client, ErrorKind, Msg, RedisError, cmd};
use tokio::sync::Semaphore;
use tokio::time::{Interval, interval, sleep};

/// Messages that may lie unread at the peer; one more waits.
const WINDOW: usize = 64;
/// How often it is looked whether the peer is still there, and how long a farewell may take.
const PRESENCE: Duration = Duration::from_millis(500);
const FAREWELL: Duration = Duration::from_secs(2);

/// Publishes on the peer's channels.
#[derive(Clone)]
pub(crate) struct Writer {
    redis: MultiplexedConnection,
    channel: String,
    window: Arc<Semaphore>,
    sent: u64,
}

/// Subscribes to its own channels.
pub(crate) struct Reader {
    own: String,
    frames: PubSubStream,
    pub(crate) writer: Writer,
    presence: Interval,
    taken: Option<Lane>,
    /// Frames so far, and how many there are, once the peer has said it: its farewell may overtake other lanes.
    seen: u64,
    all: u64,
}

/// The channels of a link. This side has subscribed when it returns.
pub(crate) async fn open(redis: &Client, own: String, peer: String) -> Result<Reader, RedisError> {
    let mut frames = redis.get_async_pubsub().await?;
    frames.subscribe(&own).await?;
    frames.psubscribe(format!("{own}:*")).await?;
    let (redis, window) = (redis.get_multiplexed_async_connection().await?, Semaphore::new(WINDOW));
    let writer = Writer { redis, channel: peer, window: Arc::new(window), sent: 0 };
    let (frames, presence) = (frames.into_on_message(), interval(PRESENCE));
    Ok(Reader { own, frames, writer, presence, taken: None, seen: 0, all: u64::MAX })
}

/// The transport over these channels.
pub(crate) fn link(reader: Reader, client: bool) -> Laned<Vec<u8>> {
    let end = if client { Laned::client } else { Laned::server };
    let sink = sink::unfold(reader.writer.clone(), Writer::write);
    end("redis", sink, stream::unfold(reader, Reader::next)).close_within(|| sleep(FAREWELL))
}

impl Writer {
    async fn write(mut self, frame: LaneFrame<Vec<u8>>) -> Result<Writer, TransportError> {
        let lane = frame.lane();
        let text = match frame {
            LaneFrame::Message { message, last, .. } => {
                self.window.acquire().await.map_err(TransportError::new)?.forget();
                [if last { b"l" } else { b"m" }, &message[..]].concat()
            }
            LaneFrame::End { .. } => b"e".to_vec(),
            LaneFrame::Taken { .. } => b"t".to_vec(),
            LaneFrame::Close => format!("b{}", self.sent).into_bytes(),
        };
        self.sent += 1;
        self.publish(lane, &text).await.map(|()| self)
    }

    pub(crate) async fn publish(&mut self, lane: Lane, frame: &[u8]) -> Result<(), TransportError> {
        let channel = match lane.number() {
            0 => self.channel.clone(),
            number => format!("{}:{number}", self.channel),
        };
        match cmd("PUBLISH").arg(channel).arg(frame).query_async(&mut self.redis).await {
            Ok(0) => Err(TransportError::new("the peer is gone")),
            published => published.map(drop).map_err(TransportError::new),
        }
    }

    /// Redis ends the subscription of a peer whose connection has ended.
    async fn is_heard(&mut self) -> bool {
        let count = cmd("PUBSUB").arg("NUMSUB").arg(&self.channel).query_async(&mut self.redis).await;
        count.is_ok_and(|(_, peers): (String, usize)| peers > 0)
    }
}

impl Reader {
    /// The server has subscribed before it says so: nothing that is sent now can be missed.
    pub(crate) async fn ready(mut self) -> Result<Reader, RedisError> {
        self.frames.next().await.map(|_| self).ok_or((ErrorKind::Io, "the subscription ended").into())
    }

    /// The next frame. Its future is kept by the stream, so nothing is lost when nobody waits for it.
    async fn next(mut self) -> Option<(Result<LaneFrame<Vec<u8>>, TransportError>, Reader)> {
        if let Some(lane) = self.taken.take() {
            // A peer that is gone is noticed below.
            let _heard = self.writer.publish(lane, b"t").await;
        }
        let next = loop {
            if self.seen >= self.all {
                self.writer.window.close();
                break Ok(LaneFrame::Close);
            }
            tokio::select! {
                frame = self.frames.next() => match frame.map(|frame| self.judge(&frame)) {
                    Some(Some(frame)) => break Ok(frame),
                    Some(None) => {}
                    None => break Err(TransportError::new("the subscription has ended")),
                },
                _ = self.presence.tick() => if !self.writer.is_heard().await {
                    break Err(TransportError::new("the peer is gone"));
                },
            }
        };
        Some((next, self))
    }

    fn judge(&mut self, frame: &Msg) -> Option<LaneFrame<Vec<u8>>> {
        let lane = frame.get_channel_name().strip_prefix(&self.own)?.strip_prefix(':').unwrap_or("0");
        let lane = Lane::numbered(lane.parse().ok()?);
        let (kind, text) = frame.get_payload_bytes().split_first()?;
        self.seen += u64::from(b"mle".contains(kind));
        match kind {
            b'm' | b'l' => {
                self.taken = Some(lane);
                return Some(LaneFrame::Message { lane, message: text.to_vec(), last: *kind == b'l' });
            }
            b'e' => return Some(LaneFrame::End { lane }),
            b't' => {
                self.writer.window.add_permits(1);
                return Some(LaneFrame::Taken { lane });
            }
            b'b' => self.all = String::from_utf8_lossy(text).parse().unwrap_or(0),
            _ => {}
        }
        None
    }
}
