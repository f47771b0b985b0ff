//! MCP over Redis publish/subscribe, one channel a lane. Redis keeps the order of one channel and promises nothing across channels, so this binding is not `ordered`,
//! and each exchange has a lane that reaches the peer: the channels `SERVICE:LINK:up:LANE` and `:down:LANE`.
//!
//! Publish/subscribe knows no delivery, no back-pressure and no end of a peer. So each message is acknowledged
//! once its reader has come back for more: that is `Delivered`, and it bounds what lies unread. Redis ends the
//! subscription of a peer that is gone.

mod link;
mod service;

pub use service::{RedisClient, RedisServer};
