//! A server of this program over HTTP, until a signal.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use mcp_http::HttpServer;
use mcp_http::server::{BoundServer, HttpServerConfig};
use tokio::net::TcpListener;

use super::protect::Auth;
use crate::connect::{files, remote};
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
    pub(crate) path: String,
    /// A host that requests may name, beside this machine's own names; may be given more than once
    #[arg(long, requires = "listen", value_name = "HOST")]
    allow_host: Vec<String>,
    /// An origin that browsers may come from, like `https://app.example.com`; may be given more than once
    #[arg(long, requires = "listen", value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// Tell browsers of allowed origins that they may read the answers
    #[arg(long, requires = "listen")]
    cors: bool,
    /// Serve over https with the certificate chain in this file (PEM)
    #[arg(long, requires_all = ["listen", "tls_key"], value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// The private key of the certificate (PEM)
    #[arg(long, requires = "tls_cert", value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Answer 200 at this path while the server serves
    #[arg(long, requires = "listen", value_name = "PATH", num_args = 0..=1, require_equals = true,
          default_missing_value = "/healthz")]
    pub(crate) health: Option<String>,
    /// Serve clients of 2024-11-05 too, at /sse and /messages
    #[arg(long, requires = "listen")]
    http_sse: bool,
    #[command(flatten)]
    pub(crate) auth: Auth,
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
        let (listener, at) = self.open(address, service).await?;
        let server = server.configure(|config| {
            let pages = std::mem::take(&mut config.pages);
            *config = self.config(service, "");
            config.pages = pages;
        });
        let server = match service.token.1 {
            Some(variable) => server.bearer(remote::from_environment(variable)?),
            None => server,
        };
        let server = match self.auth.resource(service.name, &self.url(at, ""))? {
            Some(resource) => resource.protect(server),
            None => server,
        };
        let bound = self.secured(server)?.over(listener).map_err(failed)?;
        out::note(format!("listening on {}\n", bound.url().map_err(failed)?));
        Ok(bound)
    }

    /// Opens the listener, unless other machines could reach it without a token.
    pub(crate) async fn open(
        &self,
        address: &str,
        service: &Service<'_>,
    ) -> Result<(TcpListener, SocketAddr), Failure> {
        let (option, token) = service.token;
        if token.is_some() && self.auth.auth_issuer.is_some() {
            return Err(Failure::usage(format!("{option} and --auth-issuer exclude each other")));
        }
        let listener = TcpListener::bind(address).await.map_err(|error| {
            failed(io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))
        })?;
        let at = listener.local_addr().map_err(failed)?;
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
        Ok((listener, at))
    }

    /// The URL of the endpoint below this prefix, made from the bound address.
    pub(crate) fn url(&self, at: SocketAddr, prefix: &str) -> String {
        let scheme = if self.tls_cert.is_some() { "https" } else { "http" };
        format!("{scheme}://{at}{prefix}{}", self.path)
    }

    /// The settings of an endpoint, with all its paths below this prefix.
    pub(crate) fn config(&self, service: &Service<'_>, prefix: &str) -> HttpServerConfig {
        let mut config = HttpServerConfig::default();
        config.path = format!("{prefix}{}", self.path);
        config.sse_path.insert_str(0, prefix);
        config.messages_path.insert_str(0, prefix);
        config.hosts.clone_from(&self.allow_host);
        config.origins = self.allow_origin.iter().map(|rule| rule.as_str().into()).collect();
        config.cors.enabled = self.cors;
        config.http_sse = self.http_sse;
        config.timeouts.drain = service.drain;
        if prefix.is_empty() {
            config.health.clone_from(&self.health);
        }
        if let Some(bytes) = service.max_message {
            config.limits.body = bytes;
        }
        config
    }

    /// The server with TLS, if there is a certificate.
    pub(crate) fn secured(&self, server: HttpServer) -> Result<HttpServer, Failure> {
        let (Some(cert), Some(key)) = (&self.tls_cert, &self.tls_key) else { return Ok(server) };
        let read = |path: &Path| {
            files::read_any(path).map_err(|problem| Failure::usage(format!("{} {problem}", path.display())))
        };
        let (cert, key) = (read(cert)?, read(key)?);
        server.tls(cert.as_bytes(), key.as_bytes()).map_err(|error| Failure::usage(error.to_string()))
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
