//! Third-party clients use our demo server. Each is a script that prints one line per step.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Output;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

use super::process::Process;
use super::row::{Cell, Row, Step};
use super::{demo, leftovers, process};
use crate::fixtures::{self, Program};

/// Only a conversation that hangs takes longer.
const LIMIT: Duration = Duration::from_secs(170);

/// A client of the matrix.
pub(super) struct PeerClient {
    pub(super) row: &'static str,
    sdk: Sdk,
    way: Way,
    /// The argument that selects how it detects the era.
    mode: Option<&'static str>,
    version: &'static str,
    /// The steps that it cannot do, with the reason. Its script prints nothing for these.
    cannot: &'static [(Step, &'static str)],
}

#[derive(Clone, Copy)]
enum Sdk {
    TypeScript1,
    TypeScript2,
    Python1,
    Python2,
    LangChain,
    FastMcp4,
    Rmcp3,
}

/// The transport between the client and our server.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// Pipes.
    Stdio,
    /// HTTP.
    Http,
    /// HTTP as of 2024-11-05.
    HttpSse,
    /// Pipes to `mcp bridge URL`, which reaches our server over HTTP.
    BridgeToUrl,
    /// HTTP to `mcp bridge --listen`, which starts our server, in the legacy era only.
    BridgeToCommand,
    /// HTTP to `mcp bridge --listen`, which starts server-everything.
    BridgeToEverything,
}

const fn client(
    row: &'static str,
    sdk: Sdk,
    mode: Option<&'static str>,
    version: &'static str,
) -> PeerClient {
    PeerClient { row, sdk, way: Way::Stdio, mode, version, cannot: &[] }
}

const fn over(way: Way, client: PeerClient) -> PeerClient {
    PeerClient { way, ..client }
}

/// Through our bridge.
const fn to_url(client: PeerClient) -> PeerClient {
    over(Way::BridgeToUrl, client)
}

const fn to_command(client: PeerClient) -> PeerClient {
    over(Way::BridgeToCommand, client)
}

/// Through our bridge to server-everything.
const fn to_everything(client: PeerClient) -> PeerClient {
    over(Way::BridgeToEverything, client)
}

const fn langchain(client: PeerClient) -> PeerClient {
    let cannot = &[
        (Step::Cancel, "a call that is given up is not cancelled at the server"),
        (Step::Listen, "it tells its application of no changes"),
    ];
    PeerClient { cannot, ..client }
}

const fn fastmcp(way: Way, row: &'static str) -> PeerClient {
    let cannot = &[
        (Step::Cancel, "its application does not see what follows a cancellation"),
        (Step::Listen, "it offers its application no subscriptions"),
    ];
    PeerClient { cannot, ..over(way, client(row, Sdk::FastMcp4, None, MODERN)) }
}

const LEGACY: &str = "2025-11-25";
const MODERN: &str = "2026-07-28";

