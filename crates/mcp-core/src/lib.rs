//! The core of the MCP transport framework: messages, the transport contract, sessions, clients and servers.
//!
//! - Applications use [`client`], [`server`] and, for typed parameters and results, [`model`]. They take a transport from
//!   another crate: `mcp-stdio` or `mcp-http`.
//! - Transports use [`transport`], [`message`] and [`codec`], and test themselves with the crate `mcp-testkit`.
//! - [`session`] implements the protocol without sockets, clocks and tasks, for other drivers than the ones here.
//!
//! ```
//! use mcp_core::client::Client;
//! use mcp_core::server::{Router, Server};
//! use mcp_core::transport::{Binding, memory};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), mcp_core::Error> {
//! let router = Router::new().tool("hello", |_, _| async { Ok("world") });
//! let server = Server::builder("example", "1.0.0").build(router)?;
//! let (connector, listener) = memory::connector(Binding::STREAM);
//! tokio::spawn(listener.serve(server));
//!
//! let client = Client::builder("example", "1.0.0").connect(connector).await?;
//! assert_eq!(client.list_tools().await?[0].name, "hello");
//! client.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Use
//!
//! The crate of this name on crates.io belongs to another project. Depend on a checkout of the repository by path, or on
//! its URL by `git`:
//!
//! ```toml
//! [dependencies]
//! mcp-core = { path = "../mcp/crates/mcp-core", features = ["macros"] }
//! schemars = "1"
//! serde = { version = "1", features = ["derive"] }
//! tokio = { version = "1", features = ["macros", "rt-multi-thread"] }
//! ```
//!
//! | feature | adds |
//! |---|---|
//! | `client` (default) | [`client`], on tokio |
//! | `server` (default) | [`server`], on tokio. Without both the crate needs no runtime and no operating system: sessions are driven by hand |
//! | `schemars` | schemas of tools, prompts and forms, derived from Rust types: `Router::tool_typed`, `Context::ask` |
//! | `macros` | the attribute `tool` for functions and methods; includes `schemars` |
//! | `seal` | `server::seal`: state that passes through a client, protected against changes |
//!
//! The guides are in the folder `docs` of the repository: `server.md`, `client.md`, `testing-your-server.md`,
//! `writing-a-transport.md`.

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
// Only both drivers together use all of it.
#![cfg_attr(not(all(feature = "client", feature = "server")), allow(dead_code))]

// The attribute `tool` names the crate like its users do.
#[cfg(all(test, feature = "macros"))]
extern crate self as mcp_core;

#[cfg(feature = "client")]
pub mod client;
pub mod codec;
mod error;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod lock;
pub mod message;
pub mod model;
#[cfg(any(feature = "client", feature = "server"))]
mod runtime;
#[cfg(feature = "server")]
pub mod server;
pub mod session;
#[cfg(test)]
#[cfg(all(feature = "client", feature = "server"))]
mod tests;
pub mod transport;
#[cfg(test)]
mod warnings;

pub use error::{CloseReason, Error};
/// # Examples
///
/// ```
/// use mcp_core::server::{Context, Router};
///
/// /// Waits, and says so.
/// #[mcp_core::tool(read_only)]
/// async fn wait(
///     /// How many steps
///     steps: u32,
///     /// What to say at the end
///     text: Option<String>,
///     context: Context,
/// ) -> String {
///     for step in 0..steps {
///         context.progress(step.into(), Some(steps.into()), None).await;
///     }
///     text.unwrap_or_else(|| "done".to_owned())
/// }
///
/// let router = Router::new().tools::<wait>();
/// ```
///
/// Methods:
///
/// ```
/// use std::sync::Mutex;
/// use mcp_core::server::{HandlerError, Router};
///
/// struct Notes(Mutex<Vec<String>>);
///
/// #[mcp_core::tool]
/// impl Notes {
///     /// Keeps a note
///     #[tool(name = "note_add", destructive = false)]
///     async fn add(&self, text: String) -> Result<String, HandlerError> {
///         let mut notes = self.0.lock().map_err(|_| "a tool panicked")?;
///         notes.push(text);
///         Ok(format!("{} notes", notes.len()))
///     }
/// }
///
/// let router = Router::with_state(Notes(Mutex::default())).tools::<Notes>();
/// ```
#[cfg(feature = "macros")]
pub use mcp_macros::tool;

/// What the attribute [`tool`] names. Not for use by hand.
#[cfg(feature = "macros")]
#[doc(hidden)]
pub mod __private {
    pub use schemars::{self, JsonSchema};
    pub use serde::{self, Deserialize};

    /// Compiles for types that an argument of a tool can have.
    pub fn is_argument<T: crate::server::TypedArguments>() {}
}
