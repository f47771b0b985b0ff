//! A call of an upstream client, and one that waits for the answers of its client.

use std::sync::Arc;

use mcp_core::client::Call;
use mcp_core::transport::Owner;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::exchange::{Asked, Exchange, Listed, Question};
use super::live::{Busy, Live};
use crate::translate::Era;

/// A call upstream.
pub(crate) struct Running {
    pub(crate) call: Call,
    pub(crate) exchange: Arc<Exchange>,
    /// The questions of a legacy server, if its client answers them by a retry.
    pub(crate) questions: Option<mpsc::Receiver<Asked>>,
    pub(crate) upstream: Era,
    listed: Listed,
    _busy: Busy,
}

impl Running {
    /// A call of this session for this exchange.
    pub(crate) fn new(
        live: &Arc<Live>,
        busy: Busy,
        upstream: Era,
        exchange: Arc<Exchange>,
        questions: Option<mpsc::Receiver<Asked>>,
        make: impl FnOnce() -> Call,
    ) -> Running {
        // Listed before the call is made, so that what it causes finds it.
        let listed = Listed::new(live, &exchange);
        Running { call: make(), exchange, questions, upstream, listed, _busy: busy }
    }

    /// The session that it runs in.
    pub(crate) fn live(&self) -> &Live {
        self.listed.live()
    }
}

/// A call that waits for the answers of its client.
pub(crate) struct Parked {
    pub(crate) running: Running,
    pub(crate) questions: Vec<(String, Question)>,
    pub(crate) owner: Owner,
    /// When the questions went to the client.
    pub(crate) since: Instant,
}
