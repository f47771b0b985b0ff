//! The servers of our client's rows: how each is started and reached, and one test per row.

use std::ffi::OsString;
use std::path::Path;

use mcp_http::HttpClient;
use mcp_stdio::{ChildCommand, ShutdownTimeouts, StderrMode};
use mcp_tests::port::Port;

use super::cluster::Cluster;
use super::nginx::{self, Front};
use super::process::{LIMIT, Process};
use super::script::Script;
use super::scripts::SCRIPTS;
use super::{bridges, conversation, demo, haproxy};
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
    /// A fixture on the first version of the TypeScript SDK.
    TypeScript1,
    /// A fixture on fastmcp.
    FastMcp4,
    /// `kubernetes-mcp-server`, in Go.
    Kubernetes,
    /// A fixture on rmcp.
    Rmcp3,
    /// `mcp serve-demo`
    Demo,
}

/// A copy of what a server over stdio has read, where nothing else counts it.
pub(super) const INPUT: &str = "input.ndjson";

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
    /// HTTP, to a server that closes the stream of a call after each of its steps.
    Polling,
    /// A bridge between stdio and HTTP, with the demo server behind it.
    Bridge(Bridge),
    /// Our bridge over HTTP, which starts the server; or over stdio, which reaches it over HTTP.
    OurBridge { stdio: bool },
}

/// A bridge.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bridge {
    pub(super) name: BridgeName,
    /// It is reached over stdio, and the server behind it over HTTP; otherwise the other way round.
    pub(super) stdio: bool,
}

/// Its program.
#[derive(Clone, Copy, Debug)]
pub(super) enum BridgeName {
    /// `supergateway` from npm.
    Supergateway,
    /// `mcp-proxy` from PyPI.
    McpProxy,
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
    /// What its calls ask, if it is a server for a cluster.
    pub(super) cluster: Option<Cluster>,
}

impl Server {
    /// Starts the server, with this folder for its files. `None` if it cannot run on this machine.
    async fn peer(self, way: Way, folder: &Path) -> Option<Peer> {
        let cluster = match self {
            Server::Kubernetes => Some(Cluster::start().await),
            _ => None,
        };
        if let Some(cluster) = &cluster {
            write_kubeconfig(folder, cluster);
        }
        let (url, process) = match way {
            Way::Stdio => {
                let reach = Reach::Start(self.command(folder)?);
                return Some(Peer { reach, processes: Vec::new(), cluster });
            }
            Way::Nginx(front) => return nginx::before_our_server(front, folder).await,
            Way::Haproxy => return haproxy::before_two_replicas(folder).await,
            Way::Bridge(bridge) => return bridges::before_our_server(bridge).await,
            Way::OurBridge { stdio: false } => {
                return bridges::ours_over_http(copied(self.program()?, folder)).await;
            }
            Way::OurBridge { stdio: true } => {
                let (url, process) = Box::pin(self.at_a_port(Way::Http, folder)).await?;
                return bridges::ours_over_stdio(&url, process);
            }
            Way::Http | Way::HttpSse | Way::Polling => self.at_a_port(way, folder).await?,
        };
        let client = HttpClient::new(&url).unwrap();
        Some(Peer { reach: Reach::Url(client), processes: vec![process], cluster })
    }

    /// The command that starts it.
    fn command(self, folder: &Path) -> Option<ChildCommand> {
        let mut program = self.program()?;
        match self {
            Server::Filesystem => program.args.push(folder.into()),
            Server::Kubernetes => {
                program.args.extend(kubeconfig(folder));
                program = copied(program, folder);
            }
            Server::Rmcp3 => program.args.push("server".into()),
            Server::Everything => program = copied(program, folder),
            _ => {}
        }
        let mut command = ChildCommand::new(&program.path).args(&program.args).stderr(StderrMode::Capture);
        if !matches!(self, Server::Everything | Server::Kubernetes) {
            // It ends by itself, however slow the machine is.
            command = command.shutdown_timeouts(ShutdownTimeouts::default().input(LIMIT));
        }
        Some(match self {
            Server::Memory => command.env("MEMORY_FILE_PATH", folder.join("memory.jsonl")),
            _ => command,
        })
    }

