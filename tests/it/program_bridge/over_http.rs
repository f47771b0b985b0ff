//! Servers over HTTP that misbehave behind the bridge.

use std::path::Path;
use std::time::Duration;

use futures::future::join_all;
use mcp_core::transport::ErrorChain;
use mcp_tests::fault_server::{Break, FaultServer, On, Record, Rule, Step};
use mcp_tests::port::Port;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncWriteExt;

use super::faults::{Wanted, connected, echo, soon};
use super::kit::{ERAS, Listening};
use super::many::get;
use crate::fixtures;

/// Name of the fault, options of the bridge, outcome.
const ROWS: &[(&str, &[&str], Wanted)] = &[
    ("wants-credentials", &[], Wanted::Error("401")),
    ("refuses-credentials", &[], Wanted::Error("403")),
    ("no-redirect", &[], Wanted::Error("302 Found")),
    ("long-body", &[], Wanted::Error("16777216")),
    ("cut-stream", &[], Wanted::Error("cut before the answer")),
    ("empty-stream", &[], Wanted::Error("cut before the answer")),
    ("web-page", &[], Wanted::Error("text/html")),
    ("bad-gateway", &[], Wanted::Error("502 Bad Gateway")),
    ("too-many-requests", &[], Wanted::Error("retry after 7 s")),
    ("redirect-away", &[], Wanted::Error("elsewhere.invalid/mcp is not followed")),
    ("silent-http", &["--timeout", "500ms"], Wanted::Error("500ms")),
    ("two-replies", &[], Wanted::Text),
    ("request-on-stream", &[], Wanted::Text),
];

// BRIDGE 8 row 6. FAULT C-24 to C-26, C-28 to C-31, C-34, C-41, A-B4, A-B20, A-B33.
/// Each client gets an answer, or an error that says what the server did.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_over_http_that_misbehaves_is_an_error_in_words() {
    let Some(mcp) = fixtures::mcp_bin() else { return };
    join_all(ROWS.iter().map(|row| misbehaving(&mcp, row))).await;
}

async fn misbehaving(mcp: &Path, (fault, options, wanted): &(&str, &[&str], Wanted)) {
    let server = Listening::start(mcp, &["serve-demo", "--listen", "127.0.0.1:0", "--fault", fault]);
    for era in ERAS {
        let first = ["bridge", "--listen", "127.0.0.1:0", server.url.as_str()];
        let bridge = Listening::start(mcp, &[&first[..], options].concat());
        let outcome = soon(fault, async { echo(&connected(&bridge, era).await?).await }).await;
        wanted.check(&format!("{fault} {era:?}"), outcome);
    }
}

