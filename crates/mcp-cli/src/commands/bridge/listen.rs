//! The clients' side over HTTP, until a signal.

use clap::Args;
use mcp_bridge::Front;
use mcp_core::transport::trace::Tracer;
use mcp_http::HttpServer;

use super::{DRAIN, ONE};
use crate::commands::serve_http::{self, Service, failed};
use crate::exit::Failure;
use crate::global::Global;
use crate::signals::Signals;
use crate::terminal::out;

const HEADING: &str = "Options for HTTP";

/// How and where it listens, and which callers it accepts.
#[derive(Debug, Args)]
pub(super) struct Access {
    #[command(flatten)]
    pub(super) http: serve_http::Listen,
    /// Every request needs the token that the variable holds
    #[arg(long, help_heading = HEADING, requires = "listen", value_name = "VAR", conflicts_with = "auth_issuer")]
    auth_token_env: Option<String>,
    /// Let everyone in who reaches the address. All callers count as one caller
    #[arg(long, help_heading = HEADING, requires = "listen")]
    insecure_no_auth: bool,
}

/// Serves until the first signal, then lets what is under way end; a second signal cuts it.
pub(super) async fn run(
    signals: &Signals,
    global: &Global,
    options: &Access,
    address: &str,
    front: Front,
    trace: Option<Tracer>,
) -> Result<(), Failure> {
    let server = match trace {
        Some(trace) => HttpServer::new(trace.accept(front)),
        None => HttpServer::new(front),
    };
    let service = Service {
        name: "mcp-bridge",
        token: ("--auth-token-env", options.auth_token_env.as_deref()),
        open: options.insecure_no_auth,
        hint: "; --insecure-no-auth lets everyone in",
        max_message: global.max_message,
        drain: DRAIN,
    };
    let bound = options.http.bind(address, server, &service).await?;
    let url = bound.url().map_err(failed)?;
    out::note(format!("for a client: {{\"mcpServers\":{{\"{ONE}\":{{\"url\":\"{url}\"}}}}}}\n"));
    serve_http::serve(signals, bound).await
}