    /// Starts it over HTTP. Returns its URL.
    async fn at_a_port(self, way: Way, folder: &Path) -> Option<(String, Process)> {
        if let Server::Everything = self {
            let (mode, path) =
                if let Way::HttpSse = way { ("sse", "sse") } else { ("streamableHttp", "mcp") };
            let program = fixtures::node_server_everything_over_http(mode)?;
            // This server cannot select a free port and print it.
            let reserved = Port::reserve().unwrap();
            let port = reserved.number().to_string();
            let (process, _) = Process::start(&program, &[("PORT", &port)], "on port ").await;
            return Some((format!("http://127.0.0.1:{port}/{path}"), process));
        }
        if let Server::Kubernetes = self {
            let mut program = self.program()?;
            let reserved = Port::reserve().unwrap();
            let port = reserved.number().to_string();
            program.args.extend(kubeconfig(folder));
            program.args.extend(["--port".into(), port.clone().into()]);
            program.args.extend(["--bind-address".into(), "127.0.0.1".into()]);
            program.args.extend(["--log-file".into(), "stderr".into(), "--log-level".into(), "1".into()]);
            let (process, _) = Process::start(&program, &[], "HTTP server").await;
            // It says so before it listens.
            while tokio::net::TcpStream::connect(format!("127.0.0.1:{port}")).await.is_err() {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            return Some((format!("http://127.0.0.1:{port}/mcp"), process));
        }
        let mut program = match self {
            Server::Python2 => return Some(python(fixtures::modern_server_over_http(0)?).await),
            Server::Demo => return demo::start(&[]).await,
            _ => self.program()?,
        };
        match (self, way) {
            (Server::Rmcp3, _) => program.args.extend(["server".into(), "--http".into()]),
            (_, Way::Polling) => program.args.extend(["--http".into(), "--poll".into()]),
            (_, Way::HttpSse) => program.args.push("--sse".into()),
            _ => program.args.push("--http".into()),
        }
        Some(match self {
            Server::Python1 | Server::FastMcp4 => {
                let (url, process) = python(program).await;
                (if let Way::HttpSse = way { url.replace("/mcp", "/sse") } else { url }, process)
            }
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
            Server::TypeScript1 => fixtures::node_script("servers/server_1.mjs"),
            Server::FastMcp4 => fixtures::python_2_script("servers/fastmcp_4.py"),
            Server::Kubernetes => fixtures::kubernetes_server(),
            Server::Rmcp3 => fixtures::rmcp_peer(),
            Server::Demo => demo::program(&[]),
        }
    }
}

/// The same program behind `tee`, which copies its input into a file.
fn copied(program: Program, folder: &Path) -> Program {
    let script = "tee \"$0\" | \"$@\"";
    let mut args = vec!["-c".into(), script.into(), folder.join(INPUT).into(), program.path.into()];
    args.extend(program.args);
    Program { path: "/bin/sh".into(), args }
}

/// The settings of the cluster, with a token of 1 MiB.
fn write_kubeconfig(folder: &Path, cluster: &Cluster) {
    let (server, token) = (&cluster.url, "x".repeat(1 << 20));
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: fixture\n\
         clusters: [{{name: c, cluster: {{server: '{server}'}}}}]\n\
         contexts: [{{name: fixture, context: {{cluster: c, user: u}}}}]\n\
         users: [{{name: u, user: {{token: {token}}}}}]\n"
    );
    std::fs::write(folder.join(KUBECONFIG), text).unwrap();
}

const KUBECONFIG: &str = "kubeconfig.yaml";

fn kubeconfig(folder: &Path) -> [OsString; 2] {
    ["--kubeconfig".into(), folder.join(KUBECONFIG).into()]
}

/// Starts a server on a Python SDK. Both SDKs let Uvicorn select the port.
async fn python(program: Program) -> (String, Process) {
    let (process, origin) = Process::start(&program, &[], "Uvicorn running on ").await;
    (format!("{origin}/mcp"), process)
}

/// Runs the row with this name.
pub(super) async fn row(name: &str) {
    let script: &Script = SCRIPTS.iter().find(|script| script.row == name).unwrap();
    let folder = tempfile::tempdir().unwrap();
    // The servers resolve symbolic links, so their output contains none.
    let path = folder.path().canonicalize().unwrap();
    std::fs::create_dir(path.join("root")).unwrap();
    let Some(peer) = script.server.peer(script.way, &path).await else { return };
    conversation::run(script, peer, &path).await;
}
