//! What the HTTP programs share: how a server tells its address, and how a load generator starts and stops it.

use std::net::SocketAddr;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use crate::{Arguments, Outcome};

/// Says on stdout where this server listens. Its path is `/mcp`.
pub fn announce(address: SocketAddr) {
    println!("{address}");
}

/// Returns once stdin is closed: the load generator is done with this server.
pub async fn stdin_closed() {
    // An error is an end too.
    let _read = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
}

/// A server that a load generator has started.
pub struct Server {
    child: Child,
    _stdout: BufReader<ChildStdout>,
    /// Where it listens.
    pub address: SocketAddr,
    /// The path of its endpoint.
    pub path: String,
}

/// Starts the server that the arguments name, and waits until it says where it listens.
///
/// # Errors
///
/// It does not start, or says something else.
pub async fn start(arguments: &Arguments) -> Outcome<Server> {
    let (program, rest) = arguments.server()?;
    let mut child = Command::new(program).args(rest).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut stdout = BufReader::new(child.stdout.take().ok_or("no stdout")?);
    let mut line = String::new();
    stdout.read_line(&mut line).await?;
    let address = line.trim().parse().map_err(|_| format!("`{}` is no address", line.trim()))?;
    Ok(Server { child, _stdout: stdout, address, path: "/mcp".to_owned() })
}

impl Server {
    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// The URL of its endpoint.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.address, self.path)
    }

    /// Closes its stdin and waits for its end.
    ///
    /// # Errors
    ///
    /// The system's.
    pub async fn stop(&mut self) -> Outcome {
        drop(self.child.stdin.take());
        self.child.wait().await?;
        Ok(())
    }
}
