//! The listener: accepts upgrades that offer the subprotocol, from allowed origins.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mcp_core::transport::framed::Framed;
use mcp_core::transport::{Accept, Envelope};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};

use crate::{SUBPROTOCOL, texts};

/// The number of peers at the same time, including those in their handshake; further ones wait.
const MAX_LINKS: usize = 1024;

/// The time limit of a handshake; and the pause after a failed accept, which usually means a lack of file descriptors.
const HANDSHAKE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);

/// Serves the peers of a TCP listener. The envelope of each message contains the peer's [`SocketAddr`]. There is no
/// authentication and no TLS: bind to a loopback address.
#[derive(Clone, Debug, Default)]
pub struct WebSocketServer {
    origins: Vec<String>,
}

impl WebSocketServer {
    /// Allows pages of this origin. By default every upgrade with an `Origin` is refused: it comes from a browser, possibly
    /// without the knowledge of its user.
    #[must_use]
    pub fn allow_origin(mut self, origin: &str) -> WebSocketServer {
        self.origins.push(origin.to_owned());
        self
    }

    /// Passes every link to `accept`, until the future is dropped; then the links are dropped too.
    pub async fn serve(self, listener: TcpListener, accept: impl Accept) {
        let accept: Arc<dyn Accept> = Arc::new(accept);
        let mut links = JoinSet::new();
        loop {
            while links.len() >= MAX_LINKS {
                links.join_next().await;
            }
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    // The handshake is part of the task, so that a slow peer does not delay others.
                    Ok(peer) => drop(links.spawn(serve_one(peer, self.clone(), accept.clone()))),
                    Err(_) => tokio::time::sleep(PAUSE).await,
                },
                Some(_) = links.join_next() => {}
            }
        }
    }

    fn judge(&self, request: &Request, mut response: Response) -> Result<Response, Box<ErrorResponse>> {
        let headers = request.headers();
        let is_allowed = |origin: &HeaderValue| self.origins.iter().any(|allowed| origin == allowed.as_str());
        if !headers.get_all("Origin").iter().all(is_allowed) {
            return Err(refused(StatusCode::FORBIDDEN, "this Origin is not on the list of allow_origin"));
        }
        let offered =
            headers.get_all("Sec-WebSocket-Protocol").iter().filter_map(|value| value.to_str().ok());
        if !offered.flat_map(|value| value.split(',')).any(|name| name.trim() == SUBPROTOCOL) {
            return Err(refused(StatusCode::BAD_REQUEST, "the subprotocol mcp is not offered"));
        }
        response.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static(SUBPROTOCOL));
        Ok(response)
    }
}

async fn serve_one(peer: (TcpStream, SocketAddr), server: WebSocketServer, accept: Arc<dyn Accept>) {
    let (stream, address) = peer;
    // A failure only costs latency.
    let _slower = stream.set_nodelay(true);
    let judge = |request: &Request, response| server.judge(request, response).map_err(|refused| *refused);
    let upgrade = tokio_tungstenite::accept_hdr_async_with_config(stream, judge, Some(texts::config()));
    let Ok(Ok(socket)) = tokio::time::timeout(HANDSHAKE, upgrade).await else { return };
    let (sink, stream) = texts::halves(socket);
    let link = Framed::server("websocket", sink, stream).close_within(texts::patience);
    accept.accept(Box::new(link.envelope(Envelope::default().with(address)))).await;
}

fn refused(status: StatusCode, why: &str) -> Box<ErrorResponse> {
    let mut response = ErrorResponse::new(Some(why.to_owned()));
    *response.status_mut() = status;
    Box::new(response)
}
