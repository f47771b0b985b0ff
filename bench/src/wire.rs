//! The wire forms, as text: what a raw program writes, and what ours puts into its calls.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{Arguments, Era, Outcome, Text};

const META: &str = concat!(
    r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
    r#""io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1.0.0"},"#,
    r#""io.modelcontextprotocol/clientCapabilities":{}}"#
);

/// The legacy handshake: one request, then a notification once it is answered.
pub const INITIALIZE: &str = concat!(
    r#"{"jsonrpc":"2.0","id":"open","method":"initialize","params":{"protocolVersion":"2025-11-25","#,
    r#""capabilities":{},"clientInfo":{"name":"bench","version":"1.0.0"}}}"#,
    "\n"
);
/// Follows the answer to [`INITIALIZE`].
pub const INITIALIZED: &str = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n";

/// 80 bytes as people write them: four characters that JSON escapes, and a letter of two bytes.
const ORDINARY: &str =
    "He said \"yes\", then left.\nThe café was closed on that day, so we\twent home again. ";

/// The text that is echoed, of about this many bytes.
pub fn text(kind: Text, bytes: usize) -> String {
    match kind {
        Text::Plain => "abcdefghijklmnopqrstuvwxyz".chars().cycle().take(bytes).collect(),
        Text::Ordinary => {
            let mut text = ORDINARY.repeat(bytes / ORDINARY.len() + 1);
            let end = (0..=bytes).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
            text.truncate(end);
            text
        }
    }
}

/// The text as JSON, quotation marks included.
fn json_text(arguments: &Arguments) -> String {
    // A string always has a JSON form.
    serde_json::to_string(&text(arguments.text, arguments.bytes)).unwrap_or_default()
}

/// The params of a call, without `_meta`.
pub fn params(arguments: &Arguments) -> String {
    format!(r#"{{"name":"echo","arguments":{{"text":{}}}}}"#, json_text(arguments))
}

/// What comes after the id in a raw call, newline included.
pub fn call_rest(arguments: &Arguments) -> String {
    let (era, params) = (arguments.era, params(arguments));
    let meta = match era {
        Era::Legacy => String::new(),
        Era::Modern => format!("{META},"),
    };
    let inner = params.strip_prefix('{').unwrap_or_default();
    format!(",\"method\":\"tools/call\",\"params\":{{{meta}{inner}}}\n")
}

/// What a raw server reads of a request. Nothing is copied unless the text holds escapes.
#[derive(Deserialize)]
pub struct Call<'a> {
    /// Absent: a notification.
    #[serde(borrow)]
    pub id: Option<&'a RawValue>,
    /// The method.
    pub method: &'a str,
    /// The params.
    #[serde(borrow, default)]
    pub params: CallParams<'a>,
}

/// What a raw server reads of the params.
#[derive(Default, Deserialize)]
pub struct CallParams<'a> {
    /// The tool's arguments.
    #[serde(borrow, default)]
    pub arguments: Echo<'a>,
}

/// The echo tool's arguments.
#[derive(Default, Deserialize)]
pub struct Echo<'a> {
    /// The text.
    #[serde(borrow, default)]
    pub text: Cow<'a, str>,
}

/// What a raw client reads of an answer.
#[derive(Deserialize)]
pub struct Answer<'a> {
    /// The number of the call.
    pub id: usize,
    /// The result.
    #[serde(borrow)]
    pub result: EchoResult<'a>,
}

/// What a raw client reads of the result.
#[derive(Deserialize)]
pub struct EchoResult<'a> {
    /// One block of text.
    #[serde(borrow)]
    pub content: [Echo<'a>; 1],
}

/// The answer in an event stream, whose other events are not looked at.
///
/// # Errors
///
/// No event is an answer with a result.
pub fn answer_in(stream: &[u8]) -> Outcome<Answer<'_>> {
    let data =
        stream.split(|byte| matches!(byte, b'\n' | b'\r')).filter_map(|line| line.strip_prefix(b"data:"));
    let mut answers = data.filter_map(|data| serde_json::from_slice(data).ok());
    answers.next().ok_or_else(|| "an event stream without an answer".into())
}

/// The answer of a raw server to a request, newline included.
///
/// # Errors
///
/// serde_json's, which do not happen for texts.
pub fn write_answer(call: &Call<'_>, id: &RawValue, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    out.extend_from_slice(id.get().as_bytes());
    out.extend_from_slice(br#","result":"#);
    match call.method {
        "initialize" => out.extend_from_slice(
            br#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"raw","version":"1"}}"#,
        ),
        "server/discover" => out.extend_from_slice(
            br#"{"resultType":"complete","ttlMs":0,"cacheScope":"private","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}}"#,
        ),
        _ => {
            out.extend_from_slice(br#"{"resultType":"complete","content":[{"type":"text","text":"#);
            serde_json::to_writer(&mut *out, &call.params.arguments.text)?;
            out.extend_from_slice(b"}]}");
        }
    }
    out.extend_from_slice(b"}\n");
    Ok(())
}
