//! The kit catches every flaw, under the promise that it breaks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::*;
use crate::testkit::compliance::{Failure, Fixture, Outcome, pairs, run, run_some};
use crate::transport::{Accept, Connect, ConnectError};

#[tokio::test(start_paused = true)]
async fn every_flaw_is_caught_under_its_promise() {
    for &flaw in Flaw::ALL {
        let fixture = pairs(format!("{flaw:?}"), || async move { Ok(pair(flaw, flaw.binding())) });
        let report = run_some(&fixture, |promise, _| promise == flaw.promise()).await;
        assert!(report.failed().next().is_some(), "{report}");
    }
}

#[test]
fn every_promise_is_broken_by_a_flaw() {
    for promise in 1..=8 {
        assert!(Flaw::ALL.iter().any(|flaw| flaw.promise() == promise), "{promise}");
    }
}

/// A flaw that touches one promise alone fails nothing else.
#[tokio::test(start_paused = true)]
async fn a_narrow_flaw_fails_its_own_promise_only() {
    for flaw in [Flaw::ClosesTwice, Flaw::LosesErrors, Flaw::Reencodes, Flaw::EndsTwice, Flaw::SwallowsEnd] {
        let fixture = pairs(format!("{flaw:?}"), || async move { Ok(pair(flaw, flaw.binding())) });
        let report = run(&fixture).await;
        assert!(report.failed().all(|check| check.promise == flaw.promise()), "{report}");
        let text = report.to_string();
        assert!(text.contains("   FAIL  "), "{text}");
    }
}

/// A connector whose futures leave something behind when they are dropped.
struct Leaky(Arc<AtomicUsize>);

struct LeakyConnector(Arc<AtomicUsize>);

#[async_trait]
impl Connect for LeakyConnector {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        // A process is started here, and nothing ends it when the future is dropped below.
        self.0.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        self.0.fetch_sub(1, Ordering::SeqCst);
        Ok(Box::new(memory::pair(Binding::STREAM).0))
    }
}

#[async_trait]
impl Fixture for Leaky {
    fn name(&self) -> &str {
        "leaky"
    }

    async fn start(&self, _: Arc<dyn Accept>) -> Result<Box<dyn Connect>, Failure> {
        Ok(Box::new(LeakyConnector(self.0.clone())))
    }

    async fn live(&self) -> Option<usize> {
        Some(self.0.load(Ordering::SeqCst))
    }
}

#[tokio::test(start_paused = true)]
async fn a_leaking_connect_is_caught() {
    let report = run_some(&Leaky(Arc::default()), |_, name| name.contains("connect")).await;
    let [check] = &report.checks[..] else { panic!("{report}") };
    let Outcome::Failed { seen } = &check.outcome else { panic!("{report}") };
    assert!(seen.contains("10 resources to become 0 again"), "{seen}");
}
