//! Links over real processes, pipes and sockets. Every wait is for an event; a hang is a failure.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod child_end;
mod child_life;
mod child_wire;
mod common;
#[cfg(target_os = "linux")]
mod leaks;
#[cfg(target_os = "linux")]
mod server;
mod sockets;
mod stream;
