//! What is forgiven, what is refused, and how the refusal reads.

use super::*;
use crate::model::*;

/// Serializers that write `null` for what they do not have are common.
#[test]
fn null_in_an_optional_member_is_absent() {
    let text = r#"{"name":"t","inputSchema":{},"title":null,"annotations":null,"icons":null}"#;
    assert_eq!(again::<Tool>(text), r#"{"name":"t","inputSchema":{}}"#);
    let page: ListToolsResult = read(r#"{"tools":[],"nextCursor":null}"#);
    assert!(page.next_page().is_none());
}

/// Deployed servers leave `content` out next to `structuredContent`.
#[test]
fn a_missing_list_is_empty_and_is_written() {
    for text in [r#"{"structuredContent":{}}"#, r#"{"structuredContent":{},"content":null}"#] {
        assert_eq!(again::<CallToolResult>(text), r#"{"content":[],"structuredContent":{}}"#);
    }
}

/// A result of another kind, as an `input_required` one, must not pass for an empty one. `null` is how some
/// languages write a list that was never made.
#[test]
fn a_result_of_another_kind_is_not_an_empty_list() {
    let other = r#"{"resultType":"input_required","requestState":"s"}"#;
    assert!(refused::<ListToolsResult>(other).contains("`tools`"));
    assert!(refused::<ReadResourceResult>(other).contains("`contents`"));
    assert!(refused::<GetPromptResult>(other).contains("`messages`"));
    assert!(refused::<ListRootsResult>("{}").contains("`roots`"));
    assert_eq!(again::<ListToolsResult>(r#"{"tools":null}"#), r#"{"tools":[]}"#);
}

/// PAGE-C-003, FAULT C-44: absent is the end, an empty string is not. PAGE-C-002: the cursor goes back unchanged.
#[test]
fn an_empty_cursor_is_not_the_end() {
    for cursor in ["", "a\"\u{e9}\n"] {
        let text = raw(r#"{"tools":[]}"#).with_members(&[("nextCursor", &RawJson::string(cursor))]);
        let page: ListToolsResult = read(&text.to_string());
        assert_eq!(page.next_page(), Some(PageParams::new().with_cursor(cursor)));
    }
    assert!(read::<ListToolsResult>(r#"{"tools":[]}"#).next_page().is_none());
}

#[test]
fn a_refusal_names_the_type_and_the_member() {
    let why = refused::<Tool>(r#"{"inputSchema":{}}"#);
    assert!(why.starts_with("Tool: ") && why.contains("`name`"), "{why}");
    let why = refused::<ListToolsResult>(r#"{"tools":[{"name":1}]}"#);
    assert!(why.starts_with("ListToolsResult: ") && why.contains("integer `1`"), "{why}");
    for text in ["[]", "null", "1", "\"x\""] {
        assert!(refused::<CallToolParams>(text).contains("expected an object"), "{text}");
    }
}

/// One broken block does not lose the others, and goes out again unchanged.
#[test]
fn a_block_that_does_not_fit_is_kept_as_it_came() {
    let text = r#"{"content":[{"text":"x"},{"type":"text"},7,{"type":"text","text":"good"}]}"#;
    let result: CallToolResult = read(text);
    let others = result.content.iter().filter(|block| matches!(block, Content::Other(_))).count();
    assert_eq!((others, result.texts().collect::<Vec<_>>()), (3, vec!["good"]));
    assert_eq!(result.to_raw().to_string(), text);
}

/// serde quotes what it did not expect, whole: a peer would fill logs with it.
#[test]
fn a_refusal_does_not_repeat_a_long_text() {
    let why = refused::<CallToolResult>(&format!(r#"{{"isError":"{}"}}"#, "é".repeat(100_000)));
    assert!(why.chars().count() < 400, "{}", why.len());
}

/// Two readers of one object with two names would see two tools.
#[test]
fn a_member_that_stands_twice_is_refused() {
    assert!(refused::<CallToolParams>(r#"{"name":"a","n\u0061me":"b"}"#).contains("duplicate"));
    assert!(refused::<CallToolResult>(r#"{"isError":false,"isError":null}"#).contains("duplicate"));
    assert_eq!(again::<CallToolParams>(r#"{"name":"a","x":1,"x":2}"#), r#"{"name":"a","x":1,"x":2}"#);
}

/// META-S-019: only the eight levels are levels.
#[test]
fn an_unknown_log_level_is_refused() {
    assert!(refused::<SetLevelParams>(r#"{"level":"verbose"}"#).contains("verbose"));
    assert!(refused::<SetLevelParams>(r#"{"level":"Info"}"#).contains("Info"));
}

#[test]
fn numbers_are_numbers_in_any_form() {
    let size = |text: &str| read::<Resource>(&format!(r#"{{"uri":"a:b","name":"n","size":{text}}}"#)).size;
    for (text, whole) in [("7", Some(7)), ("7.0", Some(7)), ("7e0", Some(7)), ("7.5", None), ("-7", None)] {
        assert_eq!(size(text).unwrap().as_u64(), whole, "{text}");
    }
    assert_eq!(size("18446744073709551615").unwrap().as_u64(), Some(u64::MAX));
    assert_eq!(size("1e30").unwrap().as_u64(), None);
    assert_eq!(size("1e400").unwrap().as_f64(), f64::INFINITY);
    assert!(refused::<Resource>(r#"{"uri":"a:b","name":"n","size":"7"}"#).contains("expected a number"));
}

/// A hostile depth is refused where the text is checked, and a deep payload below the limit is kept.
#[test]
fn deep_payloads_are_kept_as_text() {
    let deep = format!("{}{}", "[".repeat(120), "]".repeat(120));
    let text = format!(r#"{{"name":"t","arguments":{{"a":{deep}}}}}"#);
    assert_eq!(again::<CallToolParams>(&text), text);
}

/// A long list costs linear time: ten thousand blocks inside a message of several megabytes.
#[test]
fn a_long_list_of_content_is_read_block_by_block() {
    let block = Content::text("x".repeat(300)).to_raw().to_string();
    let text = format!(r#"{{"content":[{}]}}"#, vec![block; 10_000].join(","));
    let result: CallToolResult = read(&text);
    assert_eq!(result.content.len(), 10_000);
    assert_eq!(result.to_raw().to_string(), text);
}
