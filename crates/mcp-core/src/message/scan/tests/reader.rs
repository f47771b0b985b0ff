//! Reading checked JSON gives what serde_json gives.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::message::RawJson;
use crate::message::scan::read_checked;

#[derive(Debug, PartialEq, Deserialize)]
enum Shape {
    Empty,
    Round(u8),
    Pair(i64, String),
    Named { width: f64, label: Option<String> },
}

#[derive(Debug, PartialEq, Deserialize)]
struct Point(i32, i32);

#[derive(Debug, PartialEq, Deserialize)]
struct Wrapped(String);

#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Tagged {
    A { n: u64 },
    B(BTreeMap<String, i64>),
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Either {
    Number(f64),
    Text(String),
    List(Vec<Either>),
}

#[derive(Debug, PartialEq, Deserialize)]
struct Open {
    name: String,
    #[serde(default)]
    unit: (),
    #[serde(flatten)]
    rest: HashMap<String, Value>,
}

/// Both readers agree on the value, or both refuse the text.
fn same<T: DeserializeOwned + PartialEq + std::fmt::Debug>(text: &str) {
    let (ours, theirs) = (read_checked::<T>(text.as_bytes()), serde_json::from_str::<T>(text));
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => assert_eq!(ours, theirs, "{text}"),
        (Err(_), Err(_)) => {}
        (ours, theirs) => panic!("{text}: {ours:?}, serde_json: {theirs:?}"),
    }
}

fn same_as_every_type(text: &str) {
    same::<Value>(text);
    same::<bool>(text);
    same::<u8>(text);
    same::<i64>(text);
    same::<i128>(text);
    same::<f32>(text);
    same::<f64>(text);
    same::<char>(text);
    same::<()>(text);
    same::<String>(text);
    same::<Option<String>>(text);
    same::<Vec<Value>>(text);
    same::<(i64, Value)>(text);
    same::<[u8; 2]>(text);
    same::<BTreeMap<String, Value>>(text);
    same::<BTreeMap<u16, Value>>(text);
    same::<BTreeMap<bool, Value>>(text);
    same::<BTreeMap<Option<char>, Value>>(text);
    same::<Point>(text);
    same::<Wrapped>(text);
    same::<Shape>(text);
    same::<Vec<Shape>>(text);
    same::<BTreeMap<Shape2, i32>>(text);
    same::<Tagged>(text);
    same::<Either>(text);
    same::<Open>(text);
    same::<RawJson>(text);
}

/// An enumeration as a key.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
enum Shape2 {
    Empty,
    Full,
}

#[test]
fn every_kind_of_type_is_read_as_serde_json_reads_it() {
    for text in [
        "null",
        "true",
        "0",
        "7",
        "-7",
        "255",
        "256",
        "1.0",
        "-0",
        "1e3",
        "1e400",
        "18446744073709551616",
        "340282366920938463463374607431768211456",
        r#""""#,
        r#""x""#,
        r#""\u00e9""#,
        r#""é\n""#,
        "[]",
        "[1]",
        "[1,2]",
        "[1,2,3]",
        r#"[1,"a"]"#,
        r#"[ 1 , [ ] ]"#,
        "{}",
        r#"{"a":1}"#,
        r#"{"1":1,"2":[2]}"#,
        r#"{"01":1}"#,
        r#"{"-1":1}"#,
        r#"{" 1":1}"#,
        r#"{"1 ":1}"#,
        r#"{"1e0":1}"#,
        r#"{"true":1}"#,
        r#"{"x":1,"y":{}}"#,
        r#""Empty""#,
        r#"{"Empty":null}"#,
        r#"{"Round":7}"#,
        r#"{"Round":700}"#,
        r#"{"Pair":[1,"a"]}"#,
        r#"{"Pair":[1,"a",2]}"#,
        r#"{"Named":{"width":1,"label":null}}"#,
        r#"{"Round":7,"Empty":null}"#,
        r#"{"Empty":1,"Full":2}"#,
        r#"{"Other":1}"#,
        r#"["Empty",{"Round":1}]"#,
        r#"{"type":"a","n":1}"#,
        r#"{"n":1,"type":"a"}"#,
        r#"{"type":"b","x":1}"#,
        r#"{"type":"c"}"#,
        r#"{"name":"a","n":1.5,"unit":null,"x":[{}]}"#,
        r#"{"name":1}"#,
        r#"{"name":"a","name":"b"}"#,
        r#"[1,"a",[2]]"#,
    ] {
        same_as_every_type(text);
    }
}

#[test]
fn strings_without_escapes_are_borrowed() {
    #[derive(Deserialize)]
    struct Borrowing<'a> {
        text: &'a str,
        #[serde(borrow)]
        either: Cow<'a, str>,
        #[serde(borrow)]
        raw: &'a RawValue,
        bytes: &'a [u8],
    }
    let json = r#"{"text":"é","either":"b","raw": [1, 2.50] ,"bytes":"c"}"#;
    let read: Borrowing<'_> = read_checked(json.as_bytes()).unwrap();
    assert_eq!((read.text, read.bytes, read.raw.get()), ("é", &b"c"[..], "[1, 2.50]"));
    assert!(matches!(read.either, Cow::Borrowed("b")));
}

/// The sender chose the text, so a decoder must not lose the whole message to it.
#[test]
fn a_lone_surrogate_is_read_anywhere() {
    let json = r#"{"k\ud83d":["\ude00",{"v":"a\ud83db"}]}"#;
    let read: Value = read_checked(json.as_bytes()).unwrap();
    assert_eq!(read, serde_json::json!({"k\u{fffd}": ["\u{fffd}", {"v": "a\u{fffd}b"}]}));
    assert_eq!(read_checked::<RawJson>(json.as_bytes()).unwrap().as_bytes(), json.as_bytes());
}

/// A type that recurses with the text ends in an error, not on the end of the stack.
#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(read_checked::<Value>(nested(128).as_bytes()).is_ok());
    let error = read_checked::<Value>(nested(129).as_bytes()).unwrap_err();
    assert!(error.to_string().contains("limit of 128"), "{error}");
    assert_eq!(read_checked::<RawJson>(nested(400).as_bytes()).unwrap().as_bytes().len(), 800);
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z\"\\\\\n\u{e9}\u{1f600}]{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::hash_map("[a-z0-9\"\n]{0,6}", inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_value_is_read_as_serde_json_reads_it(value in value(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        same_as_every_type(&text.unwrap());
    }
}
