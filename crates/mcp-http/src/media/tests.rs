//! Tests of the media-type reader.

use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;

fn headers(name: HeaderName, values: &[&[u8]]) -> HeaderMap {
    values.iter().map(|value| (name.clone(), HeaderValue::from_bytes(value).unwrap())).collect()
}

/// T-23; FAULT B: cross-site "simple" POST (text/plain, form, missing, `application/json;charset`).
#[test]
fn json_is_one_exact_type_in_any_case_with_any_parameters() {
    for good in [
        "application/json",
        "Application/JSON",
        "application/json;charset=utf-8",
        "application/json ; charset=\"utf-8\"",
        "application/json;a=\"x, y; z=\\\"text/plain\\\"\"",
        "application/json;a=\"\\\", text/plain\"",
        "application/json;",
        " application/json\t",
        "application/json; q=0.1",
        // A quoted string without an end hides nothing: what stands before it decides, as in browsers.
        "application/json;a=\"x, text/plain\\",
    ] {
        assert!(is_json(&headers(CONTENT_TYPE, &[good.as_bytes()])), "{good}");
    }
    for bad in [
        "",
        "json",
        "text/plain",
        "text/plain;application/json",
        "text/plain; a=application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=application/json",
        "application/jsonp",
        "application/json-rpc",
        "application/vnd.mcp+json",
        "application/json, text/plain",
        "application/json;a=b, text/plain",
        "text/plain, application/json",
        "application/json/x",
        "application / json",
        "application/ json",
        "application",
        "application/",
        "/json",
        "*/*",
        "application/*",
        "application/json text/plain",
        "application/json\\;x",
    ] {
        assert!(!is_json(&headers(CONTENT_TYPE, &[bad.as_bytes()])), "{bad}");
    }
    assert!(!is_json(&HeaderMap::new()));
    assert!(!is_json(&headers(CONTENT_TYPE, &[b"application/json", b"application/json"])));
    assert!(!is_json(&headers(CONTENT_TYPE, &[b"application/json", b"text/plain"])));
    assert!(!is_json(&headers(CONTENT_TYPE, &[b"application/json\xff"])));
    assert!(is_json(&headers(CONTENT_TYPE, &[b"application/json;a=\"\xff\""])));
}

/// FAULT C-26: a 200 with another type is not a stream.
#[test]
fn a_stream_is_one_exact_type_too() {
    assert!(is_event_stream(&headers(CONTENT_TYPE, &[b"text/event-stream"])));
    assert!(is_event_stream(&headers(CONTENT_TYPE, &[b"text/Event-Stream; charset=utf-8"])));
    for bad in [&b"text/plain"[..], b"text/html", b"application/json", b"text/event-streams"] {
        assert!(!is_event_stream(&headers(CONTENT_TYPE, &[bad])));
    }
    assert!(!is_event_stream(&HeaderMap::new()));
}

/// T-23, HTTP-C-002, HTTP-C-003: json, event-stream.
#[test]
fn accept_is_read_by_the_most_specific_range() {
    for (accept, json, stream) in [
        (&[][..], true, true),
        (&[""], true, true),
        (&[" , ,"], true, true),
        (&["*/*"], true, true),
        (&["application/json, text/event-stream"], true, true),
        (&["application/json", "text/event-stream"], true, true),
        (&["text/event-stream"], false, true),
        (&["application/json"], true, false),
        (&["APPLICATION/JSON"], true, false),
        (&["application/*"], true, false),
        (&["text/*"], false, true),
        (&["text/html"], false, false),
        (&["text/html, */*;q=0.1"], true, true),
        (&["application/json;q=0, */*"], false, true),
        (&["*/*, application/json;q=0"], false, true),
        (&["*/*;q=0"], false, false),
        (&["*/*;q=0, text/event-stream"], false, true),
        (&["text/*;q=0, text/event-stream;q=0.001, application/json;Q=0.000"], false, true),
        (&["application/json;q=1.0;ext=1"], true, false),
        (&["application/json; charset=utf-8 ; q=0"], false, false),
        (&["application/json;a=\";q=0\""], true, false),
        (&["application/json;a=\"x,text/event-stream\""], true, false),
        (&["application/json;q=0, application/json"], true, false),
        (&["application/json;q=zero"], true, false),
        (&["application/json;q="], true, false),
        (&["application/json;q=."], true, false),
        (&["application/json;xq=0"], true, false),
        (&["rubbish"], false, false),
        (&["*"], false, false),
        (&["*/json"], false, false),
        (&["rubbish, application/json"], true, false),
        (&["application/jsonx, text/event-stream-2"], false, false),
    ] {
        let bytes: Vec<&[u8]> = accept.iter().map(|value| value.as_bytes()).collect();
        let headers = headers(ACCEPT, &bytes);
        assert_eq!(accepts(&headers, Kind::Json), json, "{accept:?}");
        assert_eq!(accepts(&headers, Kind::EventStream), stream, "{accept:?}");
    }
}

/// HDR-S-013.
#[test]
fn tokens_are_those_of_http() {
    for good in ["a", "X-Y", "!#$%&'*+-.^_`|~9"] {
        assert!(is_token(good.as_bytes()), "{good}");
    }
    for bad in [
        "", " ", "a b", "a:b", "é", "a\"", "(a)", "a/b", "a@b", "a,b", "a;b", "a=b", "a\r\nb", "[a]", "{a}",
        "\\",
    ] {
        assert!(!is_token(bad.as_bytes()), "{bad}");
    }
}

proptest! {
    /// PEERS: media types were read wrongly in three places of one peer. Any bytes are read without a panic,
    /// and white space and case around separators never matter.
    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(value) = HeaderValue::from_bytes(&bytes) {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, value.clone());
            headers.insert(ACCEPT, value);
            is_json(&headers);
            accepts(&headers, Kind::EventStream);
        }
    }

    #[test]
    fn space_and_case_do_not_matter(
        upper in any::<bool>(),
        space in "[ \t]{0,3}",
        weight in "(0\\.[0-9]{0,3}|1(\\.0{0,3})?)",
        parameter in "(;[a-p]{1,3}=(\"[^\"\\\\\u{80}-\u{10ffff}\r\n\0-\u{1f}\u{7f}]{0,6}\"|[a-z]{1,3}))?",
    ) {
        let name = if upper { "APPLICATION/JSON" } else { "application/json" };
        let value = format!("{space}{name}{space}{parameter}{space};{space}q={weight}{space},{space}x/y");
        let headers = headers(ACCEPT, &[value.as_bytes()]);
        let zero = weight.bytes().all(|byte| matches!(byte, b'0' | b'.'));
        prop_assert_eq!(accepts(&headers, Kind::Json), !zero, "{}", value);
        prop_assert!(!accepts(&headers, Kind::EventStream));
    }
}

/// T-23: what is known by heart means what it says; a parameter makes another text of it, which is read.
#[test]
fn what_is_usual_is_known_as_it_would_be_read() {
    for (text, kinds) in USUAL {
        let (known, read) = (headers(ACCEPT, &[text.as_bytes()]), format!("{text};a=b"));
        let read = headers(ACCEPT, &[read.as_bytes()]);
        for kind in [Kind::Json, Kind::EventStream] {
            assert_eq!(accepts(&known, kind), kinds.contains(&kind), "{text}");
            assert_eq!(accepts(&read, kind), kinds.contains(&kind), "{text}");
        }
    }
}
