//! Connections of a session's streams: how they begin, and what their end means.

use std::sync::Arc;

use mcp_core::message::ProtocolVersion;

use super::counters::{CounterGuard, Resource};
use super::queue::{Reader, Writer, connection};
use super::session::{Session, SessionKind};
use super::store::EventId;
use super::stream::can_poll;
use crate::sse;

impl Session {
    /// Creates a connection of a stream. Its end is noticed without a write.
    pub(super) fn connection(self: &Arc<Self>, stream: u64) -> (Writer, Reader) {
        let holder = self.context.budgets.answers.begin(&self.key);
        let (writer, reader) = connection(self.context.queue, holder);
        let counted: CounterGuard = self.context.counters.count(Resource::Stream);
        let (session, own) = (Arc::downgrade(self), writer.clone());
        let reader = reader.when_over(move || {
            drop(counted);
            if let Some(session) = session.upgrade() {
                session.detached(stream, &own);
            }
        });
        (writer, reader)
    }

    fn detached(&self, stream: u64, writer: &Writer) {
        self.touch();
        let mut gone = None;
        {
            let mut state = self.lock();
            let dropped = state.stream(stream).is_some_and(|stream| stream.detach(writer));
            if dropped && self.context.cancel_on_disconnect {
                gone = state.exchanges.get(&stream).map(|exchange| exchange.waiting.clone());
            }
        }
        self.cancel(&gone.unwrap_or_default());
        if self.kind == SessionKind::HttpSse {
            self.close();
        }
    }

    // Ledger SSE-S-004, T-25.
    /// The first event of a stream for clients that know it: an id to resume from, and the time to wait.
    pub(super) fn priming(&self, version: Option<ProtocolVersion>, id: EventId) -> Option<bytes::Bytes> {
        (self.context.store.is_some() && can_poll(version)).then(|| {
            let mut event = Vec::new();
            sse::priming_event(&id.to_string(), Some(self.context.retry), &mut event);
            event.into()
        })
    }
}
