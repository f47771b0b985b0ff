//! Makes the medium reliable: packets are numbered, acknowledged, and sent again until they are. A packet is taken after
//! the previous one of its lane. Packets that the session does not read are not acknowledged, and come again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::channel::mpsc as frames;
use futures::{Stream, StreamExt, stream};
use mcp_core::transport::Lane;
use mcp_core::transport::lanes::LaneFrame;
use tokio::sync::mpsc;
use tokio::time::{Instant, interval, sleep_until};

use crate::air::{Antenna, Packet};

/// The limits: bytes per packet, packets in flight, bytes per message.
const BODY: usize = 1024;
const WINDOW: usize = 64;
const MAX_MESSAGE: usize = 16 << 20;
/// The interval of retransmissions and signs of life; and the silence after which the peer counts as gone.
const AGAIN: Duration = Duration::from_millis(60);
const SILENCE: Duration = Duration::from_secs(5);

type Incoming = Result<LaneFrame<Bytes>, &'static str>;

struct Modem {
    antenna: Antenna,
    inbox: mpsc::Sender<Incoming>,
    /// A separate channel, so that sending does not depend on the reading half. Bounded by what the session has sent.
    told: mpsc::UnboundedSender<Incoming>,
    last: u64,
    /// The packets that are not acknowledged, sent or waiting for the window; and the last of them on each lane.
    unheard: BTreeMap<u64, Packet>,
    lane_ends: HashMap<Lane, u64>,
    /// All packets below this number were taken, and those in the set.
    below: u64,
    taken: BTreeSet<u64>,
    parts: HashMap<Lane, BytesMut>,
}

/// Starts a modem. It ends when its channels are dropped; if it was closed, it sends its last frame first.
pub(crate) fn start(antenna: Antenna) -> (frames::Sender<LaneFrame<Bytes>>, impl Stream<Item = Incoming>) {
    let ((outgoing, frames), (inbox, mut incoming)) = (frames::channel(1), mpsc::channel(16));
    let (told, mut taken) = mpsc::unbounded_channel();
    let (unheard, lane_ends, below_all, parts) = Default::default();
    let modem =
        Modem { antenna, inbox, told, last: 0, unheard, lane_ends, below: 1, taken: below_all, parts };
    tokio::spawn(modem.run(frames));
    let incoming = stream::poll_fn(move |cx| incoming.poll_recv(cx));
    (outgoing, stream::select(incoming, stream::poll_fn(move |cx| taken.poll_recv(cx))))
}

impl Modem {
    async fn run(mut self, mut outgoing: frames::Receiver<LaneFrame<Bytes>>) {
        let (mut again, mut silence) = (interval(AGAIN), Instant::now() + SILENCE);
        let (mut closing, mut farewell) = (false, false);
        while !farewell || !self.unheard.is_empty() {
            tokio::select! {
                Some(packet) = self.antenna.from.recv() => {
                    silence = Instant::now() + SILENCE;
                    self.hear(packet);
                }
                frame = outgoing.next(), if !closing && self.unheard.len() < WINDOW => match frame {
                    Some(LaneFrame::Message { lane, message, last }) => {
                        self.put(lane, if last { b'l' } else { b'm' }, message);
                    }
                    Some(LaneFrame::Close) => closing = true,
                    Some(end) => self.put(end.lane(), b'e', Bytes::new()),
                    None => return,
                },
                _ = again.tick() => {
                    self.antenna.transmit(Packet::Beacon);
                    self.unheard.values().take(WINDOW).for_each(|packet| self.antenna.transmit(packet.clone()));
                }
                () = sleep_until(silence) => {
                    return drop(self.inbox.send(Err("the peer is silent")).await);
                }
            }
            if closing && !farewell && self.unheard.is_empty() {
                // Nothing is in flight that the last frame could overtake.
                self.put(Lane::SHARED, b'b', Bytes::new());
                farewell = true;
            }
        }
    }

    /// Cuts a message into packets.
    fn put(&mut self, lane: Lane, kind: u8, mut rest: Bytes) {
        let mut more = true;
        while more {
            let body = rest.split_to(rest.len().min(BODY));
            more = !rest.is_empty();
            self.last += 1;
            let (number, after) = (self.last, self.lane_ends.insert(lane, self.last));
            let packet = Packet::Data { number, after, lane, kind, more, body };
            if self.unheard.len() < WINDOW {
                self.antenna.transmit(packet.clone());
            }
            self.unheard.insert(number, packet);
        }
    }

    fn is_taken(&self, number: u64) -> bool {
        number < self.below || self.taken.contains(&number)
    }

    fn hear(&mut self, packet: Packet) {
        match packet {
            Packet::Beacon => {}
            Packet::Heard(number) => {
                self.lane_ends.retain(|_, last| *last != number);
                if let Some(Packet::Data { lane, more: false, .. }) = self.unheard.remove(&number) {
                    let _nobody_reads = self.told.send(Ok(LaneFrame::Taken { lane }));
                }
            }
            Packet::Data { number, .. } if self.is_taken(number) => {
                self.antenna.transmit(Packet::Heard(number))
            }
            Packet::Data { after: Some(before), .. } if !self.is_taken(before) => {}
            Packet::Data { number, lane, kind, more, body, .. } => {
                // The session does not read: the packet comes again.
                let Ok(place) = self.inbox.clone().try_reserve_owned() else { return };
                self.taken.insert(number);
                while self.taken.remove(&self.below) {
                    self.below += 1;
                }
                self.antenna.transmit(Packet::Heard(number));
                let part = self.parts.entry(lane).or_default();
                part.extend_from_slice(&body);
                if part.len() > MAX_MESSAGE {
                    place.send(Err("a message is too long"));
                } else if !more {
                    let message = self.parts.remove(&lane).unwrap_or_default().freeze();
                    place.send(Ok(match kind {
                        b'b' => LaneFrame::Close,
                        b'e' => LaneFrame::End { lane },
                        _ => LaneFrame::Message { lane, message, last: kind == b'l' },
                    }));
                }
            }
        }
    }
}
