//! Tests of the bearer token.

use hyper::header::HeaderValue;

use super::*;

fn check(values: &[&[u8]]) -> bool {
    let value = |bytes: &&[u8]| (AUTHORIZATION, HeaderValue::from_bytes(bytes).unwrap());
    matches(&Secret::from("s3cret="), &values.iter().map(value).collect())
}

/// SEC-S-004, SEC-S-010; FAULT B: timing.
#[test]
fn exactly_one_header_with_the_exact_token_passes() {
    for good in ["Bearer s3cret=", "bearer s3cret=", "BEARER   s3cret=", " Bearer s3cret= "] {
        assert!(check(&[good.as_bytes()]), "{good}");
    }
    for bad in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer s3cret",
        "Bearer s3cret==",
        "Bearer S3cret=",
        "Bearer s3cret= x",
        "Bearer x s3cret=",
        "Bearer\ts3cret=",
        "Bearers3cret=",
        "Basic s3cret=",
        "s3cret=",
        "Bearer Bearer s3cret=",
        "Bearer s3cret=, Bearer s3cret=",
    ] {
        assert!(!check(&[bad.as_bytes()]), "{bad}");
    }
    assert!(!check(&[]));
    assert!(!check(&[b"Bearer s3cret=", b"Bearer s3cret="]));
    assert!(!check(&[b"Bearer s3cret=", b"Bearer other"]));
    assert!(!check(&[b"Bearer s3cret=\xff"]));
}

/// An empty setting admits no request.
#[test]
fn an_empty_secret_matches_nothing() {
    for value in ["Bearer ", "Bearer", ""] {
        let headers = [(AUTHORIZATION, HeaderValue::from_static(value))].into_iter().collect();
        assert!(!matches(&Secret::from(""), &headers));
    }
}
