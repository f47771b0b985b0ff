//! `mcp serve-demo`: a small server over stdio, or one that misbehaves on purpose.

mod fault;
mod notes;
mod router;
mod tools;

use std::time::Duration;

use mcp_core::server::Server;

use crate::exit::{Code, Failure};
use crate::signals::Signals;

use notes::Notes;

/// How long calls in flight may go on after a signal.
const DRAIN: Duration = Duration::from_secs(2);

/// Serves over stdin and stdout until the client is gone.
pub(crate) async fn run(signals: &Signals) -> Result<(), Failure> {
    let link = mcp_stdio::stdio()
        .map_err(|error| Failure::new(Code::Io, "cannot serve on stdin and stdout").because(error))?;
    let server = Server::builder("mcp-demo", env!("CARGO_PKG_VERSION"))
        .instructions("A server to try things on. Its tools echo, add, ask, log, take their time and fail.")
        .build(router::router(&Notes::default()));
    tokio::select! {
        () = server.serve(link) => Ok(()),
        signal = signals.first() => {
            tokio::select! {
                _in_time = server.drain(DRAIN) => {}
                _signal = signals.second() => {}
            }
            Err(Failure::signal(signal))
        }
    }
}

/// Serves with a fault, without a runtime.
pub(crate) fn fault(name: &str) -> Result<(), Failure> {
    fault::run(name)
}
