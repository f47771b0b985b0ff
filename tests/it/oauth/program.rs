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
    browser: Browser,
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
                self.browser.browse(line.trim()).await;
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
    let mcp = Program { path, home: home.path(), browser: Browser::new() };
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

/// AU-C-09, AU-C-14: authorization servers that do not announce PKCE, or that refuse the parameter `resource`.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_at_servers_that_do_less() {
    let started = Server::start(&[("PKCE", "0")]).await;
    let (Some(path), Some(server)) = (fixtures::mcp_bin(), started) else { return };
    let home = tempfile::tempdir().unwrap();
    let mcp = Program { path, home: home.path(), browser: Browser::new() };
    let url = server.url.as_str();
    let refused = mcp.run(&["login", url, "--no-browser"]).await;
    assert!(refused.code == Some(6) && refused.stderr.contains("--assume-pkce"), "{}", refused.stderr);
    let login = mcp.with_browser(&["login", url, "--no-browser", "--assume-pkce"]).await;
    assert_eq!(login.code, Some(0), "{}", login.stderr);
    let asked = |text: &str| mcp.browser.seen.lock().unwrap().iter().any(|query| query.contains(text));
    assert!(asked("code_challenge_method=S256") && asked("&resource=http"));

    mcp.browser.seen.lock().unwrap().clear();
    let words = ["login", url, "--no-browser", "--assume-pkce", "--omit-resource"];
    let without = mcp.with_browser(&words).await;
    // The token is for no server, so that this one refuses it.
    assert_eq!(without.code, Some(3), "{}", without.stderr);
    assert!(asked("code_challenge_method=S256") && !asked("resource="));
}

/// The secrets in the files of its store.
fn stored_secrets(home: &Path) -> Vec<String> {
    let files = std::fs::read_dir(home.join("state/mcp/auth")).unwrap();
    let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let mut values: Vec<Value> = texts.filter_map(|text| serde_json::from_str(&text).ok()).collect();
    let mut secrets = Vec::new();
    while let Some(value) = values.pop() {
        let Value::Object(members) = value else { continue };
        for (name, value) in members {
            match value {
                Value::String(text) if SECRET.contains(&name.as_str()) => secrets.push(text),
                value => values.push(value),
            }
        }
    }
    secrets
}

/// The members of records that are secrets.
const SECRET: [&str; 4] = ["access_token", "refresh_token", "secret", "dpop_key"];

/// AU-C-74: with all logs, and with the wire traced to stderr, no command shows a token, a code, a verifier or a key.
#[tokio::test(flavor = "multi_thread")]
async fn the_program_shows_no_secret() {
    let started = Server::start(&[("DPOP", "1")]).await;
    let (Some(path), Some(server)) = (fixtures::mcp_bin(), started) else { return };
    let home = tempfile::tempdir().unwrap();
    let mcp = Program { path, home: home.path(), browser: Browser::new() };
    let url = server.url.as_str();
    let with = |words: &[&'static str]| -> Vec<String> {
        let loud = ["-vvv", "--trace", "--no-browser"];
        words.iter().chain(&loud).map(|word| word.replace("URL", url)).collect()
    };
    let mut shown = Vec::new();
    for (words, code) in [
        (&["login", "URL"][..], 0),
        (&["tools", "URL"], 0),
        (&["call", "URL", "write"], 3),
        (&["call", "URL", "write", "--login"], 0),
        (&["whoami"], 0),
        (&["whoami", "URL", "--json"], 0),
        (&["discover", "URL"], 0),
    ] {
        let words = with(words);
        let run = mcp.with_browser(&words.iter().map(String::as_str).collect::<Vec<_>>()).await;
        assert_eq!(run.code, Some(code), "{words:?}: {}", run.stderr);
        shown.push(run);
    }
    let mut secrets = stored_secrets(home.path());
    assert_eq!(secrets.len(), 3, "an access token, a refresh token and a key");
    let words = with(&["logout", "URL"]);
    shown.push(mcp.with_browser(&words.iter().map(String::as_str).collect::<Vec<_>>()).await);

    let verifiers = server.stats().await["verifiers"].as_array().unwrap().clone();
    assert_eq!(verifiers.len(), 2, "two logins");
    secrets.extend(verifiers.iter().map(|verifier| verifier.as_str().unwrap().to_owned()));
    for query in mcp.browser.seen.lock().unwrap().iter() {
        let codes = query.split('&').filter_map(|pair| pair.strip_prefix("code="));
        secrets.extend(codes.map(str::to_owned));
    }
    assert_eq!(secrets.len(), 7, "two codes");
    let heard = |text: &str| shown.iter().any(|run| run.stderr.contains(text));
    assert!(heard("asking an authorization server") && heard("tools/call"), "the log is deaf");
    for secret in &secrets {
        for run in &shown {
            let silent = !run.stdout.contains(secret) && !run.stderr.contains(secret);
            assert!(silent, "{secret} is in {}{}", run.stdout, run.stderr);
        }
    }
}
