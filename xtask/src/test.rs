//! `cargo xtask test`: installs what the tests need from the lock files, builds, and runs all tests.
//!
//! cargo-nextest runs each test in its own process and kills one that hangs (`.config/nextest.toml`). Examples in
//! documentation are run by `cargo test --doc`, which is killed if it stops printing.

mod count;

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::conformance::new_enough;
use crate::install::{Setup, bin_dir, npm, python, require};
use crate::shell::{cargo, find, root, run as run_command};
use crate::tools::Tools;
use crate::{Outcome, Task, process};

use count::{Counts, Libtest};

pub(crate) const TASK: Task = Task {
    name: "test",
    arguments: "[ARGUMENTS]",
    summary: "Install what the tests need, build, and run all tests",
    details: "
Arguments go to `cargo nextest run` as they are: a word runs the tests whose name contains it, `-p NAME` those
of one crate. Examples in documentation run only if there are no arguments.

A test that does not end within three minutes is killed and fails by its name. The last line counts all tests;
above it are the tests that were skipped because a program is missing. With CI=true nothing is skipped.
",
    run,
};

/// With `--bins --tests`, cargo resolves the same features for this as for `cargo test`, so nothing is built twice.
const COMMON: [&str; 2] = ["--workspace", "--all-features"];
/// A run without nextest is killed if it prints nothing for this long.
const SILENCE: Duration = Duration::from_secs(300);

pub(crate) fn run(args: &[String]) -> Outcome {
    let variables = install()?;
    build()?;
    let mut total = nextest(args, &variables)?;
    if args.is_empty() {
        total += libtest(cargo().arg("test").args(COMMON).args(["--doc", "--no-fail-fast"]).envs(variables))?;
    } else {
        println!("examples in documentation were not run, because there are arguments");
    }
    total.report()
}

/// Runs the tests that the arguments select, and counts the results. A failed build is an error.
pub(crate) fn nextest(args: &[String], variables: &[(&str, PathBuf)]) -> Outcome<Counts> {
    let variables = variables.iter().map(|(name, value)| (name, value));
    let Some(tools) = Tools::install("the watchdog for tests (cargo-nextest)")? else {
        return libtest(cargo().arg("test").args(COMMON).arg("--no-fail-fast").args(args).envs(variables));
    };
    // nextest keeps its reports here, whatever the target folder is.
    let report = root().join("target/nextest/default/junit.xml");
    let _absent = std::fs::remove_file(&report);
    let mut tests = tools.cargo("nextest");
    let outcome = run_command(tests.arg("run").args(COMMON).args(args).envs(variables));
    match std::fs::read_to_string(&report) {
        Ok(text) => Ok(Counts::of_junit(&text)),
        Err(_) => outcome.map(|()| Counts::default()),
    }
}

/// Runs a command that prints the output of libtest, and counts the results.
fn libtest(command: &mut Command) -> Outcome<Counts> {
    let mut read = Libtest::default();
    let status = process::watch(command, SILENCE, |line| {
        println!("{line}");
        read.line(line);
    });
    match status {
        Ok(status) if status.success() || read.counts.failed > 0 => Ok(read.counts),
        Ok(status) => Err(format!("the tests could not be run ({status})")),
        Err(why) => Err(format!("{why}; still running: {}", read.slow.join(", "))),
    }
}

/// An empty folder for what programs keep, so that no run of the tests depends on what an earlier one has found out.
fn fresh_cache() -> Outcome<PathBuf> {
    let cache = root().join("target/test-cache");
    let _absent = std::fs::remove_dir_all(&cache);
    std::fs::create_dir_all(&cache).map_err(|error| format!("{}: {error}", cache.display()))?;
    Ok(cache)
}

/// Installs what the tests need, and returns the environment variables that tell them where it is.
pub(crate) fn install() -> Outcome<Vec<(&'static str, PathBuf)>> {
    let interop = root().join("tests/interop");
    let mut variables = vec![("MCP_TEST_BIN_DIR", bin_dir()?), ("XDG_CACHE_HOME", fresh_cache()?)];
    if let Some(node) = require(npm(&interop), "the tests with peers from npm")? {
        variables.push(("MCP_TEST_NODE", node));
        variables.push(("MCP_TEST_NODE_MODULES", interop.join("node_modules")));
    }
    if let Some(redis) = require(Ok(redis()), "the tests over Redis")? {
        variables.push(("MCP_TEST_REDIS", redis));
    }
    let inspector = root().join("tests/inspector");
    let setup = npm(&inspector).map(|setup| match setup {
        Setup::Ready(own) => new_enough(&inspector, own),
        missing => missing,
    });
    if let Some(node) = require(setup, "the tests with the inspector")? {
        variables.push(("MCP_TEST_INSPECTOR_NODE", node));
    }
    // Two versions of one package do not fit into one venv.
    let venvs = [
        ("MCP_TEST_PYTHON", "requirements.lock", ".venv"),
        ("MCP_TEST_PYTHON_1", "requirements-1.lock", ".venv-1"),
    ];
    for (variable, lock, venv) in venvs {
        let setup = python(&interop.join(lock), &interop.join(venv));
        if let Some(python) = require(setup, "the tests with peers in Python")? {
            variables.push((variable, python));
        }
    }
    Ok(variables)
}

/// Builds the programs and the tests.
pub(crate) fn build() -> Outcome {
    run_command(cargo().arg("build").args(COMMON).args(["--bins", "--tests"]))
}

/// The tests start their own server; one that Debian runs is left alone.
fn redis() -> Setup {
    let missing = Setup::Missing("redis-server is not on PATH (on Debian: apt-get install redis-server)");
    find("redis-server").map_or(missing, Setup::Ready)
}
