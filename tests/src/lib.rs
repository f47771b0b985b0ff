//! What the integration tests share; and the examples of the README and of the guides, compiled.
#![doc = include_str!("../../README.md")]

pub mod fault_server;

#[doc = include_str!("../../docs/connecting.md")]
pub mod connecting {}

#[doc = include_str!("../../docs/deploying.md")]
pub mod deploying {}

#[doc = include_str!("../../docs/security.md")]
pub mod security {}
