//! Values: what of the arguments is copied, and how it compares with a header.

use mcp_core::message::RawJson;
use proptest::prelude::*;

use super::super::{Annotation, ParamError, annotations, values};
use super::raw;
use crate::headers::{decode_value, encode_value};

fn at(path: &[&str]) -> Annotation {
    let path: Vec<String> = path.iter().map(|key| (*key).to_owned()).collect();
    let leaf = r#"{"type":"string","x-mcp-header":"A"}"#.to_owned();
    let wrap = |inner, key: &String| format!(r#"{{"properties":{{{}:{inner}}}}}"#, RawJson::string(key));
    annotations(&raw(&path.iter().rev().fold(leaf, wrap))).unwrap().remove(0)
}

fn value(json: &str) -> Result<Option<String>, ParamError> {
    at(&["a"]).value(Some(&raw(&format!(r#"{{"a":{json}}}"#))))
}

/// HDR-C-016, T-30.
#[test]
fn values_are_copied_by_their_own_type() {
    for (json, text) in [
        (r#""us-west1""#, "us-west1"),
        (r#""""#, ""),
        (r#"" \u00e9\n""#, " é\n"),
        ("true", "true"),
        ("false", "false"),
        ("42", "42"),
        ("-7", "-7"),
        ("0", "0"),
        ("-0", "0"),
        ("42.0", "42"),
        ("4.2e1", "42"),
        ("420E-1", "42"),
        ("1e+2", "100"),
        ("0.0e999999999999999999999", "0"),
        ("9007199254740991", "9007199254740991"),
        ("-9007199254740991", "-9007199254740991"),
    ] {
        assert_eq!(value(json), Ok(Some(text.to_owned())), "{json}");
    }
}

/// HDR-C-017: null and absent have no header. What no header can say has none either: the tool judges it.
#[test]
fn what_is_not_there_is_not_copied() {
    for json in ["null", "{}", "[]", r#"["x"]"#, "1.5", "1e-1", "0.5e0", "1e-999999999999999999999"] {
        assert_eq!(value(json), Ok(None), "{json}");
    }
    let annotation = at(&["a", "b"]);
    assert_eq!(annotation.value(None), Ok(None));
    for arguments in
        ["null", "{}", "[]", r#"{"b":1}"#, r#"{"a":null}"#, r#"{"a":"b"}"#, r#"{"a":["b"]}"#, r#"{"a":{}}"#]
    {
        assert_eq!(annotation.value(Some(&raw(arguments))), Ok(None), "{arguments}");
    }
    assert_eq!(annotation.value(Some(&raw(r#"{"a":{"b":"x"}}"#))), Ok(Some("x".to_owned())));
    assert_eq!(at(&["a.b"]).value(Some(&raw(r#"{"a":{"b":"x"}}"#))), Ok(None));
    assert_eq!(at(&["\"é"]).value(Some(&raw(r#"{"\u0022\u00e9":"x"}"#))), Ok(Some("x".to_owned())));
}

/// HDR-S-014, T-30: the client says so before anything is sent.
#[test]
fn integers_that_peers_would_round_are_errors() {
    for json in [
        "9007199254740992",
        "-9007199254740992",
        "9007199254740993",
        "1e16",
        "18446744073709551616",
        "1e400",
        "1e999999999999999999999",
        "123456789012345678901234567890",
    ] {
        assert_eq!(value(json), Err(ParamError::UnsafeInteger("a".to_owned())), "{json}");
    }
}

/// FAULT B: header/body split, and duplicate keys, of which one reader takes the first and another the last.
#[test]
fn a_key_that_stands_there_twice_is_an_error() {
    let twice = raw(r#"{"a":"x","\u0061":"y"}"#);
    assert_eq!(at(&["a"]).value(Some(&twice)), Err(ParamError::Duplicate("a".to_owned())));
    assert_eq!(at(&["b"]).value(Some(&twice)), Ok(None));
    let deep = raw(r#"{"a":{"b":1},"a":{}}"#);
    assert_eq!(at(&["a", "b"]).value(Some(&deep)), Err(ParamError::Duplicate("a".to_owned())));
}

/// HDR-S-021: integers by number, in plain decimals; everything else by its text.
#[test]
fn headers_compare_with_values() {
    let same = |json: &str, header: &str| {
        let arguments = raw(&format!(r#"{{"a":{json}}}"#));
        at(&["a"]).read(Some(&arguments)).unwrap().unwrap().matches(header)
    };
    for header in ["42", "42.0", "42.000", "042", "0042.0"] {
        assert!(same("42", header), "{header}");
    }
    for header in [
        "", "41", "42.5", "4.2e1", "42e0", "0x2a", "+42", "--42", "-42", "42.", ".42", "42 ", "4 2",
        "42.0.0", "４２", "true",
    ] {
        assert!(!same("42", header), "{header}");
    }
    assert!(same("-7", "-7") && same("-7.0", "-7.0") && !same("-7", "7"));
    assert!(same("0", "-0") && same("10", "10") && !same("1e1", "1e1") && same("1e1", "10"));
    assert!(same("true", "true") && !same("true", "True") && !same("true", "1") && !same("false", ""));
    assert!(same(r#""42""#, "42") && !same(r#""42""#, "42.0"));
    assert!(same(r#""""#, "") && same(r#""é""#, "é") && !same(r#""a""#, "A"));
}

/// FAULT F-A13: the arguments are read once for all annotations, not once for each. Ratios of time, far apart.
#[test]
fn many_annotations_cost_little_more_than_one() {
    let members: Vec<String> = (0..50_000).map(|n| format!(r#""k{n}":{n}"#)).collect();
    let arguments = raw(&format!("{{{}}}", members.join(",")));
    let annotation = |n: usize| {
        let mut annotation = at(&[&format!("k{n}")]);
        annotation.header =
            hyper::header::HeaderName::from_bytes(format!("mcp-param-{n}").as_bytes()).unwrap();
        annotation
    };
    let all: Vec<Annotation> = (0..64).map(|n| annotation(n * 700)).collect();
    let time = |annotations: &[Annotation]| {
        let start = std::time::Instant::now();
        assert!(values(Some(&arguments), annotations).iter().all(|value| matches!(value, Ok(Some(_)))));
        start.elapsed()
    };
    // In turn, and the fastest of many: other programs take the processor now and then.
    let pairs: Vec<_> = (0..20).map(|_| (time(&all[..1]), time(&all))).collect();
    let one = pairs.iter().map(|(one, _)| *one).min().unwrap();
    let many = pairs.iter().map(|(_, many)| *many).min().unwrap();
    assert!(many < one * 12, "{many:?} for 64 annotations, {one:?} for one");
}

proptest! {
    /// HDR-C-016, HDR-S-020: what a client copies, a server finds equal, over the wire.
    #[test]
    fn a_copied_value_matches_itself(json in prop_oneof![
        any::<String>().prop_map(|text| RawJson::string(&text).to_string()),
        (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(|number| number.to_string()),
        (-999_999_i32..=999_999, 0_u8..8).prop_map(|(number, zeros)| format!("{number}e{zeros}")),
        any::<bool>().prop_map(|truth| truth.to_string()),
    ]) {
        let arguments = raw(&format!(r#"{{"a":{json}}}"#));
        let annotation = at(&["a"]);
        let sent = encode_value(&annotation.value(Some(&arguments)).unwrap().unwrap());
        let read = decode_value(&sent).unwrap();
        prop_assert!(annotation.read(Some(&arguments)).unwrap().unwrap().matches(&read));
    }

    /// Any JSON number is an integer where a big decimal says so.
    #[test]
    fn numbers_are_read_as_decimals_say(whole in 0_u32..10_000, fraction in "[0-9]{0,4}", exponent in -8_i32..8) {
        let point = if fraction.is_empty() { "" } else { "." };
        let json = format!("{whole}{point}{fraction}e{exponent}");
        // The value times 10^12, without rounding.
        let digits: u128 = format!("{whole}{fraction}").parse().unwrap();
        let scaled = digits * 10_u128.pow((12 + exponent - fraction.len() as i32) as u32);
        let whole = scaled.is_multiple_of(1_000_000_000_000).then(|| (scaled / 1_000_000_000_000).to_string());
        prop_assert_eq!(value(&json), Ok(whole));
    }
}
