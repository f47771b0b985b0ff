//! `--all`: every server of a config file in one place. And their status, and headers that go along.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use mcp_core::server::{Context, HandlerError, Router, Server, ToolDef};
use mcp_core::transport::{Identity, async_trait};
use mcp_http::http::Request;
use mcp_http::http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use mcp_http::net::{AddressPolicy, Fetch, NetConfig};
use mcp_http::server::{Authenticate, Denied, RequestHead};
use mcp_http::{HttpClient, HttpServer};
use serde_json::{Value, json};

use super::kit::{ERAS, Listening, client, converse};
use crate::fixtures;

/// A config file with these servers.
fn config(folder: &Path, servers: &Value) -> PathBuf {
    let file = folder.join("mcp.json");
    std::fs::write(&file, json!({"mcpServers": servers}).to_string()).unwrap();
    file
}

/// The status and the body of a GET.
pub(super) async fn get(url: &str) -> (u16, String) {
    let fetch = Fetch::new(&NetConfig::default(), AddressPolicy::Any);
    let answer = fetch.fetch(Request::get(url).body(Default::default()).unwrap()).await.unwrap();
    (answer.status().as_u16(), String::from_utf8(answer.body().to_vec()).unwrap())
}

fn of<'a>(status: &'a Value, name: &str) -> &'a Value {
    let found = status["upstreams"].as_array().unwrap().iter().find(|upstream| upstream["name"] == name);
    found.unwrap_or_else(|| panic!("{name}: {status}"))
}

// BR-15: the entries are served side by side, and one that is wrong or cannot be started does not affect the others.
#[tokio::test]
async fn every_server_of_a_config_file_has_its_own_path() {
    let Some(mcp) = fixtures::mcp_bin() else { return };
    let own = mcp.to_str().unwrap();
    let remote = Listening::start(&mcp, &["serve-demo", "--listen", "127.0.0.1:0"]);
    let folder = tempfile::tempdir().unwrap();
    let servers = json!({
        "demo": {"command": own, "args": ["serve-demo"]},
        "far away": {"url": remote.url},
        "wrong": {"args": ["x"]},
        "missing": {"command": "/no/such/server"},
        "off": {"command": own, "disabled": true},
    });
    let config = config(folder.path(), &servers);
    let words = [
        "--config",
        config.to_str().unwrap(),
        "bridge",
        "--all",
        "--listen",
        "127.0.0.1:0",
        "--status",
        "--health",
    ];
    let bridge = Listening::start(&mcp, &words);
    let origin = bridge.url.strip_suffix("/servers/demo/mcp").unwrap_or_else(|| panic!("{}", bridge.url));
    bridge.wrote("for a client: ").await;
    let printed = bridge.stderr();
    let snippet = printed.lines().find_map(|line| line.strip_prefix("for a client: ")).unwrap();
    let snippet: Value = serde_json::from_str(snippet).unwrap();
    let names: Vec<&String> = snippet["mcpServers"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["demo", "far away", "missing", "wrong"]);
    let url = |name: &str| snippet["mcpServers"][name]["url"].as_str().unwrap().to_owned();
    assert_eq!(url("far away"), format!("{origin}/servers/far%20away/mcp"));

    let status: Value = serde_json::from_str(&get(&format!("{origin}/status")).await.1).unwrap();
    let state = |status: &Value, name: &str| of(status, name)["state"].as_str().unwrap().to_owned();
    assert_eq!(
        ["demo", "far away", "missing", "wrong"].map(|name| state(&status, name)),
        ["cold", "cold", "cold", "failed"]
    );
    assert!(of(&status, "wrong")["failure"].as_str().unwrap().contains("cannot be used"), "{status}");

    for era in ERAS {
        for name in ["demo", "far away"] {
            converse(era, HttpClient::new(&url(name)).unwrap()).await.close().await;
        }
        for (name, why) in [("wrong", "cannot be used"), ("missing", "/no/such/server")] {
            let error = client(era).connect(HttpClient::new(&url(name)).unwrap()).await.unwrap_err();
            let error = mcp_core::transport::ErrorChain::new(&error).to_string();
            assert!(error.contains(why), "{name}: {error}");
        }
    }
    let status: Value = serde_json::from_str(&get(&format!("{origin}/status")).await.1).unwrap();
    // Whether it is left alone at this moment depends on the machine.
    assert!(["backing-off", "cold"].contains(&state(&status, "missing").as_str()), "{status}");
    assert!(of(&status, "missing")["failure"].as_str().unwrap().contains("/no/such/server"), "{status}");
    assert_eq!(state(&status, "demo"), "ready", "{status}");
    assert_eq!(get(&format!("{origin}/healthz")).await.0, 200);
    for path in ["/", "/mcp", "/servers", "/servers/off/mcp", "/servers/demo"] {
        assert_eq!(get(&format!("{origin}{path}")).await.0, 404, "{path}");
    }
}

