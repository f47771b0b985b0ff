//! What is kept: digits, null, unknown kinds, unknown words, wire forms.

use super::*;
use crate::model::*;

/// A parsed value would turn these into other numbers; text keeps them.
#[test]
fn payloads_keep_their_digits() {
    for text in [
        r#"{"name":"t","arguments":{"a":2.50,"b":18446744073709551617,"c":1E+2}}"#,
        r#"{"content":[],"structuredContent":12345678901234567890123}"#,
        r#"{"content":[],"_meta":{"n":0.10}}"#,
        r#"{"content":[{"type":"later","n":1.0}],"x":[1.50]}"#,
    ] {
        let key =
            if text.contains("name") { again::<CallToolParams>(text) } else { again::<CallToolResult>(text) };
        assert_eq!(key, text);
    }
}

/// On 2026-07-28 `null` is a structured answer; it is not the lack of one.
#[test]
fn null_is_an_answer() {
    let result: CallToolResult = read(r#"{"content":[],"structuredContent":null}"#);
    assert_eq!(result.structured_content, Some(RawJson::NULL));
    assert_eq!(result.to_raw().to_string(), r#"{"content":[],"structuredContent":null}"#);
    assert_eq!(read::<CallToolResult>(r#"{"content":[]}"#).structured_content, None);
    assert_eq!(read::<LogMessage>(r#"{"level":"info","data":null}"#).data, RawJson::NULL);
    assert_eq!(read::<CallToolParams>(r#"{"name":"t","arguments":null}"#).arguments, Some(RawJson::NULL));
}

#[test]
fn a_content_block_of_an_unknown_kind_is_kept_whole() {
    let text = r#"{"content":[{"text":"a","type":"hologram","n":1e400},{"type":"text","text":"b"}]}"#;
    let result: CallToolResult = read(text);
    assert!(matches!(&result.content[..], [Content::Other(_), Content::Text(_)]));
    assert_eq!(result.texts().collect::<Vec<_>>(), ["b"]);
    assert_eq!(result.to_raw().to_string(), text);
}

/// `type` may stand anywhere, and be written with escapes.
#[test]
fn the_type_is_found_wherever_it_stands() {
    for text in [
        r#"{"text":"a","annotations":{"priority":1},"type":"text"}"#,
        r#"{"text":"a","t\u0079pe":"te\u0078t"}"#,
    ] {
        let Content::Text(content) = read(text) else { panic!("{text}") };
        assert_eq!((content.text.as_str(), content.extra.len()), ("a", 0));
    }
}

#[test]
fn a_tool_result_in_a_conversation_holds_content_blocks() {
    let text = r#"{"type":"tool_result","toolUseId":"1","content":[{"type":"resource_link","uri":"a:b","name":"n"},{"type":"new"}],"structuredContent":null,"isError":true}"#;
    let SamplingBlock::ToolResult(result) = read(text) else { panic!() };
    assert!(matches!(&result.content[..], [Content::ResourceLink(_), Content::Other(_)]));
    assert_eq!(SamplingBlock::from(result).to_raw().to_string(), text);
}

/// One block and an array of one block are different forms; 2025-06-18 peers read the first only.
#[test]
fn one_block_stays_one_block() {
    for text in [
        r#"{"role":"user","content":{"type":"text","text":"a"}}"#,
        r#"{"role":"user","content":[{"type":"text","text":"a"}]}"#,
        r#"{"role":"user","content":[]}"#,
    ] {
        assert_eq!(again::<SamplingMessage>(text), text);
    }
}

#[test]
fn words_of_later_revisions_are_kept() {
    let text = r#"{"role":"narrator","content":{"type":"text","text":"a"},"model":"m","stopReason":"bored"}"#;
    let result: CreateMessageResult = read(text);
    assert_eq!(result.role, Role::Other("narrator".into()));
    assert_eq!(result.stop_reason, Some(StopReason::Other("bored".into())));
    assert_eq!(result.to_raw().to_string(), text);
}

/// PROG-B-002, PROG-B-004: the token keeps its type, and numbers keep their form.
#[test]
fn progress_keeps_token_and_numbers() {
    for text in [
        r#"{"progressToken":"1","progress":0.2,"total":1.0}"#,
        r#"{"progressToken":1,"progress":50,"total":100,"message":"x"}"#,
    ] {
        assert_eq!(again::<Progress>(text), text);
    }
    assert_eq!(read::<Progress>(r#"{"progressToken":1,"progress":5e1,"total":200}"#).fraction(), Some(0.25));
    assert_eq!(read::<Progress>(r#"{"progressToken":1,"progress":5,"total":0}"#).fraction(), None);
}

/// A form that came with `mode` goes out with it, one without goes out without; a new mode is kept.
#[test]
fn elicitation_modes_are_told_apart() {
    let form = r#"{"message":"m","requestedSchema":{},"mode":"form"}"#;
    assert!(matches!(read(form), ElicitParams::Form(_)));
    assert_eq!(again::<ElicitParams>(form), form);
    let bare = r#"{"message":"m","requestedSchema":{}}"#;
    assert_eq!(again::<ElicitParams>(bare), bare);
    let later = r#"{"mode":"voice","x":1.0}"#;
    assert!(matches!(read(later), ElicitParams::Other(_)));
    assert_eq!(again::<ElicitParams>(later), later);
    assert!(refused::<ElicitParams>(r#"{"mode":1,"message":"m"}"#).contains("mode"));
}

/// The types go through `serde_json::Value` too.
#[test]
fn values_read_as_text_does() {
    let text = r#"{"content":[{"type":"text","text":"a"}],"structuredContent":{"a":[1]},"x":null}"#;
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    let result: CallToolResult = serde_json::from_value(value.clone()).unwrap();
    assert_eq!(serde_json::to_value(&result).unwrap(), value);
}