/// FAULT C-23: no server listens there, which is an error in words; once one does, clients are served.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_yet_is_found_later() {
    let Some(mcp) = fixtures::mcp_bin() else { return };
    for era in ERAS {
        let port = Port::reserve().unwrap();
        let address = format!("127.0.0.1:{}", port.number());
        let words = ["bridge", "--listen", "127.0.0.1:0", &format!("http://{address}/mcp")];
        let bridge = Listening::start(&mcp, &words);
        let error = soon("refused", connected(&bridge, era)).await.unwrap_err();
        let error = ErrorChain::new(&error).to_string().to_lowercase();
        assert!(error.contains("refused") && error.contains(&address), "{era:?}: {error}");
        let _server = Listening::start(&mcp, &["serve-demo", "--listen", &address]);
        let found = async {
            loop {
                // The bridge waits a while after a failure.
                if let Ok(client) = connected(&bridge, era).await {
                    return echo(&client).await;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        assert_eq!(soon("found", found).await.unwrap(), "hi", "{era:?}");
    }
}

const LEGACY: &str =
    r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}"#;

/// A legacy server with a session, whose end it answers with these steps.
fn script(at_the_end: Vec<Step>) -> Vec<Rule> {
    vec![
        Rule::new(On::Rpc("initialize"), [Step::result(LEGACY).with("mcp-session-id: s")]),
        Rule::new(On::Rpc("notifications/initialized"), [Step::status(202)]),
        Rule::new(On::Rpc("tools/list"), [Step::result(r#"{"tools":[]}"#)]),
        Rule::new(On::Http("GET"), [Step::status(405)]),
        Rule::new(On::Http("DELETE"), at_the_end),
    ]
}

/// Waits until the bridge has no session left. It has never failed.
pub(super) async fn becomes_cold(bridge: &Listening) {
    let cold = async {
        loop {
            let status = get(&bridge.url.replace("/mcp", "/status")).await.1;
            assert!(!status.contains("failure"), "{status}");
            if status.contains(r#""state":"cold""#) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon("the end of the sessions", cold).await;
}

fn deletes(record: &Record) -> usize {
    record.of("DELETE").len()
}

// BRIDGE 8 row 6, BR-16.
/// A server that dies, falls silent or fails while its session is being closed: the next session is opened as before,
/// and a bridge that receives a signal ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_at_the_end_of_its_session_is_no_failure() {
    let Some(mcp) = fixtures::mcp_bin() else { return };
    let ends = [
        ("reset", vec![Step::Reset]),
        ("closed", vec![Step::Close]),
        ("silent", vec![Step::Hold]),
        ("failing", vec![Step::status(500)]),
        ("cut", vec![Step::send("HTTP/1.1 200 OK\r\ncontent-le"), Step::Reset]),
    ];
    for (title, end) in ends {
        let server = FaultServer::tcp(script(end)).await.unwrap();
        let first =
            ["bridge", "--listen", "127.0.0.1:0", "--era", "legacy", "--restart", "never", "--status"];
        let mut bridge = Listening::start(&mcp, &[&first[..], &[server.url().as_str()]].concat());
        for _ in 0..3 {
            let before = deletes(&server.record());
            let client = soon(title, connected(&bridge, ERAS[0])).await.unwrap();
            assert_eq!(client.list_tools().await.unwrap().len(), 0, "{title}");
            client.close().await;
            // One that was cut off may be sent again.
            soon(title, server.until(|record| deletes(record) > before)).await;
        }
        becomes_cold(&bridge).await;
        // A request for the end while a session is being closed.
        let before = deletes(&server.record());
        let client = soon(title, connected(&bridge, ERAS[0])).await.unwrap();
        client.close().await;
        soon(title, server.until(|record| deletes(record) > before)).await;
        kill_process(Pid::from_raw(bridge.id().cast_signed()).unwrap(), Signal::TERM).unwrap();
        let ended = tokio::task::spawn_blocking(move || bridge.wait());
        assert_eq!(soon(title, ended).await.unwrap().code(), Some(128 + 15), "{title}");
    }
}

// BRIDGE 8 row 6, BR-16.
/// Over stdio: the end of the input ends the session of the server, and the program, also if that server does not answer.
#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_input_ends_a_bridge_whose_server_is_silent() {
    let Some(mcp) = fixtures::mcp_bin() else { return };
    for (title, end) in [("reset", Step::Reset), ("silent", Step::Hold)] {
        let server = FaultServer::tcp(script(vec![end])).await.unwrap();
        let mut command = tokio::process::Command::new(&mcp);
        command.args(["bridge", "--era", "legacy", &server.url()]).kill_on_drop(true);
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        let mut bridge = command.spawn().unwrap();
        let params =
            r#"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}"#;
        let lines = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{params}}}\n\
             {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}}\n\
             {{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/list\"}}\n"
        );
        bridge.stdin.take().unwrap().write_all(lines.as_bytes()).await.unwrap();
        let output = soon(title, bridge.wait_with_output()).await.unwrap();
        assert_eq!(output.status.code(), Some(0), "{title}");
        assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 2, "{title}");
        assert!(deletes(&server.record()) > 0, "{title}");
    }
}

// BRIDGE 8 row 6.
/// A server that dies while its session is being opened, behind any byte of its first answer, is an error in words. The
/// one that comes next is used.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_in_its_first_answer_is_an_error_in_words() {
    let Some(mcp) = fixtures::mcp_bin() else { return };
    for how in [Break::Reset, Break::Close] {
        for at in [0, 1, 20, 120] {
            let title = format!("{how:?} {at}");
            let server = FaultServer::tcp(script(vec![Step::status(200)])).await.unwrap();
            let words = ["bridge", "--listen", "127.0.0.1:0", "--era", "legacy", &server.url()];
            let bridge = Listening::start(&mcp, &words);
            server.break_at(at, how);
            let first = soon(&title, connected(&bridge, ERAS[0])).await;
            soon(&title, server.until(|record| record.broken)).await;
            if let Err(error) = first {
                let error = ErrorChain::new(&error).to_string();
                assert!(error.contains("could not be started"), "{title}: {error}");
            }
            let served = async {
                loop {
                    if let Ok(client) = connected(&bridge, ERAS[0]).await {
                        return client.list_tools().await;
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            };
            assert_eq!(soon(&title, served).await.unwrap().len(), 0, "{title}");
        }
    }
}
