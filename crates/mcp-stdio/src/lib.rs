//! MCP over stdio and any other reliable byte stream.
//!
//! - [`ChildCommand`] starts a server as a child process and ends it without leaving anything behind.
//! - [`stdio`] is the other side: the link over this process's own standard streams.
//! - [`StreamTransport`] runs over any reader and writer; [`tcp`], [`serve_tcp`] and, on Unix, `unix` and
//!   `serve_unix` over sockets.
//!
//! Framing is one message per line everywhere (ledger STDIO-B-001), and cancellation goes by message.
//! Everything needs a tokio runtime with I/O and time enabled. There is no authorization on these links
//! (STDIO-B-013): a child gets its credentials from its environment.
//!
//! Unix is what this crate is tested on. The Windows part compiles and has not been run; it ends the direct
//! child only, because a job object needs unsafe code.

mod child;
mod command;
mod diagnose;
mod env;
mod error;
mod evidence;
mod frame;
mod limits;
mod listen;
mod reader;
mod reaper;
mod server;
mod shutdown;
mod silence;
mod skipped;
mod stderr;
mod stream;
mod sys;
mod thread_io;
mod writer;

pub use child::ChildTransport;
pub use command::ChildCommand;
pub use error::StdioError;
pub use evidence::{ChildEvidence, ChildMonitor};
pub use frame::{BatchLanes, stream_inbound};
pub use limits::Limits;
#[cfg(unix)]
pub use listen::serve_unix;
pub use listen::{PeerCredentials, serve_tcp};
pub use server::{StdioTransport, stdio};
pub use shutdown::ShutdownTimeouts;
pub use stderr::{StderrLines, StderrMode};
#[cfg(unix)]
pub use stream::unix;
pub use stream::{StreamConnect, StreamTransport, tcp};
