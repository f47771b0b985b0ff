//! MCP over Redis publish/subscribe: one channel a lane.
//!
//! Redis keeps the order of one channel and promises nothing across channels, so this binding is not `ordered`,
//! and each exchange has a lane that reaches the peer. A lane is the number at the end of a channel's name:
//!
//! | channel | what is published there |
//! |---|---|
//! | `SERVICE:hello` | a client's link number; whoever serves subscribes |
//! | `SERVICE:LINK:up` and `:down` | lane 0, the shared one: what belongs to no exchange, and the end of the link |
//! | `SERVICE:LINK:up:LANE` and `:down:LANE` | one exchange |
//!
//! Publish/subscribe knows no delivery, no back-pressure and no end of a peer. So each message is acknowledged
//! once its reader has come back for more: that is `Delivered`, and it bounds what lies unread. A peer that is
//! gone is noticed by its subscription, which Redis ends with its connection.

mod client;
mod link;
mod server;

pub use client::RedisClient;
pub use server::RedisServer;

use mcp_core::transport::TransportError;

/// Why there is no link, or none any more, beside errors of Redis itself.
#[derive(Debug)]
struct Trouble(&'static str);

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Trouble {}

fn trouble(what: &'static str) -> TransportError {
    TransportError::new(Trouble(what))
}
