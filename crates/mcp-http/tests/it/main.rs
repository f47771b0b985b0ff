//! MCP over HTTP over real sockets, in one binary: a module for each subject.

#![allow(clippy::unwrap_used)]

mod discover;
mod scripted;
