//! The names of the headers, and the one way in which their values are encoded.

use std::borrow::Cow;

use base64ct::{Base64, Encoding};
use hyper::header::{HeaderName, HeaderValue};
use mcp_core::message::Field;

/// `Mcp-Protocol-Version`: on every POST of 2026-07-28, and on all legacy requests but `initialize`.
pub(crate) const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// `Mcp-Session-Id`: legacy only.
pub(crate) const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
/// `Last-Event-ID`: the event after which a legacy stream is resumed.
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// `Mcp-Method`: the body's `method` (2026-07-28).
pub(crate) const METHOD: HeaderName = HeaderName::from_static("mcp-method");
/// `Mcp-Name`: the tool, the prompt or the resource (2026-07-28).
pub(crate) const NAME: HeaderName = HeaderName::from_static("mcp-name");
/// What the names of the headers start with that copy arguments (2026-07-28).
pub(crate) const PARAM_PREFIX: &str = "mcp-param-";

/// How a value begins that is written in base64. Exactly so, in lower case.
// HDR-C-009.
const OPEN: &str = "=?base64?";
/// How it ends.
const CLOSE: &str = "?=";

/// Which member of the params `Mcp-Name` copies.
// HDR-C-004.
pub(crate) fn named_by(method: &str) -> Option<Field> {
    match method {
        "tools/call" | "prompts/get" => Some(Field::Name),
        "resources/read" => Some(Field::Uri),
        _ => None,
    }
}

/// A header value for any text, for `Mcp-Name` and `Mcp-Param-*`: as it is where that is safe, else as
/// `=?base64?...?=`. The empty string is an empty value.
///
/// The value is visible ASCII and inner spaces only, so no text can end a header or begin another one.
// HDR-C-008, HDR-C-009; T-30.
pub(crate) fn encode_value(text: &str) -> HeaderValue {
    let bytes = text.as_bytes();
    let marked = text.starts_with(OPEN) && text.ends_with(CLOSE);
    let edged = text.starts_with(' ') || text.ends_with(' ');
    let safe = bytes.iter().all(|byte| matches!(byte, 0x20..=0x7e)) && !marked && !edged;
    let value = if safe {
        HeaderValue::from_str(text)
    } else {
        HeaderValue::try_from(format!("{OPEN}{}{CLOSE}", Base64::encode_string(bytes)))
    };
    // Both forms are legal whatever the text is; the fallback is for the type.
    value.unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Decodes a header value. White space around it is ignored. Without both exact marks it is literal; between them is
/// base64 with the standard alphabet, padding, and no stray bits. A literal value is visible ASCII, spaces and tabs:
/// raw UTF-8 is refused.
///
/// # Errors
///
/// What is wrong, for an error message.
// HDR-S-007; HDR-S-010; HDR-S-011.
pub(crate) fn decode_value(value: &HeaderValue) -> Result<Cow<'_, str>, &'static str> {
    let bytes = value.as_bytes().trim_ascii();
    if !bytes.iter().all(|byte| matches!(byte, b'\t' | 0x20..=0x7e)) {
        return Err("has characters that are not visible ASCII");
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8")?;
    let coded = text.strip_prefix(OPEN).and_then(|rest| rest.strip_suffix(CLOSE));
    let Some(coded) = coded else { return Ok(Cow::Borrowed(text)) };
    let bytes = Base64::decode_vec(coded).map_err(|_| "is marked as base64 and is none")?;
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| "is base64 of something that is not UTF-8")
}

#[cfg(test)]
mod tests;
