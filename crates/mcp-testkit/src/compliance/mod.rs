//! The compliance kit: proves that a transport keeps the promises of [`mcp_core::transport`].
//!
//! A [`Fixture`] starts a listener and returns a [`Connect`] to it, so both roles are tested. Every check opens a new
//! link and plays both sessions. Which checks apply depends on the [`Binding`] of the client's link; the others are
//! skipped, with the reason.
//!
//! [`Connect`]: mcp_core::transport::Connect
//!
//! For a transport whose two ends are made together:
//!
//! ```
//! use mcp_testkit::compliance;
//! use mcp_core::transport::{Binding, memory};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let fixture = compliance::pairs("memory", || async { Ok(memory::pair(Binding::STREAM)) });
//! compliance::run(&fixture).await.assert_passed();
//! # }
//! ```
//!
//! For a transport that listens:
//!
//! ```
//! use mcp_testkit::compliance;
//! use mcp_core::transport::{Binding, memory};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let fixture = compliance::listening("memory, listening", |server| async {
//!     let (connector, listener) = memory::connector(Binding::STREAM);
//!     Ok((connector, tokio::spawn(listener.serve(server))))
//! });
//! compliance::run(&fixture).await.assert_passed();
//! # }
//! ```
//!
//! [`Fixture`] has further settings: the era, raw input, counted resources.
//!
//! The kit spawns tasks, so it needs a tokio runtime with time. A check that hangs fails after [`Fixture::patience`], and
//! its report names what it waited for. Under paused time this takes no real time.

mod bench;
mod checks;
mod fixture;
mod hub;
mod listening;
mod report;
#[cfg(test)]
mod tests;
mod traffic;

use std::panic::AssertUnwindSafe;

use futures::FutureExt;

use mcp_core::transport::{AbandonBy, Binding};

use bench::Bench;
use checks::{CHECKS, Check};
pub use fixture::{CannotCarry, Dialect, Failure, Fixture, Once, Pairs, Wire, WireEnd, once, pairs};
pub use listening::{Listening, listening};
pub use report::{CheckReport, Outcome, PROMISES, Promise, Report};

/// Runs every check against the fixture, one after the other.
pub async fn run(fixture: &dyn Fixture) -> Report {
    run_some(fixture, |_, _| true).await
}

/// Runs the checks that the predicate selects by the number of the promise and the name of the check.
pub async fn run_some(fixture: &dyn Fixture, pick: impl Fn(u8, &str) -> bool) -> Report {
    let mut checks = Vec::new();
    for check in CHECKS.iter().filter(|check| pick(check.promise, check.name)) {
        let outcome = run_one(fixture, check).await;
        checks.push(CheckReport { promise: check.promise, name: check.name, outcome });
    }
    Report { transport: fixture.name().to_owned(), checks }
}

async fn run_one(fixture: &dyn Fixture, check: &Check) -> Outcome {
    let bench = Bench::new(fixture);
    let checked = AssertUnwindSafe((check.run)(&bench)).catch_unwind();
    match tokio::time::timeout(fixture.patience(), checked).await {
        Ok(Ok(Ok(()))) => Outcome::Passed,
        Ok(Ok(Err(Stop::Skip(why)))) => Outcome::Skipped { why: why.to_owned() },
        Ok(Ok(Err(Stop::Fail(seen)))) => Outcome::Failed { seen },
        Ok(Err(panic)) => Outcome::Failed { seen: format!("a panic: {}", panic_text(&*panic)) },
        Err(_) => Outcome::Failed {
            seen: format!("nothing within {:?}, while waiting for {}", fixture.patience(), bench.waiting()),
        },
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("of an unknown kind")
}

/// Why a check did not pass.
#[derive(Debug)]
enum Stop {
    /// It does not apply.
    Skip(&'static str),
    /// A promise is broken; the text is what was observed.
    Fail(String),
}

type Verdict<T = ()> = Result<T, Stop>;

fn fail<T>(seen: impl Into<String>) -> Verdict<T> {
    Err(Stop::Fail(seen.into()))
}

fn ensure(kept: bool, seen: impl FnOnce() -> String) -> Verdict {
    if kept { Ok(()) } else { Err(Stop::Fail(seen())) }
}

/// Whether lanes reach the peer, so that either side can end an exchange.
fn has_exchanges(binding: Binding) -> bool {
    !binding.ordered || binding.abandon == AbandonBy::End
}
