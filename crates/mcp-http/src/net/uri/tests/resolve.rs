//! References against the URL where they were named.

use super::*;

/// RFC 3986, 5.4.1 and 5.4.2.
#[test]
fn references_resolve_as_the_rfc_says() {
    let base = "http://a/b/c/d;p?q".parse::<Uri>().unwrap();
    for (reference, wanted) in [
        ("g:h", "g:h"),
        ("g", "http://a/b/c/g"),
        ("./g", "http://a/b/c/g"),
        ("g/", "http://a/b/c/g/"),
        ("/g", "http://a/g"),
        ("//g", "http://g"),
        ("?y", "http://a/b/c/d;p?y"),
        ("g?y", "http://a/b/c/g?y"),
        ("#s", "http://a/b/c/d;p?q#s"),
        ("g#s", "http://a/b/c/g#s"),
        ("g?y#s", "http://a/b/c/g?y#s"),
        (";x", "http://a/b/c/;x"),
        ("g;x", "http://a/b/c/g;x"),
        ("", "http://a/b/c/d;p?q"),
        (".", "http://a/b/c/"),
        ("./", "http://a/b/c/"),
        ("..", "http://a/b/"),
        ("../g", "http://a/b/g"),
        ("../..", "http://a/"),
        ("../../g", "http://a/g"),
        ("../../../g", "http://a/g"),
        ("/./g", "http://a/g"),
        ("/../g", "http://a/g"),
        ("g.", "http://a/b/c/g."),
        ("..g", "http://a/b/c/..g"),
        ("./../g", "http://a/b/g"),
        ("g/./h", "http://a/b/c/g/h"),
        ("g/../h", "http://a/b/c/h"),
        ("g;x=1/../y", "http://a/b/c/y"),
        ("g?y/../x", "http://a/b/c/g?y/../x"),
        ("http:g", "http:g"),
    ] {
        assert_eq!(resolved(&base, reference).as_deref(), Some(wanted), "{reference}");
    }
}

/// T-32, FAULT A-B20: no reference leaves the origin, by whatever trick.
#[test]
fn no_reference_leaves_the_origin() {
    let base = parse("https://good.example:8443/mcp/sse?x=1").unwrap();
    for (reference, to) in [
        ("//evil.example/x", "https://evil.example/x"),
        ("https://evil.example:8443/x", "https://evil.example:8443/x"),
        ("https://good.example/x", "https://good.example/x"),
        ("http://good.example:8443/x", "http://good.example:8443/x"),
        ("https://good.example.:8443/x", "https://good.example.:8443/x"),
        ("https://good.example:8443@evil.example/x", "https://evil.example/x"),
        ("https://user:secret@good.example:8443/x?secret", "https://good.example:8443/x"),
        ("//@good.example:8443/x", "https://good.example:8443/x"),
        ("https:///good.example:8443/x", "https:///good.example:8443/x"),
        ("///evil.example/x", "https:///evil.example/x"),
        ("https:x", "https:"),
        ("javascript:alert(1)", "javascript:"),
        ("data:secret", "data:"),
        ("/\\evil.example/x", "nowhere"),
        ("\\\\evil.example/x", "nowhere"),
        ("/\t/evil.example/x", "nowhere"),
        ("/a b", "nowhere"),
        ("//g%6fod.example:8443/x", "https://g%6fod.example:8443/x"),
        ("//goodé.example:8443/x", "nowhere"),
        ("http://[", "nowhere"),
    ] {
        assert_eq!(within(&base, reference), Err(Elsewhere(to.to_owned())), "{reference}");
    }
    for (reference, to) in [
        ("/x?y", "https://good.example:8443/x?y"),
        ("/..//evil.example/x", "https://good.example:8443//evil.example/x"),
        ("HTTPS://GOOD.example:08443/é#part", "https://good.example:8443/%C3%A9"),
    ] {
        assert_eq!(within(&base, reference).unwrap().to_string(), to, "{reference}");
    }
}

/// Scheme, host and port, the scheme's own port included.
#[test]
fn origins_are_compared_by_scheme_host_and_port() {
    let uri = |text: &str| text.parse::<Uri>().unwrap();
    for (one, other, same) in [
        ("http://H/", "http://h:80/x", true),
        ("https://h:443/", "https://h/", true),
        ("http://[::1]/", "http://[0:0::1]:80/", true),
        ("http://h/", "https://h/", false),
        ("http://h:443/", "https://h/", false),
        ("http://h/", "http://h./", false),
        ("http://u@h/", "http://h/", false),
        ("http://h/", "http://u@h/", false),
        ("h", "h", false),
        ("/x", "/x", false),
        ("ftp://h/", "ftp://h/", false),
    ] {
        assert_eq!(same_origin(&uri(one), &uri(other)), same, "{one} {other}");
    }
}
