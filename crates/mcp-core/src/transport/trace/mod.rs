//! The wire trace: a wrapper that records what crosses a link, with secrets redacted.
//!
//! It is also the pattern for other wrappers: implement the contract's traits over a value that implements them, and
//! forward everything. A wrapper of a receiver stays cancel-safe if it awaits nothing after the inner `recv` has
//! returned.
//!
//! ```
//! use std::sync::{Arc, Mutex};
//!
//! use mcp_core::transport::{Binding, Transport, memory, trace::{Record, Tracer}};
//!
//! let lines = Arc::new(Mutex::new(Vec::new()));
//! let sink = lines.clone();
//! let tracer = Tracer::new(move |record: &Record| sink.lock().unwrap().push(record.to_ndjson()));
//! let (client, _server) = memory::pair(Binding::STREAM);
//! let (_sender, _receiver) = Box::new(tracer.transport(client)).split();
//! assert_eq!(lines.lock().unwrap().len(), 1); // The link opened.
//! ```

mod record;
mod redact;
#[cfg(test)]
mod tests;
mod wrap;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

pub use record::{Direction, Record, RecordKind};
pub use redact::Redaction;
pub use wrap::{TracedAccept, TracedConnect, TracedTransport};

use super::{Accept, Connect, Transport};

/// Receives records.
pub trait Trace: Send + Sync + 'static {
    /// Called for each record, on the task that drives the link. Must not block.
    fn record(&self, record: &Record);
}

impl<F: Fn(&Record) + Send + Sync + 'static> Trace for F {
    fn record(&self, record: &Record) {
        self(record);
    }
}

/// Wraps transports, connectors and servers so that they send records to one [`Trace`]. Clones share it.
#[derive(Clone)]
pub struct Tracer(Arc<Inner>);

struct Inner {
    sink: Box<dyn Trace>,
    redaction: Redaction,
    clock: fn() -> Instant,
    start: Instant,
    links: AtomicU64,
}

impl Tracer {
    /// A tracer with the default [`Redaction`] and the system's clock.
    pub fn new(sink: impl Trace) -> Tracer {
        Tracer::with(sink, Redaction::default(), Instant::now)
    }

    /// A tracer with this redaction and this clock, which may be a virtual one.
    pub fn with(sink: impl Trace, redaction: Redaction, clock: fn() -> Instant) -> Tracer {
        let sink = Box::new(sink);
        Tracer(Arc::new(Inner { sink, redaction, clock, start: clock(), links: AtomicU64::new(0) }))
    }

    /// Traces a transport. Records at once that the link is open.
    pub fn transport<T: Transport>(&self, inner: T) -> TracedTransport {
        self.boxed(Box::new(inner))
    }

    /// Traces a boxed transport, like [`Tracer::transport`].
    pub fn boxed(&self, inner: Box<dyn Transport>) -> TracedTransport {
        let link = self.0.links.fetch_add(1, Ordering::Relaxed) + 1;
        let reporter = Reporter { tracer: self.clone(), link };
        reporter.report(Direction::Out, None, RecordKind::Opened { binding: inner.binding().name });
        TracedTransport::new(inner, reporter)
    }

    /// Traces every link that the connector makes, and its failed attempts.
    pub fn connect<C: Connect>(&self, inner: C) -> TracedConnect<C> {
        TracedConnect::new(inner, self.clone())
    }

    /// Traces every link that the server accepts.
    pub fn accept(&self, inner: impl Accept) -> TracedAccept {
        TracedAccept::new(Arc::new(inner), self.clone())
    }
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracer").field("redaction", &self.0.redaction).finish_non_exhaustive()
    }
}

/// Sends records about one link.
#[derive(Clone, Debug)]
struct Reporter {
    tracer: Tracer,
    link: u64,
}

impl Reporter {
    fn report(&self, direction: Direction, lane: Option<super::Lane>, kind: RecordKind) {
        let inner = &self.tracer.0;
        let elapsed = (inner.clock)().saturating_duration_since(inner.start);
        inner.sink.record(&Record { elapsed, link: self.link, direction, lane, kind });
    }

    fn redaction(&self) -> &Redaction {
        &self.tracer.0.redaction
    }
}
