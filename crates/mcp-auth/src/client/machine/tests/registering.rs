//! Who the client is: the order of registrations, and what comes back from one.

use super::super::super::settings::Registration;
use super::*;

fn with(registration: Registration) -> Plan {
    plan(Settings { registration, ..Settings::default() })
}

fn kept(redirect: &str, expires: Option<u64>) -> ClientRecord {
    ClientRecord {
        issuer: "https://as.example".to_owned(),
        client_id: "kept".to_owned(),
        secret: None,
        auth_method: None,
        redirect_uri: Some(redirect.to_owned()),
        secret_expires: expires,
    }
}

// AU-C-20.
#[test]
fn the_order_of_registrations() {
    let document = || Registration::metadata_document("https://app.example/client.json");
    type Row = (&'static str, Registration, fn(&mut World), Option<&'static str>);
    let rows: Vec<Row> = vec![
        ("given", Registration::preregistered("given"), |_| {}, Some("given")),
        (
            "a metadata document",
            document(),
            |world| world.server(|it| it["client_id_metadata_document_supported"] = json!(true)),
            Some("https://app.example/client.json"),
        ),
        ("no support for documents", document(), |_| {}, Some("dcr")),
        ("dynamic", Registration::dynamic(), |_| {}, Some("dcr")),
        (
            "kept",
            Registration::dynamic(),
            |world| {
                let key = Key::Client { issuer: "https://as.example".to_owned() };
                world.clients.insert(key, kept("http://127.0.0.1:9/callback", None));
            },
            Some("kept"),
        ),
        (
            "kept, and expired",
            Registration::dynamic(),
            |world| {
                let key = Key::Client { issuer: "https://as.example".to_owned() };
                world.clients.insert(key, kept("http://127.0.0.1:9/callback", Some(7)));
            },
            Some("dcr"),
        ),
        (
            "no way",
            Registration::dynamic(),
            |world| world.server(|it| drop(it.as_object_mut().unwrap().remove("registration_endpoint"))),
            None,
        ),
    ];
    for (what, registration, change, expected) in rows {
        let mut world = World::new();
        change(&mut world);
        let outcome = go(&mut world, with(registration));
        assert_eq!(
            outcome.as_ref().ok().map(|record| record.client_id.as_str()),
            expected,
            "{what}: {outcome:?}"
        );
        let registered = expected == Some("dcr");
        assert_eq!(world.count("POST https://as.example/register"), usize::from(registered), "{what}");
        if let Err(error) = outcome {
            assert!(error.to_string().contains("give a client id"), "{error}");
        }
    }
}

// AU-C-22: the URL of a metadata document is the client's id, and such a client has no secret. Another URL is refused
// before anything is sent to the authorization server.
#[test]
fn the_url_of_a_metadata_document() {
    let supporting = || {
        let mut world = World::new();
        world.server(|it| {
            it["client_id_metadata_document_supported"] = json!(true);
            it["token_endpoint_auth_methods_supported"] = json!(["client_secret_basic", "none"]);
        });
        world
    };
    for url in ["https://app.example/c", "https://app.example:8443/a/b.json?v=1"] {
        let mut world = supporting();
        go(&mut world, with(Registration::metadata_document(url))).unwrap();
        for start in ["authorize", "POST https://as.example/token"] {
            assert_eq!(parameter(world.line(start), "client_id").as_deref(), Some(url), "{start}");
        }
        assert!(world.headers.iter().all(|headers| !headers.contains_key("authorization")));
        assert!(world.log.iter().all(|line| !line.starts_with("keep")), "{:?}", world.log);
    }
    for url in [
        "http://app.example/c",
        "http://localhost:1/c",
        "https://app.example",
        "https://app.example/",
        "https://u:p@app.example/c",
        "https://app.example/c#x",
        "app.example/c",
        "",
    ] {
        let mut world = supporting();
        let error = go(&mut world, with(Registration::metadata_document(url))).unwrap_err();
        assert!(error.to_string().starts_with("client metadata URL: "), "{url}: {error}");
        assert_eq!(world.count("authorize") + world.count("POST"), 0, "{url}: {:?}", world.log);
    }
}

// AU-C-21: a client that was registered beforehand stays at its issuer.
#[test]
fn a_given_client_is_bound_to_one_issuer() {
    let here = Registration::preregistered("id").issuer("https://as.example/");
    assert!(go(&mut World::new(), with(here)).is_ok());
    let elsewhere = Registration::preregistered("id").issuer("https://other.example").secret("canary");
    let mut world = World::new();
    let error = go(&mut world, with(elsewhere)).unwrap_err().to_string();
    assert!(error.contains("https://other.example") && error.contains("https://as.example"), "{error}");
    assert_eq!(world.count("authorize") + world.count("POST"), 0, "{:?}", world.log);

    // Without an issuer, the first one counts.
    let mut world = World::new();
    go(&mut world, with(Registration::preregistered("id"))).unwrap();
    let mut moved = World::new();
    moved.clients = world.clients;
    moved.document(PRM, json!({"resource": ENDPOINT, "authorization_servers": ["https://new.example"]}));
    let mut own = metadata();
    own["issuer"] = json!("https://new.example");
    moved.document("https://new.example/.well-known/oauth-authorization-server", own);
    let error = go(&mut moved, with(Registration::preregistered("id"))).unwrap_err().to_string();
    assert!(error.contains("https://as.example") && error.contains("https://new.example"), "{error}");
}

