//! The directions: a command behind HTTP, a URL behind stdio, and what is left afterwards.

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use mcp_core::client::EraMode;
use mcp_http::HttpClient;
use mcp_stdio::ChildCommand;

use super::kit::{ERAS, HANG, Listening, client, converse};
use crate::fixtures;

/// A server over stdio behind HTTP, in four combinations of eras. No session leaves a process behind.
#[tokio::test]
async fn a_command_is_served_over_http() {
    let Some(mcp) = fixtures::mcp_bin() else { return };
    let own = mcp.to_str().unwrap();
    for (server, policy) in [("legacy", "per-request"), ("legacy", "per-session"), ("modern", "per-session")]
    {
        let words = ["bridge", "--listen", "127.0.0.1:0", "--era", server, "--child", policy, "--", own];
        let words = [&words[..], &["serve-demo"]].concat();
        let bridge = Listening::start(&mcp, &words);
        for era in ERAS {
            converse(era, HttpClient::new(&bridge.url).unwrap()).await.close().await;
        }
        #[cfg(target_os = "linux")]
        {
            let sessions = (0..20).map(async |_| {
                let client = client(ERAS[0]).connect(HttpClient::new(&bridge.url).unwrap()).await.unwrap();
                client.list_tools().await.unwrap();
                client.close().await;
            });
            futures::future::join_all(sessions).await;
            // The requests of 2026-07-28 share one, and it has a guard. What else is there is being ended.
            bridge.settles_at(usize::from(policy != "per-request")).await;
            let guards = bridge.children().iter().filter(|(_, line)| line.contains("__guard")).count();
            assert_eq!(guards, 1, "{:?}", bridge.children());
        }
    }
}

/// A server behind a URL over stdio, in four combinations of eras. The end of the input ends it cleanly.
#[tokio::test]
async fn a_url_is_served_over_stdio() {
    let Some(mcp) = fixtures::mcp_bin() else { return };
    let server = Listening::start(&mcp, &["serve-demo", "--listen", "127.0.0.1:0"]);
    for upstream in ["legacy", "modern", "auto"] {
        for era in ERAS {
            let bridge = ChildCommand::new(&mcp).args(["bridge", "--era", upstream, &server.url]);
            converse(era, bridge).await.close().await;
        }
    }
    let answered = say(&mcp, &["bridge", &server.url]);
    assert_eq!(answered.status.code(), Some(0));
    // Requests before the end of the input are answered, and nothing else is on stdout.
    let lines: Vec<serde_json::Value> =
        answered.stdout.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0]["result"]["serverInfo"]["name"], "mcp-demo");
    assert!(lines[1]["result"]["tools"].as_array().unwrap().len() > 3);
}

/// The program's whole answer to a client that writes a session of two requests and ends its input.
fn say(mcp: &PathBuf, words: &[&str]) -> Output {
    let mut command = Command::new(mcp);
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let params =
        r#"{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"c","version":"1"}}"#;
    let lines = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{params}}}\n\
         {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}}\n\
         {{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/list\"}}\n"
    );
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// One in front of another: what the first does to a message is not undone by the second.
#[tokio::test]
async fn bridges_can_be_chained() {
    let Some(mcp) = fixtures::mcp_bin() else { return };
    let own = mcp.to_str().unwrap();
    let words = ["bridge", "--listen", "127.0.0.1:0", "--era", "legacy", "--", own, "serve-demo"];
    let inner = Listening::start(&mcp, &words);
    let outer = Listening::start(&mcp, &["bridge", "--listen", "127.0.0.1:0", "--era", "modern", &inner.url]);
    for era in ERAS {
        converse(era, HttpClient::new(&outer.url).unwrap()).await.close().await;
    }
}

/// Errors of a server that cannot be started reach the client in words, and the exit code says so too.
#[tokio::test]
async fn a_server_that_does_not_exist_is_an_error_in_words() {
    let Some(mcp) = fixtures::mcp_bin() else { return };
    for era in ERAS {
        let bridge = ChildCommand::new(&mcp).args(["bridge", "--", "/no/such/server"]);
        let error = client(era).connect(bridge).await.unwrap_err();
        let error = mcp_core::transport::ErrorChain::new(&error).to_string();
        assert!(error.contains("could not be started") && error.contains("/no/such/server"), "{error}");
    }
    let failed = say(&mcp, &["bridge", "--", "/no/such/server"]);
    assert_eq!(failed.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&failed.stderr).contains("/no/such/server"), "{failed:?}");
}

/// Without the token a caller is refused, and nothing is started for it.
#[tokio::test]
async fn a_listener_with_a_token_starts_nothing_for_strangers() {
    let Some(mcp) = fixtures::mcp_bin() else { return };
    let own = mcp.to_str().unwrap();
    let open = Command::new(&mcp).args(["bridge", "--listen", "0.0.0.0:0", "--", own, "serve-demo"]).output();
    assert_eq!(open.unwrap().status.code(), Some(2));
    let words =
        ["bridge", "--listen", "127.0.0.1:0", "--auth-token-env", "BRIDGE_TOKEN", "--", own, "serve-demo"];
    let bridge = Listening::with(&mcp, &words, &[("BRIDGE_TOKEN", "s3cret")]);
    for era in ERAS {
        let refused = client(era).connect(HttpClient::new(&bridge.url).unwrap()).await.unwrap_err();
        assert!(refused.is_auth(), "{refused}");
    }
    #[cfg(target_os = "linux")]
    assert_eq!(bridge.children(), Vec::new());
    for era in ERAS {
        let connector = HttpClient::new(&bridge.url).unwrap().bearer("s3cret");
        converse(era, connector).await.close().await;
    }
}

/// What a run finds out about the era of a server, the next one knows: it does not probe.
#[cfg(unix)]
#[tokio::test]
async fn the_era_of_a_server_is_known_to_the_next_run() {
    let Some(mcp) = fixtures::mcp_bin() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (log, cache) = (folder.path().join("log"), folder.path().join("cache"));
    // A server of the legacy era alone, and everything that it reads.
    let script = r#"tee -a "$1" | "$2" bridge --eras legacy -- "$2" serve-demo"#;
    let (log_word, own) = (log.to_str().unwrap(), mcp.to_str().unwrap());
    let words = ["bridge", "--listen", "127.0.0.1:0", "--", "sh", "-c", script, "sh", log_word, own];
    let file = cache.join("mcp").join("eras.json");
    for (run, probes) in [("first", true), ("second", false)] {
        std::fs::write(&log, "").unwrap();
        let bridge = Listening::with(&mcp, &words, &[("XDG_CACHE_HOME", cache.to_str().unwrap())]);
        converse(EraMode::Modern, HttpClient::new(&bridge.url).unwrap()).await.close().await;
        let heard = std::fs::read_to_string(&log).unwrap();
        assert!(heard.contains("\"initialize\""), "{run}: {heard}");
        assert_eq!(heard.contains("server/discover"), probes, "{run}: {heard}");
        let kept = async {
            while !file.exists() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(HANG, kept).await.expect("the verdict is kept");
    }
    assert!(std::fs::read_to_string(&file).unwrap().contains(r#""modern":{"version":"2025-11-25""#));
}
