//! `mcp bridge` with real processes and sockets.

mod directions;
#[cfg(target_os = "linux")]
mod faults;
#[cfg(target_os = "linux")]
mod killed;
mod kit;
mod many;
#[cfg(target_os = "linux")]
mod over_http;
mod restarted;
mod secure;
