//! Newline framing for byte streams, without I/O.
//!
//! A message is one line that ends in `\n`, on [stdio] and on every other reliable byte stream.
//! [`LineDecoder`] splits received bytes into lines, and [`encode_line`] appends a message to an output
//! buffer.
//!
//! [stdio]: https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#stdio

// STDIO-B-001, STDIO-B-015.

mod decode;
mod encode;

#[cfg(test)]
mod tests;

pub use decode::{Frame, LineDecoder};
pub use encode::{encode_line, finish_batch, push_batch};
