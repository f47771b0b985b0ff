//! Code that the integration tests share, and the examples of READMEs and guides as doctests.
#![doc = include_str!("../../README.md")]

pub mod fault_server;
#[cfg(target_os = "linux")]
pub mod memory;
pub mod port;

#[doc = include_str!("../../docs/authorization.md")]
pub mod authorization {}

#[doc = include_str!("../../docs/bridging.md")]
pub mod bridging {}

#[doc = include_str!("../../docs/connecting.md")]
pub mod connecting {}

#[doc = include_str!("../../docs/deploying.md")]
pub mod deploying {}

#[doc = include_str!("../../docs/security.md")]
pub mod security {}

#[doc = include_str!("../../crates/mcp-auth/README.md")]
pub mod readme_auth {}

#[doc = include_str!("../../crates/mcp-bridge/README.md")]
pub mod readme_bridge {}

#[doc = include_str!("../../crates/mcp-core/README.md")]
pub mod readme_core {}

#[doc = include_str!("../../crates/mcp-http/README.md")]
pub mod readme_http {}

#[doc = include_str!("../../crates/mcp-stdio/README.md")]
pub mod readme_stdio {}

#[doc = include_str!("../../crates/mcp-testkit/README.md")]
pub mod readme_testkit {}
