//! Events to bytes. One message is one `data` line: JSON text on the wire has no raw newline (ledger SSE-B-003).

use std::fmt::Write;
use std::time::Duration;

use mcp_core::message::Message;

/// Appends a message as an event, with an id if the stream can be resumed.
pub fn message_event(id: Option<&str>, message: &Message, out: &mut Vec<u8>) {
    put_id(id, out);
    out.extend_from_slice(b"data: ");
    message.write_to(out);
    out.extend_from_slice(b"\n\n");
}

/// Appends an event of a kind of its own, such as `endpoint` (ledger SSE24-S-002). `data` is one line.
pub fn event(kind: &str, data: &str, out: &mut Vec<u8>) {
    for part in ["event: ", kind, "\ndata: ", data, "\n\n"] {
        out.extend_from_slice(part.as_bytes());
    }
}

/// Appends a priming event: an id, empty data, and how long to wait before the next connection (ledger SSE-S-004, SSE-S-007).
pub fn priming_event(id: &str, retry: Option<Duration>, out: &mut Vec<u8>) {
    put_id(Some(id), out);
    if let Some(retry) = retry {
        let mut field = String::new();
        // Writing to a string does not fail.
        let _ = write!(field, "retry: {}\n", retry.as_millis());
        out.extend_from_slice(field.as_bytes());
    }
    out.extend_from_slice(b"data:\n\n");
}

/// Appends a comment, which only shows that the server is alive (ledger HTTP-S-021).
pub fn comment(out: &mut Vec<u8>) {
    out.extend_from_slice(b": \n\n");
}

fn put_id(id: Option<&str>, out: &mut Vec<u8>) {
    if let Some(id) = id {
        out.extend_from_slice(b"id: ");
        out.extend_from_slice(id.as_bytes());
        out.push(b'\n');
    }
}
