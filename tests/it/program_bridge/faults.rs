//! Servers that misbehave behind the bridge, and what is left of them. Other clients are served meanwhile.

use std::time::Duration;

use futures::future::join_all;
use mcp_core::Error;
use mcp_core::client::{Client, EraMode};
use mcp_core::message::RawJson;
use mcp_http::HttpClient;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::kit::{ERAS, HANG, Listening, SHELL, client};
use crate::fixtures;

pub(super) async fn soon<T>(what: &str, event: impl Future<Output = T>) -> T {
    tokio::time::timeout(HANG, event).await.unwrap_or_else(|_| panic!("{what}: it hangs"))
}

pub(super) async fn connected(bridge: &Listening, era: EraMode) -> Result<Client, Error> {
    client(era).connect(HttpClient::new(&bridge.url).unwrap()).await
}

pub(super) async fn echo(client: &Client) -> Result<String, Error> {
    let arguments = RawJson::serialize(&json!({"text": "hi"})).unwrap();
    Ok(client.call_tool("echo", Some(arguments)).await?.texts().collect())
}

/// What comes of a call of `echo`.
#[derive(Clone, Copy)]
pub(super) enum Wanted {
    Text,
    /// An error that says this.
    Error(&'static str),
}

impl Wanted {
    pub(super) fn check(&self, title: &str, outcome: Result<String, Error>) {
        match (self, outcome) {
            (Wanted::Text, Ok(text)) => assert!(text == "hi" || text.contains('🦀'), "{title}: {text}"),
            (Wanted::Error(wanted), Err(error)) => {
                let error = mcp_core::transport::ErrorChain::new(&error).to_string();
                assert!(error.contains(wanted), "{title}: {error}");
            }
            (_, outcome) => panic!("{title}: {outcome:?}"),
        }
    }
}

/// Name of the fault, options of the bridge, outcome.
const ROWS: &[(&str, &[&str], Wanted)] = &[
    ("kill-self-mid-call", &[], Wanted::Error("out of memory, so to speak")),
    ("close-stdout", &[], Wanted::Error("the upstream server")),
    ("exit-before-reply-read", &[], Wanted::Text),
    ("partial-last-line", &[], Wanted::Text),
    ("one-byte-writes", &[], Wanted::Text),
    ("split-utf8", &[], Wanted::Text),
    ("long-line", &[], Wanted::Error("16777216")),
    ("invalid-utf8", &[], Wanted::Text),
    ("bom-crlf-blank", &[], Wanted::Text),
    ("banner", &[], Wanted::Text),
    ("stderr-flood", &[], Wanted::Text),
    ("never-reads", &["--timeout", "500ms"], Wanted::Error("500ms")),
    ("notification-flood", &[], Wanted::Text),
    ("ignores-term", &[], Wanted::Text),
    ("slow-start", &[], Wanted::Text),
    ("duplicate-replies", &[], Wanted::Text),
    ("unknown-id", &[], Wanted::Text),
    ("out-of-order", &[], Wanted::Text),
    ("server-request-on-modern", &[], Wanted::Text),
    ("probe-error-32601", &[], Wanted::Text),
    ("probe-error-32602", &[], Wanted::Text),
    ("dies-on-probe", &[], Wanted::Text),
    ("silent-on-probe", &["--probe-timeout", "100ms"], Wanted::Text),
    ("older-version", &[], Wanted::Text),
    ("newer-version", &[], Wanted::Error("no common version")),
    ("paging-loop", &[], Wanted::Text),
    ("paging-empty-cursor", &[], Wanted::Text),
    ("paging-endless", &[], Wanted::Text),
];

// BRIDGE 8 row 6. FAULT C-1 to C-13, C-16, C-22, C-34, C-40 to C-44.
/// Through the bridge each client gets an answer or an
/// error in words, and no process is left, ended or not.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_misbehaves_is_an_error_in_words_and_leaves_nothing() {
    let Some(mcp) = fixtures::mcp_bin() else { return };
    for chunk in ROWS.chunks(7) {
        join_all(chunk.iter().map(|row| misbehaving(&mcp, row))).await;
    }
}

