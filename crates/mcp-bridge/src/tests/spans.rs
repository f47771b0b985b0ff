//! The spans of forwarded requests.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use mcp_core::client::EraMode;
use mcp_core::transport::Binding;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::setup::{EXCHANGES, LEGACY, Setup, answering, object, only};
use crate::Policy;
use crate::lock::Lock;

type Fields = BTreeMap<&'static str, String>;

/// Keeps the fields of the spans of the bridge.
#[derive(Clone, Default)]
struct Spans(Arc<Lock<Vec<Fields>>>);

struct Reader<'a>(&'a mut Fields);

impl Visit for Reader<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

impl Subscriber for Spans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.name() == "mcp.forward"
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut spans = self.0.lock();
        let mut fields = Fields::new();
        attributes.record(&mut Reader(&mut fields));
        spans.push(fields);
        Id::from_u64(spans.len() as u64)
    }

    fn record(&self, id: &Id, record: &Record<'_>) {
        let at = usize::try_from(id.into_u64()).unwrap() - 1;
        record.record(&mut Reader(&mut self.0.lock()[at]));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

// BR-19: a span says which request of a client became which call of which server, what came of it, and what it waited for.
#[tokio::test(start_paused = true)]
async fn a_span_tells_of_each_request_and_its_waits() {
    let spans = Spans::default();
    let _until_the_end = tracing::subscriber::set_default(spans.clone());
    let setup = Setup::new(only(LEGACY), Binding::STREAM, Policy::PerSession);
    let asked = Arc::default();
    let client = answering(EraMode::Modern, &asked).connect(setup.connector(EXCHANGES, None)).await.unwrap();
    // Another test of this process may have met the span for the first time while the subscriber was set.
    tracing::callsite::rebuild_interest_cache();
    client.request("tools/call", object(r#"{"name":"work","arguments":{"nonce":"a"}}"#)).await.unwrap();
    client.request("x/refuse", None).await.unwrap_err();
    let seen: Vec<Fields> = spans.0.lock().clone();
    let of = |number: usize, name: &str| seen[number].get(name).cloned().unwrap_or_default();
    // The question, the retry with its answer, and the refusal.
    assert_eq!(seen.len(), 3, "{seen:?}");
    for (number, (method, outcome)) in
        [("tools/call", "input required"), ("tools/call", "ok"), ("x/refuse", "error")]
            .into_iter()
            .enumerate()
    {
        assert_eq!(of(number, "upstream"), "it");
        assert_eq!(of(number, "method"), method);
        assert_eq!(of(number, "outcome"), outcome);
        assert_eq!((of(number, "client"), of(number, "server")), ("2026-07-28".into(), "2025-11-25".into()));
    }
    // Three requests of the client, two calls of the server.
    assert!(of(0, "id") != of(1, "id") && of(1, "id") != of(2, "id"), "{seen:?}");
    assert!(!of(0, "call").is_empty() && of(0, "call") == of(1, "call"), "{seen:?}");
    assert_ne!(of(1, "call"), of(2, "call"));
    // The server works before it asks, and questions are collected for a while; the client answers at once.
    assert!(of(0, "upstream_ms").parse::<u64>().unwrap() >= 50, "{seen:?}");
    assert!(!seen[0].contains_key("input_ms") && seen[1].contains_key("input_ms"), "{seen:?}");
}
