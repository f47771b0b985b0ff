//! Which metadata is requested, and what stops a login.

use super::*;

// AU-C-04, AU-C-05, AU-C-06: in which order resource metadata is sought.
#[test]
fn where_resource_metadata_is_sought() {
    let document = || json!({"resource": ENDPOINT, "authorization_servers": ["https://as.example"]});
    let named = "https://elsewhere.example/prm";
    type Row = (&'static str, fn(&mut World), Option<&'static str>, Vec<&'static str>);
    let rows: Vec<Row> = vec![
        ("the path form, and never the root", |_| {}, None, vec![PRM, AS]),
        (
            "the root, if the path form is missing",
            |world| {
                let document = world.answers[PRM].clone();
                world.answers.insert(ROOT_PRM.to_owned(), document);
                world.remove(PRM);
            },
            None,
            vec![PRM, ROOT_PRM, AS],
        ),
        (
            "the root, if another document is at the path form",
            |world| {
                let document = world.answers[PRM].clone();
                world.answers.insert(ROOT_PRM.to_owned(), document);
                world.document(PRM, json!("<html>"));
            },
            None,
            vec![PRM, ROOT_PRM, AS],
        ),
        ("the named URL only", |_| {}, Some(named), vec![named, AS]),
        (
            "the well-known form, if the named URL is missing",
            |world| world.remove("https://elsewhere.example/prm"),
            Some(named),
            vec![named, PRM, AS],
        ),
        (
            "a redirect within the origin",
            |world| {
                let document = world.answers[PRM].clone();
                world.answers.insert("https://mcp.example/real".to_owned(), document);
                world.redirects(PRM, "/real");
            },
            None,
            vec![PRM, "https://mcp.example/real", AS],
        ),
    ];
    for (what, change, named, expected) in rows {
        let mut world = World::new();
        world.document("https://elsewhere.example/prm", document());
        change(&mut world);
        let plan = Plan { demand: named.map(demand).unwrap_or_default(), ..plan(Settings::default()) };
        let outcome = go(&mut world, plan);
        assert!(outcome.is_ok(), "{what}: {outcome:?}");
        assert_eq!(world.asked(), expected, "{what}");
    }
}

/// What stops a login before the authorization server sees the person, and whether retrying may help.
#[test]
fn what_stops_discovery() {
    type Row = (&'static str, fn(&mut World), Option<&'static str>, &'static str, bool);
    let rows: Vec<Row> = vec![
        // AU-C-06.
        (
            "a busy server is not one without OAuth",
            |world| world.answer(PRM, 503, Value::Null),
            None,
            "503",
            true,
        ),
        ("429", |world| world.answer(PRM, 429, Value::Null), None, "429", true),
        (
            "another document at the named URL",
            |_| {},
            Some("https://mcp.example/named"),
            "is not protected",
            false,
        ),
        // AU-C-07.
        (
            "a resource elsewhere",
            |world| {
                let document = json!({"resource": "https://evil.example/mcp", "authorization_servers": ["https://as.example"]});
                world.document(PRM, document);
            },
            None,
            "does not cover",
            false,
        ),
        (
            "no resource",
            |world| world.document(PRM, json!({"authorization_servers": ["https://as.example"]})),
            None,
            "no `resource`",
            false,
        ),
        (
            "no servers",
            |world| world.document(PRM, json!({"resource": ENDPOINT, "authorization_servers": []})),
            None,
            "no `authorization_servers`",
            false,
        ),
        // AU-C-12.
        (
            "another issuer",
            |world| world.server(|it| it["issuer"] = json!("https://attacker.example.com")),
            None,
            "is for the issuer",
            false,
        ),
        // AU-C-14.
        (
            "no PKCE",
            |world| {
                world
                    .server(|it| drop(it.as_object_mut().unwrap().remove("code_challenge_methods_supported")))
            },
            None,
            "assume_pkce",
            false,
        ),
        (
            "plain PKCE",
            |world| world.server(|it| it["code_challenge_methods_supported"] = json!(["plain"])),
            None,
            "assume_pkce",
            false,
        ),
        // AU-C-13, AU-C-70.
        (
            "a token endpoint over http",
            |world| world.server(|it| it["token_endpoint"] = json!("http://as.example/token")),
            None,
            "reached over https",
            false,
        ),
        (
            "an authorization endpoint for a shell",
            |world| world.server(|it| it["authorization_endpoint"] = json!("javascript:alert(1)")),
            None,
            "neither https nor http",
            false,
        ),
        (
            "a cloud's credentials",
            |_| {},
            Some("https://metadata.google.internal/x"),
            "metadata service",
            false,
        ),
        ("http from https", |_| {}, Some("http://mcp.example/prm"), "reached over https", false),
        ("user info", |_| {}, Some("https://a:b@mcp.example/prm"), "user info", false),
        // AU-C-73.
        (
            "a redirect elsewhere",
            |world| world.redirects(PRM, "https://evil.example/"),
            None,
            "another origin",
            false,
        ),
        ("a circle of redirects", |world| world.redirects(PRM, PRM), None, "more than 3 redirects", false),
    ];
    for (what, change, named, said, retryable) in rows {
        let mut world = World::new();
        world.document("https://mcp.example/named", json!({"x": 1}));
        change(&mut world);
        let plan = Plan { demand: named.map(demand).unwrap_or_default(), ..plan(Settings::default()) };
        let error = go(&mut world, plan).unwrap_err();
        assert!(error.to_string().contains(said), "{what}: {error}");
        assert_eq!(error.is_retryable(), retryable, "{what}: {error}");
        assert_eq!(world.count("authorize") + world.count("POST"), 0, "{what}: {:?}", world.log);
        // AU-C-74.
        assert!(!error.to_string().contains("a:b"), "{error}");
    }
}

// AU-C-11: an issuer with a path has three places, and the root is not one of them.
#[test]
fn where_server_metadata_is_sought() {
    let mut world = World::new();
    let document = json!({"resource": ENDPOINT, "authorization_servers": ["https://as.example/t1"]});
    world.document(PRM, document);
    let last = "https://as.example/t1/.well-known/openid-configuration";
    let mut own = metadata();
    own["issuer"] = json!("https://as.example/t1");
    world.document(last, own);
    let record = go(&mut world, plan(Settings::default())).unwrap();
    assert_eq!(
        world.asked()[1..],
        [
            "https://as.example/.well-known/oauth-authorization-server/t1",
            "https://as.example/.well-known/openid-configuration/t1",
            last,
        ]
    );
    assert_eq!(record.issuer, "https://as.example/t1");
}

// AU-C-10: the server for which a client is known goes first; one that cannot be used is passed over.
#[test]
fn which_server_is_chosen() {
    let other = "https://other.example/.well-known/oauth-authorization-server";
    for (known, expected) in [(None, [AS, other]), (Some("https://other.example"), [other, ""])] {
        let mut world = World::new();
        let servers = json!({"resource": ENDPOINT, "authorization_servers": ["https://as.example", "https://other.example"]});
        world.document(PRM, servers);
        world.document(AS, json!("<html>"));
        let mut own = metadata();
        own["issuer"] = json!("https://other.example");
        world.document(other, own);
        if let Some(issuer) = known {
            let record = ClientRecord {
                issuer: issuer.to_owned(),
                client_id: "kept".to_owned(),
                secret: None,
                auth_method: None,
                redirect_uri: None,
                secret_expires: None,
            };
            world.clients.insert(Key::Client { issuer: issuer.to_owned() }, record);
        }
        let record = go(&mut world, plan(Settings::default())).unwrap();
        assert_eq!(record.issuer, "https://other.example");
        let asked: Vec<&str> = world.asked()[1..].to_vec();
        assert_eq!(asked[0], expected[0]);
        assert_eq!(asked.last().copied().unwrap(), other);
    }
}

// AU-C-16: servers of 2025-03-26.
#[test]
fn servers_without_metadata() {
    let mut world = World::new();
    world.answers.clear();
    world.document("https://mcp.example/token", json!({"access_token": "at", "token_type": "bearer"}));
    world.answer("https://mcp.example/register", 201, json!({"client_id": "dcr"}));
    let record = go(&mut world, plan(Settings::default())).unwrap();
    assert_eq!((record.issuer.as_str(), record.metadata_read), ("https://mcp.example", None));
    let line = world.line("authorize https://mcp.example/authorize?");
    assert_eq!(parameter(line, "code_challenge_method").as_deref(), Some("S256"));

    // Not if it is switched off, if a URL was named, or if a place answered otherwise.
    let off = Settings { legacy_fallback: false, ..Settings::default() };
    assert!(go(&mut world, plan(off)).unwrap_err().to_string().contains("publishes none"));
    let named = Plan { demand: demand("https://mcp.example/named"), ..plan(Settings::default()) };
    assert!(go(&mut world, named).unwrap_err().to_string().contains("publishes none"));
    world.answer(PRM, 403, Value::Null);
    assert!(go(&mut world, plan(Settings::default())).is_err());
}

// AU-C-17, AU-C-34: requests for metadata have neither a revision of MCP nor a token, whether one is known or not.
#[test]
fn what_goes_with_requests_for_metadata() {
    let mut world = World::new();
    let known = go(&mut world, plan(Settings::default())).unwrap();
    assert_eq!(known.access_token, Some(Secret::from("at")));
    go(&mut world, Plan { known: Some(known), ..plan(Settings::default()) }).unwrap();
    let sent = world.log.iter().filter(|line| line.starts_with("GET ") || line.starts_with("POST "));
    let requests: Vec<(&String, &HeaderMap)> = sent.zip(&world.headers).collect();
    assert_eq!(requests.len(), world.headers.len());
    for (line, headers) in requests {
        let names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        match line.starts_with("GET ") {
            true => assert_eq!(names, ["accept"], "{line}"),
            false => assert_eq!(names, ["accept", "content-type"], "{line}"),
        }
    }
}
