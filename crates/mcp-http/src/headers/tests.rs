//! Tests of the value codec: the specification's vectors, and properties for every text.

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use mcp_core::message::Field;
use proptest::prelude::*;

use super::*;

/// HDR-C-008, HDR-C-009, T-30: the specification's table, and the cases beside it.
#[test]
fn values_are_written_as_the_specification_says() {
    for (text, wire) in [
        ("us-west1", "us-west1"),
        ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
        (" padded ", "=?base64?IHBhZGRlZCA=?="),
        ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
        ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
        ("", ""),
        ("inner  spaces", "inner  spaces"),
        (" ", "=?base64?IA==?="),
        ("x ", "=?base64?eCA=?="),
        ("\tx", "=?base64?CXg=?="),
        ("a\tb", "=?base64?YQli?="),
        ("a\0b", "=?base64?YQBi?="),
        ("\u{7f}", "=?base64?fw==?="),
        ("=?BASE64?eA==?=", "=?BASE64?eA==?="),
        ("=?base64?eA==", "=?base64?eA=="),
        ("eA==?=", "eA==?="),
        ("my-hyphenated-tool", "my-hyphenated-tool"),
        ("file:///a%20b?c=d#e", "file:///a%20b?c=d#e"),
    ] {
        let value = encode_value(text);
        assert_eq!(value.as_bytes(), wire.as_bytes(), "{text:?}");
        assert_eq!(decode_value(&value).as_deref(), Ok(text));
    }
}

/// HDR-S-007, HDR-S-010, HDR-B-006, T-30: what other writers send.
#[test]
fn values_are_read_leniently_where_nothing_is_lost() {
    for (wire, text) in [
        ("  x  ", "x"),
        ("\tx\t ", "x"),
        ("=?base64?SGVsbG8=?=", "Hello"),
        (" =?base64?SGVsbG8=?= ", "Hello"),
        ("=?base64??=", ""),
        ("=?base64?IHBhZGRlZCA=?=", " padded "),
        ("a\tb", "a\tb"),
        // Not both exact marks: literal.
        ("=?BASE64?SGVsbG8=?=", "=?BASE64?SGVsbG8=?="),
        ("=?Base64?SGVsbG8=?=", "=?Base64?SGVsbG8=?="),
        ("=?base64?SGVsbG8=", "=?base64?SGVsbG8="),
        ("SGVsbG8=?=", "SGVsbG8=?="),
        ("x=?base64?SGVsbG8=?=", "x=?base64?SGVsbG8=?="),
        ("=?base64?SGVsbG8=?=x", "=?base64?SGVsbG8=?=x"),
        ("=?base64?=", "=?base64?="),
        ("=?utf-8?b?SGVsbG8=?=", "=?utf-8?b?SGVsbG8=?="),
    ] {
        let value = HeaderValue::from_str(wire).unwrap();
        assert_eq!(decode_value(&value).as_deref(), Ok(text), "{wire:?}");
    }
}

/// HDR-S-011, T-30: strict alphabet, strict padding, no stray bits, UTF-8 inside. FAULT B, header injection:
/// raw UTF-8, which `HeaderValue` takes.
#[test]
fn values_that_say_nothing_certain_are_refused() {
    for wire in [
        &b"=?base64?SGVsbG8?="[..],
        b"=?base64?SGVsbG8==?=",
        b"=?base64?SGVsbG9=?=",
        b"=?base64?SGVs bG8=?=",
        b"=?base64?SGVs\tbG8=?=",
        b"=?base64? SGVsbG8=?=",
        b"=?base64?SGVsbG8=!?=",
        b"=?base64?_-==?=",
        b"=?base64?%%%?=",
        b"=?base64?=?=",
        b"=?base64?/w==?=",
        "世界".as_bytes(),
        b"caf\xe9",
        b"x\xc2\xa0",
        "=?base64?é?=".as_bytes(),
    ] {
        let value = HeaderValue::from_bytes(wire).unwrap();
        assert!(decode_value(&value).is_err(), "{value:?}");
    }
}

/// HDR-C-004, T-28.
#[test]
fn three_methods_have_a_name() {
    assert_eq!(named_by("tools/call"), Some(Field::Name));
    assert_eq!(named_by("prompts/get"), Some(Field::Name));
    assert_eq!(named_by("resources/read"), Some(Field::Uri));
    for method in ["tools/list", "TOOLS/CALL", "completion/complete", "server/discover", ""] {
        assert_eq!(named_by(method), None);
    }
}

proptest! {
    /// FAULT B, header injection: any text round-trips, and its wire form is one safe value. Also as a header
    /// is sent and read: what HTTP/1.1 parsers trim around a value changes nothing.
    #[test]
    fn any_text_round_trips_and_its_wire_form_is_safe(text in any::<String>()) {
        let value = encode_value(&text);
        let wire = value.as_bytes();
        prop_assert!(wire.iter().all(|byte| matches!(byte, 0x20..=0x7e)));
        prop_assert!(wire.first() != Some(&b' ') && wire.last() != Some(&b' '));
        prop_assert_eq!(decode_value(&value), Ok(Cow::Borrowed(&text[..])));
        let padded = HeaderValue::from_bytes(&[b" \t", wire, b"\t "].concat()).unwrap();
        prop_assert_eq!(decode_value(&padded), Ok(Cow::Borrowed(&text[..])));
    }

    /// The same for texts that are nearly safe.
    #[test]
    fn any_text_of_marks_and_spaces_round_trips(
        text in r"[ \t]{0,2}(=\?base64\?)?[a-zA-Z0-9+/= ]{0,9}(\?=)?[ \t]{0,2}",
    ) {
        let value = encode_value(&text);
        prop_assert_eq!(decode_value(&value), Ok(Cow::Borrowed(&text[..])));
    }

    /// HDR-S-011: any bytes that `HeaderValue` takes are read or refused, and what is read is what an encoder
    /// would write.
    #[test]
    fn any_header_value_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..24)) {
        if let Ok(value) = HeaderValue::from_bytes(&bytes)
            && let Ok(text) = decode_value(&value)
        {
            let again = encode_value(&text);
            prop_assert_eq!(decode_value(&again), Ok(text));
        }
    }
}

/// HDR-B-006: names are one, whatever their case.
#[test]
fn names_are_case_insensitive() {
    let mut headers = HeaderMap::new();
    headers.insert(HeaderName::from_bytes(b"MCP-METHOD").unwrap(), HeaderValue::from_static("x"));
    assert!(headers.contains_key(METHOD));
    assert!(HeaderName::from_bytes(b"Mcp-Param-Region").unwrap().as_str().starts_with(PARAM_PREFIX));
}
