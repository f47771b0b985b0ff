//! MCP over Redis publish/subscribe: one channel per lane, `SERVICE:LINK:up:LANE` and `:down:LANE`.
//!
//! Redis keeps the order within a channel, not across channels, so this binding is not `ordered`. It has no
//! acknowledgement and no back-pressure: a message is acknowledged (`Delivered`) when its reader asks for the next one,
//! which bounds the number of unread messages. Redis ends the subscription of a peer that is gone.

mod link;
mod service;

pub use service::{RedisClient, RedisServer};
