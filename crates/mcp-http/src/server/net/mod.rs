//! Listeners, connections and their end. Knows nothing of MCP.

mod conn;
mod framing;
mod io;
mod listen;
mod serve;
mod state;
mod streams;
mod tls;
mod watch;

pub use listen::Listener;
pub use serve::{BoundServer, ServeReport};

pub(super) use state::ConnState;
pub(super) use tls::Tls;
#[cfg(feature = "tls")]
pub(super) use tls::{config as tls_config, offer as tls_offer};
pub(super) use watch::longest_tick;
