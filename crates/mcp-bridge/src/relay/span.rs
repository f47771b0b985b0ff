//! The span of a request on its way through the bridge: who asked whom, what came of it, and what it waited for.

use std::time::Duration;

use mcp_core::message::ErrorObject;
use mcp_core::server::{Context, Reply};
use tokio::time::Instant;
use tracing::{Span, debug_span, field};

use crate::pool::{Live, Running};

/// The span of one request, and when it began. Times are measured only if a subscriber wants the span.
pub(super) struct Trace {
    pub(super) span: Span,
    began: Option<Instant>,
}

/// A step of a call: from its begin, or from the retry of its client, to its end or its questions.
pub(super) struct Step<'a> {
    span: &'a Span,
    called: Option<Instant>,
}

impl Trace {
    // BR-19.
    pub(super) fn new(upstream: &str, context: &Context) -> Trace {
        let span = debug_span!(
            "mcp.forward",
            upstream,
            method = context.method().as_str(),
            id = %context.request_id(),
            client = context.version().as_str(),
            server = field::Empty,
            call = field::Empty,
            opening_ms = field::Empty,
            input_ms = field::Empty,
            upstream_ms = field::Empty,
            outcome = field::Empty,
        );
        let began = (!span.is_disabled()).then(Instant::now);
        Trace { span, began }
    }

    /// A call is made, or goes on with the answers of its client, for which it waited since `parked`.
    pub(super) fn step(&self, live: &Live, parked: Option<Instant>) -> Step<'_> {
        let called = self.began.map(|began| {
            let now = Instant::now();
            self.span.record("opening_ms", millis(now - began));
            if let Some(parked) = parked {
                self.span.record("input_ms", millis(now - parked));
            }
            if let Some(known) = live.client().known_era() {
                self.span.record("server", known.version.as_str());
            }
            now
        });
        Step { span: &self.span, called }
    }

    /// Records what the client gets.
    pub(super) fn end(&self, served: &Result<Reply, ErrorObject>) {
        if self.began.is_some() {
            let outcome = match served {
                Ok(Reply::Busy(_)) => "busy",
                Ok(Reply::InputRequired(_)) => "input required",
                Ok(Reply::Verbatim(Err(_)) | Reply::MethodNotFound) | Err(_) => "error",
                Ok(_) => "ok",
            };
            self.span.record("outcome", outcome);
        }
    }
}

impl Step<'_> {
    pub(super) fn end(&self, running: &Running) {
        let Some(called) = self.called else { return };
        self.span.record("upstream_ms", millis(called.elapsed()));
        if let Some(id) = running.call.id() {
            self.span.record("call", field::debug(id));
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
