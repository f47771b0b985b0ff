//! The servers of our client's rows: how each is started and reached, and one test per row.

use std::net::TcpListener;
use std::path::Path;

use mcp_http::HttpClient;
use mcp_stdio::{ChildCommand, StderrMode};

use super::nginx::{self, Front};
use super::process::Process;
use super::scripts::{SCRIPTS, Script};
use super::{conversation, demo, haproxy};
use crate::fixtures::{self, Program};

/// A third-party server, a fixture on a third-party SDK, or our server behind a proxy.
#[derive(Clone, Copy, Debug)]
pub(super) enum Server {
    /// `@modelcontextprotocol/server-everything`
    Everything,
    /// `@modelcontextprotocol/server-filesystem`
    Filesystem,
    /// `@modelcontextprotocol/server-memory`
    Memory,
    /// A fixture on `@modelcontextprotocol/server`.
    TypeScript2,
    /// A fixture on the first version of the Python SDK.
    Python1,
    /// A fixture on the second version of the Python SDK.
    Python2,
    /// `mcp serve-demo`
    Demo,
}

/// The transport between our client and the server.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    /// Pipes.
    Stdio,
    /// HTTP.
    Http,
    /// HTTP as of 2024-11-05.
    HttpSse,
    /// TLS to nginx, which forwards over HTTP.
    Nginx(Front),
    /// HTTP to HAProxy, which forwards to one of two replicas.
    Haproxy,
}

/// How a server is reached.
pub(super) enum Reach {
    /// By starting it.
    Start(ChildCommand),
    /// At its URL.
    Url(HttpClient),
}

/// A reachable server, and the processes that were started for it. The output of the first one shows whether it
/// received the end of the session.
pub(super) struct Peer {
    pub(super) reach: Reach,
    pub(super) processes: Vec<Process>,
}

impl Server {
    /// Starts the server, with this folder for its files. `None` if it cannot run on this machine.
    async fn peer(self, way: Way, folder: &Path) -> Option<Peer> {
        let (url, process) = match way {
            Way::Stdio => {
                return Some(Peer { reach: Reach::Start(self.command(folder)?), processes: Vec::new() });
            }
            Way::Nginx(front) => return nginx::before_our_server(front, folder).await,
            Way::Haproxy => return haproxy::before_two_replicas(folder).await,
            Way::Http | Way::HttpSse => self.at_a_port(way).await?,
        };
        let client = HttpClient::new(&url).unwrap();
        Some(Peer { reach: Reach::Url(client), processes: vec![process] })
    }

    /// The command that starts it.
    fn command(self, folder: &Path) -> Option<ChildCommand> {
        let mut program = self.program()?;
        if let Server::Filesystem = self {
            program.args.push(folder.into());
        }
        let command = ChildCommand::new(&program.path).args(&program.args).stderr(StderrMode::Capture);
        Some(match self {
            Server::Memory => command.env("MEMORY_FILE_PATH", folder.join("memory.jsonl")),
            _ => command,
        })
    }

    /// Starts it over HTTP. Returns its URL.
    async fn at_a_port(self, way: Way) -> Option<(String, Process)> {
        if let Server::Everything = self {
            let (mode, path) =
                if let Way::HttpSse = way { ("sse", "sse") } else { ("streamableHttp", "mcp") };
            let program = fixtures::node_server_everything_over_http(mode)?;
            // This server cannot select a free port and print it.
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
            let (process, _) = Process::start(&program, &[("PORT", &port)], "on port ").await;
            return Some((format!("http://127.0.0.1:{port}/{path}"), process));
        }
        let mut program = match self {
            Server::Python2 => return Some(python(fixtures::modern_server_over_http(0)?).await),
            Server::Demo => return demo::start(&[]).await,
            _ => self.program()?,
        };
        program.args.push("--http".into());
        Some(match self {
            Server::Python1 => python(program).await,
            _ => {
                let (process, url) = Process::start(&program, &[], "listening on ").await;
                (url, process)
            }
        })
    }

    fn program(self) -> Option<Program> {
        match self {
            Server::Everything => fixtures::node_server_everything(),
            Server::Filesystem => {
                fixtures::node_module("@modelcontextprotocol/server-filesystem/dist/index.js")
            }
            Server::Memory => fixtures::node_module("@modelcontextprotocol/server-memory/dist/index.js"),
            Server::TypeScript2 => fixtures::node_script("servers/server_2.mjs"),
            Server::Python1 => fixtures::python_1_script("servers/server_1.py"),
            Server::Python2 => fixtures::modern_server(),
            Server::Demo => demo::program(&[]),
        }
    }
}

