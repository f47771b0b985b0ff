//! Tests of the guard against DNS rebinding.

use proptest::prelude::*;

use super::*;

fn policy(loopback: bool, hosts: &[&str], origins: &[&str]) -> HostPolicy {
    let owned = |list: &[&str]| list.iter().map(|entry| (*entry).to_owned()).collect::<Vec<_>>();
    let origins: Vec<_> = origins.iter().map(|rule| (*rule).into()).collect();
    HostPolicy::new(loopback, &owned(hosts), OriginList::new(&origins, false).unwrap()).unwrap()
}

fn hosts(values: &[&str]) -> HeaderMap {
    values.iter().map(|value| (HOST, HeaderValue::from_bytes(value.as_bytes()).unwrap())).collect()
}

fn origins(values: &[&str]) -> HeaderMap {
    values.iter().map(|value| (ORIGIN, HeaderValue::from_bytes(value.as_bytes()).unwrap())).collect()
}

/// Names that only look like loopback ones.
const LOOKALIKES: &[&str] = &[
    "localhost.evil",
    "localhost.evil:3000",
    "127.0.0.1.evil",
    "127.0.0.1.nip.io",
    "localhost.",
    "127.0.0.1.",
    "evil.localhost",
    "xlocalhost",
    "localhost@evil",
    "user@localhost",
    "user:pw@127.0.0.1",
    "localhost:80@evil",
    "evil:80:localhost",
    "localhost:80:80",
    "localhost:x",
    "localhost:-1",
    "localhost:99999",
    "localhost/evil",
    "localhost evil",
    "localhost,evil",
    "http://localhost",
    "127.1",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "2130706433",
    "128.0.0.1",
    "0.0.0.0",
    "::1",
    "[::1",
    "[::1]x",
    "[::]",
    "[::2]",
    "[::ffff:10.0.0.1]",
    "[::1%lo]",
    "[localhost]",
    "",
    ":80",
    "evil.example",
    "192.168.0.1:80",
    "löcalhost",
];

/// SEC-S-001, SEC-S-003, T-36; FAULT B: DNS rebinding.
#[test]
fn a_loopback_bind_takes_loopback_hosts_with_any_port() {
    let policy = policy(true, &[], &[]);
    for good in [
        "localhost",
        "LocalHost",
        "localhost:3000",
        "localhost:",
        "127.0.0.1",
        "127.0.0.1:80",
        "127.8.9.10:1",
        "[::1]",
        "[::1]:65535",
        "[0:0:0:0:0:0:0:1]:80",
    ] {
        assert_eq!(policy.check_host(None, &hosts(&[good])), Ok(()), "{good}");
        assert_eq!(policy.check_host(Some(good), &hosts(&[])), Ok(()), "{good}");
        let site = format!("http://{good}");
        let origin = policy.check_origin(&origins(&[&site])).expect(&site).unwrap();
        assert_eq!(origin.header(), site.as_str());
        assert!(policy.check_origin(&origins(&[&format!("https://{good}")])).is_ok());
    }
    for bad in LOOKALIKES {
        assert!(policy.check_host(None, &hosts(&[bad])).is_err(), "{bad}");
        assert!(policy.check_host(Some(bad), &hosts(&[])).is_err(), "{bad}");
        assert!(policy.check_origin(&origins(&[&format!("http://{bad}")])).is_err(), "{bad}");
    }
}

/// SEC-S-001, T-36, FAULT F-S5: another bind takes what its lists name, loopback hosts, and no loopback origins.
#[test]
fn another_bind_takes_what_is_listed_and_loopback_hosts() {
    let listed =
        policy(false, &["mcp.example", "api.example:8443", "::1", "[::2]:80"], &["https://app.example"]);
    for good in [
        "mcp.example",
        "MCP.example:9",
        "mcp.example:443",
        "api.example:8443",
        "[::1]",
        "[::1]:9",
        "[::2]:80",
        "localhost",
        "127.0.0.1:8080",
    ] {
        assert_eq!(listed.check_host(None, &hosts(&[good])), Ok(()), "{good}");
    }
    for bad in ["api.example", "api.example:443", "mcp.example.", "x.mcp.example", "[::2]"] {
        assert!(listed.check_host(None, &hosts(&[bad])).is_err(), "{bad}");
    }
    let empty = policy(false, &[], &[]);
    assert!(empty.check_host(None, &hosts(&["mcp.example"])).is_err());
    assert!(empty.check_origin(&origins(&["http://localhost"])).is_err());
}

/// SEC-S-002: scheme, host and port; a scheme's own port may be left out.
#[test]
fn origins_compare_by_scheme_host_and_port() {
    let listed =
        policy(false, &[], &["https://App.example", "http://dev.example:3000", "vscode-webview://abc"]);
    for good in
        ["https://app.example", "https://app.example:443", "http://dev.example:3000", "vscode-webview://abc"]
    {
        assert!(listed.check_origin(&origins(&[good])).is_ok(), "{good}");
    }
    for bad in [
        "http://app.example",
        "https://app.example:8443",
        "https://app.example.evil",
        "https://app.example/",
        "https://app.example/path",
        "https://user@app.example",
        "https://app.example https://evil.example",
        "http://dev.example",
        "http://dev.example:80",
        "app.example",
        "//app.example",
        "://app.example",
        "null",
        "",
        "https://",
        "file://",
        "vscode-webview://abcd",
    ] {
        assert!(listed.check_origin(&origins(&[bad])).is_err(), "{bad}");
    }
    let local = policy(true, &[], &[]);
    for bad in
        ["null", "", "file://", "ftp://localhost", "chrome-extension://localhost", "localhost", "http://"]
    {
        assert!(local.check_origin(&origins(&[bad])).is_err(), "{bad}");
    }
}