// AU-C-23, AU-C-24.
#[test]
fn what_is_registered_and_what_comes_back() {
    let mut world = World::new();
    go(&mut world, plan(Settings { software: Some(("s".into(), "1".into())), ..Settings::default() }))
        .unwrap();
    let body = world.line("POST https://as.example/register").rsplit_once("register ").unwrap().1.to_owned();
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        body,
        json!({
            "client_name": "MCP client", "redirect_uris": ["http://127.0.0.1:7/callback"],
            "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
            "token_endpoint_auth_method": "none", "application_type": "native",
            "software_id": "s", "software_version": "1",
        })
    );
    for (answer, said) in [
        (
            json!({"client_id": "x", "client_secret": "s", "token_endpoint_auth_method": "client_secret_post"}),
            None,
        ),
        (json!({"client_id": "x", "client_secret": "", "client_secret_expires_at": 0}), None),
        (json!({"client_id": "x", "issuer": "https://evil.example"}), None),
        (json!({"client_id": ""}), Some("no client id")),
        (
            json!({"client_id": "x", "token_endpoint_auth_method": "client_secret_basic"}),
            Some("without its secret"),
        ),
        (json!({"client_id": "x", "token_endpoint_auth_method": "tls_client_auth"}), Some("not supported")),
        (json!([]), Some("not a JSON object")),
    ] {
        let mut world = World::new();
        world.answer("https://as.example/register", 201, answer.clone());
        let outcome = go(&mut world, plan(Settings::default()));
        match said {
            None => assert_eq!(outcome.unwrap().issuer, "https://as.example", "{answer}"),
            Some(said) => {
                assert!(outcome.unwrap_err().to_string().contains(said), "{answer}");
                assert_eq!(world.count("authorize"), 0, "{answer}");
            }
        }
    }
}

// AU-C-25.
#[test]
fn a_refused_redirect_uri_is_tried_with_localhost_once() {
    let mut world = World::new();
    let refusal = json!({"error": "invalid_redirect_uri", "error_description": "no\u{7} addresses"});
    let script = vec![(400, refusal.clone(), None), (201, json!({"client_id": "dcr"}), None)];
    world.answers.insert("https://as.example/register".to_owned(), script);
    go(&mut world, plan(Settings::default())).unwrap();
    assert_eq!(world.count("POST https://as.example/register"), 2);
    let line = world.line("authorize");
    assert_eq!(parameter(line, "redirect_uri").as_deref(), Some("http://localhost:7/callback"));

    let mut world = World::new();
    world.answer("https://as.example/register", 400, refusal);
    let error = go(&mut world, plan(Settings::default())).unwrap_err();
    assert_eq!(error.to_string(), "client registration was refused: invalid_redirect_uri: no addresses");
    assert_eq!(world.count("POST https://as.example/register"), 2);
}

// AU-C-23: scopes are registered only where a server refuses to grant what was not registered, and once.
#[test]
fn scopes_are_registered_where_that_is_needed() {
    let refusal = || "error=invalid_scope&state=STATE".to_owned();
    let challenged = |registration: Registration| {
        let demand = Demand { scopes: Some(scopes("a b")), ..Demand::default() };
        // A client that was given is kept, and still not registered.
        let settings = Settings { registration, keep_client: true, ..Settings::default() };
        Plan { demand, ..plan(settings) }
    };
    let mut world = World::new();
    world.redirects_first = vec![refusal()];
    let script = vec![(201, json!({"client_id": "one"}), None), (201, json!({"client_id": "two"}), None)];
    world.answers.insert("https://as.example/register".to_owned(), script);
    let record = go(&mut world, challenged(Registration::dynamic())).unwrap();
    assert_eq!(record.client_id, "two");
    let registered: Vec<&String> = world.log.iter().filter(|line| line.contains("/register ")).collect();
    assert_eq!(registered.len(), 2);
    assert!(!registered[0].contains("scope") && registered[1].contains(r#""scope":"a b""#), "{registered:?}");
    let asked: Vec<&String> = world.log.iter().filter(|line| line.starts_with("authorize")).collect();
    let clients: Vec<_> = asked.iter().map(|line| parameter(line, "client_id").unwrap()).collect();
    assert_eq!(clients, ["one", "two"]);
    let parts: Vec<_> = asked.iter().map(|line| parameter(line, "redirect_uri").unwrap()).collect();
    assert_eq!(parts[0], parts[1], "the listener is the same");
    assert_ne!(parameter(asked[0], "state"), parameter(asked[1], "state"));
    // The kept client is the second one.
    assert_eq!(go(&mut world, challenged(Registration::dynamic())).unwrap().client_id, "two");

    // A second refusal is final, and so is one of a client that was given, or of another kind.
    for (redirect, registration, logins) in [
        (refusal(), Registration::dynamic(), 2),
        (refusal(), Registration::preregistered("given"), 1),
        ("error=access_denied&state=STATE".to_owned(), Registration::dynamic(), 1),
    ] {
        let mut world = World::new();
        world.redirect = redirect;
        assert!(go(&mut world, challenged(registration)).is_err());
        assert_eq!((world.count("authorize"), world.count("POST https://as.example/token")), (logins, 0));
    }
}
