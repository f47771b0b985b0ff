//! Tool lists: what a client keeps of them.

use super::super::valid_tools;
use super::{brief, raw};

fn tool(name: &str, property: &str) -> String {
    format!(r#"{{ "name" : "{name}", "inputSchema": {{"properties":{{"a":{property}}}}} }}"#)
}

const GOOD: &str = r#"{"type":"string","x-mcp-header":"A"}"#;
const BAD: &str = r#"{"type":"number","x-mcp-header":"A"}"#;

/// HDR-C-018: the others stay, byte for byte; the name and the reason are for a log.
#[test]
fn invalid_tools_are_dropped_and_the_others_stay() {
    let (good, plain) = (tool("good", GOOD), r#"{"name":"plain","x":1.0,"inputSchema":{ }}"#);
    let list = format!(
        r#"{{"nextCursor":"c","tools":[{}, {good} ,{plain},{}],"ttlMs":1}}"#,
        tool("b1", BAD),
        tool("b2", BAD)
    );
    let (result, learned, dropped) = valid_tools(&raw(&list));
    let text = result.to_string();
    assert!(text.contains(&format!("[{good},{plain}]")), "{text}");
    assert!(text.contains(r#""nextCursor":"c""#) && text.contains(r#""ttlMs":1"#), "{text}");
    assert_eq!(
        learned.iter().map(|(name, found)| (name.as_str(), found.len())).collect::<Vec<_>>(),
        [("good", 1), ("plain", 0),]
    );
    assert_eq!(brief(&learned[0].1[0]), ("a".to_owned(), "mcp-param-a".to_owned()));
    let names: Vec<&str> = dropped.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["b1", "b2"]);
    assert!(dropped[0].1.contains("type"), "{}", dropped[0].1);
}

/// DESIGN 3: a gateway forwards payloads byte for byte. The very same text, not a copy.
#[test]
fn a_list_without_faults_is_the_same_memory() {
    for list in [
        format!(r#"{{ "tools" : [ {} , {{"name":"x"}}, 7, null ] }}"#, tool("good", GOOD)),
        r#"{"tools":{}}"#.to_owned(),
        r#"{"tools":[]}"#.to_owned(),
        r#"{"other":1}"#.to_owned(),
        "{}".to_owned(),
    ] {
        let list = raw(&list);
        let (result, _, dropped) = valid_tools(&list);
        assert!(dropped.is_empty());
        assert_eq!(result.as_bytes().as_ptr(), list.as_bytes().as_ptr());
        assert_eq!(result, list);
    }
}
