//! Tests of the rules for origins.

use super::*;

fn list(rules: &[&str]) -> OriginList {
    let rules: Vec<OriginRule> = rules.iter().map(|rule| OriginRule::new(*rule)).collect();
    OriginList::new(&rules, true).unwrap()
}

fn allows(rule: &str, origin: &str) -> bool {
    let value = HeaderValue::from_str(origin).unwrap();
    list(&[rule]).allow(Site::read(&value).as_ref())
}

/// SEC-S-002, FAULT F-S10.
#[test]
fn a_rule_allows_what_it_names() {
    for (rule, good, bad) in [
        (
            "https://*.example.com",
            &["https://a.example.com", "https://A.b.Example.com:443"][..],
            &[
                "https://example.com",
                "https://.example.com",
                "https://a.example.com:8443",
                "http://a.example.com",
                "https://aexample.com",
                "https://a.example.com.evil",
                "null",
            ][..],
        ),
        (
            "http://app.example:*",
            &["http://app.example", "http://app.example:1", "http://app.example:65535"],
            &["https://app.example", "http://x.app.example:1", "http://app.example:x"],
        ),
        ("https://*.example.com:*", &["https://a.example.com:1"], &["https://example.com:1"]),
        ("https://*.example.com:8443", &["https://a.example.com:8443"], &["https://a.example.com"]),
        (
            "vscode-webview://*",
            &["vscode-webview://1a2b", "vscode-webview://x:1"],
            &["https://1a2b", "vscode-webview://", "vscode-webview://a/b", "vscode-webviewx://a"],
        ),
        ("https://*", &["https://evil.example"], &["http://evil.example", "null", "file://"]),
        ("*", &["https://evil.example", "null", "file://", ""], &[]),
    ] {
        for good in good {
            assert!(allows(rule, good), "{rule} {good}");
        }
        for bad in bad {
            assert!(!allows(rule, bad), "{rule} {bad}");
        }
    }
    assert!(!list(&[]).allow(None));
}

/// A mistake in the settings is found at the start, and so is a door that stands open.
#[test]
fn rules_that_cannot_be_used_are_refused() {
    let refused =
        |rule: &str, authenticated| OriginList::new(&[rule.into()], authenticated).unwrap_err().to_string();
    for bad in [
        "",
        "null",
        "app.example",
        "https://app.example/",
        "https://",
        "https://a*.example",
        "https://*.*.example",
        "https://*.127.0.0.1",
        "https://app.example:1:*",
        "://*",
        "https://app.example:**",
    ] {
        let error = refused(bad, true);
        assert!(error.starts_with("origins: ") && error.contains("scheme://host"), "{error}");
    }
    for wide in ["*", "https://*", "http://*:*"] {
        let error = refused(wide, false);
        assert!(error.contains("`bearer` or `authenticate`"), "{error}");
        assert!(list(&[wide]).is_any());
    }
    assert!(OriginList::new(&["vscode-webview://*".into()], false).is_ok_and(|list| !list.is_any()));
}
