//! Events to bytes. One message is one `data` line: JSON text on the wire has no raw newline.
// SSE-B-003.

use std::time::Duration;

use mcp_core::message::Message;

/// Appends a message as an event, with an id if the stream can be resumed.
///
/// An id with a CR, an LF or a NUL cannot be written and is left out, here and below.
pub(crate) fn message_event(id: Option<&str>, message: &Message, out: &mut Vec<u8>) {
    put_id(id, out);
    out.extend_from_slice(b"data: ");
    message.write_to(out);
    out.extend_from_slice(b"\n\n");
}

/// Appends an event of another type, such as `endpoint`. Each line of `data` becomes a line; a reader joins the lines
/// with LF, whichever line ends they had. A kind ends at its first CR or LF.
// SSE24-S-002.
pub(crate) fn event(kind: &str, data: &str, out: &mut Vec<u8>) {
    let kind = kind.split(['\r', '\n']).next().unwrap_or_default();
    put_field("event", kind, out);
    for line in data.replace("\r\n", "\n").split(['\r', '\n']) {
        put_field("data", line, out);
    }
    out.push(b'\n');
}

/// Appends a priming event: an id, empty data, and how long to wait before the next connection. The wait is written in
/// whole milliseconds, rounded down.
// SSE-S-004, SSE-S-007.
pub(crate) fn priming_event(id: &str, retry: Option<Duration>, out: &mut Vec<u8>) {
    put_id(Some(id), out);
    if let Some(retry) = retry {
        put_field("retry", &retry.as_millis().to_string(), out);
    }
    out.extend_from_slice(b"data:\n\n");
}

/// Appends a comment, which only shows that the server is alive.
// HTTP-S-021.
pub(crate) fn comment(out: &mut Vec<u8>) {
    out.extend_from_slice(b": \n\n");
}

fn put_id(id: Option<&str>, out: &mut Vec<u8>) {
    if let Some(id) = id.filter(|id| !id.contains(['\r', '\n', '\0'])) {
        put_field("id", id, out);
    }
}

fn put_field(name: &str, value: &str, out: &mut Vec<u8>) {
    for part in [name, ": ", value, "\n"] {
        out.extend_from_slice(part.as_bytes());
    }
}
