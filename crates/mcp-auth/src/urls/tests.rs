//! Tables for URLs.

use super::*;

fn url(text: &str) -> WebUrl {
    WebUrl::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"))
}

#[test]
fn parts_of_a_url() {
    let it = url("HTTPS://Example.COM:8443/a/b?c=d?e");
    assert_eq!((it.origin(), it.path(), it.query()), ("HTTPS://Example.COM:8443", "/a/b", Some("c=d?e")));
    assert_eq!((it.host(), it.is_https(), it.is_loopback()), ("example.com", true, false));
    assert_eq!(it.shown(), "HTTPS://Example.COM:8443/a/b");
    let it = url("http://[::1]");
    assert_eq!((it.host(), it.path(), it.query(), it.is_loopback()), ("::1", "", None, true));
}

#[test]
fn what_is_not_a_usable_url() {
    for text in [
        "",
        "example.com",
        "/path",
        "ftp://example.com",
        "https://",
        "https:///path",
        "https://a@example.com/",
        "https://a:b@example.com/",
        "https://example.com/#f",
        "https://example.com:99999/",
        "https://exa mple.com/",
        "https://example.com/a b",
        "https://example.com\\@evil.example/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://[::g]/",
        "https://ex%61mple.com/",
        "javascript:alert(1)",
        "https://b\u{fc}cher.example/",
    ] {
        assert!(WebUrl::parse(text).is_err(), "{text}");
    }
}

#[test]
fn origins() {
    for (one, other, same) in [
        ("https://a.example", "https://A.example:443/x", true),
        ("http://a.example:80", "http://a.example/", true),
        ("https://a.example", "http://a.example", false),
        ("https://a.example", "https://b.example", false),
        ("https://a.example", "https://a.example:444", false),
        ("https://[0::1]", "https://[::1]", true),
    ] {
        assert_eq!(url(one).same_origin(&url(other)), same, "{one} {other}");
    }
}

// AU-C-04, AU-C-05.
#[cfg(feature = "client")]
#[test]
fn well_known_urls_of_resources() {
    const AT: &str = "https://a.example/.well-known/oauth-protected-resource";
    for (endpoint, expected) in [
        ("https://a.example", vec![AT.to_owned()]),
        ("https://a.example/", vec![AT.to_owned()]),
        ("https://a.example/mcp", vec![format!("{AT}/mcp"), AT.to_owned()]),
        ("https://a.example/mcp/", vec![format!("{AT}/mcp/"), AT.to_owned()]),
        ("https://a.example/t/1/mcp?tenant=x", vec![format!("{AT}/t/1/mcp?tenant=x"), AT.to_owned()]),
        ("https://a.example/?q", vec![format!("{AT}?q"), AT.to_owned()]),
    ] {
        assert_eq!(protected_resource(&url(endpoint)), expected, "{endpoint}");
    }
}

// AU-C-11.
#[test]
fn well_known_urls_of_issuers() {
    let (oauth, openid) = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration");
    for (issuer, expected) in [
        ("https://a.example", vec![oauth.to_owned(), openid.to_owned()]),
        ("https://a.example/", vec![oauth.to_owned(), openid.to_owned()]),
        ("https://a.example/t1", vec![format!("{oauth}/t1"), format!("{openid}/t1"), format!("/t1{openid}")]),
        (
            "https://a.example/r/x/",
            vec![format!("{oauth}/r/x"), format!("{openid}/r/x"), format!("/r/x{openid}")],
        ),
    ] {
        let expected: Vec<String> = expected.iter().map(|path| format!("https://a.example{path}")).collect();
        assert_eq!(authorization_server(&url(issuer)), expected, "{issuer}");
    }
}

// AU-C-07.
#[cfg(feature = "client")]
#[test]
fn which_resource_covers_an_endpoint() {
    for (resource, endpoint, covers) in [
        ("https://a.example/mcp", "https://a.example/mcp", true),
        ("https://a.example/mcp/", "https://a.example/mcp", true),
        ("https://a.example/mcp", "https://a.example/mcp/", true),
        ("https://a.example", "https://a.example/mcp", true),
        ("https://a.example/", "https://a.example/mcp", true),
        ("HTTPS://A.example:443/mcp", "https://a.example/mcp", true),
        ("https://a.example/mcp", "https://a.example/mcp/x", true),
        ("https://a.example/mcp?utm_source=x", "https://a.example/mcp", true),
        ("https://a.example/mcp", "https://a.example/mcp?x=1", true),
        ("https://a.example/m", "https://a.example/mcp", false),
        ("https://a.example/mcp/x", "https://a.example/mcp", false),
        ("https://a.example/MCP", "https://a.example/mcp", false),
        ("http://a.example/mcp", "https://a.example/mcp", false),
        ("https://a.example:444/mcp", "https://a.example/mcp", false),
        ("https://evil.example.com/mcp", "http://localhost:1/mcp", false),
        ("https://a.example/mcp#f", "https://a.example/mcp", false),
        ("https://u@a.example/mcp", "https://a.example/mcp", false),
        ("/mcp", "https://a.example/mcp", false),
        ("urn:x", "https://a.example/mcp", false),
        ("", "https://a.example/mcp", false),
    ] {
        let judged = resource_covers(resource, &url(endpoint));
        assert_eq!(judged.is_ok(), covers, "{resource} {endpoint} {judged:?}");
    }
}

// AU-C-70.
#[cfg(feature = "client")]
#[test]
fn which_urls_may_be_asked() {
    let (remote, local, plain) = ("https://a.example/mcp", "http://localhost:1/mcp", "http://a.example/mcp");
    for (text, endpoint, allowed) in [
        ("https://as.example/x", remote, true),
        ("https://as.example/x", local, true),
        ("https://as.example/x", plain, true),
        ("http://as.example/x", remote, false),
        ("http://as.example/x", local, false),
        ("http://as.example/x", plain, false),
        ("http://localhost:2/x", local, true),
        ("http://127.0.0.1:2/x", local, true),
        ("http://localhost:2/x", remote, false),
        ("http://localhost:2/x", plain, false),
        ("http://localhost:2/x", "https://localhost:1/mcp", false),
        ("https://metadata.google.internal/x", remote, false),
        ("https://METADATA.google.internal./x", remote, false),
    ] {
        let judged = may_ask(&url(text), &url(endpoint));
        assert_eq!(judged.is_ok(), allowed, "{text} from {endpoint}: {judged:?}");
    }
}

// AU-C-73.
#[cfg(feature = "client")]
#[test]
fn redirects_stay_at_their_origin() {
    let from = url("https://a.example/x/y");
    for (location, expected) in [
        ("/z", Some("https://a.example/z")),
        ("z?q", Some("https://a.example/x/z?q")),
        ("https://a.example:443/z", Some("https://a.example:443/z")),
        ("https://b.example/z", None),
        ("http://a.example/z", None),
        ("//b.example/z", None),
        ("https://a.example@b.example/", None),
        ("\\\\b.example", None),
    ] {
        assert_eq!(redirected(&from, location).ok().as_ref().map(WebUrl::as_str), expected, "{location}");
    }
}
