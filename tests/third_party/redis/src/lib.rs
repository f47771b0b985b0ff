//! MCP over Redis publish/subscribe: one channel per lane.
//!
//! Redis keeps the order within a channel, but not across channels. So this binding is not `ordered`, and the lane of
//! each exchange reaches the peer, as the channels `SERVICE:LINK:up:LANE` and `:down:LANE`.
//!
//! Publish/subscribe has no acknowledgement, no back-pressure and no sign that a peer is gone. So each message is
//! acknowledged when its reader asks for the next one. The acknowledgement is reported as `Delivered`, and it bounds the
//! number of unread messages. A vanished peer shows in its subscription, which Redis ends with the connection.

mod link;
mod service;

pub use service::{RedisClient, RedisServer};
