//! What the integration tests share, and the examples of the README, compiled.
#![doc = include_str!("../../README.md")]

pub mod fault_server;
