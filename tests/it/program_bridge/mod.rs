//! `mcp bridge` with real processes and sockets.

mod directions;
#[cfg(target_os = "linux")]
mod faults;
mod kit;
mod many;
mod restarted;
mod secure;
