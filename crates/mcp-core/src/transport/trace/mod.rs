//! The wire trace: a wrapper that reports what crosses a link, with secrets taken out.
//!
//! It is also the pattern for other wrappers: implement the contract's traits over a value that
//! implements them, and hand everything on. A wrapper of a receiver stays cancel-safe if nothing is
//! awaited after the inner `recv` has returned.
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

pub use record::{Direction, Record, What};
pub use redact::Redaction;
pub use wrap::{TracedAccept, TracedConnect, TracedTransport};

use super::{Accept, Connect, Transport};

/// Where records go. Called on the task that drives the link: do not block.
pub trait Trace: Send + Sync + 'static {
    /// Something crossed the link.
    fn record(&self, record: &Record);
}

impl<F: Fn(&Record) + Send + Sync + 'static> Trace for F {
    fn record(&self, record: &Record) {
        self(record);
    }
}

/// Wraps transports so that they report to one [`Trace`].
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
    /// A tracer that takes secrets out by [`Redaction::default`] and reads the system's clock.
    pub fn new(sink: impl Trace) -> Tracer {
        Tracer::with(sink, Redaction::default(), Instant::now)
    }

    /// A tracer with another redaction and another clock (tests give a paused one).
    pub fn with(sink: impl Trace, redaction: Redaction, clock: fn() -> Instant) -> Tracer {
        let sink = Box::new(sink);
        Tracer(Arc::new(Inner { sink, redaction, clock, start: clock(), links: AtomicU64::new(0) }))
    }

    /// The transport, traced. Reports at once that the link is open.
    pub fn transport<T: Transport>(&self, inner: T) -> TracedTransport {
        self.boxed(Box::new(inner))
    }

    /// Like [`Tracer::transport`], for a transport in a box.
    pub fn boxed(&self, inner: Box<dyn Transport>) -> TracedTransport {
        let link = self.0.links.fetch_add(1, Ordering::Relaxed) + 1;
        let reporter = Reporter { tracer: self.clone(), link };
        reporter.report(Direction::Out, None, What::Opened { binding: inner.binding().name });
        TracedTransport::new(inner, reporter)
    }

    /// The connector, with every link it makes traced. Failed tries are reported too.
    pub fn connect<C: Connect>(&self, inner: C) -> TracedConnect<C> {
        TracedConnect::new(inner, self.clone())
    }

    /// The server, with every link it accepts traced.
    pub fn accept(&self, inner: impl Accept) -> TracedAccept {
        TracedAccept::new(Arc::new(inner), self.clone())
    }
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracer").field("redaction", &self.0.redaction).finish_non_exhaustive()
    }
}

/// Reports for one link.
#[derive(Clone, Debug)]
struct Reporter {
    tracer: Tracer,
    link: u64,
}

impl Reporter {
    fn report(&self, dir: Direction, lane: Option<super::Lane>, what: What) {
        let inner = &self.tracer.0;
        let elapsed = (inner.clock)().saturating_duration_since(inner.start);
        inner.sink.record(&Record { elapsed, link: self.link, dir, lane, what });
    }

    fn redaction(&self) -> &Redaction {
        &self.tracer.0.redaction
    }
}
