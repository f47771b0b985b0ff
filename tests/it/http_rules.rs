//! Rules that concern a whole program over HTTP: access to data, and forwarding of credentials.

use std::collections::BTreeSet;
use std::sync::Arc;

use mcp_core::client::{Client, EraMode};
use mcp_core::message::{ErrorObject, Payload, ProtocolVersion, RawJson};
use mcp_core::server::{Context, HandlerError, Reply, Router, Server, ToolDef};
use mcp_core::session::Change;
use mcp_core::transport::{Binding, Identity, async_trait, memory};
use mcp_http::server::{Authenticate, Denied, HttpRequest, RequestHead};
use mcp_http::{HttpClient, HttpServer};
use mcp_tests::fault_server::{FaultServer, On, Rule, Step};
use tokio::task::JoinSet;

/// Starts a server on a free port, for as long as the tasks live. Returns its URL.
async fn listen(
    tasks: &mut JoinSet<()>,
    server: Server,
    change: impl FnOnce(HttpServer) -> HttpServer,
) -> String {
    let bound = change(HttpServer::new(server)).bind("127.0.0.1:0").await.unwrap();
    let url = bound.url().unwrap();
    tasks.spawn(async move {
        bound.serve().await;
    });
    url
}

async fn client(era: EraMode, http: HttpClient) -> Client {
    Client::builder("rules", "1").era(era).connect(http).await.unwrap()
}

