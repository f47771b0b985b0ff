//! Schemas: which annotations are found, and which make the tool invalid.

use proptest::prelude::*;

use super::super::{MAX_ANNOTATIONS, MAX_NAME, MAX_PATH, annotations};
use super::{brief, raw};

fn found(schema: &str) -> Vec<(String, String)> {
    annotations(&raw(schema)).expect(schema).iter().map(brief).collect()
}

fn refused(schema: &str) -> String {
    annotations(&raw(schema)).expect_err(schema).to_string()
}

/// A schema with this one property.
fn property(property: &str) -> String {
    format!(r#"{{"type":"object","properties":{{"a":{property}}}}}"#)
}

/// HDR-S-012, HDR-S-013, HDR-S-014, HDR-S-015.
#[test]
fn annotations_on_plain_properties_are_found_with_their_paths() {
    let schema = r#"{
        "type": "object",
        "properties": {
            "region": { "type": "string", "x-mcp-header": "Region", "default": "x" },
            "query": { "type": "string" },
            "count": { "x-mcp-header": "count", "type": "integer" },
            "deep": { "type": ["object", "null"], "properties": {
                "dry": { "type": "boolean", "x-mcp-header": "Dry-Run" },
                "items": { "type": "string", "x-mcp-header": "a.b~c" }
            } }
        },
        "required": ["region"]
    }"#;
    let want = [
        ("region", "mcp-param-region"),
        ("count", "mcp-param-count"),
        ("deep/dry", "mcp-param-dry-run"),
        ("deep/items", "mcp-param-a.b~c"),
    ];
    assert_eq!(found(schema), want.map(|(path, header)| (path.to_owned(), header.to_owned())));
}

