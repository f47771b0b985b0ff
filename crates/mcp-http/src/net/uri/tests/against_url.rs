//! The crate `url`, which reads as browsers do, as a second opinion: where both accept, they mean the same.

use ::url::Url;
use proptest::prelude::*;

use super::*;

/// The host as something to compare: addresses are written in several ways.
fn host_of(url: &Url) -> Host {
    match url.host().unwrap() {
        ::url::Host::Domain(name) => Host::Name(name.to_owned()),
        ::url::Host::Ipv4(address) => Host::Address(address.into()),
        ::url::Host::Ipv6(address) => Host::Address(address.into()),
    }
}

/// What we accept, `url` accepts too, and sends to the same host, port, path and query.
fn agree(ours: &Uri, theirs: &Url) {
    let origin = Origin::of(ours).unwrap();
    assert_eq!(origin.https, theirs.scheme() == "https", "{ours} {theirs}");
    assert_eq!(origin.host, host_of(theirs), "{ours} {theirs}");
    assert_eq!(Some(origin.port), theirs.port_or_known_default(), "{ours} {theirs}");
    assert!(theirs.username().is_empty() && theirs.password().is_none(), "{ours} {theirs}");
    // `url` leaves some of what we encode as it is, and the other way round.
    let plain = |text: &str| {
        let mut text = text.to_ascii_uppercase();
        for (from, to) in [
            ("[", "%5B"),
            ("]", "%5D"),
            ("^", "%5E"),
            ("`", "%60"),
            ("{", "%7B"),
            ("|", "%7C"),
            ("}", "%7D"),
            ("'", "%27"),
        ] {
            text = text.replace(from, to);
        }
        text
    };
    assert_eq!(plain(ours.path()), plain(theirs.path()), "{ours} {theirs}");
    assert_eq!(plain(ours.query().unwrap_or("")), plain(theirs.query().unwrap_or("")), "{ours} {theirs}");
}

/// Where `url` leaves RFC 3986, the path is ours alone; the origin is not. It takes `%2e` for a dot, and never climbs
/// above `/c:/`, which could be a drive.
fn reads_the_path_otherwise(text: &str) -> bool {
    let is_drive = |segment: &str| {
        let bytes = segment.as_bytes();
        bytes.len() == 2 && bytes[0].is_ascii_alphabetic() && matches!(bytes[1], b':' | b'|')
    };
    text.to_ascii_lowercase().contains("%2e") || (text.contains("..") && text.split('/').any(is_drive))
}

/// Pieces that meet in real and in hostile URLs.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "http",
        "https",
        "ws",
        "file",
        ":",
        "://",
        "/",
        "//",
        "///",
        "\\",
        "@",
        "?",
        "#",
        "%",
        "%2e",
        "%2F",
        "%40",
        "%00",
        ".",
        "..",
        "...",
        "a",
        "b.example",
        "LocalHost",
        "localhost",
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "2130706433",
        "[::1]",
        "[fe80::1%25a]",
        "[",
        "]",
        "user",
        "0",
        "80",
        "443",
        "8080",
        "99999",
        " ",
        "\t",
        "\n",
        "é",
        "。",
        "xn--bcher-kva",
        "-",
        "_",
        "~",
        "!",
        "$",
        "&",
        "'",
        "(",
        "*",
        "+",
        ",",
        ";",
        "=",
        "{",
        "}",
        "|",
        "^",
        "`",
        "<",
        ">",
        "\"",
        "\u{7f}",
        "\u{feff}",
    ]);
    prop::collection::vec(piece, 0..9).prop_map(|pieces| pieces.concat())
}

fn texts() -> impl Strategy<Value = String> {
    let head =
        prop::sample::select(vec!["", "http://", "https://", "HTTP://", "http://a", "https://a.b:8443"]);
    (head, prop_oneof![pieces(), "\\PC{0,24}", "[a-z0-9.:/@%?#\\[\\]\\\\-]{0,24}"])
        .prop_map(|(head, rest)| format!("{head}{rest}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    /// Never a panic, and never another place than a browser would go to.
    #[test]
    fn a_text_means_the_same_to_both(text in texts()) {
        if let Ok(ours) = parse(&text) {
            let text = text.trim();
            let has_scheme = scheme_end(text).is_some_and(|end| text[end..].starts_with("//"));
            let scheme = ours.scheme_str().unwrap_or_default();
            let whole = if has_scheme { text.to_owned() } else { format!("{scheme}://{text}") };
            match Url::parse(&whole) {
                // Once more in our own form: it changes no more.
                Ok(theirs) if !reads_the_path_otherwise(text) => agree(&ours, &theirs),
                Ok(theirs) => prop_assert_eq!(Origin::of(&ours).unwrap().host, host_of(&theirs)),
                // `url` looks into the punycode, a resolver does not.
                Err(_) => prop_assert!(text.contains("xn--"), "{} is accepted by us only", text),
            }
            prop_assert_eq!(parse(&ours.to_string()).unwrap(), ours);
        }
    }

    /// The same for references: what stays within the origin, stays there for a browser too.
    #[test]
    fn a_reference_stays_within_the_origin_for_both(reference in prop_oneof![texts(), pieces()]) {
        let base = "https://a.b:8443/c/d?e";
        if let Ok(ours) = within(&parse(base).unwrap(), &reference) {
            let base = Url::parse(base).unwrap();
            let theirs = base.join(&reference).unwrap();
            prop_assert_eq!(theirs.origin(), base.origin());
            if !reads_the_path_otherwise(&reference) {
                agree(&ours, &theirs);
            }
        }
    }
}
