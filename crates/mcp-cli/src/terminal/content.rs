//! A tool's result, a prompt's message or a resource's text, for a person.

use serde_json::Value;

use crate::text::{self, counted};

/// Who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// A person at a terminal: control characters are spelled out.
    Terminal,
    /// A program behind a pipe, or a file: text is written unchanged.
    Pipe,
}

impl Reader {
    /// A peer's text for this reader.
    pub(crate) fn show(self, text: &str) -> String {
        match self {
            Reader::Terminal => text::safe_block(text).into_owned(),
            Reader::Pipe => text.to_owned(),
        }
    }
}

/// The content of a `tools/call` result. Structured content is shown only if there is no other content, because
/// servers repeat it as text. A result or block of another form is shown as JSON.
pub(crate) fn tool_result(result: &Value, reader: Reader) -> String {
    let blocks = match result.get("content") {
        Some(Value::Array(blocks)) => blocks.as_slice(),
        None if result.get("structuredContent").is_some() || says_nothing(result) => &[],
        _ => return json(result, reader),
    };
    let shown: Vec<String> = blocks.iter().map(|block| self::block(block, reader)).collect();
    match result.get("structuredContent") {
        Some(structured) if shown.is_empty() => json(structured, reader),
        None if shown.is_empty() && !says_nothing(result) => json(result, reader),
        _ => shown.join("\n"),
    }
}

/// Whether the result has nothing but members of the protocol. Its content is empty or missing.
fn says_nothing(result: &Value) -> bool {
    let of_protocol = |key: &String| matches!(key.as_str(), "_meta" | "isError" | "resultType" | "content");
    result.as_object().is_some_and(|members| members.keys().all(of_protocol))
}

/// Any value as JSON.
pub(crate) fn json(value: &Value, reader: Reader) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    match reader {
        Reader::Terminal => text::safe_json(&text).into_owned(),
        Reader::Pipe => text,
    }
}

/// One content block. Images and the like are named, with their type and size. A block of another form is shown as JSON.
pub(crate) fn block(block: &Value, reader: Reader) -> String {
    let shown = match block.get("type").and_then(Value::as_str) {
        Some("text") => word(block, "text").map(|text| reader.show(text)),
        Some(kind @ ("image" | "audio")) => word(block, "data").map(|data| {
            let kind =
                format!("[{kind} {}, {}]", or_unknown(block, "mimeType"), counted(decoded_len(data), "byte"));
            text::safe_line(&kind).into_owned()
        }),
        Some("resource_link") => word(block, "uri").map(|uri| {
            text::safe_line(&format!("[resource {} {uri}]", or_unknown(block, "name"))).into_owned()
        }),
        Some("resource") => block.get("resource").and_then(|inner| resource(inner, reader)),
        _ => None,
    };
    shown.unwrap_or_else(|| json(block, reader))
}

/// An embedded resource: its text, or a word about its bytes.
fn resource(resource: &Value, reader: Reader) -> Option<String> {
    if let Some(text) = word(resource, "text") {
        return Some(reader.show(text));
    }
    let (uri, kind) = (or_unknown(resource, "uri"), or_unknown(resource, "mimeType"));
    let line = format!("[resource {uri} {kind}, {}]", counted(decoded_len(word(resource, "blob")?), "byte"));
    Some(text::safe_line(&line).into_owned())
}

fn word<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

fn or_unknown<'a>(value: &'a Value, key: &str) -> &'a str {
    word(value, key).unwrap_or("?")
}

/// The number of bytes that this base64 text encodes.
fn decoded_len(base64: &str) -> usize {
    base64.trim_end_matches('=').len() * 3 / 4
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// FAULTS B, terminal escape injection: safe on a terminal, raw when piped.
    #[test]
    fn text_is_safe_on_a_terminal_and_untouched_in_a_pipe() {
        let result = json!({"content": [{"type": "text", "text": "a\u{1b}[2J\nb"}]});
        assert_eq!(tool_result(&result, Reader::Terminal), "a\\x1b[2J\nb");
        assert_eq!(tool_result(&result, Reader::Pipe), "a\u{1b}[2J\nb");
    }

    #[test]
    fn what_is_no_text_is_named() {
        let result = json!({"content": [
            {"type": "image", "mimeType": "image/png", "data": "AAAA"},
            {"type": "resource_link", "name": "n", "uri": "x:y"},
            {"type": "resource", "resource": {"uri": "x:z", "text": "inside"}},
            {"type": "resource", "resource": {"uri": "x:b", "blob": "AAAA"}}
        ]});
        let wanted = "[image image/png, 3 bytes]\n[resource n x:y]\ninside\n[resource x:b ?, 3 bytes]";
        assert_eq!(tool_result(&result, Reader::Pipe), wanted);
    }

    /// FAULT F-C7: no answer is lost because it has another form.
    #[test]
    fn what_has_another_form_is_shown_as_json() {
        for result in [
            json!({"success": true}),
            json!({"content": "hello"}),
            json!({"content": null}),
            json!({"content": [], "answer": 42}),
            json!({"content": {"type": "text", "text": "one"}}),
            json!(null),
            json!(["a"]),
            json!("\u{1b}[2J\u{9b}2J"),
        ] {
            let shown = tool_result(&result, Reader::Terminal);
            assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), result);
            assert!(!shown.contains(['\u{1b}', '\u{9b}']), "{shown}");
        }
        for block in [
            json!(null),
            json!({}),
            json!("loose"),
            json!({"type": "text", "text": null}),
            json!({"type": "Text", "text": "case"}),
            json!({"type": "hologram", "data": "x"}),
            json!({"type": "image", "url": "x:y"}),
            json!({"type": "resource", "resource": {"uri": "x:y"}}),
            json!({"type": "resource_link", "href": "x:y"}),
        ] {
            let shown =
                tool_result(&json!({"content": [block, {"type": "text", "text": "good"}]}), Reader::Pipe);
            let (other, good) = shown.rsplit_once('\n').unwrap();
            assert_eq!((serde_json::from_str::<Value>(other).unwrap(), good), (block, "good"));
        }
        assert_eq!(tool_result(&json!({"content": []}), Reader::Pipe), "");
        assert_eq!(tool_result(&json!({"isError": true, "_meta": {}}), Reader::Pipe), "");
    }

    #[test]
    fn structured_content_stands_in_for_missing_content() {
        let both = json!({"content": [{"type": "text", "text": "5"}], "structuredContent": {"sum": 5}});
        assert_eq!(tool_result(&both, Reader::Pipe), "5");
        let alone = json!({"content": [], "structuredContent": {"sum": 5}});
        assert_eq!(tool_result(&alone, Reader::Pipe), "{\n  \"sum\": 5\n}");
        assert_eq!(tool_result(&json!({}), Reader::Pipe), "");
    }
}