/// HDR-S-014, T-29: a strict list of types.
#[test]
fn only_strings_integers_and_booleans_can_be_annotated() {
    for good in [r#""string""#, r#""integer""#, r#""boolean""#] {
        assert_eq!(found(&property(&format!(r#"{{"type":{good},"x-mcp-header":"A"}}"#))).len(), 1);
    }
    for bad in [
        r#""type":"number","#,
        r#""type":"object","#,
        r#""type":"array","#,
        r#""type":"null","#,
        r#""type":"String","#,
        r#""type":["string"],"#,
        r#""type":["string","null"],"#,
        r#""type":["integer","number"],"#,
        r#""type":null,"#,
        r#""type":{},"#,
        r#""type":"string","type":"number","#,
        r#""type":"string","type":"string","#,
        r#""enum":["a"],"#,
        r#""$ref":"\#/$defs/a","#,
        "",
    ] {
        let why = refused(&property(&format!(r#"{{{} "x-mcp-header":"A"}}"#, bad.replace("\\#", "#"))));
        assert!(why.contains("type") && why.contains("`a`"), "{why}");
    }
}

/// HDR-S-013: non-empty, a token, unique whatever the case.
#[test]
fn names_are_tokens_and_unique() {
    for bad in [
        r#""""#,
        r#"" ""#,
        r#""a b""#,
        r#""a:b""#,
        r#""a\u0000""#,
        r#""a\r\nX: y""#,
        r#""a\t""#,
        r#""é""#,
        r#""a\u007f""#,
        r#""(a)""#,
        r#""a/b""#,
        r#""a,b""#,
        "null",
        "true",
        "7",
        r#"["A"]"#,
        "{}",
    ] {
        refused(&property(&format!(r#"{{"type":"string","x-mcp-header":{bad}}}"#)));
    }
    refused(&property(r#"{"type":"string","x-mcp-header":"A","x-mcp-header":"A"}"#));
    refused(&property(r#"{"type":"string","x-mcp-header":"A","x-mcp-header":"B"}"#));
    let two = |first: &str, second: &str| {
        format!(
            r#"{{"properties":{{"a":{{"type":"string","x-mcp-header":"{first}"}},
               "b":{{"properties":{{"c":{{"type":"string","x-mcp-header":"{second}"}}}}}}}}}}"#
        )
    };
    assert_eq!(found(&two("A", "B")).len(), 2);
    assert!(refused(&two("A", "A")).contains("twice"));
    assert!(refused(&two("Region", "REGION")).contains("twice"));
}

/// HDR-S-015, T-29: every other place where a schema can stand, and the root.
#[test]
fn annotations_in_any_other_place_are_invalid() {
    let leaf = r#"{"type":"string","x-mcp-header":"A"}"#;
    let nested = format!(r#"{{"properties":{{"b":{leaf}}}}}"#);
    for inner in [leaf, &nested] {
        let named = ["patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions"];
        let single = [
            "not",
            "if",
            "then",
            "else",
            "items",
            "contains",
            "additionalItems",
            "unevaluatedItems",
            "additionalProperties",
            "unevaluatedProperties",
            "propertyNames",
            "contentSchema",
        ];
        let lists = ["allOf", "anyOf", "oneOf", "prefixItems", "items"];
        let mut places: Vec<String> = named.map(|key| format!(r#"{{"{key}":{{"n":{inner}}}}}"#)).into();
        places.extend(single.map(|key| format!(r#"{{"{key}":{inner}}}"#)));
        places.extend(lists.map(|key| format!(r#"{{"{key}":[true,{inner}]}}"#)));
        places.push(format!(r#"{{"properties":[{inner}]}}"#));
        for place in places {
            for schema in [place.clone(), property(&place), format!(r#"{{"$defs":{{"d":{place}}}}}"#)] {
                assert!(refused(&schema).contains("reachable"), "{schema}");
            }
        }
    }
    assert!(refused(leaf).contains("reachable"));
}

/// SEC-B-011: a reference is not followed; what it points to is judged where it stands.
#[test]
fn references_are_not_followed() {
    assert_eq!(found(&property(r##"{"$ref":"#/$defs/d","description":"x-mcp-header"}"##)), []);
    refused(
        r##"{"properties":{"a":{"$ref":"#/$defs/d"}},"$defs":{"d":{"type":"string","x-mcp-header":"A"}}}"##,
    );
}

/// Only a schema can be annotated: the word in data, in a name or in an unknown keyword is nothing.
#[test]
fn the_word_elsewhere_is_no_annotation() {
    let leaf = r#"{"type":"number","x-mcp-header":""}"#;
    for key in ["default", "const", "example", "x-other", "$comment"] {
        assert_eq!(found(&property(&format!(r#"{{"{key}":{leaf}}}"#))), []);
    }
    for key in ["examples", "enum", "required"] {
        assert_eq!(found(&property(&format!(r#"{{"{key}":[{leaf}]}}"#))), []);
    }
    let named = r#"{"properties":{"x-mcp-header":{"type":"string"},"properties":{"type":"string","x-mcp-header":"A"}}}"#;
    assert_eq!(found(named), [("properties".to_owned(), "mcp-param-a".to_owned())]);
    for other in [
        "true",
        "7",
        "null",
        "[]",
        r#""x-mcp-header""#,
        r#"{"properties":7,"items":null,"x":"x-mcp-header"}"#,
    ] {
        assert_eq!(found(other), [], "{other}");
    }
}

/// FAULT B: keys are exact, and escapes hide nothing.
#[test]
fn an_escaped_keyword_is_the_keyword() {
    assert_eq!(found(&property(r#"{"type":"string","x-mcp-h\u0065ader":"A"}"#)).len(), 1);
    refused(&property(r#"{"type":"number","\u0078-mcp-header":"A"}"#));
    assert_eq!(found(&property(r#"{"type":"number","X-MCP-Header":"A"}"#)), []);
}

/// SEC-B-013: depth and number are bounded, and a schema without annotations is never judged.
#[test]
fn schemas_are_bounded() {
    let many = |count: usize| {
        let one = |n| format!(r#""p{n}":{{"type":"string","x-mcp-header":"H{n}"}}"#);
        format!(r#"{{"properties":{{{}}}}}"#, (0..count).map(one).collect::<Vec<_>>().join(","))
    };
    assert_eq!(found(&many(MAX_ANNOTATIONS)).len(), MAX_ANNOTATIONS);
    assert!(refused(&many(MAX_ANNOTATIONS + 1)).contains("64"));
    let name = |len: usize| property(&format!(r#"{{"type":"string","x-mcp-header":"{}"}}"#, "a".repeat(len)));
    assert_eq!(found(&name(MAX_NAME)).len(), 1);
    refused(&name(MAX_NAME + 1));
    let path = |len: usize| {
        format!(r#"{{"properties":{{"{}":{{"type":"string","x-mcp-header":"A"}}}}}}"#, "a".repeat(len))
    };
    assert_eq!(found(&path(MAX_PATH)).len(), 1);
    assert!(refused(&path(MAX_PATH + 1)).len() < 300);
    let deep = |depth: usize, leaf: &str| {
        format!("{}{leaf}{}", r#"{"properties":{"a":"#.repeat(depth), "}}".repeat(depth))
    };
    assert_eq!(found(&deep(60, r#"{"type":"string","x-mcp-header":"A"}"#))[0].0.split('/').count(), 60);
    assert_eq!(found(&deep(63, r#"{"title":"x-mcp-header"}"#)), []);
}

proptest! {
    /// Every annotation is either found or a fault, wherever a random schema puts it.
    #[test]
    fn no_annotation_is_overlooked(keys in proptest::collection::vec(
        proptest::sample::select(vec!["properties", "items", "allOf", "$defs", "not", "patternProperties"]), 0..12,
    )) {
        let mut schema = r#"{"x-mcp-header":"A","type":"string"}"#.to_owned();
        for key in &keys {
            schema = match *key {
                "properties" | "$defs" | "patternProperties" => format!(r#"{{"{key}":{{"n":{schema}}}}}"#),
                "allOf" => format!(r#"{{"allOf":[{schema}]}}"#),
                _ => format!(r#"{{"{key}":{schema}}}"#),
            };
        }
        let plain = !keys.is_empty() && keys.iter().all(|key| *key == "properties");
        let read = annotations(&raw(&schema));
        prop_assert_eq!(read.is_ok(), plain);
        prop_assert_eq!(read.map_or(0, |found| found[0].path.len()), if plain { keys.len() } else { 0 });
    }
}
