//! Our demo server, against the command line of the official inspector: a process for each request.

use std::ffi::OsString;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;

use super::row::{Cell, Row, Step};
use super::{demo, process};
use crate::fixtures::{self, Program};

/// A request that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(150);

/// The rows, how the era is chosen, and the version of each.
pub(super) const ROWS: [(&str, &str, &str); 9] = [
    ("inspector, legacy / our server (http)", "legacy", "2025-11-25"),
    ("inspector, auto / our server (http)", "auto", "2026-07-28"),
    ("inspector, modern / our server (http)", "modern", "2026-07-28"),
    ("inspector, legacy / our server", "legacy", "2025-11-25"),
    ("inspector, auto / our server", "auto", "2026-07-28"),
    ("inspector, modern / our server", "modern", "2026-07-28"),
    ("inspector, auto / our bridge (stdio) / our server", "auto", "2026-07-28"),
    ("inspector, auto / our bridge / our server (http)", "auto", "2026-07-28"),
    ("inspector, auto / our bridge / server-everything (http)", "auto", "2026-07-28"),
];

/// What cannot be asked of it.
const CANNOT: [(Step, &str); 4] = [
    (Step::Progress, "its command line shows no progress"),
    (Step::Cancel, "its command line cancels nothing"),
    (Step::Input, "its command line answers no questions"),
    (Step::Listen, "its command line ends with the answer"),
];

struct Inspector<'a> {
    program: Program,
    /// Its words for the server: a URL, or a command.
    server: Vec<String>,
    era: &'a str,
    home: tempfile::TempDir,
}

impl Inspector<'_> {
    /// Runs it with these words: its exit code, and what it printed, from stdout or else from stderr.
    async fn ask(&self, words: &[&str]) -> (Option<i32>, Value) {
        let mut command = Command::new(&self.program.path);
        command.args(&self.program.args).arg("--cli").args(&self.server).arg("--quiet");
        command.args(["--protocol-era", self.era, "--format", "json", "--method"]).args(words);
        // It keeps a catalog and credentials at home.
        command.env("HOME", self.home.path());
        let output = process::run(command, LIMIT).await;
        let printed = if output.stdout.is_empty() { &output.stderr } else { &output.stdout };
        let text = String::from_utf8_lossy(printed);
        (output.status.code(), serde_json::from_str(text.trim()).unwrap_or(Value::String(text.into_owned())))
    }

    async fn result(&self, words: &[&str]) -> Value {
        let (code, printed) = self.ask(words).await;
        if code == Some(0) { printed["result"].clone() } else { json!({"failed": printed}) }
    }

    async fn call(&self, tool: &str, arguments: &Value) -> Value {
        let words = ["tools/call", "--tool-name", tool, "--tool-args-json", &arguments.to_string()];
        self.result(&words).await["content"][0]["text"].clone()
    }
}

