//! The servers of the interop rows: how each is started; and one test per server.

use std::path::Path;

use mcp_stdio::{ChildCommand, StderrMode};

use super::conversation;
use super::scripts::{SCRIPTS, Script};
use crate::fixtures::{self, Program};

/// A server that nobody here wrote, or a fixture on an SDK that nobody here wrote.
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
}

impl Server {
    /// How it is started, with this folder for its files. `None` where it cannot be run here.
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
        }
    }
}

/// Makes the row of this name.
async fn row(name: &str) {
    let script: &Script = SCRIPTS.iter().find(|script| script.row == name).unwrap();
    let folder = tempfile::tempdir().unwrap();
    // The servers resolve symbolic links, so what they print has none.
    let path = folder.path().canonicalize().unwrap();
    std::fs::create_dir(path.join("root")).unwrap();
    let Some(command) = script.server.command(&path) else { return };
    conversation::run(script, command, &path).await;
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
