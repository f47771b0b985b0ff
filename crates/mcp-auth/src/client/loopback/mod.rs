//! The listener on this machine that a browser is redirected to.

mod answer;
#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::error::OAuthError;
use super::machine::AuthorizationRequest;
use super::settings::Redirect;
use crate::urls::WebUrl;
use answer::answer;

/// Connections at once.
const MOST_CONNECTIONS: usize = 16;
/// How long a connection may take.
const LONGEST: Duration = Duration::from_secs(10);
/// Answers with a wrong `state` before the login is given up.
const MOST_WRONG: usize = 50;

/// A bound listener. The bound socket keeps its port from other programs.
pub(crate) struct Loopback {
    listeners: Vec<TcpListener>,
    path: String,
}

impl Loopback {
    /// Binds. The URI that was registered before is tried first; if its port is taken, another one is used, and the
    /// client registers again. `None` if there is nothing to listen on.
    // AU-C-60.
    pub(crate) async fn bind(
        redirect: &Redirect,
        registered: Option<&str>,
    ) -> Result<(String, Option<Loopback>), OAuthError> {
        match redirect {
            Redirect::Url { url, listen } => {
                let parsed = WebUrl::parse(url).ok().filter(|url| url.is_https() || url.is_loopback());
                let why = "it must be https, or http on loopback";
                let parsed = parsed.ok_or_else(|| OAuthError::setting("redirect URI", why))?;
                let Some(port) = listen else { return Ok((url.clone(), None)) };
                let listeners = sockets(*port).await.map_err(|why| taken(*port, &why))?;
                let path = if parsed.path().is_empty() { "/" } else { parsed.path() }.to_owned();
                Ok((url.clone(), Some(Loopback { listeners, path })))
            }
            Redirect::Loopback { host, port, path } => {
                let before = registered.and_then(|uri| {
                    let url = WebUrl::parse(uri).ok()?;
                    let port = url.origin().rsplit(':').next()?.parse::<u16>().ok()?;
                    (url.is_loopback() && url.path() == path).then_some((port, uri))
                });
                if let (Some((port, uri)), 0) = (before, *port)
                    && let Ok(listeners) = sockets(port).await
                {
                    return Ok((uri.to_owned(), Some(Loopback { listeners, path: path.clone() })));
                }
                let listeners = sockets(*port).await.map_err(|why| taken(*port, &why))?;
                let port = listeners.first().and_then(|it| it.local_addr().ok()).map_or(0, |at| at.port());
                let uri = format!("http://{host}:{port}{path}");
                Ok((uri, Some(Loopback { listeners, path: path.clone() })))
            }
        }
    }

    /// Waits for the redirect that answers this request, and returns its query.
    // AU-C-61: other requests cannot end the wait.
    pub(crate) async fn redirected(&self, request: &AuthorizationRequest) -> Result<String, OAuthError> {
        let (found, mut answers) = mpsc::channel(1);
        let (wrong, mut mistakes) = mpsc::channel(MOST_WRONG);
        let shared = Arc::new(Shared { request: request.clone(), path: self.path.clone(), found, wrong });
        let mut connections = JoinSet::new();
        let mut wrong = 0;
        loop {
            tokio::select! {
                biased;
                Some(query) = answers.recv() => {
                    // The browser gets its page.
                    let _late = tokio::time::timeout(LONGEST, finish(&mut connections)).await;
                    return Ok(query);
                }
                Some(()) = mistakes.recv() => {
                    wrong += 1;
                    if wrong >= MOST_WRONG {
                        return Err(OAuthError::not_completed("too many answers with a wrong `state`"));
                    }
                }
                accepted = accept(&self.listeners) => {
                    while connections.try_join_next().is_some() {}
                    if let (Ok(stream), true) = (accepted, connections.len() < MOST_CONNECTIONS) {
                        connections.spawn(serve(stream, shared.clone()));
                    }
                }
            }
        }
    }
}

/// What connections share.
struct Shared {
    request: AuthorizationRequest,
    path: String,
    found: mpsc::Sender<String>,
    wrong: mpsc::Sender<()>,
}

async fn finish(connections: &mut JoinSet<()>) {
    while connections.join_next().await.is_some() {}
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(move |request| {
        let response = answer(&request, &shared);
        async move { Ok::<_, std::convert::Infallible>(response) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(LONGEST).keep_alive(false).max_buf_size(64 << 10);
    let connection = server.serve_connection(TokioIo::new(stream), service);
    // A broken connection is the browser's affair.
    let _ended = tokio::time::timeout(LONGEST, connection).await;
}

async fn accept(listeners: &[TcpListener]) -> std::io::Result<TcpStream> {
    let any = listeners.iter().map(|listener| Box::pin(listener.accept()));
    let (accepted, ..) = futures::future::select_all(any).await;
    accepted.map(|(stream, _)| stream)
}

/// Both families where there are both: a browser chooses which of them `localhost` is.
async fn sockets(port: u16) -> Result<Vec<TcpListener>, String> {
    let first = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| error.to_string())?;
    let port = first.local_addr().map_err(|error| error.to_string())?.port();
    let mut listeners = vec![first];
    listeners.extend(TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await);
    Ok(listeners)
}

fn taken(port: u16, why: &str) -> OAuthError {
    OAuthError::setting("redirect URI", format!("port {port} of this machine cannot be listened on: {why}"))
}