/// Makes the row of this number.
async fn row(number: usize) {
    let (name, era, version) = ROWS[number];
    let Some(program) = fixtures::inspector() else { return };
    let mut process = None;
    let bridged = name.contains("our bridge");
    let everything = name.contains("server-everything");
    let server = if bridged && name.ends_with("(http)") {
        let Some(mcp) = fixtures::mcp_bin() else { return };
        let behind = if everything { fixtures::node_server_everything() } else { demo::program(&[]) };
        let Some(behind) = behind else { return };
        let words = ["bridge", "--listen", "127.0.0.1:0", "--era", "legacy", "--"].map(OsString::from);
        let args = words.into_iter().chain([behind.path.into()]).chain(behind.args).collect();
        let bridge = Program { path: mcp, args };
        let (bridge, url) = process::Process::start(&bridge, &[], "listening on ").await;
        process = Some(bridge);
        vec![url, "--transport".to_owned(), "http".to_owned()]
    } else if bridged {
        let Some(mcp) = fixtures::mcp_bin() else { return };
        let Some((url, server)) = demo::start(&[]).await else { return };
        process = Some(server);
        vec![mcp.display().to_string(), "bridge".to_owned(), url]
    } else if name.ends_with("(http)") {
        let Some((url, server)) = demo::start(&[]).await else { return };
        process = Some(server);
        vec![url, "--transport".to_owned(), "http".to_owned()]
    } else {
        let Some(mcp) = fixtures::mcp_bin() else { return };
        vec![mcp.display().to_string(), "serve-demo".to_owned()]
    };
    let inspector = Inspector { program, server, era, home: tempfile::tempdir().unwrap() };
    let mut row = Row::new(name);
    for (step, reason) in CANNOT {
        row.set(step, Cell::Absent(reason));
    }
    if everything {
        row.set(Step::Large, Cell::Absent("an argument on its command line cannot be large"));
    }
    let mut judge = |step, passed: bool, note: &str, found: &Value| {
        let clipped = || found.to_string().chars().take(500).collect();
        row.set(step, if passed { Cell::Passed(note.to_owned()) } else { Cell::Failed(clipped()) });
    };

    let found = inspector.result(&["initialize"]).await;
    judge(Step::Connect, found["protocolVersion"] == version, version, &found);

    let found = inspector.result(&["tools/list"]).await;
    let named = |tool: &Value| tool["name"] == "echo";
    judge(Step::List, found["tools"].as_array().is_some_and(|tools| tools.iter().any(named)), "", &found);

    let text = "hé\n\u{2028}llo";
    let (member, echoed) =
        if everything { ("message", format!("Echo: {text}")) } else { ("text", text.to_owned()) };
    let found = inspector.call("echo", &json!({member: text})).await;
    judge(Step::Call, found == echoed, "", &found);

    let fail: &[&str] = if everything {
        &["tools/call", "--tool-name", "get-sum", "--tool-args-json", r#"{"a":"not a number"}"#]
    } else {
        &["tools/call", "--tool-name", "fail"]
    };
    let (code, failed) = inspector.ask(fail).await;
    let (_, missing) = inspector.ask(&["resources/read", "--uri", "demo://no-such-thing"]).await;
    let told = failed["result"]["isError"] == true && missing["error"].is_object();
    judge(Step::Error, code == Some(5) && told, "", &json!([failed, missing]));

    // An argument on a command line is shorter than that, and server-everything answers with nothing larger.
    if !everything {
        let found = inspector.call("big", &json!({"bytes": 2 << 20})).await;
        judge(Step::Large, found.as_str().is_some_and(|text| text.len() == 2 << 20), "back", &found);
    }

    let read = if everything { "demo://resource/dynamic/text/7" } else { "demo://readme" };
    let found = inspector.result(&["resources/read", "--uri", read]).await;
    judge(Step::Resource, found["contents"][0]["text"].is_string(), "", &found);

    let prompt = if everything { "args-prompt" } else { "greet" };
    let words = ["prompts/get", "--prompt-name", prompt, "--prompt-args", "city=Lima"];
    let found = inspector.result(&words).await;
    let filled = found["messages"][0]["content"]["text"].as_str().is_some_and(|text| text.contains("Lima"));
    judge(Step::Prompt, filled, "", &found);

    judge(Step::Close, true, "", &Value::Null);
    if let Some(server) = process {
        demo::end(&mut row, server).await;
    }
    row.finish();
}

#[tokio::test]
async fn the_inspector_has_sessions_with_our_server() {
    row(0).await;
}

#[tokio::test]
async fn the_inspector_finds_our_server_to_be_modern() {
    row(1).await;
}

#[tokio::test]
async fn the_inspector_takes_the_modern_era_of_our_server() {
    row(2).await;
}

#[tokio::test]
async fn the_inspector_has_sessions_with_our_server_over_stdio() {
    row(3).await;
}

#[tokio::test]
async fn the_inspector_finds_our_server_to_be_modern_over_stdio() {
    row(4).await;
}

#[tokio::test]
async fn the_inspector_takes_the_modern_era_of_our_server_over_stdio() {
    row(5).await;
}

#[tokio::test]
async fn the_inspector_talks_through_our_bridge_to_a_url() {
    row(6).await;
}

#[tokio::test]
async fn the_inspector_talks_through_our_bridge_to_a_command() {
    row(7).await;
}

#[tokio::test]
async fn the_inspector_talks_through_our_bridge_to_server_everything() {
    row(8).await;
}
