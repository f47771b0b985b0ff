//! `cargo xtask conformance [server|client|bridge]`: the official conformance suite against our server, our client and our
//! bridge.
//!
//! The suite accepts warnings and scenarios in which nothing happened. This task reads its results and is stricter; see
//! [`report`].

mod bridge;
mod client;
mod everything;
mod report;
mod server;
mod suite;

use std::path::PathBuf;

use crate::{Outcome, Task, install, test};

use suite::Suite;
pub(crate) use suite::new_enough;

pub(crate) const TASK: Task = Task {
    name: "conformance",
    arguments: "[server|client|bridge]",
    summary: "Run the official conformance suite against the server, the client and the bridge",
    details: "
Without an argument all of them are run. What each scenario printed is kept in target/conformance/.
docs/testing.md describes what counts as a failure.
",
    run,
};

/// Installs the suite, builds the two programs, and runs one of them or all.
pub(crate) fn run(args: &[String]) -> Outcome {
    let sides: &[Side] = match args {
        [] => &[server::run, client::run, bridge::run],
        [side] if side == "server" => &[server::run],
        [side] if side == "client" => &[client::run],
        [side] if side == "bridge" => &[bridge::run],
        _ => {
            return Err(format!(
                "conformance takes `server`, `client`, `bridge` or nothing, and got {args:?}"
            ));
        }
    };
    let Some(suite) = Suite::install()? else { return Ok(()) };
    // The same build as in `cargo xtask test`: another selection of targets would compile everything again.
    test::build()?;

    let mut failed = Vec::new();
    for side in sides {
        failed.extend(side(&suite)?);
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("conformance FAILED:\n{}", failed.join("\n"))) }
}

/// Runs one side, prints the results, and returns what failed.
type Side = fn(&Suite) -> Outcome<Vec<String>>;

/// The path of one of our programs.
fn program(name: &str) -> Outcome<PathBuf> {
    Ok(install::bin_dir()?.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
}
