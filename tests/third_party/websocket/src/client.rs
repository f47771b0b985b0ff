//! The client: connects to a `ws` URL.

use mcp_core::transport::framed::Framed;
use mcp_core::transport::{Connect, ConnectError, Transport, TransportError, async_trait};
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Error, error::UrlError, http};

use crate::{SUBPROTOCOL, texts};

/// Connects to a `ws` URL. This example has no TLS: a `wss` URL is refused.
#[derive(Clone, Debug)]
pub struct WebSocketClient(String);

impl WebSocketClient {
    /// A client for the server at this URL.
    pub fn new(url: impl Into<String>) -> WebSocketClient {
        WebSocketClient(url.into())
    }
}

#[async_trait]
impl Connect for WebSocketClient {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        let url: http::Uri = self.0.parse().map_err(|error| why(Error::from(error)))?;
        if url.scheme_str() != Some("ws") {
            return Err(why(Error::Url(UrlError::UnsupportedUrlScheme)));
        }
        let request = ClientRequestBuilder::new(url).with_sub_protocol(SUBPROTOCOL);
        let config = Some(texts::config());
        let (socket, _) =
            tokio_tungstenite::connect_async_with_config(request, config, true).await.map_err(why)?;
        let (sink, stream) = texts::halves(socket);
        Ok(Box::new(Framed::client("websocket", sink, stream).close_within(texts::patience)))
    }
}

/// Classifies an error: whether a retry or other credentials may help.
fn why(error: Error) -> ConnectError {
    let status = if let Error::Http(response) = &error { response.status().as_u16() } else { 0 };
    let cause = TransportError::new(error);
    match (status, cause.get_ref().downcast_ref()) {
        (401 | 403, _) => ConnectError::Unauthorized(cause),
        (429 | 500.., _) | (_, Some(Error::Io(_))) => ConnectError::Unreachable(cause),
        _ => ConnectError::Unusable(cause),
    }
}
