//! AU-S-05 to AU-S-08 against an authorization server: keys, rotation, outages, introspection.

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;

use super::kit::{Authority, Key, ask, later, outcome};
use crate::server::{Introspection, Issuer};
use crate::{Algorithm, jose};

// AU-S-05: by the header nothing can be chosen but one of the allowed.
#[tokio::test]
async fn headers_of_tokens_are_checked() {
    let key = Key::new("a");
    let authority = Authority::start(&[&key]).await;
    let claims = authority.claims(json!({}));
    let server = authority.trusted().build().unwrap();
    let rows = [
        (json!({"typ": "at+jwt"}), 200, 200),
        (json!({"typ": "application/at+jwt"}), 200, 200),
        (json!({"typ": "AT+JWT"}), 200, 200),
        (json!({"typ": "JWT"}), 200, 401),
        (json!({}), 200, 401),
        (json!({"typ": "dpop+jwt"}), 401, 401),
        (json!({"typ": "oauth-id-jag+jwt"}), 401, 401),
        (json!({"typ": "application/"}), 401, 401),
        (json!({"typ": "at+jwt", "kid": null}), 200, 200),
        (json!({"typ": "at+jwt", "kid": "other"}), 401, 401),
        (json!({"typ": "at+jwt", "crit": ["exp"]}), 401, 401),
    ];
    let strict = authority.trusted_as(super::kit::RESOURCE, Issuer::only_access_tokens).build().unwrap();
    for (header, usual, strictly) in rows {
        let token = key.sign(header.clone(), &claims);
        assert_eq!(outcome(&server, &token).await.0, usual, "{header}");
        assert_eq!(outcome(&strict, &token).await.0, strictly, "{header}");
    }
    let token = key.sign(json!({}), &claims);
    let rsa =
        authority.trusted_as(super::kit::RESOURCE, |it| it.algorithms([Algorithm::Rs256])).build().unwrap();
    let fetched = authority.fetched();
    assert_eq!(outcome(&rsa, &token).await.1, "the token is signed with an algorithm that is not allowed");
    assert_eq!(authority.fetched(), fetched, "no keys are fetched for it");
    let unsigned =
        format!("{}.{}.", jose::encode(br#"{"alg":"none"}"#), jose::encode(claims.to_string().as_bytes()));
    assert_eq!(outcome(&server, &unsigned).await.0, 401);
    let foreign = Key::new("a").sign(json!({}), &claims);
    assert_eq!(outcome(&server, &foreign).await.1, "the token's signature is wrong");
}

// AU-S-07: the server starts without the authorization server, and says 503 until it is there.
#[tokio::test]
async fn nothing_is_fetched_before_the_first_token() {
    let key = Key::new("a");
    let authority = Authority::start(&[&key]).await;
    authority.set_down(true);
    let server = authority.trusted().build().unwrap();
    assert_eq!(authority.fetched(), 0);
    let token = key.sign(json!({}), &authority.claims(json!({})));
    let denied = ask(&server, &token).await.unwrap_err();
    assert_eq!((denied.status.as_u16(), denied.retry_after), (503, Some(Duration::from_secs(5))));
    authority.set_down(false);
    assert_eq!(outcome(&server, &token).await.0, 503, "the failure is remembered for a moment");
    later(Duration::from_secs(6)).await;
    assert_eq!(outcome(&server, &token).await.0, 200);
    assert_eq!(authority.fetched(), 1);
}

// AU-S-07: one request for many tokens.
#[tokio::test]
async fn many_tokens_fetch_the_keys_once() {
    let key = Key::new("a");
    let authority = Authority::start(&[&key]).await;
    let server = authority.trusted().build().unwrap();
    let token = key.sign(json!({}), &authority.claims(json!({})));
    let all = join_all((0..50).map(|_| outcome(&server, &token))).await;
    assert!(all.iter().all(|(status, _)| *status == 200));
    assert_eq!(authority.fetched(), 1);
}

// AU-S-07: keys are replaced while tokens come; unknown ones do not cause a flood; an outage changes nothing for a day.
#[tokio::test]
async fn keys_rotate_and_outlive_an_outage() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let authority = Authority::start(&[&old]).await;
    let server = authority.trusted().build().unwrap();
    let claims = authority.claims(json!({}));
    let (first, second) = (old.sign(json!({}), &claims), new.sign(json!({}), &claims));
    assert_eq!(outcome(&server, &first).await.0, 200);
    for _ in 0..20 {
        assert_eq!(outcome(&server, &second).await.1, "the token is signed with an unknown key");
    }
    assert_eq!(authority.fetched(), 1);
    authority.publish(&[&old, &new]);
    later(Duration::from_secs(30)).await;
    assert_eq!((outcome(&server, &second).await.0, outcome(&server, &first).await.0), (200, 200));
    assert_eq!(authority.fetched(), 2);
    authority.set_down(true);
    later(Duration::from_secs(1000)).await;
    assert_eq!((outcome(&server, &second).await.0, outcome(&server, &first).await.0), (200, 200));
    later(Duration::from_secs(90_000)).await;
    assert_eq!(outcome(&server, &first).await.0, 503);
    authority.set_down(false);
    authority.publish(&[&new]);
    later(Duration::from_secs(6)).await;
    assert_eq!((outcome(&server, &second).await.0, outcome(&server, &first).await.0), (200, 401));
}

// AU-S-07, AU-C-12: the metadata of another issuer is not used.
#[tokio::test]
async fn the_document_of_another_issuer_is_not_used() {
    let key = Key::new("a");
    let authority = Authority::start(&[&key]).await;
    let localhost = authority.url.replace("127.0.0.1", "localhost");
    let server = crate::server::ResourceServer::builder(super::kit::RESOURCE)
        .issuer(Issuer::new(&localhost))
        .build()
        .unwrap();
    let token = key.sign(json!({}), &authority.claims(json!({"iss": localhost})));
    assert_eq!(outcome(&server, &token).await.0, 503);
    assert_eq!(authority.fetched(), 0);
}

fn opaque(authority: &Authority) -> crate::server::ResourceServerBuilder {
    authority.trusted_as(super::kit::RESOURCE, |issuer| {
        issuer.introspection(Introspection::new("rs id", "s:crét"))
    })
}

// AU-S-08: opaque tokens are asked about, and answers are kept.
#[tokio::test]
async fn opaque_tokens_are_introspected() {
    let authority = Authority::start(&[]).await;
    let server = opaque(&authority).build().unwrap();
    let active = |change| {
        let mut answer = authority.claims(change);
        answer["active"] = true.into();
        answer
    };
    authority.know("good", active(json!({})));
    let identity = ask(&server, "good").await.unwrap();
    assert_eq!((identity.subject.as_str(), identity.has_scope("mcp:read")), ("ada", true));
    let (_, question) = authority.asked();
    // AU-C-27: the parts are form-encoded before they are joined.
    assert!(question.contains("authorization: Basic cnMraWQ6cyUzQWNyJUMzJUE5dA=="), "{question}");
    assert!(question.ends_with("token=good&token_type_hint=access_token"), "{question}");
    for _ in 0..5 {
        assert_eq!(outcome(&server, "good").await.0, 200);
    }
    assert_eq!(authority.asked().0, 1);
    later(Duration::from_secs(61)).await;
    authority.know("good", json!({"active": false}));
    assert_eq!(outcome(&server, "good").await, (401, "the token is not active".to_owned()));
    assert_eq!(outcome(&server, "good").await.0, 401);
    assert_eq!(authority.asked().0, 2);
    authority.know("good", active(json!({})));
    later(Duration::from_secs(6)).await;
    assert_eq!(outcome(&server, "good").await.0, 200);
    for (token, change, why) in [
        ("foreign", json!({"aud": "https://other.test"}), "the token is not meant for this server"),
        ("no-audience", json!({"aud": null}), "the token is not meant for this server"),
        ("issuer", json!({"iss": "https://evil.test"}), "the token's issuer is not trusted"),
        ("expired", json!({"exp": 1}), "the token has expired"),
    ] {
        authority.know(token, active(change));
        assert_eq!(outcome(&server, token).await, (401, why.to_owned()), "{token}");
    }
    authority.know("forever", active(json!({"exp": null, "iss": null})));
    assert_eq!(ask(&server, "forever").await.unwrap().expires, None);
}

// AU-S-08: an authorization server that cannot be reached is 503, never 401.
#[tokio::test]
async fn an_outage_is_not_a_refusal() {
    let authority = Authority::start(&[]).await;
    authority.set_down(true);
    let server = opaque(&authority).build().unwrap();
    let denied = ask(&server, "good").await.unwrap_err();
    assert_eq!((denied.status.as_u16(), denied.retry_after), (503, Some(Duration::from_secs(5))));
    // A JWT of an issuer that is not trusted is not asked about.
    let jwt = Key::new("a").sign(json!({}), &authority.claims(json!({"iss": "https://evil.test"})));
    assert_eq!(outcome(&server, &jwt).await.0, 401);
    let shown = format!("{:?} {:?} {:?}", Introspection::new("id", "canary"), server, denied);
    assert!(!shown.contains("canary"), "{shown}");
}
