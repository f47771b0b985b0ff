//! The demo's servers: one that is started over stdio, and one that listens on this machine.

use std::time::Instant;

use mcp_core::client::EraMode;
use mcp_core::message::ProtocolVersion;
use mcp_http::HttpServer;
use mcp_stdio::ChildCommand;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::commands::serve_demo;
use crate::connect::remote::Remote;
use crate::connect::target::Link;

/// How client and server reach each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    Stdio,
    Http,
}

impl Carrier {
    /// The name, for users and programs.
    pub(super) fn name(self) -> &'static str {
        match self {
            Carrier::Stdio => "stdio",
            Carrier::Http => "HTTP",
        }
    }
}

/// A server of the demo, and the way to it.
pub(super) struct Host {
    /// A server that listens, with what stops it.
    listening: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Host {
    /// Makes a server ready, and the link to it.
    pub(super) async fn start(carrier: Carrier, era: EraMode) -> Result<(Host, Link), String> {
        match carrier {
            Carrier::Stdio => {
                let program =
                    std::env::current_exe().map_err(|error| format!("where is this program? {error}"))?;
                let child = ChildCommand::new(program).arg("serve-demo");
                Ok((Host { listening: None }, Link::Child(child)))
            }
            Carrier::Http => listen(era).await.map_err(|error| error.to_string()),
        }
    }

    /// Ends the server. A child process has already ended with its link.
    pub(super) async fn stop(self) -> Instant {
        if let Some((stop, server)) = self.listening {
            // It may have ended by itself.
            let _gone = stop.send(());
            let _panicked = server.await;
        }
        Instant::now()
    }
}

async fn listen(era: EraMode) -> std::io::Result<(Host, Link)> {
    let server = HttpServer::new(serve_demo::server().map_err(std::io::Error::other)?);
    let bound = server.configure(|config| config.http_sse = true).bind("127.0.0.1:0").await?;
    // The oldest clients know another way in.
    let url = match era {
        EraMode::Legacy(ProtocolVersion::V2024_11_05) => format!("http://{}/sse", bound.local_addr()?),
        _ => bound.url()?,
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        let until = async {
            // A demo that was dropped stops its server too.
            let _sent_or_dropped = stopped.await;
        };
        bound.serve_until(until).await;
    });
    Ok((Host { listening: Some((stop, task)) }, Link::Http(Remote::own(url))))
}
