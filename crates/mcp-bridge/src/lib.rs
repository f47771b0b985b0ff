//! Any MCP server in front of any MCP client: over any transport, in either era, byte for byte where both sides speak the
//! same one.
//!
//! A [`Bridge`] has upstream servers, each reached by a [`Connect`](mcp_core::transport::Connect), and a [`Front`] for
//! each of them, which is an [`Accept`](mcp_core::transport::Accept): any listener takes it. Neither side sees the
//! other's ids, sessions or credentials.
//!
//! ```
//! use mcp_bridge::{Bridge, Filter, Upstream};
//! use mcp_core::client::Client;
//! use mcp_core::server::{Router, Server};
//! use mcp_core::transport::{Binding, memory};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let router = Router::new().tool("status", async |_, _| Ok("clean")).tool("reset", async |_, _| Ok("done"));
//! let (git, listener) = memory::connector(Binding::STREAM); // or a `ChildCommand`, or an `HttpClient`
//! tokio::spawn(listener.serve(Server::builder("git", "1.0.0").build(router)?));
//!
//! let upstream = Upstream::new(move |_caller| git.clone()).filter(Filter::new().deny_tool("reset*"));
//! let bridge = Bridge::builder().upstream("git", upstream).build()?;
//! let front = bridge.front("git").ok_or("no such server")?;
//!
//! let (connector, listener) = memory::connector(Binding::STREAM); // or `HttpServer::new(front)`
//! tokio::spawn(listener.serve(front));
//! let client = Client::builder("my-app", "1.0.0").connect(connector).await?;
//! assert_eq!(client.list_tools().await?.len(), 1);
//! # client.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! | the client speaks | the server speaks | what happens |
//! |---|---|---|
//! | one era | the same | params, results and errors pass as they came; only ids, progress tokens and the protocol's own keys of `_meta` change |
//! | `initialize` | 2026-07-28 | requests for input become questions within the call; levels and subscriptions are kept for the session |
//! | 2026-07-28 | `initialize` | a question within a call parks the call, and the client's retry goes on with it |
//!
//! Nothing is merged: a client sees one upstream server, with its names. [`Policy`] says who shares its state.
//!
//! # Use
//!
//! Depend on a checkout of the repository by path, or on its URL by `git`:
//!
//! ```toml
//! [dependencies]
//! mcp-bridge = { path = "../mcp/crates/mcp-bridge" }
//! mcp-http = { path = "../mcp/crates/mcp-http" }
//! mcp-stdio = { path = "../mcp/crates/mcp-stdio" }
//! tokio = { version = "1", features = ["macros", "rt-multi-thread"] }
//! ```
//!
//! The guide is `docs/bridging.md` in the repository; the program `mcp bridge` is made of this crate.

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

mod bridge;
mod filter;
mod front;
mod limits;
mod lock;
mod observer;
mod once;
mod pool;
mod relay;
mod status;
mod translate;
mod upstream;

#[cfg(test)]
mod tests;

pub use bridge::{Bridge, BridgeBuilder};
pub use filter::Filter;
pub use front::Front;
pub use limits::Limits;
pub use observer::{Event, Observer};
pub use status::{State, Status, UpstreamStatus};
pub use upstream::{Caller, EraStore, Forwarded, Policy, Upstream};