/// Only the named ones are served; a name that is not there is an error, and so are options that would reach all.
#[tokio::test]
async fn servers_can_be_selected() {
    let Some(mcp) = fixtures::mcp_bin() else { return };
    let own = mcp.to_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let entry = json!({"command": own, "args": ["serve-demo"]});
    let config = config(folder.path(), &json!({"one": entry, "two": entry}));
    let first = ["--config", config.to_str().unwrap(), "bridge", "--all", "--listen", "127.0.0.1:0"];
    let bridge = Listening::start(&mcp, &[&first[..], &["--only", "two"]].concat());
    assert!(bridge.url.ends_with("/servers/two/mcp"), "{}", bridge.url);
    let other = bridge.url.replace("two", "one");
    assert!(client(ERAS[0]).connect(HttpClient::new(&other).unwrap()).await.is_err());
    for more in
        [&["--only", "three"][..], &["--bearer-env", "PATH"], &["--env", "A=b"], &["--header", "X: y"]]
    {
        let output = std::process::Command::new(&mcp).args(first).args(more).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{more:?}: {output:?}");
    }
}

// BR-02: where callers are not known apart, one server for all of them is a decision that has to be made in words.
#[tokio::test]
async fn strangers_share_one_server_only_if_that_is_said() {
    let Some(mcp) = fixtures::mcp_bin() else { return };
    let behind = ["--", mcp.to_str().unwrap(), "serve-demo"];
    let open = ["bridge", "--listen", "0.0.0.0:0", "--allow-host", "bridge.test", "--insecure-no-auth"];
    let known = "--i-know-clients-share-one-server";
    for policy in ["shared", "per-caller"] {
        let words = [&open[..], &["--child", policy], &behind].concat();
        let output = std::process::Command::new(&mcp).args(words).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{policy}: {output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(known), "{policy}: {output:?}");
        let bridge = Listening::start(&mcp, &[&open[..], &["--child", policy, known], &behind].concat());
        bridge.wrote("share one server").await;
        // On loopback a warning is enough.
        let loopback = ["bridge", "--listen", "127.0.0.1:0", "--child", policy];
        let bridge = Listening::start(&mcp, &[&loopback[..], &behind].concat());
        bridge.wrote("share one server").await;
    }
    // Callers with a token are not strangers, and a session each is nothing to share.
    let token = [&open[..5], &["--child", "shared", "--auth-token-env", "TOKEN"]].concat();
    let token = Listening::with(&mcp, &[&token[..], &behind].concat(), &[("TOKEN", "s3cret")]);
    let each = Listening::start(&mcp, &[&open[..], &behind].concat());
    for bridge in [token, each] {
        bridge.wrote("for a client: ").await;
        assert!(!bridge.stderr().contains("share one server"), "{}", bridge.stderr());
    }
}

/// The limit of an entry is that of its calls, and of no others.
#[tokio::test]
async fn an_entry_has_its_own_limit() {
    let Some(mcp) = fixtures::mcp_bin() else { return };
    let own = mcp.to_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let servers = json!({
        "hasty": {"command": own, "args": ["serve-demo"], "timeout": 300},
        "patient": {"command": own, "args": ["serve-demo"]},
    });
    let config = config(folder.path(), &servers);
    let words = ["--config", config.to_str().unwrap(), "bridge", "--all", "--listen", "127.0.0.1:0"];
    let bridge = Listening::start(&mcp, &words);
    for era in ERAS {
        let hasty = client(era).connect(HttpClient::new(&bridge.url).unwrap()).await.unwrap();
        let patient = bridge.url.replace("hasty", "patient");
        let patient = client(era).connect(HttpClient::new(&patient).unwrap()).await.unwrap();
        let forever = json!({"steps": 10_000, "delay_ms": 20});
        let error = hasty.call_tool("slow", forever.clone()).await.unwrap_err();
        assert!(mcp_core::transport::ErrorChain::new(&error).to_string().contains("300ms"), "{error}");
        // The call of the other entry begins first, and is still under way when this one has failed.
        let mut long = std::pin::pin!(async { patient.call_tool("slow", forever.clone()).await });
        tokio::select! {
            ended = &mut long => panic!("{ended:?}"),
            error = hasty.call_tool("slow", forever.clone()) => assert!(error.is_err()),
        }
    }
}

