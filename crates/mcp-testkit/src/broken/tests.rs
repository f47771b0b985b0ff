//! The kit catches every flaw, under the promise that it breaks.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::channel::mpsc;

use super::*;
use crate::compliance::{Failure, Fixture, Outcome, Wire, WireEnd, pairs, run, run_some};
use mcp_core::transport::framed::Framed;
use mcp_core::transport::{
    Accept, CloseReport, Connect, ConnectError, Inbound, Outbound, SendError, TransportError,
};

/// The checks that no flaw of a pair can fail. The tests below fail them.
const FAILED_ELSEWHERE: [&str; 3] = [
    "a dropped connect leaks nothing",
    "bad input is refused, and the link continues",
    "the answers to a batch are one array",
];

/// A check that nothing can fail proves nothing.
#[tokio::test(start_paused = true)]
async fn every_flaw_is_caught_under_its_promise_and_every_check_can_fail() {
    let mut never = BTreeSet::new();
    let mut failed = BTreeSet::new();
    for &flaw in Flaw::ALL {
        let fixture =
            pairs(format!("{flaw:?}"), || async move { Ok(pair(flaw, flaw.binding())) }).large(64 << 10);
        let report = run(&fixture).await;
        assert!(report.failed().any(|check| check.promise == flaw.promise()), "{report}");
        never.extend(report.checks.iter().map(|check| check.name));
        failed.extend(report.failed().map(|check| check.name));
    }
    never.retain(|name| !failed.contains(name));
    assert!(never.into_iter().eq(FAILED_ELSEWHERE));
}

#[test]
fn every_promise_is_broken_by_a_flaw() {
    for promise in 1..=8 {
        assert!(Flaw::ALL.iter().any(|flaw| flaw.promise() == promise), "{promise}");
    }
}

/// A flaw that concerns one promise fails only the checks of that promise.
#[tokio::test(start_paused = true)]
async fn a_narrow_flaw_fails_its_own_promise_only() {
    for flaw in [Flaw::ClosesTwice, Flaw::LosesErrors, Flaw::Reencodes, Flaw::EndsTwice, Flaw::SwallowsEnd] {
        let fixture =
            pairs(format!("{flaw:?}"), || async move { Ok(pair(flaw, flaw.binding())) }).large(64 << 10);
        let report = run(&fixture).await;
        assert!(report.failed().all(|check| check.promise == flaw.promise()), "{report}");
        let text = report.to_string();
        assert!(text.contains("   FAIL  "), "{text}");
    }
}

/// A connector whose dropped futures leave something behind.
struct Leaky(Arc<AtomicUsize>);

struct LeakyConnector(Arc<AtomicUsize>);

#[async_trait]
impl Connect for LeakyConnector {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        // Stands for a process that is started here and not ended when the future is dropped below.
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

/// A server's end of text frames that drops refusals, and sends the answers to a batch one by one.
struct CarelessFrames(Box<dyn Transport>);

struct CarelessSender(Box<dyn TransportSender>);

struct CarelessReceiver(Box<dyn TransportReceiver>);

impl Transport for CarelessFrames {
    fn binding(&self) -> Binding {
        self.0.binding()
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        let (sender, receiver) = self.0.split();
        (Box::new(CarelessSender(sender)), Box::new(CarelessReceiver(receiver)))
    }
}

#[async_trait]
impl TransportSender for CarelessSender {
    async fn send(&mut self, mut out: Outbound) -> Result<(), SendError> {
        if let Outbound::Message { lane, .. } = &mut out {
            *lane = Lane::SHARED;
        }
        self.0.send(out).await
    }

    async fn flush(&mut self) -> Result<(), TransportError> {
        self.0.flush().await
    }

    async fn close(&mut self) -> Result<CloseReport, TransportError> {
        self.0.close().await
    }
}

#[async_trait]
impl TransportReceiver for CarelessReceiver {
    async fn recv(&mut self) -> Result<Option<Inbound>, TransportError> {
        loop {
            match self.0.recv().await {
                Ok(Some(Inbound::Refused { .. })) => {}
                other => return other,
            }
        }
    }
}

struct Careless;

#[async_trait]
impl Fixture for Careless {
    fn name(&self) -> &str {
        "careless"
    }

    async fn start(&self, _: Arc<dyn Accept>) -> Result<Box<dyn Connect>, Failure> {
        Err("only the wire is of interest".into())
    }

    async fn wire(&self, server: Arc<dyn Accept>) -> Result<Option<Box<dyn Wire>>, Failure> {
        let (up, requests) = mpsc::channel::<Bytes>(8);
        let (answers, down) = mpsc::channel::<Bytes>(8);
        let link = Framed::server("careless", answers, requests.map(Ok::<_, std::io::Error>));
        tokio::spawn(server.accept(Box::new(CarelessFrames(Box::new(link)))));
        Ok(Some(Box::new(WireEnd { up, down })))
    }
}

#[tokio::test(start_paused = true)]
async fn swallowed_refusals_and_split_batches_are_caught_on_the_wire() {
    for name in &FAILED_ELSEWHERE[1..] {
        let report = run_some(&Careless, |_, check| check == *name).await;
        let [check] = &report.checks[..] else { panic!("{report}") };
        assert!(matches!(check.outcome, Outcome::Failed { .. }), "{report}");
    }
}
