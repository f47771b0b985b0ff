//! The medium: packets get lost and overtake each other at random. The same seed gives the same sequence.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use mcp_core::transport::Lane;
use tokio::sync::mpsc;

/// A packet on the air.
#[derive(Clone, Debug)]
pub(crate) enum Packet {
    Data {
        number: u64,
        /// The previous packet of this lane, if it was not yet acknowledged when this one was made.
        after: Option<u64>,
        lane: Lane,
        kind: u8,
        /// Whether more of the same message follows.
        more: bool,
        body: Bytes,
    },
    Heard(u64),
    Beacon,
}

/// The medium between two antennas.
#[derive(Clone)]
pub struct Air {
    chance: Arc<Mutex<u64>>,
    lost_in_a_hundred: u64,
}

impl Air {
    /// A medium that loses this percentage of the packets.
    pub fn new(seed: u64, lost_in_a_hundred: u64) -> Air {
        Air { chance: Arc::new(Mutex::new(seed | 1)), lost_in_a_hundred }
    }

    /// Two antennas that receive each other.
    pub fn antennas(&self) -> (Antenna, Antenna) {
        let ((near, far), (there, here)) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
        (
            Antenna { air: self.clone(), to: near, from: here },
            Antenna { air: self.clone(), to: there, from: far },
        )
    }

    /// A number below `limit` (xorshift).
    fn roll(&self, limit: u64) -> u64 {
        let mut chance = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
        *chance ^= *chance << 13;
        *chance ^= *chance >> 7;
        *chance ^= *chance << 17;
        *chance % limit
    }
}

/// One end of the air.
pub struct Antenna {
    air: Air,
    to: mpsc::UnboundedSender<Packet>,
    pub(crate) from: mpsc::UnboundedReceiver<Packet>,
}

impl Antenna {
    /// Sends a packet, without knowing whether it arrives.
    pub(crate) fn transmit(&self, packet: Packet) {
        if self.air.roll(100) >= self.air.lost_in_a_hundred {
            let (to, delay) = (self.to.clone(), Duration::from_millis(5 + self.air.roll(20)));
            tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                let _nobody_listens = to.send(packet);
            });
        }
    }
}
