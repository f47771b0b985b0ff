//! Tables for metadata documents.

use super::*;

// AU-C-12.
#[test]
fn issuers_are_compared_as_text() {
    for (one, other, same) in [
        ("https://as.example", "https://as.example", true),
        ("https://as.example", "https://as.example/", true),
        ("https://as.example/", "https://as.example", true),
        ("https://as.example/t", "https://as.example/t", true),
        ("https://as.example/t", "https://as.example/t/", false),
        ("https://as.example", "https://AS.example", false),
        ("https://as.example", "https://as.example:443", false),
        ("https://as.example", "https://as.example//", false),
        ("https://as.example", "http://as.example", false),
        ("https://as.example", "https://attacker.example.com", false),
        ("https://as.example/%74", "https://as.example/t", false),
    ] {
        assert_eq!(same_issuer(one, other), same, "{one} {other}");
    }
}

// AU-C-06.
#[cfg(feature = "client")]
#[test]
fn what_is_metadata_of_a_resource() {
    for (text, is) in [
        (r#"{"resource":"https://a.example"}"#, true),
        (r#"{"authorization_servers":[]}"#, true),
        (r#"{"resource":"https://a.example","x":{},"scopes_supported":null}"#, true),
        ("{}", false),
        (r#"{"resource":7}"#, false),
        ("[]", false),
        ("<html>", false),
        ("", false),
    ] {
        assert_eq!(ResourceMetadata::parse(text.as_bytes()).is_some(), is, "{text}");
    }
}

#[test]
fn metadata_of_a_server() {
    let read = ServerMetadata::parse(br#"{"issuer":"https://a.example","token_endpoint":null,"new":[1]}"#);
    assert_eq!(read.unwrap().issuer, "https://a.example");
    for text in ["{}", "[]", r#"{"issuer":1}"#, r#"{"issuer":"a","token_endpoint":{}}"#] {
        assert!(ServerMetadata::parse(text.as_bytes()).is_err(), "{text}");
    }
}
