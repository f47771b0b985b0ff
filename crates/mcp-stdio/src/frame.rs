//! Frames to what a session reads, and the lanes of batches.

use mcp_core::codec::Frame;
use mcp_core::message::{Decoded, Refusal, decode_with_depth};
use mcp_core::transport::{Envelope, Inbound, Lane};

/// Batch lanes are numbered from here, so that they never meet the lanes that a client's session mints.
const FIRST_BATCH: u64 = 1 << 63;

/// Mints a lane for each batch that a link receives.
#[derive(Debug)]
pub struct BatchLanes(u64);

impl Default for BatchLanes {
    fn default() -> BatchLanes {
        BatchLanes(FIRST_BATCH)
    }
}

impl BatchLanes {
    fn mint(&mut self) -> Lane {
        self.0 += 1;
        Lane::numbered(self.0)
    }

    /// Whether answers on this lane are collected into one array.
    pub fn is_batch(lane: Lane) -> bool {
        lane.number() > FIRST_BATCH
    }
}

/// What a frame of a byte stream is to a session: a message, a batch on a lane of its own, or why it is
/// neither. Everything but a batch is on [`Lane::SHARED`].
///
/// Pure: any transport that frames by newlines can use it.
pub fn stream_inbound(frame: Frame, max_depth: u32, lanes: &mut BatchLanes, envelope: &Envelope) -> Inbound {
    let refusal = match frame {
        Frame::Line(text) => match decode_with_depth(text, max_depth) {
            Decoded::One(Ok(message)) => {
                return Inbound::Message { message, lane: Lane::SHARED, envelope: envelope.clone() };
            }
            Decoded::One(Err(refusal)) => refusal,
            Decoded::Batch(items) => {
                return Inbound::Batch { items, lane: lanes.mint(), envelope: envelope.clone() };
            }
        },
        Frame::Oversized { id, shape, limit } => Refusal::too_long(id, shape, "line", limit),
        Frame::Truncated { bytes } => {
            Refusal::unreadable(format_args!("the stream ended within a line, after {bytes} bytes"))
        }
    };
    Inbound::Refused { lane: Lane::SHARED, refusal }
}