/// SEC-S-002: programs other than browsers send none.
#[test]
fn an_absent_origin_passes() {
    for loopback in [true, false] {
        assert_eq!(policy(loopback, &[], &[]).check_origin(&HeaderMap::new()), Ok(None));
    }
}

/// FAULT B: DNS rebinding, two Host or Origin headers; HTTP/2 `:authority`.
#[test]
fn two_names_for_one_thing_are_refused() {
    let policy = policy(true, &["mcp.example"], &[]);
    assert_eq!(policy.check_host(None, &hosts(&["localhost", "localhost"])), Err(HostDenied::ManyHosts));
    assert_eq!(policy.check_host(None, &hosts(&["localhost", "evil.example"])), Err(HostDenied::ManyHosts));
    assert_eq!(
        policy.check_host(Some("localhost"), &hosts(&["localhost", "localhost"])),
        Err(HostDenied::ManyHosts)
    );
    assert_eq!(policy.check_host(None, &hosts(&[])), Err(HostDenied::NoHost));
    assert_eq!(policy.check_host(Some("LOCALHOST:80"), &hosts(&["localhost:80"])), Ok(()));
    for (authority, header) in [
        ("localhost", "evil.example"),
        ("localhost", "mcp.example"),
        ("localhost:80", "localhost:81"),
        ("localhost", ""),
        ("mcp.example", "localhost"),
    ] {
        assert_eq!(policy.check_host(Some(authority), &hosts(&[header])), Err(HostDenied::HostsDiffer));
    }
    assert!(policy.check_host(Some("evil.example"), &hosts(&["localhost"])).is_err());
    let two = ["http://localhost", "http://localhost"];
    assert_eq!(policy.check_origin(&origins(&two)), Err(HostDenied::ManyOrigins));
}

/// A refusal says what to change: guards that did not were turned off.
#[test]
fn a_refusal_names_the_setting() {
    let policy = policy(false, &[], &[]);
    let host = policy.check_host(None, &hosts(&["mcp.example"])).unwrap_err().to_string();
    assert_eq!(
        host,
        "the host \"mcp.example\" is not allowed; add it to the server's setting `hosts` to allow it"
    );
    let origin = policy.check_origin(&origins(&["http://a.example"])).unwrap_err().to_string();
    assert!(origin.contains("\"http://a.example\"") && origin.contains("`origins`"), "{origin}");
    for opaque in ["null", "file://"] {
        let text = policy.check_origin(&origins(&[opaque])).unwrap_err().to_string();
        assert!(text.contains("the rule `*`") && text.contains("authentication"), "{text}");
    }
    let long = policy.check_host(None, &hosts(&[&"x".repeat(5000)])).unwrap_err().to_string();
    assert!(long.len() < 300);
}

/// A mistake in the settings is found at the start.
#[test]
fn settings_that_cannot_be_read_are_refused() {
    for bad in
        ["", "*", "http://mcp.example", "mcp.example/path", "a b", "mcp.example:http", "user@mcp.example"]
    {
        let error = HostPolicy::new(false, &[bad.to_owned()], OriginList::default()).unwrap_err().to_string();
        assert!(error.starts_with("hosts: "), "{error}");
    }
}

proptest! {
    /// Nothing but the listed names passes, whatever the bytes.
    #[test]
    fn no_other_text_passes(text in "[a-z0-9.:@/\\[\\] -]{0,24}|(localhost|127\\.0\\.0\\.1|\\[::1\\])[ -~]{0,12}") {
        let local = policy(true, &[], &[]);
        if let Ok(value) = HeaderValue::from_str(&text) {
            let headers: HeaderMap = [(HOST, value)].into_iter().collect();
            if local.check_host(None, &headers).is_ok() {
                // What passes, a URL parser sees as loopback too, without a user or a path.
                let url = url::Url::parse(&format!("http://{}", text.trim())).unwrap();
                let loopback = match url.host().unwrap() {
                    url::Host::Domain(name) => name == "localhost",
                    url::Host::Ipv4(ip) => ip.is_loopback(),
                    url::Host::Ipv6(ip) => ip.is_loopback(),
                };
                prop_assert!(loopback && url.username().is_empty() && url.path() == "/", "{}", text);
            }
        }
    }
}

/// SEC-S-001: a Host header that is known from before lets nothing else pass.
#[test]
fn a_host_that_was_allowed_once_allows_no_other() {
    let policy = policy(true, &["mcp.example:8080"], &[]);
    for _ in 0..2 {
        assert_eq!(policy.check_host(None, &hosts(&["mcp.example:8080"])), Ok(()));
        for other in LOOKALIKES.iter().copied().chain(["mcp.example", "mcp.example:80", "mcp.example:8080 "])
        {
            assert!(policy.check_host(None, &hosts(&[other])).is_err(), "{other}");
        }
        let twice = hosts(&["mcp.example:8080", "mcp.example:8080"]);
        assert_eq!(policy.check_host(None, &twice), Err(HostDenied::ManyHosts));
        let known = hosts(&["mcp.example:8080"]);
        assert_eq!(policy.check_host(Some("localhost"), &known), Err(HostDenied::HostsDiffer));
        assert_eq!(policy.check_host(None, &hosts(&["localhost"])), Ok(()));
    }
}
