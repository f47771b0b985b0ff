//! Writes messages as text: one line each, payloads copied unchanged.

pub(crate) use super::string_scan::write_string;
use super::{Message, RawJson, RequestId, Response};

/// Writes a JSON integer.
pub(crate) fn write_integer(number: i64, out: &mut Vec<u8>) {
    // Cannot fail: the output is memory.
    let _infallible = serde_json::to_writer(&mut *out, &number);
}

/// Writes `"key":value`, after a comma unless it is the first member of its object.
pub(crate) fn write_member(key: &str, value: &RawJson, out: &mut Vec<u8>) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
    write_string(key, out);
    out.push(b':');
    out.extend_from_slice(value.as_bytes());
}

/// Like [`write_member`], for a key that needs no escapes.
pub(crate) fn write_plain_member(key: &str, value: &[u8], out: &mut Vec<u8>) {
    write_plain_key(key, out);
    out.extend_from_slice(value);
}

/// Writes `"key":`, after a comma unless it is the first member of its object. The key needs no escapes.
pub(crate) fn write_plain_key(key: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(if out.last() == Some(&b'{') { b"\"" } else { b",\"" });
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":");
}

/// Writes a payload. White space between tokens may contain newlines, which become spaces: a message must be
/// one line. A JSON string never contains a raw newline.
// STDIO-B-001.
#[expect(clippy::indexing_slicing, reason = "`start` was the length of `out`, which has only grown")]
fn write_payload(payload: &RawJson, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(payload.as_bytes());
    if memchr::memchr2(b'\n', b'\r', payload.as_bytes()).is_some() {
        for byte in &mut out[start..] {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
    }
}

fn write_id(id: &RequestId, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"id\":");
    id.write_to(out);
}

fn write_call(method: &str, params: Option<&RawJson>, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"method\":");
    write_string(method, out);
    if let Some(params) = params {
        out.extend_from_slice(b",\"params\":");
        write_payload(params, out);
    }
}

fn write_response(response: &Response, out: &mut Vec<u8>) {
    // An error for a request without a readable id omits `id`; it is never null (ledger ID-B-006).
    if let Some(id) = &response.id {
        write_id(id, out);
    }
    match &response.outcome {
        Ok(result) => {
            out.extend_from_slice(b",\"result\":");
            write_payload(result.raw(), out);
        }
        Err(error) => {
            out.extend_from_slice(b",\"error\":{\"code\":");
            write_integer(error.code, out);
            out.extend_from_slice(b",\"message\":");
            write_string(&error.message, out);
            if let Some(data) = &error.data {
                out.extend_from_slice(b",\"data\":");
                write_payload(data, out);
            }
            out.push(b'}');
        }
    }
}

/// What a response with a result holds beside its id and its result.
const RESULT_FRAME: usize = br#"{"jsonrpc":"2.0","result":}"#.len();

impl Message {
    /// Appends the message as one JSON object that contains no raw newline.
    ///
    /// ```
    /// use mcp_core::message::{Message, Request, RawJson};
    ///
    /// let params = RawJson::parse("{\n}").unwrap();
    /// let request = Request::new(1, "tools/list", Some(params));
    /// let mut out = Vec::new();
    /// Message::from(request).write_to(&mut out);
    /// assert_eq!(out, br#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{ }}"#);
    /// ```
    pub fn write_to(&self, out: &mut Vec<u8>) {
        out.reserve(self.encoded_len_hint());
        self.write_reserved(out);
    }

    /// The same for a buffer that has space.
    pub(crate) fn write_reserved(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"jsonrpc\":\"2.0\"");
        match self {
            Message::Request(request) => {
                write_id(&request.id, out);
                write_call(request.method.as_str(), request.params.as_ref().map(|params| params.raw()), out);
            }
            Message::Notification(note) => {
                write_call(note.method.as_str(), note.params.as_ref().map(|params| params.raw()), out);
            }
            Message::Response(response) => write_response(response, out),
        }
        out.push(b'}');
    }

    /// An estimate of how many bytes [`Message::write_to`] appends, for reserving memory.
    pub fn encoded_len_hint(&self) -> usize {
        let payload = match self {
            Message::Request(request) => {
                request.params.as_ref().map_or(0, |params| params.raw().as_bytes().len())
            }
            Message::Notification(note) => {
                note.params.as_ref().map_or(0, |params| params.raw().as_bytes().len())
            }
            Message::Response(response) => match &response.outcome {
                // Exact: the text of an answer is often all that its buffer holds, and a full buffer becomes `Bytes` without
                // another allocation.
                Ok(result) => {
                    let id = response.id.as_ref().map_or(0, |id| b",\"id\":".len() + id.encoded_len_hint());
                    return RESULT_FRAME + id + result.raw().as_bytes().len();
                }
                Err(error) => {
                    error.message.len() + error.data.as_ref().map_or(0, |data| data.as_bytes().len())
                }
            },
        };
        payload + 128
    }
}
