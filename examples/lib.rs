//! The examples of the guides for authors of servers and clients, as doctests.

#[doc = include_str!("../docs/server.md")]
pub mod server {}

#[doc = include_str!("../docs/client.md")]
pub mod client {}

#[doc = include_str!("../docs/testing-your-server.md")]
pub mod testing_your_server {}

#[doc = include_str!("../docs/migrating-from-rmcp.md")]
pub mod migrating_from_rmcp {}

#[doc = include_str!("../docs/migrating-from-fastmcp.md")]
pub mod migrating_from_fastmcp {}
