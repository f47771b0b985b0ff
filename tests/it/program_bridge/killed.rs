//! A server behind the bridge is killed: at each step of a session, and while its session begins or ends.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mcp_core::client::{CallOptions, Client, EraMode, SubscriptionEvent};
use mcp_core::message::RawJson;
use mcp_core::session::{InputRequest, SubscriptionFilter};
use mcp_core::transport::ErrorChain;
use mcp_http::HttpClient;
use mcp_tests::port::Port;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::sync::Notify;

use super::faults::{connected, echo, soon};
use super::kit::{ERAS, Listening, SHELL};
use super::many::get;
use super::over_http::becomes_cold;
use crate::fixtures;

/// What a client does while its server is killed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Doing {
    Nothing,
    Calling,
    Asked,
    Listening,
}

const STEPS: [Doing; 4] = [Doing::Nothing, Doing::Calling, Doing::Asked, Doing::Listening];

/// How the server is reached that is killed.
enum Server {
    /// It is a process of the bridge.
    Child,
    /// It listens at this port, as the one does that comes after it.
    Remote(Port, Option<Listening>),
}

impl Server {
    /// The server, and a bridge before it.
    fn start(mcp: &Path, remote: bool, era: &str) -> (Server, Listening) {
        let first = ["bridge", "--listen", "127.0.0.1:0", "--era", era];
        if !remote {
            let behind = ["--", mcp.to_str().unwrap(), "serve-demo"];
            return (Server::Child, Listening::start(mcp, &[&first[..], &behind].concat()));
        }
        let mut server = Server::Remote(Port::reserve().unwrap(), None);
        let url = server.listen(mcp);
        let bridge = Listening::start(mcp, &[&first[..], &[url.as_str()]].concat());
        (server, bridge)
    }

    fn listen(&mut self, mcp: &Path) -> String {
        let Server::Remote(port, listening) = self else { return String::new() };
        let address = format!("127.0.0.1:{}", port.number());
        listening.insert(Listening::start(mcp, &["serve-demo", "--listen", &address])).url.clone()
    }

    /// Kills it, and starts the next one where the bridge does not.
    fn kill(&mut self, mcp: &Path, bridge: &Listening) {
        let id = match self {
            Server::Child => bridge.servers()[0].0,
            Server::Remote(_, listening) => listening.as_ref().unwrap().id(),
        };
        kill_process(Pid::from_raw(id.cast_signed()).unwrap(), Signal::KILL).unwrap();
        if let Server::Remote(_, listening) = self {
            *listening = None;
        }
        self.listen(mcp);
    }

    /// What an error says of its end.
    fn end(&self) -> &'static str {
        match self {
            Server::Child => "signal 9",
            Server::Remote(..) => "the upstream server",
        }
    }
}

// BRIDGE 8 row 6, BR-14.
/// A server is killed at each step. What is under way fails with the cause, the client's session goes on with a new
/// server, and no call waits for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_at_any_step_is_replaced() {
    let Some(mcp) = fixtures::mcp_bin() else { return };
    for server in ["legacy", "modern"] {
        for era in ERAS {
            for doing in STEPS {
                killed(&mcp, false, server, era, doing).await;
            }
        }
    }
}

/// The same with a server over HTTP.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_over_http_that_is_killed_at_any_step_is_found_again() {
    let Some(mcp) = fixtures::mcp_bin() else { return };
    for server in ["legacy", "modern"] {
        for era in ERAS {
            for doing in STEPS {
                killed(&mcp, true, server, era, doing).await;
            }
        }
    }
}