fn object(members: &[(&'static str, &str)]) -> Option<RawJson> {
    Some(RawJson::object(members.iter().map(|(name, value)| (*name, RawJson::string(value)))))
}

fn text(payload: &Payload) -> String {
    String::from_utf8_lossy(payload.raw().as_bytes()).into_owned()
}

/// CACHE-S-003: every page of a list has the same scope, whether that is the default or not.
#[tokio::test]
async fn all_pages_of_a_list_have_the_same_scope() {
    for (public, scope) in [(false, r#""private""#), (true, r#""public""#)] {
        let mut router = Router::new().page_size(3);
        for name in 0..10 {
            router = router
                .tool(ToolDef::new(&format!("tool-{name}")), |_, _| async { Ok::<_, HandlerError>("") });
        }
        let server =
            Server::builder("s", "1").configure(|config| config.cache_public = public).build(router).unwrap();
        let mut tasks = JoinSet::new();
        let url = listen(&mut tasks, server, |http| http).await;
        let client = client(EraMode::Modern, HttpClient::new(&url).unwrap()).await;
        let (mut scopes, mut cursor) = (Vec::new(), None);
        loop {
            let params = cursor.map(|cursor| RawJson::object([("cursor", cursor)]));
            let page = client.request("tools/list", params).await.unwrap();
            scopes.push(page.raw().member("cacheScope").unwrap().to_string());
            cursor = page.raw().member("nextCursor");
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(scopes, [scope; 4]);
    }
}

/// Knows tokens of the form `user@audience`, and accepts only those for this server.
struct ForUs;

#[async_trait]
impl Authenticate for ForUs {
    async fn authenticate(&self, head: RequestHead<'_>) -> Result<Identity, Denied> {
        let value = head.headers.get("authorization").and_then(|value| value.to_str().ok());
        match value.and_then(|value| value.strip_prefix("Bearer ")?.split_once('@')) {
            Some((user, "us")) => Ok(Identity::new(user)),
            _ => Err(Denied::unauthorized(r#"Bearer error="invalid_token""#)),
        }
    }
}

/// CACHE-S-004: a resource that is marked as public is still protected. Each read is checked, even after an allowed
/// one.
#[tokio::test]
async fn access_is_checked_for_each_read_of_a_public_resource() {
    let router = Router::new().method("resources/read", |_, context: Context| async move {
        match context.envelope().get::<Identity>() {
            Some(identity) if identity.subject == "ada" => Ok(RawJson::parse(
                r#"{"contents":[{"uri":"x:1","text":"for ada"}],"cacheScope":"public","ttlMs":60000}"#,
            )
            .unwrap()),
            _ => Err(ErrorObject::invalid_params("no such resource").into()),
        }
    });
    let server =
        Server::builder("s", "1").configure(|config| config.cache_public = true).build(router).unwrap();
    let mut tasks = JoinSet::new();
    let url = listen(&mut tasks, server, |http| http.authenticate(ForUs)).await;
    let open = |token: &str| client(EraMode::Modern, HttpClient::new(&url).unwrap().bearer(token.to_owned()));
    let (ada, eve) = (open("ada@us").await, open("eve@us").await);
    for _ in 0..2 {
        let read = ada.request("resources/read", object(&[("uri", "x:1")])).await.unwrap();
        assert!(text(&read).contains("for ada") && text(&read).contains(r#""cacheScope":"public""#));
        let refused = eve.request("resources/read", object(&[("uri", "x:1")])).await.unwrap_err();
        assert_eq!(refused.rpc().unwrap().code, -32602);
    }
}

/// SEC-S-009; FAULTS B, token passthrough: a token for another server is refused, and a token for this server is not
/// forwarded. The handler sees no credential of the client that it could pass on. The request upstream carries the
/// program's own token.
#[tokio::test]
async fn a_token_is_for_one_server_and_is_never_passed_upstream() {
    let upstream = FaultServer::tcp([
        Rule::new(On::Rpc("initialize"), [Step::result(
            r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}"#,
        )]),
        Rule::new(On::Rpc("tools/call"), [Step::result(r#"{"content":[]}"#)]),
        Rule::new(On::Http("POST"), [Step::status(202)]),
        Rule::new(On::Any, [Step::status(405)]),
    ])
    .await
    .unwrap();
    let http = HttpClient::new(&upstream.url()).unwrap().bearer("our-own");
    let far = client(EraMode::Legacy(ProtocolVersion::V2025_11_25), http).await;
    let router = Router::new().tool(ToolDef::new("relay"), move |arguments, context: Context| {
        let far = far.clone();
        async move {
            let seen =
                context.envelope().get::<HttpRequest>().map(|request| format!("{:?}", request.headers()));
            let params = RawJson::object([("name", RawJson::string("far")), ("arguments", arguments)]);
            far.request("tools/call", Some(params)).await.map_err(|error| error.to_string())?;
            Ok::<_, HandlerError>(seen.unwrap_or_default())
        }
    });
    let mut tasks = JoinSet::new();
    let server = Server::builder("s", "1").build(router).unwrap();
    let url = listen(&mut tasks, server, |http| http.authenticate(ForUs)).await;
    for (token, allowed) in [("ada@us", true), ("ada@them", false), ("ada", false)] {
        for era in [EraMode::Modern, EraMode::Legacy(ProtocolVersion::V2025_11_25)] {
            let http = HttpClient::new(&url).unwrap().bearer(token);
            let http = http.header("cookie".parse().unwrap(), "c=1".parse().unwrap());
            match Client::builder("c", "1").era(era).connect(http).await {
                Ok(client) => {
                    assert!(allowed, "{token}");
                    let said = client.request("tools/call", object(&[("name", "relay")])).await.unwrap();
                    let said = text(&said).to_lowercase();
                    assert!(said.contains("content-type"), "{said}");
                    for hidden in ["authorization", "cookie", "ada@us"] {
                        assert!(!said.contains(hidden), "{said}");
                    }
                }
                Err(error) => assert!(!allowed && error.is_auth(), "{token} {error:?}"),
            }
        }
    }
    let record = upstream.record();
    assert_eq!(record.of("POST tools/call").len(), 2);
    let sent: BTreeSet<_> =
        record.requests.iter().map(|seen| seen.header("authorization").unwrap()).collect();
    assert_eq!(sent, BTreeSet::from(["Bearer our-own"]));
    assert!(record.requests.iter().all(|seen| !String::from_utf8_lossy(&seen.head).contains("ada")));
}

/// HDR-C-019, HDR-C-018: header annotations apply to HTTP only. Over another transport, the same list keeps all its
/// tools, including those with invalid annotations, and they can be called.
#[tokio::test]
async fn header_annotations_apply_to_http_only() {
    let tools = r#"[
        {"name":"good","inputSchema":{"type":"object","properties":{"a":{"type":"string","x-mcp-header":"A"}}}},
        {"name":"bad","inputSchema":{"type":"object","properties":{"a":{"type":"number","x-mcp-header":"A B"}}}}]"#;
    let list = RawJson::object([("tools", RawJson::parse(tools).unwrap())]);
    let router = Router::new()
        .method("tools/list", move |_, _| {
            let list = list.clone();
            async move { Ok(Reply::Result(list)) }
        })
        .method("tools/call", |_, _| async { Ok(RawJson::parse(r#"{"content":[]}"#).unwrap()) });
    let server = Server::builder("s", "1").build(router).unwrap();
    let (connector, listener) = memory::connector(Binding::STREAM);
    let mut tasks = JoinSet::new();
    let served = Arc::new(server.clone());
    tasks.spawn(async move { listener.serve(served).await });
    let beside = Client::builder("c", "1").era(EraMode::Modern).connect(connector).await.unwrap();
    let listed = text(&beside.request("tools/list", None).await.unwrap());
    assert!(listed.contains("good") && listed.contains("bad"), "{listed}");
    for name in ["good", "bad"] {
        beside.request("tools/call", object(&[("name", name)])).await.unwrap();
    }
    let url = listen(&mut tasks, server, |http| http).await;
    let over_http = client(EraMode::Modern, HttpClient::new(&url).unwrap()).await;
    let listed = text(&over_http.request("tools/list", None).await.unwrap());
    assert!(listed.contains("good") && !listed.contains("bad"), "{listed}");
}

/// HTTP-S-001, ERA-S-011: one URL serves the POSTs of both eras concurrently, and the stream and the end of a
/// session.
#[tokio::test]
async fn one_url_serves_all_clients() {
    let router =
        Router::new().tools_list_changed().tool(ToolDef::new("who"), |_, context: Context| async move {
            Ok::<_, HandlerError>(context.version().to_string())
        });
    let server = Server::builder("s", "1").build(router).unwrap();
    let mut tasks = JoinSet::new();
    let url = listen(&mut tasks, server.clone(), |http| http).await;
    let open = |era| client(era, HttpClient::new(&url).unwrap());
    let legacy = EraMode::Legacy(ProtocolVersion::V2025_11_25);
    let clients = [open(EraMode::Modern).await, open(legacy).await, open(EraMode::Auto).await];
    for _ in 0..3 {
        for (client, version) in clients.iter().zip(["2026-07-28", "2025-11-25", "2026-07-28"]) {
            let said = client.request("tools/call", object(&[("name", "who")])).await.unwrap();
            assert!(text(&said).contains(version), "{}", text(&said));
        }
    }
    // The standalone stream may not be open yet. The server keeps the change until it is.
    let mut notifications = clients[1].notifications();
    server.publish(Change::ToolsList);
    assert_eq!(notifications.next().await.unwrap().method.as_str(), "notifications/tools/list_changed");
    for client in clients {
        client.close().await;
    }
}
