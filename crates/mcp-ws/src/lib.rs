//! The reserved slot for MCP over WebSocket. **Nothing is built yet:** every connect fails, and says so.
//!
//! No revision of MCP defines a WebSocket binding. This crate owns the type [`WebSocket`] and the schemes `ws`
//! and `wss`, so that a program can name them today, get a clear error, and need no other change when the slot
//! is filled. Until then:
//!
//! - use stdio (`mcp-stdio`) or Streamable HTTP (`mcp-http`), which the specification defines;
//! - or start from the example under `tests/third_party/websocket`: a WebSocket transport as a third party
//!   would write it. It keeps every promise of the contract, and it talks to peers nobody here wrote.
//!
//! # The binding it will have
//!
//! What implementations in use agree on, and what the contract of `mcp_core::transport` demands:
//!
//! | subject | rule |
//! |---|---|
//! | frames | One text frame holds one JSON-RPC message, in UTF-8. A batch is one text frame that holds an array. |
//! | binary frames | Answered by closing with status 1003; the link is over. |
//! | subprotocol | The client offers `mcp`; the server has to select it, or there is no link. |
//! | kind | Continuous and ordered, like stdio; everything travels on the shared lane. |
//! | giving up a request | By `notifications/cancelled`, in both eras: a frame cannot be taken back, and closing would end every exchange. |
//! | session | The connection is the session. There is no session id, and nothing is resumed. |
//! | `Origin` | A server refuses an upgrade whose `Origin` is not on its list, with 403. Without the header it is no browser, and passes. The list is empty by default. |
//! | `Host` | As over HTTP: a listener on a loopback address answers to loopback names only. |
//! | authorization | The `Authorization` header of the upgrade. Never in the URL, never as a subprotocol. |
//! | bound | A message is at most 16 MiB, all its fragments together; one more byte closes with status 1009. |
//! | liveness | A ping frame is answered by a pong frame. Neither reaches the session. |
//! | closing | Status 1000 after the last message; what was sent before it is read before it. |
//!
//! ```
//! use mcp_core::transport::{Connect, ConnectError};
//! use mcp_ws::WebSocket;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let refused = WebSocket::new("wss://example.org/mcp").connect().await;
//! assert!(matches!(refused, Err(ConnectError::Unusable(_))));
//! # }
//! ```

use std::fmt;

use mcp_core::transport::{Connect, ConnectError, Transport, async_trait};

/// The schemes of URLs that belong to this crate.
pub const SCHEMES: [&str; 2] = ["ws", "wss"];

/// A server behind a `ws` or `wss` URL. Connecting fails until the slot is filled: see the [crate].
#[derive(Clone)]
pub struct WebSocket {
    url: String,
}

impl WebSocket {
    /// The server at this URL. Nothing is looked at before [`Connect::connect`].
    pub fn new(url: impl Into<String>) -> WebSocket {
        WebSocket { url: url.into() }
    }

    /// Whether this URL is one of a WebSocket: its scheme is one of [`SCHEMES`], in upper or lower case.
    pub fn is_url(url: &str) -> bool {
        let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
        SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme))
    }
}

/// Without the URL, which may hold secrets.
impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket").finish_non_exhaustive()
    }
}

#[async_trait]
impl Connect for WebSocket {
    /// Fails at once, and for good.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Unusable`], always. Its source is a [`WebSocketError`].
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        let why =
            if WebSocket::is_url(&self.url) { WebSocketError::Reserved } else { WebSocketError::OtherScheme };
        Err(ConnectError::unusable(why))
    }
}

/// Why there is no link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebSocketError {
    /// The transport is reserved and not built.
    Reserved,
    /// The URL belongs to another transport.
    OtherScheme,
}

impl fmt::Display for WebSocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WebSocketError::Reserved => {
                "WebSocket is reserved and not built: no revision of MCP defines it. Use stdio or Streamable \
                 HTTP (an http or https URL); or write the transport, with tests/third_party/websocket of \
                 this workspace as a start"
            }
            WebSocketError::OtherScheme => {
                "this is no URL of a WebSocket: it has to begin with ws:// or wss://"
            }
        })
    }
}

impl std::error::Error for WebSocketError {}

#[cfg(test)]
mod tests {
    use super::*;

    async fn refused(url: &str) -> String {
        match WebSocket::new(url).connect().await {
            Err(ConnectError::Unusable(why)) => {
                assert!(why.get_ref().is::<WebSocketError>());
                why.to_string()
            }
            Err(other) => panic!("{other:?}"),
            Ok(_) => panic!("there is a link"),
        }
    }

    /// The text says that it is reserved, and each of the three ways out.
    #[tokio::test]
    async fn connecting_says_that_it_is_reserved_and_what_to_do_meanwhile() {
        for url in ["ws://localhost:1/mcp", "WSS://user:secret@example.org"] {
            let text = refused(url).await;
            for part in ["reserved and not built", "stdio", "Streamable HTTP", "tests/third_party/websocket"]
            {
                assert!(text.contains(part), "{part} in {text}");
            }
            assert!(!text.contains("secret"), "{text}");
        }
    }

    #[tokio::test]
    async fn a_url_of_another_transport_is_told_apart() {
        for url in ["https://example.org", "ws:/example.org", "", "wsx://a", "stdio"] {
            assert!(!WebSocket::is_url(url), "{url}");
            assert!(refused(url).await.contains("ws:// or wss://"));
        }
    }

    #[test]
    fn a_url_is_not_shown() {
        let shown = format!("{:?}", WebSocket::new("ws://user:secret@example.org"));
        assert!(!shown.contains("secret"), "{shown}");
    }
}
