//! A server of this program over HTTP, until a signal.

use std::io;
use std::time::Duration;

use clap::Args;
use mcp_http::HttpServer;
use mcp_http::server::{BoundServer, HttpServerConfig};
use tokio::net::TcpListener;

use super::protect::Auth;
use crate::connect::remote;
use crate::exit::{Code, Failure};
use crate::signals::Signals;
use crate::terminal::out;

/// How and where a server listens.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options for HTTP")]
pub(crate) struct Listen {
    /// Serve over HTTP at this address, like 127.0.0.1:8080; port 0 takes a free one. The URL is printed on stderr
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
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

/// What differs between the servers of this program.
pub(crate) struct Service<'a> {
    /// Its name, for authorization servers.
    pub(crate) name: &'a str,
    /// The option that names the variable with the server's own token, and its value.
    pub(crate) token: (&'a str, Option<&'a str>),
    /// Other machines may reach it without a token.
    pub(crate) open: bool,
    /// What else a user can do who wants that.
    pub(crate) hint: &'a str,
    pub(crate) max_message: Option<usize>,
    pub(crate) drain: Duration,
}

impl Listen {
    /// Listens at this address, and prints the URL.
    pub(crate) async fn bind(
        &self,
        address: &str,
        server: HttpServer,
        service: &Service<'_>,
    ) -> Result<BoundServer<TcpListener>, Failure> {
        let server = server.with_config(self.config(service)?);
        let listener = TcpListener::bind(address).await.map_err(|error| {
            failed(io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))
        })?;
        let at = listener.local_addr().map_err(failed)?;
        let (option, token) = service.token;
        let protected = token.is_some() || self.auth.auth_issuer.is_some();
        if !at.ip().to_canonical().is_loopback() && !protected && !service.open {
            let hint = format!(
                "{option} VAR makes every request need the token that VAR holds; --auth-issuer URL accepts those of an authorization server{}",
                service.hint
            );
            return Err(Failure::usage(
                "other machines can reach this address, and no token would be required",
            )
            .hint(hint));
        }
        let server = match self.auth.resource(service.name, &format!("http://{at}{}", self.path))? {
            Some(_) if token.is_some() => {
                return Err(Failure::usage(format!("{option} and --auth-issuer exclude each other")));
            }
            Some(resource) => resource.protect(server),
            None => server,
        };
        let bound = server.over(listener).map_err(failed)?;
        out::note(format!("listening on {}\n", bound.url().map_err(failed)?));
        Ok(bound)
    }

    fn config(&self, service: &Service<'_>) -> Result<HttpServerConfig, Failure> {
        let mut config = HttpServerConfig::default();
        config.path.clone_from(&self.path);
        config.hosts.clone_from(&self.allow_host);
        config.origins = self.allow_origin.iter().map(|rule| rule.as_str().into()).collect();
        config.cors.enabled = self.cors;
        config.health.clone_from(&self.health);
        config.http_sse = self.http_sse;
        config.timeouts.drain = service.drain;
        if let Some(variable) = service.token.1 {
            config.bearer = Some(remote::from_environment(variable)?);
        }
        if let Some(bytes) = service.max_message {
            config.limits.body = bytes;
        }
        Ok(config)
    }
}

/// Serves until the first signal, then lets what is under way end; a second signal cuts it.
pub(crate) async fn serve(signals: &Signals, bound: BoundServer<TcpListener>) -> Result<(), Failure> {
    let stop = async {
        signals.first().await;
    };
    tokio::select! {
        _served = bound.serve_until(stop) => {}
        _signal = signals.second() => {}
    }
    Err(Failure::signal(signals.first().await))
}

/// An error of the listener. A setting that cannot be right is a mistake of the user.
pub(crate) fn failed(error: io::Error) -> Failure {
    let code = if error.kind() == io::ErrorKind::InvalidInput { Code::Usage } else { Code::Io };
    Failure::new(code, error.to_string())
}
