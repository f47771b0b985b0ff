//! The grants: their requests, their scopes, and what ends them.

use super::super::super::settings::{Grant, IdentityProvider, Redirect, Registration, ResourceParameter};
use super::*;
use crate::jose;

// AU-C-08, AU-C-09, AU-C-28, AU-C-32.
#[test]
fn an_authorization_code_is_asked_for_and_exchanged() {
    let mut world = World::new();
    let published = "https://mcp.example/mcp?utm=1";
    world.document(PRM, json!({"resource": published, "authorization_servers": ["https://as.example"], "scopes_supported": ["a", "b"]}));
    let record = go(&mut world, plan(Settings::default())).unwrap();
    let line = world.line("authorize https://as.example/authorize?own=1&");
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "dcr"),
        ("redirect_uri", "http://127.0.0.1:7/callback"),
        ("code_challenge_method", "S256"),
        ("resource", published),
        ("scope", "a b"),
    ] {
        assert_eq!(parameter(line, name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(parameter(line, "prompt"), None);
    assert_eq!(parameter(line, "state").unwrap().len(), 43);
    let token = world.line("POST https://as.example/token");
    let verifier = parameter(token, "code_verifier").unwrap();
    assert_eq!(parameter(line, "code_challenge").unwrap(), jose::sha256(&verifier));
    for (name, value) in [
        ("grant_type", "authorization_code"),
        ("code", "the-code"),
        ("redirect_uri", "http://127.0.0.1:7/callback"),
        ("resource", published),
        ("client_id", "dcr"),
    ] {
        assert_eq!(parameter(token, name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(record.scopes_granted, ["a", "b"], "absent means as asked");
    assert_eq!(record.expires, Some(record.obtained + 60_000));
}

// AU-C-08, AU-C-09: the resource is sent as published, as set, or not at all.
#[test]
fn the_resource_parameter() {
    for (setting, expected) in [
        (ResourceParameter::Published, Some("https://mcp.example")),
        (ResourceParameter::Fixed("urn:x".to_owned()), Some("urn:x")),
        (ResourceParameter::Omitted, None),
    ] {
        let mut world = World::new();
        let document =
            json!({"resource": "https://mcp.example", "authorization_servers": ["https://as.example"]});
        world.document(PRM, document);
        go(&mut world, plan(Settings { resource: setting, ..Settings::default() })).unwrap();
        for start in ["authorize", "POST https://as.example/token"] {
            assert_eq!(parameter(world.line(start), "resource").as_deref(), expected, "{start}");
        }
    }
}

// AU-C-40 to AU-C-44.
#[test]
fn the_scopes_of_logins_and_step_ups() {
    let asked = |world: &mut World, plan: Plan| {
        go(world, plan).unwrap();
        let line = world.line("authorize").to_owned();
        (parameter(&line, "scope"), parameter(&line, "prompt"))
    };
    let mut world = World::new();
    world.server(|it| it["scopes_supported"] = json!(["offline_access", "never"]));
    let demand = Demand { scopes: Some(scopes("a")), ..Demand::default() };
    let challenged = Plan { demand, ..plan(Settings::default()) };
    let (scope, prompt) = asked(&mut world, challenged.clone());
    assert_eq!((scope.as_deref(), prompt.as_deref()), (Some("a offline_access"), Some("consent")));

    // Nothing else is asked for: nothing at all.
    let mut world = World::new();
    world.server(|it| it["scopes_supported"] = json!(["offline_access"]));
    assert_eq!(asked(&mut world, plan(Settings::default())), (None, None));

    // A step-up asks for exactly the union; what was asked before is remembered by a login too.
    let known = go(&mut World::new(), challenged).unwrap();
    let step_up = Plan { purpose: Purpose::StepUp(scopes("a w")), ..plan(Settings::default()) };
    assert_eq!(asked(&mut World::new(), step_up).0.as_deref(), Some("a w"));
    let demand = Demand { scopes: Some(scopes("b")), ..Demand::default() };
    let later = Plan { known: Some(known), demand, ..plan(Settings::default()) };
    assert_eq!(asked(&mut World::new(), later.clone()).0.as_deref(), Some("b a"));
    // At another issuer it is not.
    let mut elsewhere = later;
    elsewhere.known.as_mut().unwrap().issuer = "https://other.example".to_owned();
    assert_eq!(asked(&mut World::new(), elsewhere).0.as_deref(), Some("b"));
}

// AU-C-30, AU-C-31: no token request follows.
#[test]
fn answers_that_end_a_login() {
    for (advertised, redirect, said) in [
        (true, "code=c&state=STATE", "names no issuer"),
        (true, "code=c&state=STATE&iss=https%3A%2F%2Fas.example%2F", "another issuer"),
        (false, "code=c&state=STATE&iss=https%3A%2F%2Fevil.example", "another issuer"),
        (true, "code=c&state=other&iss=https%3A%2F%2Fas.example", "another login"),
        (true, "error=access_denied&state=STATE&iss=https%3A%2F%2Fas.example", "access_denied"),
    ] {
        let mut world = World::new();
        world.server(|it| it["authorization_response_iss_parameter_supported"] = json!(advertised));
        world.redirect = redirect.to_owned();
        let error = go(&mut world, plan(Settings::default())).unwrap_err();
        assert!(error.to_string().contains(said), "{redirect}: {error}");
        assert_eq!(world.count("POST https://as.example/token"), 0, "{redirect}");
    }
}

// AU-C-32: a code is sent once, and redirects are not followed.
#[test]
fn a_token_endpoint_that_redirects_or_fails() {
    for (status, said) in [(307, "is not followed"), (503, "503"), (400, "invalid_grant")] {
        let mut world = World::new();
        let header = Some(("location", "https://evil.example/".to_owned()));
        let script = vec![(status, json!({"error": "invalid_grant"}), header)];
        world.answers.insert("https://as.example/token".to_owned(), script);
        let error = go(&mut world, plan(Settings::default())).unwrap_err().to_string();
        assert!(error.contains(said) || status == 307, "{error}");
        assert_eq!(world.count("POST https://as.example/token"), 1);
        assert_eq!(world.count("POST https://evil.example"), 0);
    }
}

// AU-C-28: pushed authorization requests (RFC 9126).
#[test]
fn parameters_are_pushed_where_that_is_required() {
    let mut world = World::new();
    world.server(|it| {
        it["require_pushed_authorization_requests"] = json!(true);
        it["pushed_authorization_request_endpoint"] = json!("https://as.example/par");
    });
    world.answer("https://as.example/par", 201, json!({"request_uri": "urn:par:1", "expires_in": 60}));
    go(&mut world, plan(Settings::default())).unwrap();
    let line = world.line("authorize");
    assert_eq!(parameter(line, "request_uri").as_deref(), Some("urn:par:1"));
    assert_eq!((parameter(line, "state"), parameter(line, "client_id").as_deref()), (None, Some("dcr")));
    let pushed = world.line("POST https://as.example/par");
    assert!(parameter(pushed, "code_challenge").is_some() && parameter(pushed, "state").is_some());
}

// AU-X-05: a bound token, and a nonce that the server asks for.
#[test]
fn proofs_of_possession() {
    let mut world = World::new();
    world.server(|it| it["dpop_signing_alg_values_supported"] = json!(["ES256"]));
    let nonce = Some(("dpop-nonce", "n1".to_owned()));
    let script = vec![
        (400, json!({"error": "use_dpop_nonce"}), nonce),
        (200, json!({"access_token": "at", "token_type": "DPoP"}), None),
    ];
    world.answers.insert("https://as.example/token".to_owned(), script);
    let record = go(&mut world, plan(Settings::default())).unwrap();
    assert!(record.dpop_key.is_some() && record.token_type == "DPoP");
    assert_eq!(world.count("POST https://as.example/token"), 2);
    let proofs: Vec<&HeaderValue> = world.headers.iter().filter_map(|headers| headers.get("dpop")).collect();
    assert_eq!(proofs.len(), 2);
    assert_ne!(proofs[0], proofs[1], "a proof is used once");

    // Only if it is wanted; and a server that does not bind gives a plain token.
    let mut world = World::new();
    world.server(|it| it["dpop_signing_alg_values_supported"] = json!(["ES256"]));
    go(&mut world, plan(Settings { dpop: false, ..Settings::default() })).unwrap();
    assert!(world.headers.iter().all(|headers| !headers.contains_key("dpop")));
    let record = go(&mut world, plan(Settings::default())).unwrap();
    assert!(record.dpop_key.is_none() && record.token_type == "Bearer");
}

// AU-X-01.
#[test]
fn client_credentials() {
    let mut world = World::new();
    let settings = Settings {
        grant: Grant::ClientCredentials,
        registration: Registration::preregistered("id").secret("s"),
        scopes: scopes("svc"),
        ..Settings::default()
    };
    let record = go(&mut world, plan(settings)).unwrap();
    let token = world.line("POST https://as.example/token");
    assert_eq!(parameter(token, "grant_type").as_deref(), Some("client_credentials"));
    assert_eq!(
        (parameter(token, "scope").as_deref(), parameter(token, "resource").as_deref()),
        (Some("svc"), Some(ENDPOINT))
    );
    assert_eq!(world.headers.last().unwrap()["authorization"], "Basic aWQ6cw==");
    assert_eq!((record.grant.as_str(), world.count("authorize")), ("client_credentials", 0));
    let dynamic = Settings { grant: Grant::ClientCredentials, ..Settings::default() };
    assert!(go(&mut World::new(), plan(dynamic)).unwrap_err().to_string().contains("registered beforehand"));
}

// AU-X-03.
#[test]
fn an_enterprise_grants_access() {
    let jag = |typ: &str| format!("{}.e30.x", jose::encode(format!(r#"{{"typ":"{typ}"}}"#).as_bytes()));
    let issued = "urn:ietf:params:oauth:token-type:id-jag";
    let good = jag("oauth-id-jag+jwt");
    for (token, kind, said) in [
        (good.clone(), issued, None),
        (jag("JWT"), issued, Some("`typ`")),
        (good.clone(), "urn:ietf:params:oauth:token-type:access_token", Some("another type")),
    ] {
        let mut world = World::new();
        let answer = json!({"access_token": token, "issued_token_type": kind, "token_type": "N_A"});
        world.document("https://idp.example/token", answer);
        let provider = IdentityProvider::new("https://idp.example/token", "at-idp", Secret::from("id"));
        let settings = Settings {
            grant: Grant::Enterprise(provider),
            registration: Registration::preregistered("id").secret("s"),
            ..Settings::default()
        };
        let outcome = go(&mut world, plan(settings));
        let exchange = world.line("POST https://idp.example/token");
        for (name, value) in [
            ("audience", "https://as.example"),
            ("resource", ENDPOINT),
            ("subject_token", "the-assertion"),
            ("client_id", "at-idp"),
        ] {
            assert_eq!(parameter(exchange, name).as_deref(), Some(value), "{name}");
        }
        match said {
            None => {
                outcome.unwrap();
                let token = world.line("POST https://as.example/token");
                assert_eq!(parameter(token, "assertion"), Some(good.clone()));
                assert_eq!(world.headers.last().unwrap()["authorization"], "Basic aWQ6cw==");
            }
            Some(said) => {
                assert!(outcome.unwrap_err().to_string().contains(said));
                assert_eq!(world.count("POST https://as.example/token"), 0);
            }
        }
    }
}

// AU-X-04: an error is final.
#[test]
fn a_workload_presents_its_token() {
    let settings = || Settings {
        grant: Grant::JwtBearer(Arc::new(Secret::from("jwt"))),
        registration: Registration::preregistered("id"),
        ..Settings::default()
    };
    let mut world = World::new();
    go(&mut world, plan(settings())).unwrap();
    let token = world.line("POST https://as.example/token");
    assert_eq!(
        parameter(token, "grant_type").as_deref(),
        Some("urn:ietf:params:oauth:grant-type:jwt-bearer")
    );
    assert_eq!(parameter(token, "assertion").as_deref(), Some("the-assertion"));
    world.answer("https://as.example/token", 400, json!({"error": "invalid_grant"}));
    world.log.clear();
    assert!(go(&mut world, plan(settings())).is_err());
    assert_eq!(world.count("POST https://as.example/token"), 1);
}

// AU-C-65.
#[test]
fn a_device_is_polled_until_the_code_was_entered() {
    let settings = || Settings { grant: Grant::Device, ..Settings::default() };
    let mut world = World::new();
    world.server(|it| it["device_authorization_endpoint"] = json!("https://as.example/device"));
    let shown = json!({"device_code": "dc", "user_code": "UC", "verification_uri": "https://as.example/d", "expires_in": 100});
    world.document("https://as.example/device", shown);
    let pending = |error: &str| (400, json!({"error": error}), None);
    let token = (200, json!({"access_token": "at", "token_type": "Bearer"}), None);
    let script = vec![pending("authorization_pending"), pending("slow_down"), token];
    world.answers.insert("https://as.example/token".to_owned(), script);
    let record = go(&mut world, plan(settings())).unwrap();
    assert_eq!(record.grant, "device_code");
    assert_eq!(world.line("show"), "show https://as.example/d UC");
    let waits: Vec<&str> = world.log.iter().filter_map(|line| line.strip_prefix("wait ")).collect();
    assert_eq!(waits, ["5", "5", "10"]);

    for (error, said) in [("access_denied", "access_denied"), ("authorization_pending", "has expired")] {
        let mut world = World::new();
        world.server(|it| it["device_authorization_endpoint"] = json!("https://as.example/device"));
        let shown = json!({"device_code": "dc", "user_code": "UC", "verification_uri": "https://as.example/d", "expires_in": 12});
        world.document("https://as.example/device", shown);
        world.answer("https://as.example/token", 400, json!({"error": error}));
        assert!(go(&mut world, plan(settings())).unwrap_err().to_string().contains(said), "{error}");
    }
    assert!(
        go(&mut World::new(), plan(settings()))
            .unwrap_err()
            .to_string()
            .contains("device_authorization_endpoint")
    );
}

// AU-C-64: a fixed URL is sent as it is.
#[test]
fn redirects_are_settings() {
    assert_eq!(
        Redirect::url("https://app.example/cb"),
        Redirect::Url { url: "https://app.example/cb".to_owned(), listen: None }
    );
}
