//! A subscriber of `tracing` that keeps everything, at every level.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Metadata, Subscriber};

/// Keeps all that is said to `tracing`, by every crate and at every level.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<String>>);

impl Log {
    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

impl Visit for Log {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0.lock().unwrap(), " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &tracing::span::Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        writeln!(self.0.lock().unwrap(), "\n{}: ", event.metadata().target()).unwrap();
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Else no test could trust that something is missing in it.
#[test]
fn the_log_hears_all_levels() {
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || {
        let span = tracing::trace_span!("span", name = "in a span");
        tracing::trace!(parent: &span, value = "in an event", "said");
    });
    for text in ["in a span", "in an event", "said"] {
        assert!(log.text().contains(text), "{}", log.text());
    }
}