async fn misbehaving(mcp: &std::path::Path, (fault, options, wanted): &(&str, &[&str], Wanted)) {
    let first = ["bridge", "--listen", "127.0.0.1:0", "--stop-grace", "50ms"];
    let behind = ["--", mcp.to_str().unwrap(), "serve-demo", "--fault", fault];
    let bridge = Listening::start(mcp, &[&first[..], options, &behind].concat());
    for era in ERAS {
        let outcome = async {
            let client = connected(&bridge, era).await?;
            let outcome = echo(&client).await;
            client.close().await;
            outcome
        };
        let outcome = soon(fault, outcome).await;
        wanted.check(&format!("{fault} {era:?}"), outcome);
    }
    // The requests of 2026-07-28 share a session that is kept for a while. A bridge that ends ends it.
    let id = bridge.id();
    let children: Vec<u32> = bridge.children().iter().map(|(id, _)| *id).collect();
    kill_process(Pid::from_raw(id.cast_signed()).unwrap(), Signal::TERM).unwrap();
    let ended = async {
        // Its own end cannot be seen before it is waited for; a zombie has no children.
        while children.iter().any(|id| std::path::Path::new(&format!("/proc/{id}")).exists()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon(fault, ended).await;
}

/// A server that leaves its own child behind: that child ends with it. FAULT C-15.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_forks_leaves_nothing() {
    let Some(mcp) = fixtures::mcp_bin() else { return };
    let first = ["bridge", "--listen", "127.0.0.1:0", "--stop-grace", "50ms", "--"];
    let behind = [mcp.to_str().unwrap(), "serve-demo", "--fault", "grandchild-holds-pipes"];
    let bridge = Listening::start(&mcp, &[&first[..], &behind].concat());
    for era in ERAS {
        let client = soon("connect", connected(&bridge, era)).await.unwrap();
        let left_behind = soon("call", echo(&client)).await.unwrap();
        let there = std::path::PathBuf::from(format!("/proc/{}", left_behind.trim()));
        let gone = async {
            while there.exists() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        soon(&format!("{}", there.display()), gone).await;
        client.close().await;
    }
    bridge.settles_at(0).await;
}

/// A limit that only a silent server reaches.
const SHORT: &[&str] = &["--start-timeout", "300ms", "--probe-timeout", "100ms"];

/// Script of a shell, options of the bridge, and what the error of a client says.
const STARTS: &[(&str, &[&str], &str)] = &[
    ("while read -r line; do :; done", SHORT, "300ms"),
    ("exec sleep 1000", SHORT, "300ms"),
    ("kill -9 $$", &[], "signal 9"),
    ("read -r line; kill -9 $$", &[], "signal 9"),
];

// BRIDGE 8 row 6.
/// A server that is silent or killed before its session is open. Each client gets an error in words, and no
/// process is left.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_start_is_an_error_in_words_and_leaves_nothing() {
    let Some(mcp) = fixtures::mcp_bin() else { return };
    let first = ["bridge", "--listen", "127.0.0.1:0", "--stop-grace", "50ms"];
    for (script, options, wanted) in STARTS {
        for era in ERAS {
            let behind = ["--", "sh", "-c", script];
            let bridge = Listening::start(&mcp, &[&first[..], options, &behind].concat());
            let error = soon(script, connected(&bridge, era)).await.unwrap_err();
            let error = mcp_core::transport::ErrorChain::new(&error).to_string();
            assert!(error.contains(wanted), "{script} {era:?}: {error}");
            bridge.settles_at(0).await;
        }
    }
}

/// BRIDGE 8 row 6, FAULT C-17: a thousand sessions with a process each. No process
/// is left, no zombie, and no file descriptor of the bridge.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_sessions_leave_no_process() {
    let Some(mcp) = fixtures::mcp_bin() else { return };
    let words = [
        "bridge",
        "--listen",
        "127.0.0.1:0",
        "--era",
        "legacy",
        "--max-starts",
        "1000",
        "--",
        "sh",
        "-c",
        SHELL,
    ];
    let bridge = Listening::start(&mcp, &words);
    let descriptors = || std::fs::read_dir(format!("/proc/{}/fd", bridge.id())).unwrap().count();
    let session = async || {
        let client = connected(&bridge, ERAS[0]).await.unwrap();
        assert_eq!(client.list_tools().await.unwrap().len(), 0);
        client.close().await;
    };
    session().await;
    bridge.settles_at(0).await;
    let before = descriptors();
    for _ in 0..40 {
        join_all((0..25).map(|_| session())).await;
    }
    bridge.settles_at(0).await;
    let settled = async {
        // The connections of clients that are gone end too.
        while descriptors() > before + 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon("descriptors", settled).await;
    assert_eq!(bridge.children().len(), 1, "the guard is left: {:?}", bridge.children());
}
