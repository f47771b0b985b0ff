//! The clients' side over HTTP, until a signal.

use std::net::SocketAddr;

use clap::Args;
use mcp_bridge::Bridge;
use mcp_core::message::{ProtocolVersion, RawJson};
use mcp_core::transport::trace::Tracer;
use mcp_core::transport::{Accept, Transport, async_trait};
use mcp_http::HttpServer;
use mcp_http::server::{BoundServer, Page};
use tokio::net::TcpListener;

use super::DRAIN;
use crate::commands::serve_http::{self, Service, failed};
use crate::connect::remote;
use crate::exit::Failure;
use crate::global::Global;
use crate::terminal::out;

const HEADING: &str = "Options for HTTP";

/// Whether callers that are not known apart share a server for everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sharing {
    /// Each legacy session has its own.
    None,
    OneServer,
}

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
    /// With --insecure-no-auth at an address that others reach: let clients without an identity share one server
    #[arg(long, help_heading = HEADING, requires = "insecure_no_auth")]
    i_know_clients_share_one_server: bool,
    /// Show the state of each server as JSON at this path, to callers that may use the bridge
    #[arg(long, help_heading = HEADING, requires = "listen", value_name = "PATH", num_args = 0..=1,
          require_equals = true, default_missing_value = "/status")]
    status: Option<String>,
}

impl Access {
    // BR-02.
    fn service(&self, max_message: Option<usize>, sharing: Sharing) -> Service<'_> {
        let (open, hint) = match sharing {
            Sharing::None => (true, "; --insecure-no-auth lets everyone in"),
            Sharing::OneServer => (
                self.i_know_clients_share_one_server,
                "; --insecure-no-auth with --i-know-clients-share-one-server lets everyone in, to one server with one state",
            ),
        };
        Service {
            name: "mcp-bridge",
            token: ("--auth-token-env", self.auth_token_env.as_deref()),
            open: open && self.insecure_no_auth,
            hint,
            max_message,
            drain: DRAIN,
        }
    }

    /// Says that clients share a server, where they are not known apart.
    fn warn(&self, sharing: Sharing) {
        let is_open = self.auth_token_env.is_none() && self.http.auth.auth_issuer.is_none();
        if is_open && sharing == Sharing::OneServer {
            out::note("mcp: clients are not known apart, and share one server with its state\n");
        }
    }

    fn pages(&self, bridge: &Bridge) -> Vec<Page> {
        let page = |path: &String| {
            let bridge = bridge.clone();
            Page::json(path.clone(), move || bridge.status().to_raw().to_string())
        };
        self.status.iter().map(page).collect()
    }

    /// Listens for clients of the one server of the bridge.
    pub(super) async fn one(
        &self,
        global: &Global,
        address: &str,
        bridge: &Bridge,
        sharing: Sharing,
        trace: Option<&Tracer>,
    ) -> Result<BoundServer<TcpListener>, Failure> {
        let service = self.service(global.max_message, sharing);
        let server = bridge.names().next().and_then(|name| endpoint(bridge, name, trace));
        let server = server.unwrap_or_else(|| HttpServer::new(Nowhere));
        let server = self.pages(bridge).into_iter().fold(server, HttpServer::page);
        let bound = self.http.bind(address, server, &service).await?;
        self.warn(sharing);
        if let Some(name) = bridge.names().next() {
            snippet(&[(name, bound.url().map_err(failed)?)]);
        }
        Ok(bound)
    }

    /// Listens for clients of all servers of the bridge, each at its own path.
    pub(super) async fn all(
        &self,
        global: &Global,
        address: &str,
        bridge: &Bridge,
        sharing: Sharing,
        trace: Option<&Tracer>,
    ) -> Result<BoundServer<TcpListener>, Failure> {
        let service = self.service(global.max_message, sharing);
        let (listener, at) = self.http.open(address, &service).await?;
        let mut urls = Vec::new();
        let mut root = self.root(bridge, &service, at)?;
        for name in bridge.names() {
            let Some(server) = endpoint(bridge, name, trace) else { continue };
            let prefix = format!("/servers/{}", segment(name));
            let server = server.with_config(self.http.config(&service, &prefix));
            let path = format!("{prefix}{}", self.http.path);
            root = root.beside(self.guarded(server, &service, at, &path)?);
            urls.push((name, self.http.url(at, &prefix)));
        }
        let bound = self.http.secured(root)?.over(listener).map_err(failed)?;
        for (_, url) in &urls {
            out::note(format!("listening on {url}\n"));
        }
        self.warn(sharing);
        snippet(&urls);
        Ok(bound)
    }

    /// What is beside the endpoints: the probe of health and the status.
    fn root(&self, bridge: &Bridge, service: &Service<'_>, at: SocketAddr) -> Result<HttpServer, Failure> {
        let server =
            HttpServer::new(Nowhere).with_config(self.http.config(service, "")).configure(|config| {
                // No request has an empty path: there is no endpoint.
                config.path.clear();
                config.trailing_slash = false;
                config.http_sse = false;
            });
        let server = self.pages(bridge).into_iter().fold(server, HttpServer::page);
        self.guarded(server, service, at, self.status.as_deref().unwrap_or("/status"))
    }

    /// The server with what its callers have to bring. Each path is its own resource, so that a token for one is of no
    /// use at another.
    fn guarded(
        &self,
        server: HttpServer,
        service: &Service<'_>,
        at: SocketAddr,
        path: &str,
    ) -> Result<HttpServer, Failure> {
        if let Some(variable) = service.token.1 {
            return Ok(server.bearer(remote::from_environment(variable)?));
        }
        let whole = self.http.url(at, "");
        let origin = whole.strip_suffix(self.http.path.as_str()).unwrap_or(&whole);
        let Some(resource) = self.http.auth.resource_below(service.name, origin, path)? else {
            return Ok(server);
        };
        // The root of the host is not for one of several resources.
        let documents = resource.documents().into_iter().filter(|document| document.path.ends_with(path));
        let documents: Vec<_> = documents.collect();
        Ok(server.authenticate(resource).configure(|config| config.documents.extend(documents)))
    }
}

