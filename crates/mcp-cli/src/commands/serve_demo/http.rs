//! The demo's server over HTTP: both eras on one URL, until a signal.

use std::io;

use clap::Args;
use mcp_http::HttpServer;
use mcp_http::server::HttpServerConfig;
use tokio::net::TcpListener;

use crate::commands::protect::Auth;
use crate::connect::remote;
use crate::exit::{Code, Failure};
use crate::global::Global;
use crate::signals::Signals;
use crate::terminal::out;

/// How and where it listens.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options for HTTP")]
pub(super) struct Listen {
    /// Serve over HTTP at this address, like 127.0.0.1:8080; port 0 takes a free one. The URL is printed on stderr.
    /// With --bearer-env every request needs the token that the variable holds
    #[arg(long, value_name = "ADDRESS")]
    pub(super) listen: Option<String>,
    /// The path of the endpoint
    #[arg(long, requires = "listen", value_name = "PATH", default_value = "/mcp")]
    path: String,
    /// A host that requests may name, beside this machine's own names; may be given more than once
    #[arg(long, requires = "listen", value_name = "HOST")]
    allow_host: Vec<String>,
    /// An origin that browsers may come from, like `https://app.example.com`; may be given more than once
    #[arg(long, requires = "listen", value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// Tell browsers of allowed origins that they may read the answers
    #[arg(long, requires = "listen")]
    cors: bool,
    /// Answer 200 at this path while the server serves
    #[arg(long, requires = "listen", value_name = "PATH", num_args = 0..=1, require_equals = true,
          default_missing_value = "/healthz")]
    health: Option<String>,
    /// Serve clients of 2024-11-05 too, at /sse and /messages
    #[arg(long, requires = "listen")]
    http_sse: bool,
    #[command(flatten)]
    auth: Auth,
}

/// Serves until the first signal, then lets what is under way end; a second signal cuts it.
pub(super) async fn run(
    signals: &Signals,
    global: &Global,
    options: &Listen,
    address: &str,
) -> Result<(), Failure> {
    let server = HttpServer::new(super::server()?).with_config(config(global, options)?);
    let failed = |error: io::Error| {
        let code = if error.kind() == io::ErrorKind::InvalidInput { Code::Usage } else { Code::Io };
        Failure::new(code, error.to_string())
    };
    let listener = TcpListener::bind(address).await.map_err(|error| {
        failed(io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))
    })?;
    let at = listener.local_addr().map_err(failed)?;
    let open = global.http.bearer_env.is_none() && options.auth.auth_issuer.is_none();
    if !at.ip().to_canonical().is_loopback() && open {
        return Err(Failure::usage("other machines can reach this address, and no token would be required")
            .hint("--bearer-env VAR makes every request need the token that VAR holds; --auth-issuer URL accepts those of an authorization server"));
    }
    let server = match options.auth.resource("mcp-demo", &format!("http://{at}{}", options.path))? {
        Some(_) if global.http.bearer_env.is_some() => {
            return Err(Failure::usage("--bearer-env and --auth-issuer exclude each other"));
        }
        Some(resource) => resource.protect(server),
        None => server,
    };
    let bound = server.over(listener).map_err(failed)?;
    out::note(format!("listening on {}\n", bound.url().map_err(failed)?));
    let stop = async {
        signals.first().await;
    };
    tokio::select! {
        _served = bound.serve_until(stop) => {}
        _signal = signals.second() => {}
    }
    Err(Failure::signal(signals.first().await))
}

fn config(global: &Global, options: &Listen) -> Result<HttpServerConfig, Failure> {
    let mut config = HttpServerConfig::default();
    config.path.clone_from(&options.path);
    config.hosts.clone_from(&options.allow_host);
    config.origins = options.allow_origin.iter().map(|rule| rule.as_str().into()).collect();
    config.cors.enabled = options.cors;
    config.health.clone_from(&options.health);
    config.http_sse = options.http_sse;
    config.timeouts.drain = super::DRAIN;
    if let Some(variable) = &global.http.bearer_env {
        config.bearer = Some(remote::from_environment(variable)?);
    }
    if let Some(bytes) = global.max_message {
        config.limits.body = bytes;
    }
    Ok(config)
}