async fn killed(mcp: &Path, remote: bool, era_of_server: &str, era: EraMode, doing: Doing) {
    let title = format!("{era:?} -> {era_of_server}, {doing:?}, remote: {remote}");
    let (mut server, bridge) = Server::start(mcp, remote, era_of_server);
    let (asked, answers) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let client = Client::builder("test", "1").era(era).capability("elicitation", RawJson::EMPTY_OBJECT);
    let question = (asked.clone(), answers.clone());
    let client = client.input_handler(move |_: InputRequest, _| {
        let (asked, answers) = question.clone();
        async move {
            asked.notify_one();
            answers.notified().await;
            Ok(RawJson::parse(r#"{"action":"accept","content":{"name":"Ada"}}"#).unwrap())
        }
    });
    let client = soon(&title, client.connect(HttpClient::new(&bridge.url).unwrap())).await.unwrap();
    assert!(echo(&client).await.is_ok(), "{title}");
    let before = bridge.servers();
    assert_eq!(before.len(), usize::from(!remote), "{title}: {before:?}");
    let tool = |name: &str, arguments: serde_json::Value| {
        let params = json!({"name": name, "arguments": arguments});
        client.call("tools/call", Some(RawJson::serialize(&params).unwrap()), CallOptions::new().progress())
    };
    match doing {
        Doing::Nothing => server.kill(mcp, &bridge),
        Doing::Calling => {
            let mut call = tool("slow", json!({"steps": 10_000, "delay_ms": 10}));
            assert!(soon(&title, call.next_notification()).await.is_some(), "{title}");
            server.kill(mcp, &bridge);
            let error = soon(&title, call).await.unwrap_err().to_string();
            assert!(error.contains(server.end()), "{title}: {error}");
        }
        Doing::Asked => {
            let call = tool("ask", json!({}));
            soon(&title, asked.notified()).await;
            server.kill(mcp, &bridge);
            if era_of_server == "legacy" {
                // The call runs on the server, whether its client is asked within it or answers by a retry.
                if matches!(era, EraMode::Modern) {
                    answers.notify_one();
                }
                let error = soon(&title, call).await.unwrap_err().to_string();
                assert!(error.contains(server.end()), "{title}: {error}");
            } else {
                // Nothing is under way there. The answer is the server's that comes next.
                answers.notify_one();
                let answered = soon(&title, call).await;
                let text = answered.map(|result| result.into_raw().to_string());
                let text = text.unwrap_or_else(|error| ErrorChain::new(&error).to_string());
                assert!(text.contains("Hello, Ada!") || text.contains("server"), "{title}: {text}");
            }
        }
        Doing::Listening => {
            let filter = SubscriptionFilter::new().resources_list_changed();
            let mut changes = client.listen(filter);
            soon(&title, async {
                while !matches!(changes.next().await, Some(SubscriptionEvent::Started { .. })) {}
            })
            .await;
            server.kill(mcp, &bridge);
            // Whatever was missed may have changed.
            soon(&title, async {
                while !matches!(changes.next().await, Some(SubscriptionEvent::Changed(_))) {}
            })
            .await;
        }
    }
    // The next request reaches a server, at the latest after the wait that follows a failure.
    let again = async {
        while echo(&client).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    soon(&title, again).await;
    if !remote {
        bridge.settles_at(1).await;
        assert_ne!(bridge.servers()[0].0, before[0].0, "{title}");
    }
    client.close().await;
}

/// A server in the words of a shell that does not end with its input, nor by TERM.
fn lives_on() -> String {
    format!("trap '' TERM\n{SHELL}\nexec sleep 4000")
}

// BRIDGE 8 row 6.
/// A server that is killed after its session was closed, and before it has ended by itself, has not failed: the next
/// session is opened at once, and no process is left.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_at_the_end_of_its_session_is_no_failure() {
    let Some(mcp) = fixtures::mcp_bin() else { return };
    let first = ["bridge", "--listen", "127.0.0.1:0", "--era", "legacy", "--stop-grace", "1h", "--status"];
    let server = lives_on();
    let first = [&first[..], &["--restart", "never", "--", "sh", "-c", &server]].concat();
    let bridge = Listening::start(&mcp, &first);
    for _ in 0..3 {
        let client = soon("connect", connected(&bridge, ERAS[0])).await.unwrap();
        assert_eq!(client.list_tools().await.unwrap().len(), 0);
        let id = bridge.servers()[0].0;
        client.close().await;
        let ends = async {
            while !bridge.servers()[0].1.starts_with("sleep") {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        soon("the end of its input", ends).await;
        kill_process(Pid::from_raw(id.cast_signed()).unwrap(), Signal::KILL).unwrap();
        bridge.settles_at(0).await;
    }
    becomes_cold(&bridge).await;
}

// BRIDGE 8 row 6.
/// The bridge receives a signal while a server that does not end by itself is being closed: both end.
#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_that_ends_while_a_session_is_closed_leaves_nothing() {
    let Some(mcp) = fixtures::mcp_bin() else { return };
    let first = ["bridge", "--listen", "127.0.0.1:0", "--era", "legacy", "--stop-grace", "50ms"];
    for ended_by in [Signal::TERM, Signal::KILL] {
        let grace = if ended_by == Signal::TERM { "50ms" } else { "1h" };
        let server = lives_on();
        let first = [&first[..6], &[grace, "--", "sh", "-c", &server]].concat();
        let bridge = Listening::start(&mcp, &first);
        let client = soon("connect", connected(&bridge, ERAS[0])).await.unwrap();
        assert_eq!(client.list_tools().await.unwrap().len(), 0);
        let server = bridge.servers()[0].0;
        client.close().await;
        kill_process(Pid::from_raw(bridge.id().cast_signed()).unwrap(), ended_by).unwrap();
        let gone = async {
            // Where the bridge is gone, its new parent may not ask for its end.
            let runs = |stat: String| !stat.contains(") Z ");
            while std::fs::read_to_string(format!("/proc/{server}/stat")).is_ok_and(runs) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        soon(&format!("{ended_by:?}"), gone).await;
    }
}

/// A server that answers `initialize`, and is killed by what comes next.
const DIES_NEXT: &str = r#"
read -r line
id=${line#*'"id":'}
id=${id%%[,\}]*}
printf '{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"sh","version":"1"}}}\n' "$id"
read -r line
kill -9 $$
"#;

// BRIDGE 8 row 6, BR-14.
/// A server that is killed between its handshake and its first answer, again and again: each request is an error in
/// words, and in the end it is left alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_after_each_handshake_is_given_up() {
    let Some(mcp) = fixtures::mcp_bin() else { return };
    let first =
        ["bridge", "--listen", "127.0.0.1:0", "--era", "legacy", "--restart", "on-failure:3", "--status"];
    for era in ERAS {
        let bridge = Listening::start(&mcp, &[&first[..], &["--", "sh", "-c", DIES_NEXT]].concat());
        let status = bridge.url.replace("/mcp", "/status");
        let given_up = async {
            let mut said = Vec::new();
            while !get(&status).await.1.contains(r#""state":"failed""#) {
                let error = match connected(&bridge, era).await {
                    Ok(client) => client.list_tools().await.map(|_| client).unwrap_err(),
                    Err(error) => error,
                };
                said.push(ErrorChain::new(&error).to_string());
            }
            said
        };
        let said = soon(&format!("{era:?}"), given_up).await;
        assert!(said.iter().any(|error| error.contains("signal 9")), "{era:?}: {said:?}");
        let error = match soon("the last", connected(&bridge, era)).await {
            Ok(client) => client.list_tools().await.map(|_| client).unwrap_err(),
            Err(error) => error,
        };
        let error = ErrorChain::new(&error).to_string();
        assert!(error.contains("not started again"), "{era:?}: {error}");
        bridge.settles_at(0).await;
    }
}
