//! The compliance kit: proves that a transport keeps the promises of [`mcp_core::transport`].
//!
//! Both roles are always real: a [`Fixture`] starts a listener and gives a [`Connect`] to it, and every
//! check opens a link of its own and plays both sessions. What a check needs it reads from the
//! [`Binding`] of the client's link; what does not apply is skipped, with the reason.
//!
//! [`Connect`]: mcp_core::transport::Connect
//!
//! A transport that can be made as a pair adopts the kit like this:
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
//! One that listens gives the listener and a connector to it, and so proves both roles at once:
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
//! Whatever else a fixture can say (an era, raw input, resources to be counted) is in [`Fixture`].
//!
//! The kit spawns tasks, so it needs a tokio runtime with time. A check ends when what it waits
//! for has happened, or fails after [`Fixture::patience`], saying what it waited for. Under
//! paused time a hang costs nothing.

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

/// Runs the checks that this picks by the promise's number and the check's name.
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
    /// A promise is broken; what was seen.
    Fail(String),
}

type Verdict<T = ()> = Result<T, Stop>;

fn fail<T>(seen: impl Into<String>) -> Verdict<T> {
    Err(Stop::Fail(seen.into()))
}

fn ensure(kept: bool, seen: impl FnOnce() -> String) -> Verdict {
    if kept { Ok(()) } else { Err(Stop::Fail(seen())) }
}

/// Whether lanes reach the peer: each request is an exchange that either side can end.
fn has_exchanges(binding: Binding) -> bool {
    !binding.ordered || binding.abandon == AbandonBy::End
}
