//! The client's pool, between a dialler and connections that do nothing.

mod fakes;
#[allow(dead_code, unreachable_pub)]
#[path = "../../../../crates/mcp-http/src/net/pool.rs"]
mod pool;
pub mod pool_model;

pub(crate) use fakes::{ConnectFailure, HttpError, TimeoutStep};

use fakes::{config, connection, dial, failure, origin};
