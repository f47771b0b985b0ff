//! Refreshing and revoking.

use super::super::super::record::seconds;
use super::super::super::settings::Registration;
use super::super::super::store::tests::token;
use super::*;

fn record() -> TokenRecord {
    TokenRecord {
        endpoint: ENDPOINT.to_owned(),
        resource: Some("https://mcp.example/mcp".to_owned()),
        scopes_granted: vec!["a".to_owned()],
        ..token("old", "r1")
    }
}

fn refreshing(record: TokenRecord) -> RefreshPlan {
    RefreshPlan {
        endpoint: WebUrl::parse(ENDPOINT).unwrap(),
        settings: Arc::new(Settings::default()),
        record,
        nonces: Arc::new(Nonces::default()),
    }
}

fn go_refresh(world: &mut World, plan: RefreshPlan) -> Result<TokenRecord, OAuthError> {
    world.run(Machine::new(|io| refresh(io, plan)))
}

// AU-C-51, AU-C-09.
#[test]
fn a_refresh_keeps_what_the_answer_leaves_out() {
    let mut world = World::new();
    let new = go_refresh(&mut world, refreshing(record())).unwrap();
    let line = world.line("POST https://as.example/token");
    assert_eq!(parameter(line, "refresh_token").as_deref(), Some("r1"));
    assert_eq!(parameter(line, "resource").as_deref(), Some("https://mcp.example/mcp"));
    assert_eq!((parameter(line, "scope"), parameter(line, "client_id").as_deref()), (None, Some("id")));
    assert_eq!(new.access_token, Some(Secret::from("at")));
    assert_eq!((new.refresh_token, new.scopes_granted), (Some(Secret::from("r1")), vec!["a".to_owned()]));

    let answer =
        json!({"access_token": "at2", "token_type": "bearer", "refresh_token": "r2", "scope": "a b"});
    world.document("https://as.example/token", answer);
    let new = go_refresh(&mut world, refreshing(record())).unwrap();
    assert_eq!(
        (new.refresh_token, new.scopes_granted.len(), new.expires),
        (Some(Secret::from("r2")), 2, None)
    );
}

// AU-C-21: a secret goes to the issuer that it is from, and a given client of another issuer is not used.
#[test]
fn the_client_of_a_refresh() {
    let mut world = World::new();
    let kept = ClientRecord {
        issuer: "https://as.example".to_owned(),
        client_id: "id".to_owned(),
        secret: Some(Secret::from("s")),
        auth_method: None,
        redirect_uri: None,
        secret_expires: None,
    };
    world.clients.insert(Key::Client { issuer: kept.issuer.clone() }, kept);
    go_refresh(&mut world, refreshing(record())).unwrap();
    assert_eq!(world.headers.last().unwrap()["authorization"], "Basic aWQ6cw==");

    let elsewhere = Registration::preregistered("id").secret("other").issuer("https://other.example");
    let settings = Arc::new(Settings { registration: elsewhere, ..Settings::default() });
    let mut world = World::new();
    go_refresh(&mut world, RefreshPlan { settings, ..refreshing(record()) }).unwrap();
    assert!(!world.headers.last().unwrap().contains_key("authorization"));
}

// AU-C-15: after a day, and when the endpoint is gone, the metadata is read again.
#[test]
fn metadata_is_read_again() {
    let mut world = World::new();
    let now = seconds(world.now);
    for (read, asked) in [(now, 0), (now - 90_000, 1)] {
        world.log.clear();
        let old = TokenRecord { metadata_read: Some(read), ..record() };
        let new = go_refresh(&mut world, refreshing(old)).unwrap();
        assert_eq!(world.asked().len(), asked, "{:?}", world.log);
        assert_eq!(new.metadata_read, Some(now));
    }
    let moved = TokenRecord { token_endpoint: "https://as.example/gone".to_owned(), ..record() };
    let new = go_refresh(&mut world, refreshing(moved)).unwrap();
    assert_eq!(new.token_endpoint, "https://as.example/token");

    // Only a status counts, and no text that looks like one.
    let mut world = World::new();
    world.document("https://as.example/token", json!({"access_token": "at", "token_type": "404"}));
    assert!(go_refresh(&mut world, refreshing(record())).is_err());
    assert!(world.asked().is_empty(), "{:?}", world.log);
}

// AU-C-54: only a refusal of the token is final.
#[test]
fn how_a_refresh_fails() {
    for (status, body, retryable, code) in [
        (400, json!({"error": "invalid_grant"}), false, Some("invalid_grant")),
        (401, json!({"error": "invalid_client"}), false, Some("invalid_client")),
        (503, json!({"error": "invalid_grant"}), true, None),
        (429, Value::Null, true, None),
        (400, json!({"error": "temporarily_unavailable"}), true, None),
        (200, json!("<html>"), false, None),
        (200, json!({"access_token": "at", "token_type": "DPoP"}), false, None),
    ] {
        let mut world = World::new();
        world.answer("https://as.example/token", status, body.clone());
        let error = go_refresh(&mut world, refreshing(record())).unwrap_err();
        assert_eq!((error.is_retryable(), error.code()), (retryable, code), "{body}");
    }
}

/// RFC 7009: the refresh token first, because it ends the access token too.
#[test]
fn tokens_are_revoked() {
    let mut world = World::new();
    let old = TokenRecord { revocation_endpoint: Some("https://as.example/revoke".to_owned()), ..record() };
    world.document("https://as.example/revoke", Value::Null);
    let plan = refreshing(old.clone());
    assert!(world.run(Machine::new(|io| revoke(io, plan))).unwrap());
    let hints: Vec<Option<String>> =
        world.log.iter().map(|line| parameter(line, "token_type_hint")).collect();
    assert_eq!(hints, [Some("refresh_token".to_owned()), Some("access_token".to_owned())]);
    world.answer("https://as.example/revoke", 400, json!({"error": "unsupported_token_type"}));
    let plan = refreshing(old.clone());
    assert!(world.run(Machine::new(|io| revoke(io, plan))).unwrap());
    world.answer("https://as.example/revoke", 503, Value::Null);
    let plan = refreshing(old);
    assert!(world.run(Machine::new(|io| revoke(io, plan))).is_err());
    let plan = refreshing(record());
    assert!(!world.run(Machine::new(|io| revoke(io, plan))).unwrap(), "nothing to ask");
}
