//! Newline framing: bytes to lines, messages to lines. No I/O.
//!
//! One message is one line that ends in `\n` (ledger STDIO-B-001), on stdio and on every other reliable
//! byte stream (STDIO-B-015). [`LineDecoder`] cuts what was read into lines, and [`encode_line`] appends
//! a message to what will be written.

mod decode;
mod encode;

#[cfg(test)]
mod tests;

pub use decode::{Frame, LineDecoder};
pub use encode::{encode_line, finish_batch, push_batch};
