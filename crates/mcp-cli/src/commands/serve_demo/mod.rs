//! `mcp serve-demo`: a small server over stdio or HTTP, or one that misbehaves on purpose.

mod fault;
mod notes;
mod router;
mod tools;

use std::time::Duration;

use clap::Args;
use mcp_core::server::Server;
use mcp_http::HttpServer;

use super::serve_http::{self, Listen, Service};
use crate::exit::{Code, Failure};
use crate::global::Global;
use crate::signals::Signals;

use notes::Notes;

/// How long calls in flight may continue after a signal.
const DRAIN: Duration = Duration::from_secs(2);

/// `mcp serve-demo`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Misbehave in this way; `list` names the ways
    #[arg(long, value_name = "NAME")]
    fault: Option<String>,
    #[command(flatten)]
    http: Listen,
}

/// Serves until the client is gone, or over HTTP until a signal.
pub(crate) async fn run(signals: &Signals, global: &Global, options: &Options) -> Result<(), Failure> {
    if let Some(address) = &options.http.listen {
        let service = Service {
            name: "mcp-demo",
            token: ("--bearer-env", global.http.bearer_env.as_deref()),
            open: false,
            hint: "",
            max_message: global.max_message,
            drain: DRAIN,
        };
        let bound = options.http.bind(address, HttpServer::new(server()?), &service).await?;
        return serve_http::serve(signals, bound).await;
    }
    let link = mcp_stdio::stdio()
        .map_err(|error| Failure::new(Code::Io, "cannot serve on stdin and stdout").because(error))?;
    let server = server()?;
    tokio::select! {
        _reason = server.serve(link) => Ok(()),
        signal = signals.first() => {
            tokio::select! {
                _in_time = server.drain(DRAIN) => {}
                _signal = signals.second() => {}
            }
            Err(Failure::signal(signal))
        }
    }
}

/// The server of the demo. Each instance has its own notes.
pub(crate) fn server() -> Result<Server, mcp_core::Error> {
    Server::builder("mcp-demo", env!("CARGO_PKG_VERSION"))
        .instructions("A server to try things on. Its tools echo, add, ask, log, take their time and fail.")
        .build(router::router(&Notes::default()))
}

/// Serves with a fault, without a runtime, if `--fault` is given.
pub(crate) fn fault(options: &Options) -> Option<Result<(), Failure>> {
    let name = options.fault.as_deref()?;
    Some(fault::run(name, options.http.listen.as_deref()))
}
