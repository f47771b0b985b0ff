//! Frames to what a session reads, and the lanes of batches.

use mcp_core::codec::Frame;
use mcp_core::message::{Decoded, Refusal, decode_with_depth};
use mcp_core::transport::{Envelope, Inbound, Lane};

/// Mints a lane for each batch that a link receives.
#[derive(Debug, Default)]
pub struct BatchLanes(u64);

impl BatchLanes {
    fn mint(&mut self) -> Lane {
        let lane = Lane::batch(self.0);
        self.0 += 1;
        lane
    }
}

/// Converts a frame of a byte stream to what a session receives: a message, a batch on a new lane, or a refusal.
/// Everything but a batch is on [`Lane::SHARED`].
///
/// Does no I/O: any transport with newline framing can use it.
pub fn stream_inbound(frame: Frame, max_depth: u32, lanes: &mut BatchLanes, envelope: &Envelope) -> Inbound {
    let refusal = match frame {
        Frame::Line(text) => match decode_with_depth(text, max_depth) {
            Decoded::One(Ok(message)) => {
                return Inbound::message(message, Lane::SHARED).with_envelope(envelope.clone());
            }
            Decoded::One(Err(refusal)) => refusal,
            Decoded::Batch(items) => {
                return Inbound::batch(items, lanes.mint()).with_envelope(envelope.clone());
            }
        },
        Frame::Oversized { id, shape, limit } => Refusal::too_long(id, shape, "line", limit),
        Frame::Truncated { bytes } => {
            Refusal::unreadable(format_args!("the stream ended within a line, after {bytes} bytes"))
        }
    };
    Inbound::refused(refusal, Lane::SHARED)
}