/// Every row of our server. `default` is the mode of an application that does not select one.
pub(super) const CLIENTS: &[PeerClient] = &[
    client("typescript 1 / our server", Sdk::TypeScript1, None, LEGACY),
    client("typescript 2 / our server", Sdk::TypeScript2, Some("default"), LEGACY),
    client("typescript 2, auto / our server", Sdk::TypeScript2, Some("auto"), MODERN),
    client("typescript 2, pinned / our server", Sdk::TypeScript2, Some(MODERN), MODERN),
    client("python 1 / our server", Sdk::Python1, None, LEGACY),
    client("python 2 / our server", Sdk::Python2, Some("default"), MODERN),
    client("python 2, legacy / our server", Sdk::Python2, Some("legacy"), LEGACY),
    client("python 2, pinned / our server", Sdk::Python2, Some(MODERN), MODERN),
    over(Way::Http, client("typescript 1 / our server (http)", Sdk::TypeScript1, None, LEGACY)),
    over(Way::HttpSse, client("typescript 1 / our server (http+sse)", Sdk::TypeScript1, None, LEGACY)),
    over(Way::Http, client("typescript 2 / our server (http)", Sdk::TypeScript2, Some("default"), LEGACY)),
    over(Way::Http, client("typescript 2, auto / our server (http)", Sdk::TypeScript2, Some("auto"), MODERN)),
    over(
        Way::Http,
        client("typescript 2, pinned / our server (http)", Sdk::TypeScript2, Some(MODERN), MODERN),
    ),
    over(Way::Http, client("python 1 / our server (http)", Sdk::Python1, None, LEGACY)),
    over(Way::HttpSse, client("python 1 / our server (http+sse)", Sdk::Python1, None, LEGACY)),
    over(Way::Http, client("python 2 / our server (http)", Sdk::Python2, Some("default"), MODERN)),
    over(Way::Http, client("python 2, legacy / our server (http)", Sdk::Python2, Some("legacy"), LEGACY)),
    over(Way::Http, client("python 2, pinned / our server (http)", Sdk::Python2, Some(MODERN), MODERN)),
    client("rmcp 3 / our server", Sdk::Rmcp3, Some("auto"), MODERN),
    client("rmcp 3, legacy / our server", Sdk::Rmcp3, Some("legacy"), LEGACY),
    over(Way::Http, client("rmcp 3 / our server (http)", Sdk::Rmcp3, Some("auto"), MODERN)),
    over(Way::Http, client("rmcp 3, legacy / our server (http)", Sdk::Rmcp3, Some("legacy"), LEGACY)),
    langchain(client("langchain / our server", Sdk::LangChain, None, LEGACY)),
    langchain(over(Way::Http, client("langchain / our server (http)", Sdk::LangChain, None, LEGACY))),
    fastmcp(Way::Stdio, "fastmcp 4 / our server"),
    fastmcp(Way::Http, "fastmcp 4 / our server (http)"),
    fastmcp(Way::BridgeToUrl, "fastmcp 4 / our bridge (stdio) / our server"),
    fastmcp(Way::BridgeToCommand, "fastmcp 4 / our bridge / our server (http)"),
    to_url(client("typescript 1 / our bridge (stdio) / our server", Sdk::TypeScript1, None, LEGACY)),
    to_url(client(
        "typescript 2, auto / our bridge (stdio) / our server",
        Sdk::TypeScript2,
        Some("auto"),
        MODERN,
    )),
    to_url(client("python 1 / our bridge (stdio) / our server", Sdk::Python1, None, LEGACY)),
    to_url(client("python 2 / our bridge (stdio) / our server", Sdk::Python2, Some("default"), MODERN)),
    to_url(client("rmcp 3 / our bridge (stdio) / our server", Sdk::Rmcp3, Some("auto"), MODERN)),
    to_command(client("typescript 1 / our bridge / our server (http)", Sdk::TypeScript1, None, LEGACY)),
    to_command(client(
        "typescript 2, auto / our bridge / our server (http)",
        Sdk::TypeScript2,
        Some("auto"),
        MODERN,
    )),
    to_command(client("python 1 / our bridge / our server (http)", Sdk::Python1, None, LEGACY)),
    to_command(client("python 2 / our bridge / our server (http)", Sdk::Python2, Some("default"), MODERN)),
    to_command(client("rmcp 3 / our bridge / our server (http)", Sdk::Rmcp3, Some("auto"), MODERN)),
    to_everything(client(
        "typescript 1 / our bridge / server-everything (http)",
        Sdk::TypeScript1,
        None,
        LEGACY,
    )),
    to_everything(client(
        "typescript 2, auto / our bridge / server-everything (http)",
        Sdk::TypeScript2,
        Some("auto"),
        MODERN,
    )),
    to_everything(client("python 1 / our bridge / server-everything (http)", Sdk::Python1, None, LEGACY)),
    to_everything(client(
        "python 2 / our bridge / server-everything (http)",
        Sdk::Python2,
        Some("default"),
        MODERN,
    )),
    to_everything(client("rmcp 3 / our bridge / server-everything (http)", Sdk::Rmcp3, Some("auto"), MODERN)),
    fastmcp(Way::BridgeToEverything, "fastmcp 4 / our bridge / server-everything (http)"),
];

impl Sdk {
    fn program(self) -> Option<Program> {
        match self {
            Sdk::TypeScript1 => fixtures::node_script("clients/sdk_1.mjs"),
            Sdk::TypeScript2 => fixtures::node_script("clients/client_2.mjs"),
            Sdk::Python1 => fixtures::python_1_script("clients/client_1.py"),
            Sdk::Python2 => fixtures::python_2_script("clients/client_2.py"),
            Sdk::FastMcp4 => fixtures::python_2_script("clients/fastmcp_4.py"),
            Sdk::LangChain => fixtures::python_1_script("clients/langchain_0.py"),
            Sdk::Rmcp3 => {
                let mut program = fixtures::rmcp_peer()?;
                program.args.push("client".into());
                Some(program)
            }
        }
    }
}

