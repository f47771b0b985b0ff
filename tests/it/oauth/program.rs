//! `mcp login`, `whoami`, `token`, `logout`, and commands that use what is stored.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::{Browser, Server};
use crate::fixtures;

struct Program<'a> {
    path: std::path::PathBuf,
    home: &'a Path,
}

/// What a run left behind.
struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Program<'_> {
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.path);
        command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("HOME", self.home).env("XDG_STATE_HOME", self.home.join("state")).kill_on_drop(true);
        command
    }

    async fn run(&self, words: &[&str]) -> Run {
        let output = self.command(words).output().await.unwrap();
        Run {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs a command that logs in, and plays the browser.
    async fn with_browser(&self, words: &[&str]) -> Run {
        let mut child = self.command(words).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut stderr = String::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            stderr.push_str(&line);
            stderr.push('\n');
            if line.trim_start().starts_with("http") && line.contains("code_challenge=") {
                Browser::new().browse(line.trim()).await;
            }
        }
        let output = child.wait_with_output().await.unwrap();
        Run { code: output.status.code(), stdout: String::from_utf8(output.stdout).unwrap(), stderr }
    }
}

/// AU-C-60 to AU-C-64.
#[tokio::test(flavor = "multi_thread")]
async fn the_program_logs_in_and_out() {
    let (Some(path), Some(server)) = (fixtures::mcp_bin(), Server::start(&[]).await) else { return };
    let home = tempfile::tempdir().unwrap();
    let mcp = Program { path, home: home.path() };
    let url = server.url.as_str();

    // Without a login: the server's refusal, and what to do.
    let refused = mcp.run(&["tools", url]).await;
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(refused.stderr.contains(&format!("run: mcp login {url}")), "{}", refused.stderr);
    assert_eq!(mcp.run(&["whoami", url]).await.code, Some(3));
    assert_eq!(mcp.run(&["token", url]).await.code, Some(3));

    let login = mcp.with_browser(&["login", url, "--no-browser"]).await;
    assert_eq!(login.code, Some(0), "{}", login.stderr);
    assert!(login.stdout.contains("Logged in to authorized."), "{}", login.stdout);
    assert!(login.stderr.contains("ssh -L "), "{}", login.stderr);

    let tools = mcp.run(&["tools", url, "--json"]).await;
    assert_eq!(tools.code, Some(0), "{}", tools.stderr);
    let who: Value = serde_json::from_str(&mcp.run(&["whoami", url, "--json"]).await.stdout).unwrap();
    assert_eq!((&who["scopes"], &who["valid"]), (&serde_json::json!(["mcp:read"]), &Value::Bool(true)));
    let token = mcp.run(&["token", url]).await;
    assert!(token.code == Some(0) && token.stdout.trim().len() > 20 && token.stderr.is_empty());
    for run in [&login, &tools, &mcp.run(&["whoami"]).await, &mcp.run(&["tools", url, "-vvv"]).await] {
        assert!(!run.stdout.contains(token.stdout.trim()) && !run.stderr.contains(token.stdout.trim()));
    }

    // A scope is missing, and `--login` asks for it inside of the command.
    let lacking = mcp.run(&["call", url, "write"]).await;
    assert_eq!(lacking.code, Some(3), "{}", lacking.stderr);
    let written = mcp.with_browser(&["call", url, "write", "--login", "--no-browser"]).await;
    assert_eq!((written.code, written.stdout.trim()), (Some(0), "write done"), "{}", written.stderr);
    // Another profile is another login.
    assert_eq!(mcp.run(&["tools", url, "--profile", "other"]).await.code, Some(3));

    let logout = mcp.run(&["logout", url, "--forget-client"]).await;
    assert_eq!(
        (logout.code, logout.stdout.contains("revoked and removed")),
        (Some(0), true),
        "{}",
        logout.stderr
    );
    assert_eq!(mcp.run(&["tools", url]).await.code, Some(3));
    assert_eq!(mcp.run(&["whoami"]).await.code, Some(3));
}
