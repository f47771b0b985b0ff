//! Every interleaving of small scenarios, checked by shuttle.
//!
//! The code is that of the crates: their source files are compiled here a second time, over the primitives of the model
//! checker in place of those of `std`. What surrounds a file, such as sockets, is replaced by the least that it needs.
//! A reader or writer that is not woken shows as a deadlock.

// The included files have unit tests, which need what the models replace: `cargo clippy --all-targets` sees an empty crate.
#![cfg(not(test))]
// Clippy frees only `#[test]` functions; here every function serves a test.
#![allow(clippy::unwrap_used)]

pub mod mailbox_model;
pub mod queue_model;

mod lock;
#[allow(dead_code, unreachable_pub)]
#[path = "../../../crates/mcp-core/src/runtime/mailbox.rs"]
mod mailbox;
mod net;
#[allow(dead_code, unreachable_pub)]
#[path = "../../../crates/mcp-http/src/server/legacy/queue.rs"]
mod queue;
#[allow(dead_code, unreachable_pub)]
#[path = "../../../crates/mcp-core/src/session/small.rs"]
mod small;
mod sync;

pub use net::pool_model;
use net::{ConnectFailure, HttpError, TimeoutStep};

/// As in mcp-core.
mod session {
    pub(crate) use crate::small;
}

/// As in mcp-http.
mod error {
    pub(crate) use crate::ConnectFailure;
}

/// As in mcp-http.
mod server {
    pub(crate) mod body {
        use std::sync::Arc;
        use std::task::{Context, Poll};

        use bytes::Bytes;

        use super::budgets::Holder;

        pub(crate) trait Source {
            fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>>;
            #[allow(dead_code, reason = "bodies ask for it, which are not modelled")]
            fn holder(&self) -> Option<Arc<Holder>>;
        }
    }

    pub(crate) mod budgets {
        /// The queue hands it on and asks nothing of it.
        pub(crate) struct Holder;
    }
}

/// Checks all interleavings of the scenario, and prints their number. A deadlock or a panic in one of them fails.
fn every_interleaving(scenario: impl Fn() + Send + Sync + 'static) {
    let scheduler = shuttle::scheduler::DfsScheduler::new(None, false);
    let runs = shuttle::Runner::new(scheduler, shuttle::Config::new()).run(scenario);
    println!("{runs} interleavings");
}
