//! Compiles the examples of the README and of the guides.
#![doc = include_str!("../../README.md")]

#[doc = include_str!("../../docs/connecting.md")]
pub mod connecting {}

#[doc = include_str!("../../docs/deploying.md")]
pub mod deploying {}

#[doc = include_str!("../../docs/security.md")]
pub mod security {}
