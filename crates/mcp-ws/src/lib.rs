//! A placeholder for MCP over WebSocket. **It is not implemented:** every connect fails with an error that says so.
//!
//! No revision of MCP defines a WebSocket binding. This crate reserves the type [`WebSocket`] and the schemes `ws` and
//! `wss`, so that programs can use them now and get a clear error. Until a revision defines the binding:
//!
//! - use stdio (`mcp-stdio`) or Streamable HTTP (`mcp-http`), which the specification defines;
//! - or start from the example in `tests/third_party/websocket`: a WebSocket transport on the public contract alone, which
//!   passes the compliance kit and is tested against other implementations.
//!
//! The guide to transports is `docs/writing-a-transport.md` in the repository.
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
//!
//! # Use
//!
//! Depend on a checkout of the repository by path, or on its URL by `git`:
//!
//! ```toml
//! [dependencies]
//! mcp-core = { path = "../mcp/crates/mcp-core" }
//! mcp-ws = { path = "../mcp/crates/mcp-ws" }
//! ```
//!
//! # The planned binding
//!
//! It follows what existing implementations agree on, and the contract of `mcp_core::transport`:
//!
//! | subject | rule |
//! |---|---|
//! | frames | One text frame holds one JSON-RPC message, in UTF-8. A batch is one text frame that holds an array. |
//! | binary frames | Close with status 1003; the link ends. |
//! | subprotocol | The client offers `mcp`; the server has to select it, or the link fails. |
//! | kind | Continuous and ordered, like stdio; all messages use the shared lane. |
//! | cancelling a request | By `notifications/cancelled`, in both eras: a frame cannot be withdrawn, and closing would end every exchange. |
//! | session | The connection is the session, without a session id and without resumption. |
//! | `Origin` | A server refuses an upgrade whose `Origin` is not on its list, with 403. Programs other than browsers send no `Origin` and pass. The list is empty by default. |
//! | `Host` | As over HTTP: loopback names, and the names of a list. |
//! | authorization | The `Authorization` header of the upgrade. Never in the URL, never as a subprotocol. |
//! | limit | A message has at most 16 MiB, all fragments together; a longer one closes with status 1009. |
//! | liveness | A pong frame answers a ping frame. Neither reaches the session. |
//! | closing | Status 1000 after the last message; earlier messages are read first. |

// What a peer or a user sends must not panic. A place that stays gives its reason.
#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unimplemented,
        clippy::unreachable
    )
)]

use std::fmt;

use mcp_core::transport::{Connect, ConnectError, Transport, async_trait};

/// The URL schemes of WebSocket.
pub const SCHEMES: [&str; 2] = ["ws", "wss"];

/// A server at a `ws` or `wss` URL. Connecting always fails: see the [crate].
#[derive(Clone)]
pub struct WebSocket {
    url: String,
}

impl WebSocket {
    /// Creates a connector for this URL, which is not checked before [`Connect::connect`].
    pub fn new(url: impl Into<String>) -> WebSocket {
        WebSocket { url: url.into() }
    }

    /// Whether the scheme of this URL is one of [`SCHEMES`], in any case.
    pub fn is_url(url: &str) -> bool {
        let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
        SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme))
    }
}

/// Omits the URL, which may hold secrets.
impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket").finish_non_exhaustive()
    }
}

#[async_trait]
impl Connect for WebSocket {
    /// Fails at once; retrying does not help.
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

/// Why connecting failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebSocketError {
    /// The transport is reserved and not implemented.
    Reserved,
    /// The URL belongs to another transport.
    OtherScheme,
}

impl fmt::Display for WebSocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WebSocketError::Reserved => {
                "WebSocket is reserved and not implemented: no revision of MCP defines it. Use stdio or Streamable \
                 HTTP (an http or https URL), or write a transport, starting from tests/third_party/websocket of \
                 this workspace"
            }
            WebSocketError::OtherScheme => {
                "this is not a WebSocket URL: it must start with ws:// or wss://"
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
            Ok(_) => panic!("connected"),
        }
    }

    /// The text says that it is reserved, and names the alternatives.
    #[tokio::test]
    async fn connecting_says_that_it_is_reserved_and_names_alternatives() {
        for url in ["ws://localhost:1/mcp", "WSS://user:secret@example.org"] {
            let text = refused(url).await;
            for part in
                ["reserved and not implemented", "stdio", "Streamable HTTP", "tests/third_party/websocket"]
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