/// Runs the row with this name.
pub(super) async fn row(name: &str) {
    let client = CLIENTS.iter().find(|client| client.row == name).unwrap();
    let Some(program) = client.sdk.program() else { return };
    if matches!(client.way, Way::Http | Way::HttpSse) {
        return row_over_http(client, &program).await;
    }
    let Some(mcp) = fixtures::mcp_bin() else { return };
    let folder = tempfile::tempdir().unwrap();
    // Under a separate path, which distinguishes its processes from those of other tests.
    let server = folder.path().join(mcp.file_name().unwrap());
    if std::fs::hard_link(&mcp, &server).is_err() {
        std::fs::copy(&mcp, &server).unwrap();
    }
    let (words, process) = match client.way {
        Way::BridgeToEverything => {
            let Some(everything) = fixtures::node_server_everything() else { return };
            let mut args: Vec<std::ffi::OsString> =
                ["bridge", "--listen", "127.0.0.1:0", "--"].map(Into::into).to_vec();
            args.push(everything.path.into());
            args.extend(everything.args);
            let bridge = Program { path: server.clone(), args };
            let (process, url) = Process::start(&bridge, &[], "listening on ").await;
            (vec![url.into()], Some(process))
        }
        Way::BridgeToUrl => {
            let Some((url, process)) = demo::start(&[]).await else { return };
            (vec![server.clone(), PathBuf::from("bridge"), url.into()], Some(process))
        }
        Way::BridgeToCommand => {
            let own = server.to_str().unwrap();
            let words = ["bridge", "--listen", "127.0.0.1:0", "--era", "legacy", "--", own, "serve-demo"];
            let bridge = Program { path: server.clone(), args: words.map(Into::into).to_vec() };
            let (process, url) = Process::start(&bridge, &[], "listening on ").await;
            (vec![url.into()], Some(process))
        }
        _ => (vec![server.clone(), "serve-demo".into()], None),
    };
    let behind = if client.way == Way::BridgeToEverything { "everything" } else { "demo" };
    let output = run(&program, client.mode, &words, behind).await;
    let mut row = read(client, &output);
    if let Some(process) = process {
        demo::end(&mut row, process).await;
    }
    if let Err(left) = leftovers::command_is_gone(&folder.path().to_string_lossy()).await {
        row.fail(Step::Close, format!("left behind: {left:?}"));
    }
    row.finish();
}

/// Runs a row with a separate server, which must end on SIGTERM even if the client has left streams open.
async fn row_over_http(client: &PeerClient, program: &Program) {
    let (url, server) = match client.way {
        Way::HttpSse => {
            let Some((url, server)) = demo::start(&["--http-sse"]).await else { return };
            (url.replace("/mcp", "/sse"), server)
        }
        _ => {
            let Some(started) = demo::start(&[]).await else { return };
            started
        }
    };
    let output = run(program, client.mode, &[&url], "demo").await;
    let mut row = read(client, &output);
    demo::end(&mut row, server).await;
    row.finish();
}

/// `behind`: which server it talks to, and so what its tools are called.
async fn run(program: &Program, mode: Option<&str>, server: &[impl AsRef<OsStr>], behind: &str) -> Output {
    let mut command = Command::new(&program.path);
    command.args(&program.args).args(mode).args(server);
    // Writes no files next to the scripts.
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("MCP_SERVER", behind);
    process::run(command, LIMIT).await
}

/// Reads the steps into the row, one JSON line per step. The note of the first step must be the version.
pub(super) fn read_steps(row: &mut Row, version: &str, lines: &str) {
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        let step = line["step"].as_str().and_then(Step::parse).unwrap_or_else(|| panic!("no step: {line}"));
        let note = line["note"].as_str().unwrap_or_default();
        let passed = line["ok"] == true && (step != Step::Connect || note == version);
        let note = note.to_owned();
        row.set(step, if passed { Cell::Passed(note) } else { Cell::Failed(note) });
    }
}

/// The row that the script reported.
fn read(client: &PeerClient, output: &Output) -> Row {
    let mut row = Row::new(client.row);
    for (step, reason) in client.cannot {
        row.set(*step, Cell::Absent(reason));
    }
    read_steps(&mut row, client.version, &String::from_utf8_lossy(&output.stdout));
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        row.fail(Step::Close, format!("the client ended with {}: {stderr}", output.status));
    }
    row
}

#[tokio::test]
async fn the_first_typescript_sdk_talks_to_our_server() {
    row("typescript 1 / our server").await;
}

#[tokio::test]
async fn the_second_typescript_sdk_talks_to_our_server() {
    row("typescript 2 / our server").await;
}

#[tokio::test]
async fn the_second_typescript_sdk_finds_our_server_to_be_modern() {
    row("typescript 2, auto / our server").await;
}

#[tokio::test]
async fn the_second_typescript_sdk_takes_the_modern_era_of_our_server() {
    row("typescript 2, pinned / our server").await;
}

#[tokio::test]
async fn the_first_python_sdk_talks_to_our_server() {
    row("python 1 / our server").await;
}

#[tokio::test]
async fn the_second_python_sdk_finds_our_server_to_be_modern() {
    row("python 2 / our server").await;
}

#[tokio::test]
async fn the_second_python_sdk_takes_the_legacy_era_of_our_server() {
    row("python 2, legacy / our server").await;
}

#[tokio::test]
async fn the_second_python_sdk_takes_the_modern_era_of_our_server() {
    row("python 2, pinned / our server").await;
}

#[tokio::test]
async fn rmcp_finds_our_server_to_be_modern() {
    row("rmcp 3 / our server").await;
}

#[tokio::test]
async fn rmcp_takes_the_legacy_era_of_our_server() {
    row("rmcp 3, legacy / our server").await;
}

#[tokio::test]
async fn langchain_talks_to_our_server() {
    row("langchain / our server").await;
}