/// Starts a server on a Python SDK. Both SDKs let Uvicorn select the port.
async fn python(program: Program) -> (String, Process) {
    let (process, origin) = Process::start(&program, &[], "Uvicorn running on ").await;
    (format!("{origin}/mcp"), process)
}

/// Runs the row with this name.
async fn row(name: &str) {
    let script: &Script = SCRIPTS.iter().find(|script| script.row == name).unwrap();
    let folder = tempfile::tempdir().unwrap();
    // The servers resolve symbolic links, so their output contains none.
    let path = folder.path().canonicalize().unwrap();
    std::fs::create_dir(path.join("root")).unwrap();
    let Some(peer) = script.server.peer(script.way, &path).await else { return };
    conversation::run(script, peer, &path).await;
}

/// ERA-C-001, ERA-C-003
#[tokio::test]
async fn our_client_talks_to_server_everything() {
    row("our client / server-everything").await;
}

/// ERA-C-001, ERA-C-003
#[tokio::test]
async fn our_client_talks_to_server_filesystem() {
    row("our client / server-filesystem").await;
}

/// ERA-C-001, ERA-C-003
#[tokio::test]
async fn our_client_talks_to_server_memory() {
    row("our client / server-memory").await;
}

/// ERA-C-002
#[tokio::test]
async fn our_client_talks_to_the_second_typescript_sdk() {
    row("our client / typescript 2").await;
}

#[tokio::test]
async fn our_legacy_client_talks_to_the_second_typescript_sdk() {
    row("our client / typescript 2, legacy").await;
}

/// ERA-C-001, ERA-C-003
#[tokio::test]
async fn our_client_talks_to_the_first_python_sdk() {
    row("our client / python 1").await;
}

/// ERA-C-002
#[tokio::test]
async fn our_client_talks_to_the_second_python_sdk() {
    row("our client / python 2").await;
}

#[tokio::test]
async fn our_legacy_client_talks_to_the_second_python_sdk() {
    row("our client / python 2, legacy").await;
}

/// ERA-C-009, FAULT A-B1, A-B6
#[tokio::test]
async fn our_client_talks_to_server_everything_over_http() {
    row("our client / server-everything (http)").await;
}

/// SSE24-C-009
#[tokio::test]
async fn our_client_talks_to_server_everything_over_http_sse() {
    row("our client / server-everything (http+sse)").await;
}

/// ERA-C-006
#[tokio::test]
async fn our_client_talks_to_the_second_typescript_sdk_over_http() {
    row("our client / typescript 2 (http)").await;
}

#[tokio::test]
async fn our_legacy_client_talks_to_the_second_typescript_sdk_over_http() {
    row("our client / typescript 2, legacy (http)").await;
}

/// ERA-C-009
#[tokio::test]
async fn our_client_talks_to_the_first_python_sdk_over_http() {
    row("our client / python 1 (http)").await;
}

/// ERA-C-006
#[tokio::test]
async fn our_client_talks_to_the_second_python_sdk_over_http() {
    row("our client / python 2 (http)").await;
}

#[tokio::test]
async fn our_legacy_client_talks_to_the_second_python_sdk_over_http() {
    row("our client / python 2, legacy (http)").await;
}

/// With the configuration of `docs/deploying.md`.
#[tokio::test]
async fn our_client_talks_to_our_server_behind_nginx() {
    row("our client / our server (nginx)").await;
}

/// FAULT C-27: the header of the stream disables the buffering of nginx.
#[tokio::test]
async fn our_client_talks_to_our_server_behind_an_nginx_that_buffers() {
    row("our client / our server (nginx, buffering)").await;
}

#[tokio::test]
async fn our_client_talks_to_our_server_behind_nginx_over_http_2() {
    row("our client / our server (nginx, http/2)").await;
}

#[tokio::test]
async fn our_legacy_client_talks_to_our_server_behind_nginx() {
    row("our client / our server, legacy (nginx)").await;
}

/// FAULT F-S1: the recipe of `docs/deploying.md` for several replicas. Without `ip_hash` the second request of a session
/// reaches the other replica.
#[tokio::test]
async fn our_legacy_client_talks_to_two_replicas_behind_nginx() {
    row("our client / our server, legacy (nginx, 2 replicas)").await;
}

/// FAULT F-S1: the recipe for HAProxy, which learns sessions from the answers.
#[tokio::test]
async fn our_legacy_client_talks_to_two_replicas_behind_haproxy() {
    row("our client / our server, legacy (haproxy, 2 replicas)").await;
}
