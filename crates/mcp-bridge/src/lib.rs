//! Any MCP server in front of any MCP client: over any transport, in either era, byte for byte where both sides speak the
//! same one.
//!
//! A [`Bridge`] has upstream servers, each reached by a [`Connect`](mcp_core::transport::Connect), and a [`Front`] for
//! each of them, which is an [`Accept`](mcp_core::transport::Accept): any listener takes it. Neither side sees the
//! other's ids, sessions or credentials.
//!
//! | the client speaks | the server speaks | what happens |
//! |---|---|---|
//! | one era | the same | params, results and errors pass as they came; only ids, progress tokens and the protocol's own keys of `_meta` change |
//! | `initialize` | 2026-07-28 | requests for input become questions within the call; levels and subscriptions are kept for the session |
//! | 2026-07-28 | `initialize` | a question within a call parks the call, and the client's retry goes on with it |
//!
//! Nothing is merged: a client sees one upstream server, with its names. [`Policy`] says who shares its state.
//!
//! The guide is `docs/bridging.md` in the repository; the program `mcp bridge` is made of this crate.

mod bridge;
mod filter;
mod front;
mod limits;
mod lock;
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
pub use status::{State, Status, UpstreamStatus};
pub use upstream::{Caller, Policy, Upstream};
