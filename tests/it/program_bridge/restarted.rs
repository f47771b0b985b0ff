//! A server behind a URL that is restarted, or replaced, while clients of the bridge have sessions.

use std::time::Duration;

use mcp_core::client::{Client, EraMode};
use mcp_core::message::{ProtocolVersion, RawJson};
use mcp_core::server::{HandlerError, Router, Server, ToolDef};
use mcp_http::{HttpClient, HttpServer};
use mcp_tests::port::Port;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::kit::{ERAS, HANG, Listening, client};
use crate::fixtures;

/// A server in this process, at a port that its successor takes over.
struct Place {
    port: Port,
    serving: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Place {
    fn new() -> Place {
        Place { port: Port::reserve().unwrap(), serving: None }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/mcp", self.port.number())
    }

    /// Ends the server, if there is one, and starts one of these revisions that answers with this name.
    async fn put(&mut self, name: &'static str, versions: Vec<ProtocolVersion>) {
        if let Some((stop, serving)) = self.serving.take() {
            stop.send(()).unwrap();
            serving.await.unwrap();
        }
        let router =
            Router::new().tool(ToolDef::new("who"), move |_, _| async move { Ok::<_, HandlerError>(name) });
        let server = Server::builder(name, "1").versions(versions).build(router).unwrap();
        let server = HttpServer::new(server).configure(|config| config.timeouts.drain = Duration::ZERO);
        let bound = server.bind(format!("127.0.0.1:{}", self.port.number())).await.unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(async move {
            bound.serve_until(async { drop(stopped.await) }).await;
        });
        self.serving = Some((stop, serving));
    }
}

async fn who(client: &Client) -> String {
    client.call_tool("who", ()).await.unwrap_or_else(|error| panic!("{error}")).texts().collect()
}

fn of(modern: bool) -> Vec<ProtocolVersion> {
    ProtocolVersion::ALL.iter().copied().filter(|version| version.is_modern() == modern).collect()
}

// BRIDGE 8 row 10, BR-14, FAULT C-33.
/// The bridge opens its session anew, in the era that the successor speaks, and no client loses its own. If the successor has
/// a lower revision, the session of a legacy client ends with 404, so that the next one begins with that server.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_behind_a_url_may_be_replaced() {
    let Some(mcp) = fixtures::mcp_bin() else { return };
    let older = vec![ProtocolVersion::V2025_06_18];
    let moves = [
        ("restarted", of(false), of(false)),
        ("an older version", of(false), older.clone()),
        ("a newer version", older, of(false)),
        ("to the modern era", of(false), of(true)),
        ("to the legacy era", of(true), of(false)),
    ];
    for (what, before, after) in moves {
        for era in ERAS {
            let title = format!("{what}, {era:?}");
            let mut place = Place::new();
            place.put("first", before.clone()).await;
            let bridge = Listening::start(&mcp, &["bridge", "--listen", "127.0.0.1:0", &place.url()]);
            let connected = client(era).connect(HttpClient::new(&bridge.url).unwrap()).await.unwrap();
            assert_eq!(who(&connected).await, "first", "{title}");
            place.put("second", after.clone()).await;
            let again = async {
                // A call that meets the end itself may fail; it is not repeated.
                while !matches!(connected.call_tool("who", ()).await, Ok(found) if found.texts().eq(["second"]))
                {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            };
            let again = tokio::time::timeout(HANG, again).await;
            assert!(again.is_ok(), "{title}: {:?}", connected.call_tool("who", ()).await);
            let shown = || connected.negotiated()?.server_info?.member("name")?.to_text();
            if (what, era) == ("an older version", ERAS[0]) {
                let renewed = async {
                    while shown().as_deref() != Some("second") {
                        let _answer = connected.call_tool("who", ()).await;
                    }
                };
                assert!(tokio::time::timeout(HANG, renewed).await.is_ok(), "{title}");
                assert_eq!(who(&connected).await, "second", "{title}");
            } else {
                // The client's session is the same one.
                assert!(connected.state().is_ready(), "{title}");
                assert_eq!(shown().as_deref(), Some("first"), "{title}");
            }
            connected.close().await;
        }
    }
}

/// Two bridges of one host to one server, as some hosts start them: both work, and neither leaves a process. FAULT C-48.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn two_bridges_may_have_one_server() {
    let Some(mcp) = fixtures::mcp_bin() else { return };
    let server = Listening::start(&mcp, &["serve-demo", "--listen", "127.0.0.1:0"]);
    let start = || mcp_stdio::ChildCommand::new(&mcp).args(["bridge", &server.url]);
    let era = EraMode::Auto;
    let (first, second) = tokio::join!(client(era).connect(start()), client(era).connect(start()));
    let (first, second) = (first.unwrap(), second.unwrap());
    for connected in [&second, &first] {
        let arguments = RawJson::serialize(&serde_json::json!({"text": "hi"})).unwrap();
        assert!(connected.call_tool("echo", Some(arguments)).await.unwrap().texts().eq(["hi"]));
    }
    first.close().await;
    second.close().await;
    assert_eq!(server.children(), Vec::new());
}