fn endpoint(bridge: &Bridge, name: &str, trace: Option<&Tracer>) -> Option<HttpServer> {
    let front = bridge.front(name)?;
    Some(match trace {
        Some(trace) => HttpServer::new(trace.accept(front)),
        None => HttpServer::new(front),
    })
}

/// What a client's config file needs.
fn snippet(urls: &[(&str, String)]) {
    let entry = |(name, url): &(&str, String)| {
        format!("{}:{{\"url\":{}}}", RawJson::string(name), RawJson::string(url))
    };
    let entries: Vec<String> = urls.iter().map(entry).collect();
    out::note(format!("for a client: {{\"mcpServers\":{{{}}}}}\n", entries.join(",")));
}

/// A name as one segment of a path.
fn segment(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_~.".contains(&byte);
    name.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// Whether a name can be a segment of a path: clients remove these two.
pub(super) fn is_segment(name: &str) -> bool {
    !matches!(name, "" | "." | "..")
}

/// Serves nothing.
struct Nowhere;

#[async_trait]
impl Accept for Nowhere {
    async fn accept(self: std::sync::Arc<Self>, link: Box<dyn Transport>) {
        drop(link);
    }

    fn versions(&self) -> &[ProtocolVersion] {
        &[]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_segment() {
        for (name, wanted) in
            [("git", "git"), ("a b/c", "a%20b%2Fc"), ("é?#%", "%C3%A9%3F%23%25"), ("v1.2_x~-", "v1.2_x~-")]
        {
            assert_eq!(segment(name), wanted);
            assert!(is_segment(name));
        }
        assert!(![".", "..", ""].into_iter().any(is_segment));
    }
}
