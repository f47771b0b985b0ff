//! Writes messages as lines.

use crate::message::Message;

/// Appends a message and its newline.
///
/// ```
/// use mcp_core::{codec::encode_line, message::Request};
///
/// let mut out = Vec::new();
/// encode_line(&Request::new(1, "ping", None).into(), &mut out);
/// assert_eq!(out, b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n");
/// ```
pub fn encode_line(message: &Message, out: &mut Vec<u8>) {
    // With the newline, for which a large buffer would double.
    out.reserve(message.encoded_len_hint() + 1);
    message.write_reserved(out);
    out.push(b'\n');
}

/// Appends a message to the batch in `batch`, which is empty at first.
pub fn push_batch(message: &Message, batch: &mut Vec<u8>) {
    batch.push(if batch.is_empty() { b'[' } else { b',' });
    message.write_to(batch);
}

/// Appends a collected batch to `out` as one line. Appends nothing for an empty batch, because an empty array
/// is not a legal answer ([JSON-RPC 2.0, section 6](https://www.jsonrpc.org/specification#batch)).
pub fn finish_batch(batch: &[u8], out: &mut Vec<u8>) {
    if !batch.is_empty() {
        out.extend_from_slice(batch);
        out.extend_from_slice(b"]\n");
    }
}