// BR-08: with a token, neither an endpoint nor the status is for strangers. The probe of health says nothing else.
#[tokio::test]
async fn the_status_is_for_those_who_may_use_the_bridge() {
    let Some(mcp) = fixtures::mcp_bin() else { return };
    let own = mcp.to_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), &json!({"demo": {"command": own, "args": ["serve-demo"]}}));
    let one = ["bridge", "--listen", "127.0.0.1:0", "--auth-token-env", "TOKEN", "--status", "--health"];
    let all = [&["--config", config.to_str().unwrap()], &one[..], &["--all"]].concat();
    for words in [[&one[..], &["--", own, "serve-demo"]].concat(), all] {
        let bridge = Listening::with(&mcp, &words, &[("TOKEN", "s3cret")]);
        let (scheme, rest) = bridge.url.split_once("://").unwrap();
        let origin = format!("{scheme}://{}", rest.split('/').next().unwrap());
        assert_eq!(get(&format!("{origin}/status")).await.0, 401);
        assert_eq!(get(&format!("{origin}/healthz")).await, (200, String::new()));
        let fetch = Fetch::new(&NetConfig::default(), AddressPolicy::Any);
        let request = Request::get(format!("{origin}/status")).header(AUTHORIZATION, "Bearer s3cret");
        let answer = fetch.fetch(request.body(Default::default()).unwrap()).await.unwrap();
        let status: Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!((answer.status().as_u16(), &status["upstreams"][0]["state"]), (200, &json!("cold")));
    }
}

/// What a server saw of each request: `Authorization`, `X-Tenant`, `X-Other`.
type Seen = Arc<Mutex<Vec<[Option<String>; 3]>>>;

struct Watching(Seen);

#[async_trait]
impl Authenticate for Watching {
    async fn authenticate(&self, head: RequestHead<'_>) -> Result<Identity, Denied> {
        let text = |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let [authorization, tenant, other] = ["authorization", "x-tenant", "x-other"].map(text);
        let identity = Identity::new(tenant.clone().unwrap_or_default());
        self.0.lock().unwrap().push([authorization, tenant, other]);
        Ok(identity)
    }
}

// BR-06: the named header of each request goes along, and no other; credentials of a client never do.
#[tokio::test]
async fn a_named_header_goes_along_and_no_other() {
    let Some(mcp) = fixtures::mcp_bin() else { return };
    let seen = Seen::default();
    let router = Router::new().tool(ToolDef::new("whoami"), async |_, context: Context| {
        Ok::<_, HandlerError>(context.identity().unwrap().subject.clone())
    });
    let server = Server::builder("watching", "1").build(router).unwrap();
    let server =
        HttpServer::new(server).authenticate(Watching(seen.clone())).bind("127.0.0.1:0").await.unwrap();
    let url = server.url().unwrap();
    let serving = tokio::spawn(server.serve());
    let words = [
        "bridge",
        &url,
        "--listen",
        "127.0.0.1:0",
        "--forward-header",
        "X-Tenant",
        "--auth-token-env",
        "TOKEN",
    ];
    let bridge = Listening::with(&mcp, &words, &[("TOKEN", "s3cret")]);
    for era in ERAS {
        for name in ["ada", "bob"] {
            let value = HeaderValue::from_static;
            let server = HttpClient::new(&bridge.url).unwrap().bearer("s3cret");
            let server = server.header(HeaderName::from_static("x-tenant"), value(name));
            let server = server.header(HeaderName::from_static("x-other"), value("secret"));
            let client = client(era).connect(server).await.unwrap();
            let answer = client.call_tool("whoami", ()).await.unwrap();
            assert_eq!(answer.texts().collect::<String>(), name, "{era:?}");
            client.close().await;
        }
    }
    // The end of a session reaches the server some time after its client, so what was seen is judged as a whole.
    let heard = seen.lock().unwrap().clone();
    let of = |name: &str| [None, Some(name.to_owned()), None];
    for name in ["ada", "bob"] {
        assert!(heard.iter().filter(|one| **one == of(name)).count() >= 2 * ERAS.len(), "{heard:?}");
    }
    assert!(heard.iter().all(|one| *one == of("ada") || *one == of("bob")), "{heard:?}");
    serving.abort();
    for name in ["Authorization", "Mcp-Session-Id", "Cookie"] {
        let words = ["bridge", &url, "--listen", "127.0.0.1:0", "--forward-header", name];
        let output = std::process::Command::new(&mcp).args(words).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}: {output:?}");
    }
}
