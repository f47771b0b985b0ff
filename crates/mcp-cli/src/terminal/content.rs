//! A tool's result, a prompt's message or a resource's text, for a person.

use serde_json::Value;

use crate::text;

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
/// servers repeat it as text.
pub(crate) fn tool_result(result: &Value, reader: Reader) -> String {
    let blocks = result.get("content").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let shown: Vec<String> = blocks.iter().map(|block| self::block(block, reader)).collect();
    if shown.is_empty()
        && let Some(structured) = result.get("structuredContent")
    {
        return reader.show(&serde_json::to_string_pretty(structured).unwrap_or_default());
    }
    shown.join("\n")
}

/// One content block. Anything but text is named, with its type and size.
pub(crate) fn block(block: &Value, reader: Reader) -> String {
    let word = |key: &str| block.get(key).and_then(Value::as_str).unwrap_or("?");
    match block.get("type").and_then(Value::as_str) {
        Some("text") => reader.show(word("text")),
        Some(kind @ ("image" | "audio")) => {
            let line = format!("[{kind} {}, {} bytes]", word("mimeType"), decoded_len(word("data")));
            text::safe_line(&line).into_owned()
        }
        Some("resource_link") => {
            text::safe_line(&format!("[resource {} {}]", word("name"), word("uri"))).into_owned()
        }
        Some("resource") => resource(block.get("resource").unwrap_or(&Value::Null), reader),
        Some(other) => text::safe_line(&format!("[{other}]")).into_owned(),
        None => "[a content block without a type]".to_owned(),
    }
}

/// An embedded resource: its text, or a word about its bytes.
fn resource(resource: &Value, reader: Reader) -> String {
    if let Some(text) = resource.get("text").and_then(Value::as_str) {
        return reader.show(text);
    }
    let word = |key: &str| resource.get(key).and_then(Value::as_str).unwrap_or("?");
    let line =
        format!("[resource {} {}, {} bytes]", word("uri"), word("mimeType"), decoded_len(word("blob")));
    text::safe_line(&line).into_owned()
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
            {"type": "hologram"}, {}
        ]});
        let wanted = "[image image/png, 3 bytes]\n[resource n x:y]\ninside\n[hologram]\n\
                      [a content block without a type]";
        assert_eq!(tool_result(&result, Reader::Pipe), wanted);
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
