//! How texts become URLs.

mod against_url;
mod resolve;

use super::*;

/// FAULT A-B31, A-B3.
#[test]
fn a_missing_scheme_is_http_for_this_machine_and_https_elsewhere() {
    for (text, url) in [
        ("localhost:8080/mcp", "http://localhost:8080/mcp"),
        ("127.0.0.1/mcp/", "http://127.0.0.1/mcp/"),
        ("127.8.9.1:1", "http://127.8.9.1:1/"),
        ("[::1]:3000/api/mcp", "http://[::1]:3000/api/mcp"),
        ("dev.localhost/x", "http://dev.localhost/x"),
        ("example.com", "https://example.com/"),
        ("example.com:8080/mcp?key=1", "https://example.com:8080/mcp?key=1"),
        ("example.com/mcp?next=http://localhost/", "https://example.com/mcp?next=http://localhost/"),
        ("localhost.evil.example/mcp", "https://localhost.evil.example/mcp"),
        ("192.168.0.7/mcp", "https://192.168.0.7/mcp"),
        ("example.com:80", "https://example.com:80/"),
        ("http:8080/mcp", "https://http:8080/mcp"),
        ("http://example.com/a/mcp/mcp", "http://example.com/a/mcp/mcp"),
        ("HTTPS://Example.com/Mcp", "https://example.com/Mcp"),
        ("  https://example.com/mcp\n", "https://example.com/mcp"),
    ] {
        assert_eq!(parse(text).unwrap().to_string(), url, "{text}");
    }
}

/// One host has one form for every later reader.
#[test]
fn what_is_read_is_written_in_one_form() {
    for (text, url) in [
        ("http://h:80/", "http://h/"),
        ("https://h:443", "https://h/"),
        ("http://h:443/", "http://h:443/"),
        ("http://h:/x", "http://h/x"),
        ("http://h:0080/x", "http://h/x"),
        ("https://h?x=1", "https://h/?x=1"),
        ("https://h#part", "https://h/"),
        ("https://h/x?y#part", "https://h/x?y"),
        ("https://h/a/./b/../c", "https://h/a/c"),
        ("https://h/%7Ea%2Fb", "https://h/%7Ea%2Fb"),
        ("https://h/café?q=é", "https://h/caf%C3%A9?q=%C3%A9"),
        ("https://h/{a}?f[x]=1", "https://h/%7Ba%7D?f%5Bx%5D=1"),
        ("https://h/@scope/x:y", "https://h/@scope/x:y"),
        ("http://[0:0:0:0:0:0:0:1]:80/", "http://[::1]/"),
        ("http://xn--bcher-kva.example/", "http://xn--bcher-kva.example/"),
    ] {
        assert_eq!(parse(text).unwrap().to_string(), url, "{text}");
    }
}

/// FAULT A-B31: what cannot be used is refused before any I/O.
#[test]
fn what_is_no_http_url_is_refused() {
    for text in
        ["", "ws://example.com/", "file:///etc/passwd", "http://", "https://a b/", "host:notaport/x", "/mcp"]
    {
        assert!(matches!(parse(text), Err(HttpError::Url { .. })), "{text}");
    }
}

/// Texts that programs read differently: as another host, another port, or with a user. Each is refused, with words for
/// what is wrong.
#[test]
fn what_others_would_mend_or_guess_is_refused() {
    for (text, why) in [
        ("http:///x", "no host"),
        ("http:////evil.example/x", "no host"),
        ("//evil.example/x", "no host"),
        ("http:/x", "`//`"),
        ("http:x", "the port"),
        ("https:", "`//`"),
        ("example.com:/x", "`//`"),
        ("http:\\\\evil.example\\x", "backslash"),
        ("http://good.example\\@evil.example/", "backslash"),
        ("http://good.example/\\..\\x", "backslash"),
        ("http://good.exa\tmple/", "control"),
        ("http://good.example/a\nb", "control"),
        ("http://good.example/\u{0}", "control"),
        ("http://good.example/a b", "space"),
        ("http://good.example/\u{2028}x", "space"),
        ("http://good@evil.example/", "user info"),
        ("http://good.example:80@evil.example/", "user info"),
        ("http://@evil.example/", "user info"),
        ("good@evil.example/", "user info"),
        ("http://ex%61mple.com/", "not valid in a host"),
        ("http://127.0.0.1%2f.evil.example/", "not valid in a host"),
        ("http://a,b/", "not valid in a host"),
        ("http://bücher.example/", "punycode"),
        ("http://127。0。0。1/", "punycode"),
        ("http://ｌocalhost/", "punycode"),
        ("http://0x7f.1/", "IPv4"),
        ("http://127.1/", "IPv4"),
        ("http://2130706433/", "IPv4"),
        ("http://0177.0.0.1/", "IPv4"),
        ("http://127.0.0.1./", "IPv4"),
        ("http://0x7f000001/", "IPv4"),
        ("http://256.0.0.1/", "IPv4"),
        ("http://[fe80::1%25eth0]/", "IPv6"),
        ("http://[fe80::1%eth0]/", "IPv6"),
        ("http://[::1/", "IPv6"),
        ("http://[::1]x/", "IPv6"),
        ("http://[v1.x]/", "IPv6"),
        ("http://::1/", "not valid in a host"),
        ("http://h:65536/", "65535"),
        ("http://h:-1/", "port"),
        ("http://h:+1/", "port"),
        ("http://h:1:2/", "not valid in a host"),
        ("http://h/100%", "not written as a URL"),
        ("http://h/#a#b", "not written as a URL"),
    ] {
        let Err(HttpError::Url { why: said, .. }) = parse(text) else { panic!("{text} is accepted") };
        assert!(said.contains(why), "{text}: {said}");
    }
    assert!(parse(&format!("http://h/{}", "x".repeat(70_000))).is_err());
}

/// FAULT A-B31: the error shows no secret, however the text is broken.
#[test]
fn a_refusal_shows_no_secret() {
    for text in [
        "ws://user:hunter2@example.com/mcp?key=hunter2",
        "https://user:hunter2@example.com/mcp?key=hunter2",
        "user:hunter2@ex ample/mcp?key=hunter2#hunter2",
        "https://user:hunter2/x@example.com/",
        "https://user:x?hunter2@example.com/",
        "https://user:x#hunter2@example.com/",
        "https://user:hunter2\\x@example.com/",
        "http://h:x/?key=hunter2",
    ] {
        let error = parse(text).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}

/// RFC 6761, and the addresses; what only looks like this machine is another one.
#[test]
fn loopback_is_this_machine_only() {
    let is_local = |text: &str| is_loopback(&parse(&format!("http://{text}/")).unwrap());
    for host in
        ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.9.9.9", "[::1]", "[::ffff:127.0.0.1]"]
    {
        assert!(is_local(host), "{host}");
    }
    for host in [
        "localhost.evil.test",
        "127.0.0.1.evil.test",
        "128.0.0.1",
        "0.0.0.0",
        "[::]",
        "0x7f.h",
        "h",
        "localhost..",
    ] {
        assert!(!is_local(host), "{host}");
    }
}

#[test]
fn a_shown_url_has_no_user_info_and_no_query() {
    let url = "https://user:pass@example.com:1/a?key=1#f".parse::<Uri>().unwrap();
    assert_eq!(shown(&url), "https://example.com:1/a");
    assert_eq!(shown(&parse(&format!("http://h/{}", "x".repeat(900))).unwrap()).len(), LONGEST_SHOWN);
}
