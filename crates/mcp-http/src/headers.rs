//! The names of the headers, and the one way in which their values are encoded.

use std::borrow::Cow;

use base64ct::{Base64, Encoding};
use hyper::header::{HeaderName, HeaderValue};
use mcp_core::message::Mark;

/// `Mcp-Protocol-Version`: on every POST of 2026-07-28, and on all legacy requests but `initialize`.
pub const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// `Mcp-Session-Id`: legacy only.
pub const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
/// `Last-Event-ID`: where a legacy stream is taken up again.
pub const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// `Mcp-Method`: the body's `method` (2026-07-28).
pub const METHOD: HeaderName = HeaderName::from_static("mcp-method");
/// `Mcp-Name`: the tool, the prompt or the resource (2026-07-28).
pub const NAME: HeaderName = HeaderName::from_static("mcp-name");
/// What the names of the headers start with that copy arguments (2026-07-28).
pub const PARAM_PREFIX: &str = "mcp-param-";

const OPEN: &str = "=?base64?";
const CLOSE: &str = "?=";

/// Which member of the params `Mcp-Name` copies (ledger HDR-C-004).
pub(crate) fn named_by(method: &str) -> Option<Mark> {
    match method {
        "tools/call" | "prompts/get" => Some(Mark::Name),
        "resources/read" => Some(Mark::Uri),
        _ => None,
    }
}

/// A header value for any text: as it is where that is safe, else as `=?base64?...?=` (ledger HDR-C-008, HDR-C-009).
pub fn encode_value(text: &str) -> HeaderValue {
    let bytes = text.as_bytes();
    let edge = |byte: Option<&u8>| byte.is_some_and(|byte| *byte == b' ');
    let plain = bytes.iter().all(|byte| (0x20..0x7f).contains(byte))
        && !edge(bytes.first())
        && !edge(bytes.last())
        && !(text.starts_with(OPEN) && text.ends_with(CLOSE));
    let value = if plain {
        HeaderValue::from_str(text)
    } else {
        HeaderValue::from_str(&format!("{OPEN}{}{CLOSE}", Base64::encode_string(bytes)))
    };
    // Both forms are visible ASCII and inner spaces; the fallback is for the type, not for any input.
    value.unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// What a header value says, or what is wrong with it. Optional white space around it is dropped (HDR-S-007); what does
/// not have both exact marks is literal (HDR-S-010); base64 is strict and padded (HDR-S-011).
pub fn decode_value(value: &HeaderValue) -> Result<Cow<'_, str>, &'static str> {
    let text = std::str::from_utf8(value.as_bytes()).map_err(|_| "not UTF-8")?;
    let text = text.trim_matches([' ', '\t']);
    if !text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Err("characters that are not visible ASCII");
    }
    let coded = text.strip_prefix(OPEN).and_then(|rest| rest.strip_suffix(CLOSE));
    let Some(coded) = coded else { return Ok(Cow::Borrowed(text)) };
    let bytes = Base64::decode_vec(coded).map_err(|_| "no strict base64")?;
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| "base64 of something that is not UTF-8")
}
