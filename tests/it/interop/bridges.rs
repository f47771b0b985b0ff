//! Our server behind third-party bridges between stdio and HTTP, and third-party servers behind ours.

use std::ffi::OsString;

use mcp_http::HttpClient;
use mcp_stdio::{ChildCommand, StderrMode};
use mcp_tests::port::Port;

use super::demo;
use super::process::Process;
use super::servers::{Bridge, BridgeName, Peer, Reach};
use crate::fixtures::{self, Program};

/// Starts the bridge, and our server before or behind it. `None` if it cannot run on this machine.
pub(super) async fn before_our_server(bridge: Bridge) -> Option<Peer> {
    let mut program = match bridge.name {
        BridgeName::Supergateway => fixtures::node_module("supergateway/dist/index.js")?,
        BridgeName::McpProxy => fixtures::python_1_program("mcp-proxy")?,
    };
    if bridge.stdio {
        let (url, server) = demo::start(&["-v"]).await?;
        program.args.extend(over_stdio(bridge.name, &url).map(Into::into));
        let command = ChildCommand::new(&program.path).args(&program.args).stderr(StderrMode::Capture);
        return Some(Peer { reach: Reach::Start(command), processes: vec![server], cluster: None });
    }
    let mcp = fixtures::mcp_bin()?.display().to_string();
    let reserved = Port::reserve().unwrap();
    let port = reserved.number();
    let (words, ready) = over_http(bridge.name, &mcp, port);
    program.args.extend(words.into_iter().map(Into::into));
    let (process, _) = Process::start(&program, &[], ready).await;
    let client = HttpClient::new(&format!("http://127.0.0.1:{port}/mcp")).unwrap();
    Some(Peer { reach: Reach::Url(client), processes: vec![process], cluster: None })
}

/// Starts our bridge over HTTP, which starts this program for each session.
pub(super) async fn ours_over_http(server: Program) -> Option<Peer> {
    let mut args: Vec<OsString> = ["bridge", "--listen", "127.0.0.1:0", "--"].map(Into::into).to_vec();
    args.push(server.path.into());
    args.extend(server.args);
    let bridge = Program { path: fixtures::mcp_bin()?, args };
    let (process, url) = Process::start(&bridge, &[], "listening on ").await;
    Some(Peer { reach: Reach::Url(HttpClient::new(&url).unwrap()), processes: vec![process], cluster: None })
}

/// The command of our bridge to the server at this URL, and its process.
pub(super) fn ours_over_stdio(url: &str, server: Process) -> Option<Peer> {
    let command = ChildCommand::new(fixtures::mcp_bin()?).args(["bridge", url]).stderr(StderrMode::Capture);
    Some(Peer { reach: Reach::Start(command), processes: vec![server], cluster: None })
}

fn over_stdio(name: BridgeName, url: &str) -> [&str; 3] {
    match name {
        BridgeName::Supergateway => ["--streamableHttp", url, "--logLevel=none"],
        BridgeName::McpProxy => ["--transport", "streamablehttp", url],
    }
}

/// Its arguments, and what it writes when it listens.
fn over_http(name: BridgeName, mcp: &str, port: u16) -> (Vec<String>, &'static str) {
    let port = port.to_string();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    match name {
        BridgeName::Supergateway => {
            let server = format!("{mcp} serve-demo -v");
            let options =
                ["--stdio", &server, "--outputTransport", "streamableHttp", "--stateful", "--port", &port];
            (words(&options), "Listening on port")
        }
        BridgeName::McpProxy => {
            let options = ["--host", "127.0.0.1", "--port", &port, "--", mcp, "serve-demo", "-v"];
            (words(&options), "Uvicorn running on")
        }
    }
}
