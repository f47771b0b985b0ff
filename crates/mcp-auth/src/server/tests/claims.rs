//! AU-S-06, AU-S-10, AU-S-11, AU-S-13: what a token must say, and what a handler learns of it.

use std::time::{Duration, SystemTime};

use mcp_core::transport::Identity;
use serde_json::{Value, json};

use crate::server::claims::{Claims, Expected, Refused};

const NOW: u64 = 1_000_000;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn judge(change: Value, certificate: Option<&str>) -> Result<Identity, Refused> {
    let mut claims =
        json!({"iss": "https://as.test", "sub": "ada", "aud": "https://mcp.test", "exp": NOW + 100});
    let members = claims.as_object_mut().unwrap();
    members.extend(change.as_object().cloned().unwrap());
    members.retain(|_, value| !value.is_null());
    let text = claims.to_string();
    let expected = Expected {
        issuer: "https://as.test",
        audiences: &["https://mcp.test".to_owned(), "api://mcp".to_owned()],
        leeway: Duration::from_secs(60),
        certificate,
        now: at(NOW),
    };
    Claims::parse(text.as_bytes())?.of_jwt(text.as_bytes(), &expected)
}

#[test]
fn claims_are_compared_with_what_is_expected() {
    let good = [
        json!({}),
        json!({"aud": ["https://other.test", "https://mcp.test"]}),
        json!({"aud": "https://mcp.test/"}),
        json!({"aud": "api://mcp"}),
        json!({"exp": NOW - 59}),
        json!({"exp": NOW as f64 + 0.5}),
        json!({"nbf": NOW + 60, "iat": NOW + 60}),
        json!({"sub": null, "client_id": "app"}),
        json!({"sub": "", "azp": "app"}),
    ];
    for change in good {
        assert!(judge(change.clone(), None).is_ok(), "{change}: {:?}", judge(change.clone(), None));
    }
    let bad = [
        (json!({"iss": "https://evil.test"}), Refused::Issuer),
        (json!({"iss": "https://as.test/"}), Refused::Issuer),
        (json!({"iss": null}), Refused::Issuer),
        (json!({"aud": null}), Refused::Audience),
        (json!({"aud": "https://mcp.test/mcp"}), Refused::Audience),
        (json!({"aud": "https://MCP.test"}), Refused::Audience),
        (json!({"aud": []}), Refused::Audience),
        (json!({"exp": null}), Refused::NoExpiry),
        (json!({"exp": NOW - 60}), Refused::Expired),
        (json!({"exp": -1}), Refused::Unreadable),
        (json!({"exp": "soon"}), Refused::Unreadable),
        (json!({"exp": 1e300}), Refused::Unreadable),
        (json!({"nbf": NOW + 61}), Refused::NotYet),
        (json!({"iat": NOW + 61}), Refused::NotYet),
        (json!({"sub": null}), Refused::NoSubject),
        (json!({"sub": ["ada"]}), Refused::Unreadable),
    ];
    for (change, why) in bad {
        assert_eq!(judge(change.clone(), None).unwrap_err(), why, "{change}");
    }
}

/// A member that occurs twice could be read in two ways.
#[test]
fn repeated_claims_are_refused() {
    let text = br#"{"iss":"https://as.test","iss":"https://evil.test"}"#;
    assert_eq!(Claims::parse(text).unwrap_err(), Refused::Unreadable);
}

#[test]
fn a_handler_sees_who_calls() {
    let change = json!({"client_id": "app", "scope": "a b", "email": "ada@example.com"});
    let identity = judge(change, None).unwrap();
    assert_eq!((identity.subject.as_str(), identity.issuer.as_deref()), ("ada", Some("https://as.test")));
    assert_eq!(
        (identity.client.as_deref(), &identity.scopes[..]),
        (Some("app"), &["a".to_owned(), "b".to_owned()][..])
    );
    // AU-S-12: streams live as long as requests are accepted.
    assert_eq!(identity.expires, Some(at(NOW + 160)));
    let email = identity.claims.unwrap().member("email").unwrap().to_text();
    assert_eq!(email.as_deref(), Some("ada@example.com"));
    for (change, scopes) in [
        (json!({"scp": "a b"}), vec!["a", "b"]),
        (json!({"scp": ["a", "b"]}), vec!["a", "b"]),
        (json!({"scope": ["a"]}), vec!["a"]),
        (json!({}), vec![]),
    ] {
        assert_eq!(judge(change, None).unwrap().scopes, scopes);
    }
}

// AU-S-11: the owner is issuer and subject, or the client of a token without one.
#[test]
fn the_owner_is_the_subject_else_the_client() {
    let owner = |change| judge(change, None).unwrap().owner();
    assert_eq!(
        owner(json!({"scope": "a", "client_id": "x", "exp": NOW + 9})),
        owner(json!({"aud": "api://mcp"}))
    );
    assert_ne!(owner(json!({"sub": "bob"})), owner(json!({})));
    let client = owner(json!({"sub": null, "client_id": "ada"}));
    assert_ne!(client, owner(json!({})), "a client is not a user of the same name");
    assert_eq!(client, owner(json!({"sub": null, "client_id": "ada", "scope": "b"})));
}

// AU-S-13: a token that is bound to a key is worth nothing without it.
#[test]
fn bound_tokens_need_their_key() {
    let certificate = json!({"cnf": {"x5t#S256": "abc"}});
    assert!(judge(certificate.clone(), Some("abc")).is_ok());
    let rows = [
        (certificate.clone(), None),
        (certificate, Some("xyz")),
        (json!({"cnf": {"jkt": "abc"}}), Some("abc")),
        (json!({"cnf": {"jkt": "abc", "x5t#S256": "abc"}}), Some("abc")),
        (json!({"cnf": {}}), None),
    ];
    for (change, shown) in rows {
        assert_eq!(judge(change.clone(), shown).unwrap_err(), Refused::Bound, "{change}");
    }
}
