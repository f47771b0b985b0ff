//! MCP over byte streams: child processes first, then standard streams, pipes and sockets.
//!
//! This crate provides the [stdio transport] of MCP for the crate `mcp-core`, and the same framing over any other
//! reliable byte stream. One message is one line of JSON.
//!
//! | to | use |
//! |---|---|
//! | start a server as a child process and talk to it | [`ChildCommand`] |
//! | be such a server | [`stdio`] |
//! | use any `AsyncRead` and `AsyncWrite`, in either role | [`StreamTransport`] |
//! | use a socket | [`tcp`], `unix` |
//! | serve sockets | [`serve_tcp`], `serve_unix` |
//!
//! # A client
//!
//! ```no_run
//! use mcp_core::client::Client;
//! use mcp_stdio::ChildCommand;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let server = ChildCommand::new("my-server").arg("--stdio").env("LOG_LEVEL", "info");
//! let client = Client::builder("my-app", "1.0.0").connect(server).await?;
//! for tool in client.list_tools().await? {
//!     println!("{}", tool.name);
//! }
//! // Closes the server's stdin and waits for it to exit.
//! client.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! Closing a link ends the process: its stdin is closed, then its process group gets SIGTERM, then SIGKILL, each after
//! a timeout ([`ShutdownTimeouts`]). Dropping the link kills the group at once. If a server exits or does not answer,
//! [`ChildMonitor`] shows what it wrote to stderr, and what it wrote to stdout that is not MCP.
//!
//! # A server
//!
//! ```no_run
//! use mcp_core::server::{Router, Server};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let router = Router::new().tool("hello", async |_arguments, _context| Ok("Hello!"));
//! Server::builder("my-server", "1.0.0").build(router)?.serve(mcp_stdio::stdio()?).await;
//! # Ok(())
//! # }
//! ```
//!
//! # Use
//!
//! Depend on a checkout of the repository by path, or on its URL by `git`:
//!
//! ```toml
//! [dependencies]
//! mcp-core = { path = "../mcp/crates/mcp-core", features = ["macros"] }
//! mcp-stdio = { path = "../mcp/crates/mcp-stdio" }
//! tokio = { version = "1", features = ["macros", "rt-multi-thread"] }
//! ```
//!
//! The guides are `docs/server.md` and `docs/client.md` in the repository.
//!
//! # Requirements
//!
//! Everything needs a tokio runtime with I/O and time enabled. These links have no authorization: a child gets its
//! credentials from its environment, and a listener belongs on a loopback address or a private socket file.
//!
//! The crate is tested on Unix. The Windows part compiles but is not tested; it ends only the direct child, because a
//! job object needs unsafe code.
//!
//! [stdio transport]: https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#stdio

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

mod child;
mod command;
mod diagnose;
mod env;
mod error;
mod evidence;
mod frame;
mod limits;
mod listen;
mod lock;
mod reader;
mod reaper;
mod server;
mod shutdown;
mod silence;
mod skipped;
mod stderr;
mod stream;
mod sys;
mod thread_io;
mod writer;

pub use child::ChildTransport;
pub use command::ChildCommand;
pub use error::StdioError;
pub use evidence::{ChildEvidence, ChildMonitor};
pub use frame::{BatchLanes, stream_inbound};
pub use limits::Limits;
#[cfg(unix)]
pub use listen::serve_unix;
pub use listen::{PeerCredentials, serve_tcp};
pub use server::{StdioTransport, stdio};
pub use shutdown::ShutdownTimeouts;
pub use stderr::{StderrLines, StderrMode};
#[cfg(unix)]
pub use stream::unix;
pub use stream::{StreamConnect, StreamTransport, tcp};

/// What the methods of the contract return.
type BoxFuture<'f, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'f>>;
