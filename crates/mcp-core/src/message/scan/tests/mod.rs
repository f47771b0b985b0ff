//! The scanner and the reader against serde_json.

mod reader;

use super::*;
use proptest::prelude::*;

fn scan(text: &[u8]) -> Scan<()> {
    check_utf8(text)?;
    let mut scanner = Scanner::new(text, DEFAULT_MAX_DEPTH);
    scanner.value()?;
    scanner.end()
}

proptest! {
    /// The scanner takes exactly what serde_json takes as raw text, which lone surrogates and huge numbers
    /// are part of.
    #[test]
    fn agrees_with_serde_json(text in r#"[\[\]{}",:0-9eE.+\-a-z\\ u"tfn]{0,24}|"([a-z\\"]|\\u[dD][89a-cA-C0-9]?[0-9a-f]{1,2}|\\n){0,6}""#) {
        let theirs = serde_json::from_str::<&serde_json::value::RawValue>(&text);
        prop_assert_eq!(theirs.is_ok(), scan(text.as_bytes()).is_ok(), "{}", text);
    }

    #[test]
    fn takes_every_string(text in ".{0,40}") {
        let json = serde_json::to_string(&text).unwrap();
        prop_assert_eq!(scan(json.as_bytes()), Ok(()));
    }
}

/// FAULT C-8: invalid UTF-8 and malformed escapes are refused. A lone surrogate escape is legal JSON.
#[test]
fn surrogates_and_utf8() {
    for good in [r#""\ud83d\ude00""#, r#""\ud83d""#, r#""\ude00""#, r#""\ud83dx""#, r#""\ud83d\u0041""#] {
        assert_eq!(scan(good.as_bytes()), Ok(()), "{good}");
    }
    for bad in [
        &b"\"\xff\""[..],
        br#""\u12g4""#,
        br#""\ud83d\u""#,
        br#""\u+123""#,
        br#""\u123"#,
        br#""\x""#,
        br#""\"#,
    ] {
        assert!(scan(bad).is_err(), "{bad:?}");
    }
}

/// A value of checked text is stepped over as it is scanned, whatever follows it.
#[test]
fn skipping_ends_where_scanning_ends() {
    for value in [r#""a\\""#, r#""\"]""#, "1e5", "null", r#"[{"a":"]"},[[]]]"#, r#"{"}":"\\\"}"}"#] {
        for behind in ["", ",1]", " ", "}", r#","\"""#] {
            let text = format!(" {value}{behind}");
            let span = Scanner::new(text.as_bytes(), DEFAULT_MAX_DEPTH).skip_checked();
            assert_eq!(span, Ok(1..value.len() + 1), "{text}");
        }
    }
}

#[test]
fn a_million_brackets_are_refused_by_depth() {
    let deep = "[".repeat(1_000_000);
    assert_eq!(scan(deep.as_bytes()), Err(ScanError::TooDeep { limit: DEFAULT_MAX_DEPTH }));
    let fits = format!("{}{}", "[".repeat(128), "]".repeat(128));
    assert_eq!(scan(fits.as_bytes()), Ok(()));
}

#[test]
fn control_characters_in_strings_are_refused() {
    for padding in 0..20 {
        let text = format!("\"{}\n{}\"", "x".repeat(padding), "é".repeat(padding));
        assert!(scan(text.as_bytes()).is_err());
        assert!(scan(text.replace('\n', "é").as_bytes()).is_ok());
    }
}
