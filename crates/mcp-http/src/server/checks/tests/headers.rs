//! The header checks of step 6: names, then copied arguments.

use mcp_core::message::{RawJson, code};

use super::super::{check_names, check_params};
use super::{headers, request};
use crate::param::annotations;

/// What is wrong with these headers for this method and these params.
fn names(method: &str, params: &str, pairs: &[(&str, &str)]) -> Option<String> {
    let request = request(&format!(r#"{{"jsonrpc":"2.0","id":"q","method":"{method}","params":{params}}}"#));
    let refusal = check_names(&headers(pairs), &request).err()?;
    assert_eq!((refusal.id, refusal.error.code), (Some("q".into()), code::HEADER_MISMATCH));
    Some(refusal.error.message.into_owned())
}

/// HDR-S-005, HDR-B-006, HDR-S-007; FAULT B: header/body split.
#[test]
fn the_method_header_is_the_method() {
    for good in [("mcp-method", "tools/list"), ("MCP-METHOD", "tools/list"), ("Mcp-Method", " \ttools/list ")]
    {
        assert_eq!(names("tools/list", "{}", &[good]), None);
    }
    for bad in [
        &[][..],
        &[("Mcp-Method", "")],
        &[("Mcp-Method", "TOOLS/LIST")],
        &[("Mcp-Method", "tools/call")],
        &[("Mcp-Method", "tools/list, tools/list")],
        &[("Mcp-Method", "tools/list"), ("Mcp-Method", "tools/list")],
        &[("Mcp-Method", "tools/list"), ("Mcp-Method", "tools/call")],
        // Only names and arguments are encoded.
        &[("Mcp-Method", "=?base64?dG9vbHMvbGlzdA==?=")],
        &[("Mcp-Method", "tools/list\u{e9}")],
    ] {
        assert!(names("tools/list", "{}", bad).unwrap().contains("Mcp-Method"), "{bad:?}");
    }
}

/// HDR-C-004, HDR-S-005, HDR-S-007, HDR-S-010, T-28; FAULT B: header/body split.
#[test]
fn the_name_header_is_the_name() {
    for (method, key) in [("tools/call", "name"), ("prompts/get", "name"), ("resources/read", "uri")] {
        let check = |value: &str, header: &[&str]| {
            let params = format!(r#"{{"{key}":{value},"name2":"x"}}"#);
            let mut pairs = vec![("Mcp-Method", method)];
            pairs.extend(header.iter().map(|value| ("Mcp-Name", *value)));
            names(method, &params, &pairs)
        };
        for (value, header) in [
            (r#""foo""#, "foo"),
            (r#""foo""#, "  foo "),
            (r#""foo""#, "=?base64?Zm9v?="),
            (r#""f\u006fo""#, "foo"),
            (r#""世界""#, "=?base64?5LiW55WM?="),
            (r#"" x""#, "=?base64?IHg=?="),
            (r#""=?base64?Zm9v?=""#, "=?base64?PT9iYXNlNjQ/Wm05dj89?="),
            (r#""=?BASE64?Zm9v?=""#, "=?BASE64?Zm9v?="),
            (r#""""#, ""),
            (r#""""#, "=?base64??="),
        ] {
            assert_eq!(check(value, &[header]), None, "{value} {header}");
        }
        for (value, header) in [
            (r#""foo""#, &[][..]),
            (r#""""#, &[]),
            (r#""foo""#, &[""]),
            (r#""foo""#, &["bar"]),
            ("12345", &["234"]),
            (r#""a\b""#, &[r"a\b"]),
            (r#""foo""#, &["Foo"]),
            (r#""foo""#, &["foo", "foo"]),
            (r#""foo""#, &["foo", "bar"]),
            (r#""foo""#, &["foo, foo"]),
            (r#""foo""#, &["=?base64?Zm9?="]),
            (r#""foo""#, &["=?base64?Zm9v"]),
            (r#""foo""#, &["=?BASE64?Zm9v?="]),
            (r#"" x""#, &[" x"]),
            (r#""é""#, &["é"]),
            ("null", &["foo"]),
            ("7", &["7"]),
        ] {
            let why = check(value, header).unwrap_or_else(|| panic!("{method} {value} {header:?}"));
            assert!(why.contains("Mcp-Name") && why.contains(key), "{why}");
            // A value can be a secret, and a log is no place for either.
            assert!(!why.contains("foo") && !why.contains("bar"), "{why}");
        }
        // A body without the value is refused for that, further up.
        assert_eq!(check("7", &[]), None);
        assert_eq!(names(method, "{}", &[("Mcp-Method", method)]), None);
    }
}

/// T-28, HDR-C-004: other methods have no name, whatever their params look like.
#[test]
fn the_name_header_is_ignored_elsewhere() {
    for method in ["tools/list", "completion/complete", "server/discover", "x/y"] {
        for extra in [&[][..], &[("Mcp-Name", "anything")], &[("Mcp-Name", "a"), ("Mcp-Name", "b")]] {
            let mut pairs = vec![("Mcp-Method", method)];
            pairs.extend(extra);
            assert_eq!(names(method, r#"{"name":"x","uri":"y"}"#, &pairs), None);
        }
    }
}

/// What is wrong with these headers for a tool with a string `s`, an integer `d.i` and a boolean `b`.
fn params(arguments: &str, pairs: &[(&str, &str)]) -> Option<String> {
    let schema = r#"{"properties":{
        "s":{"type":"string","x-mcp-header":"S"},
        "d":{"properties":{"i":{"type":"integer","x-mcp-header":"I"}}},
        "b":{"type":"boolean","x-mcp-header":"B"}}}"#;
    let annotations = annotations(&RawJson::parse(schema).unwrap()).unwrap();
    let text =
        format!(r#"{{"jsonrpc":"2.0","id":"q","method":"tools/call","params":{{"name":"t"{arguments}}}}}"#);
    let refusal = check_params(&headers(pairs), &request(&text), &annotations).err()?;
    assert_eq!((refusal.id, refusal.error.code), (Some("q".into()), code::HEADER_MISMATCH));
    Some(refusal.error.message.into_owned())
}

/// HDR-S-020, HDR-S-021, HDR-C-017, HDR-S-010, HDR-B-006, HDR-B-023, T-30.
#[test]
fn argument_headers_that_agree_pass() {
    for (arguments, pairs) in [
        ("", &[][..]),
        (r#","arguments":null"#, &[]),
        (r#","arguments":{}"#, &[]),
        (r#","arguments":{"s":null,"d":null,"b":null}"#, &[]),
        (r#","arguments":{"s":"x"}"#, &[("Mcp-Param-S", "x")]),
        (r#","arguments":{"s":"x"}"#, &[("MCP-PARAM-S", " x\t")]),
        (r#","arguments":{"s":""}"#, &[("mcp-param-s", "")]),
        (r#","arguments":{"s":""}"#, &[("mcp-param-s", "=?base64??=")]),
        (r#","arguments":{"s":"Hello"}"#, &[("mcp-param-s", "=?base64?SGVsbG8=?=")]),
        (r#","arguments":{"s":"=?base64?SGVsbG8="}"#, &[("mcp-param-s", "=?base64?SGVsbG8=")]),
        (r#","arguments":{"d":{"i":42}}"#, &[("mcp-param-i", "42")]),
        (r#","arguments":{"d":{"i":42}}"#, &[("mcp-param-i", "42.0")]),
        (r#","arguments":{"d":{"i":42.0},"b":false}"#, &[("mcp-param-i", "42"), ("mcp-param-b", "false")]),
        (r#","arguments":{"b":true}"#, &[("mcp-param-b", "true")]),
        // Unknown ones are for somebody else.
        (r#","arguments":{"x":1}"#, &[("mcp-param-x", "2"), ("mcp-param-y", "3"), ("mcp-param-y", "4")]),
        // A wrong type is for the tool to refuse.
        (r#","arguments":{"s":["x"],"d":{"i":1.5},"b":{}}"#, &[]),
        (r#","arguments":{"s":7,"d":{"i":"x"}}"#, &[("mcp-param-s", "7"), ("mcp-param-i", "x")]),
    ] {
        assert_eq!(params(arguments, pairs), None, "{arguments} {pairs:?}");
    }
}

/// HDR-S-011, HDR-S-020, HDR-S-021, HDR-C-017, T-30; FAULT B: header/body split, duplicate keys.
#[test]
fn argument_headers_that_disagree_are_refused() {
    for (arguments, pairs, header) in [
        // Missing, surplus, different, twice.
        (r#","arguments":{"s":"x"}"#, &[][..], "mcp-param-s"),
        (r#","arguments":{"s":""}"#, &[], "mcp-param-s"),
        (r#","arguments":{"b":false}"#, &[], "mcp-param-b"),
        (r#","arguments":{"d":{"i":0}}"#, &[], "mcp-param-i"),
        ("", &[("mcp-param-s", "x")], "mcp-param-s"),
        (r#","arguments":{}"#, &[("mcp-param-s", "")], "mcp-param-s"),
        (r#","arguments":{"s":null}"#, &[("mcp-param-s", "null")], "mcp-param-s"),
        (r#","arguments":{"i":1}"#, &[("mcp-param-i", "1")], "mcp-param-i"),
        (r#","arguments":{"s":"x"}"#, &[("mcp-param-s", "X")], "mcp-param-s"),
        (r#","arguments":{"s":"x"}"#, &[("mcp-param-s", "x"), ("mcp-param-s", "x")], "mcp-param-s"),
        (r#","arguments":{"s":"x"}"#, &[("mcp-param-s", "x, x")], "mcp-param-s"),
        // What cannot be decoded, and what must not be there.
        (r#","arguments":{"s":"Hello"}"#, &[("mcp-param-s", "=?base64?SGVsbG8?=")], "mcp-param-s"),
        (r#","arguments":{"s":"Hello"}"#, &[("mcp-param-s", "=?base64?SGVs!G8=?=")], "mcp-param-s"),
        (r#","arguments":{"s":"Hello"}"#, &[("mcp-param-s", "=?BASE64?SGVsbG8=?=")], "mcp-param-s"),
        (r#","arguments":{"s":"é"}"#, &[("mcp-param-s", "é")], "mcp-param-s"),
        // Integers by number, in plain decimals only.
        (r#","arguments":{"d":{"i":42}}"#, &[("mcp-param-i", "0x2a")], "mcp-param-i"),
        (r#","arguments":{"d":{"i":10}}"#, &[("mcp-param-i", "1e1")], "mcp-param-i"),
        (r#","arguments":{"d":{"i":42}}"#, &[("mcp-param-i", "42.5")], "mcp-param-i"),
        (
            r#","arguments":{"d":{"i":9007199254740993}}"#,
            &[("mcp-param-i", "9007199254740993")],
            "mcp-param-i",
        ),
        (r#","arguments":{"d":{"i":1.5}}"#, &[("mcp-param-i", "1.5")], "mcp-param-i"),
        (r#","arguments":{"b":true}"#, &[("mcp-param-b", "True")], "mcp-param-b"),
        (r#","arguments":{"b":true}"#, &[("mcp-param-b", "1")], "mcp-param-b"),
        // Two values in the body.
        (r#","arguments":{"s":"x","s":"y"}"#, &[("mcp-param-s", "x")], "mcp-param-s"),
        (r#","arguments":{"s":"x","s":"y"}"#, &[("mcp-param-s", "y")], "mcp-param-s"),
    ] {
        let why = params(arguments, pairs).unwrap_or_else(|| panic!("{arguments} {pairs:?}"));
        assert!(why.contains(header), "{why}");
        assert!(!why.contains("Hello"), "{why}");
    }
}
