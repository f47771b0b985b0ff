//! Constructors and builders write what the specification wants.

use super::*;
use crate::model::*;

/// ERR-S-008, FAULT A-B24: a tool's failure is a result, and is distinct from a success.
#[test]
fn a_failed_tool_answers_with_a_result() {
    let result = CallToolResult::error("no such city");
    assert!(result.failed());
    assert_eq!(
        result.to_raw().to_string(),
        r#"{"content":[{"type":"text","text":"no such city"}],"isError":true}"#
    );
    assert!(!CallToolResult::text("x").failed());
}

#[test]
fn a_structured_answer_comes_as_text_too() {
    assert_eq!(
        CallToolResult::structured(raw(r#"{"n":1}"#)).to_raw().to_string(),
        r#"{"content":[{"type":"text","text":"{\"n\":1}"}],"structuredContent":{"n":1}}"#
    );
}

/// META-B-014.
#[test]
fn an_extension_needs_a_prefixed_id() {
    let tasks = "io.modelcontextprotocol/tasks";
    let declared = ServerCapabilities::new().with_extension(tasks, RawJson::EMPTY_OBJECT).unwrap();
    assert_eq!(declared.to_raw().to_string(), r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#);
    for bad in ["tasks", "/tasks", "a/", "1a/b"] {
        let refused = ClientCapabilities::new().with_extension(bad, RawJson::EMPTY_OBJECT);
        assert!(matches!(refused, Err(Error::Misuse(_))), "{bad}");
    }
    assert!(matches!(ClientCapabilities::new().with_extension(tasks, RawJson::TRUE), Err(Error::Misuse(_))));
}

/// LIFE-S-014: what a server may send is what the client declared; elicitation without a mode means forms.
#[test]
fn declared_modes_are_reported() {
    for (text, form, url) in [
        (r#"{}"#, false, false),
        (r#"{"elicitation":{}}"#, true, false),
        (r#"{"elicitation":{"form":{}}}"#, true, false),
        (r#"{"elicitation":{"url":{}}}"#, false, true),
        (r#"{"elicitation":{"form":{},"url":{}}}"#, true, true),
    ] {
        let client: ClientCapabilities = read(text);
        assert_eq!((client.elicits_by_form(), client.elicits_by_url()), (form, url), "{text}");
    }
    assert!(!read::<ClientCapabilities>(r#"{"sampling":{}}"#).samples_with_tools());
    assert!(read::<ClientCapabilities>(r#"{"sampling":{"tools":{}}}"#).samples_with_tools());
}

#[test]
fn capabilities_are_built() {
    let client = ClientCapabilities::new()
        .with_roots(ListCapability::new().with_list_changed(true))
        .with_sampling(SamplingCapability::new().with_tools(Members::new()))
        .with_elicitation(ElicitationCapability::new().with_url(Members::new()));
    assert_eq!(
        client.to_raw().to_string(),
        r#"{"roots":{"listChanged":true},"sampling":{"tools":{}},"elicitation":{"url":{}}}"#
    );
}

#[test]
fn a_tool_is_shown_by_its_best_name() {
    let tool = Tool::without_parameters("t");
    assert_eq!(tool.display_name(), "t");
    assert_eq!(tool.input_schema.to_string(), r#"{"type":"object","additionalProperties":false}"#);
    let tool = tool.with_annotations(ToolAnnotations::new().with_title("annotated"));
    assert_eq!(tool.display_name(), "annotated");
    assert_eq!(tool.with_title("title").display_name(), "title");
}

/// At most 100 values go out, and the client learns that there are more.
#[test]
fn completions_are_cut_at_the_limit() {
    let values = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>();
    let few = Completion::of(values(100));
    assert_eq!((few.values.len(), few.has_more), (100, Some(false)));
    let many = Completion::of(values(101));
    assert_eq!((many.values.len(), many.has_more, many.total), (100, Some(true), Some(101_u64.into())));
}

/// DISC-S-003: the identity is in `_meta`; a malformed one is absent.
#[test]
fn a_discovered_server_says_who_it_is_in_meta() {
    let with = |info: &str| {
        let meta = format!(r#"{{"io.modelcontextprotocol/serverInfo":{info}}}"#);
        DiscoverResult::new(vec!["2026-07-28".to_owned()], ServerCapabilities::new()).with_meta(raw(&meta))
    };
    assert_eq!(with(r#"{"name":"s","version":"1"}"#).server_info(), Some(Implementation::new("s", "1")));
    assert_eq!(with("7").server_info(), None);
}

#[test]
fn floats_are_written_as_json() {
    for (value, text) in [(0.5, "0.5"), (2.0, "2"), (-0.25, "-0.25"), (f64::NAN, "0"), (f64::INFINITY, "0")] {
        assert_eq!(Number::from(value).to_string(), text);
    }
    assert_eq!(Number::from(-1).to_string(), "-1");
    assert_eq!(Number::from(u64::MAX).as_u64(), Some(u64::MAX));
    assert_eq!(Number::from(f64::MAX).as_f64(), f64::MAX);
    assert_eq!(Number::from(f64::MIN_POSITIVE).as_f64(), f64::MIN_POSITIVE);
}

#[test]
fn members_are_set_once() {
    let mut members: Members = [("a", RawJson::integer(1)), ("b", RawJson::NULL)].into_iter().collect();
    members.set("a", RawJson::integer(2));
    assert_eq!(members.len(), 2);
    assert_eq!(members.get("a"), Some(&RawJson::integer(2)));
    assert_eq!(members.remove("a"), Some(RawJson::integer(2)));
    assert_eq!((members.remove("a"), members.is_empty()), (None, false));
}
