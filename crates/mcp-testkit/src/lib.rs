//! Tests for MCP transports and for the sessions of `mcp-core`.
//!
//! If you write a transport, start with [`compliance`]: it has one check for each promise of
//! [`mcp_core::transport`]. [`conversation`] then runs a real client and a real server over the transport. Both take a
//! [`Fixture`](compliance::Fixture), which starts the transport in both roles:
//!
//! ```
//! use mcp_core::transport::{Binding, memory};
//! use mcp_testkit::{compliance, conversation};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let fixture = compliance::listening("memory", |server| async {
//!     let (connector, listener) = memory::connector(Binding::STREAM);
//!     Ok((connector, tokio::spawn(listener.serve(server))))
//! });
//! compliance::run(&fixture).await.assert_passed();
//! conversation::run(&fixture).await.assert_passed();
//! # }
//! ```
//!
//! | module | what it has |
//! |---|---|
//! | [`compliance`] | one check for each promise of the contract, and a report |
//! | [`conversation`] | what applications do, with a real client and server, in both eras |
//! | [`fault`] | wrappers that drop futures, cut links, and transfer one byte at a time |
//! | [`broken`] | transports that break one promise each, which prove the kit |
//! | [`sim`] | two sessions over a simulated link with a virtual clock |
//! | [`transcript`] | dialogues with a session as text files |
//!
//! # Use
//!
//! Depend on a checkout of the repository by path, or on its URL by `git`:
//!
//! ```toml
//! [dev-dependencies]
//! mcp-testkit = { path = "../mcp/crates/mcp-testkit" }
//! tokio = { version = "1", features = ["macros", "rt"] }
//! ```
//!
//! The guide is `docs/writing-a-transport.md` in the repository. It leads from `cargo xtask new-transport NAME`, which makes
//! a crate with these tests, to a transport that passes them. To test a server, no kit is needed:
//! `docs/testing-your-server.md`.
//!
//! The crate is for tests only: it panics where a test is wrong.

pub mod broken;
pub mod compliance;
pub mod conversation;
pub mod fault;
mod lock;
pub mod sim;
pub mod transcript;

use std::time::{Duration, Instant};

/// The instant this long after `now`, at most 100 years.
fn after(now: Instant, time: Duration) -> Instant {
    const MOST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    now + time.min(MOST)
}
