//! `cargo xtask ci`: every check, in order of how fast it can fail; the first failure ends it.

use std::time::Instant;

use crate::shell::{cargo, run as run_command};
use crate::{Outcome, Task, api, checks, conformance, packages, test, tidy};

pub(crate) const TASK: Task = Task {
    name: "ci",
    arguments: "[STEP]...",
    summary: "Run every check that must hold for a commit",
    details: "
Without arguments all steps are run in this order, and the first failure ends the run:

  fmt          cargo fmt --check
  tidy         cargo xtask tidy
  typos        spelling, with exceptions in typos.toml
  links        links between the Markdown files, and their anchors (lychee, offline)
  deny         licences, sources and banned crates of dependencies, by deny.toml
  clippy       all targets and features; also code that needs a newer Rust than `rust-version`
  features     each published crate alone: without features, and with each of them
  doc          rustdoc without warnings
  api          cargo xtask api
  package      `cargo package` of each published crate
  test         cargo xtask test
  conformance  cargo xtask conformance

With arguments only the named steps are run.
",
    run,
};

type Step = (&'static str, fn() -> Outcome);

// The cargo steps select the same packages and features where they can, and none sets RUSTFLAGS, so that doc reuses
// what clippy checked and test builds everything once.
const STEPS: &[Step] = &[
    ("fmt", || run_command(cargo().args(["fmt", "--all", "--check"]))),
    ("tidy", || tidy::run(&[])),
    ("typos", checks::typos),
    ("links", checks::links),
    ("deny", checks::deny),
    ("clippy", || {
        let arguments = ["clippy", "--workspace", "--all-features", "--all-targets", "--", "-D", "warnings"];
        run_command(cargo().args(arguments))
    }),
    ("features", packages::features),
    ("doc", || {
        let arguments = ["doc", "--workspace", "--all-features", "--no-deps"];
        run_command(cargo().env("RUSTDOCFLAGS", "-D warnings").args(arguments))
    }),
    ("api", || api::run(&[])),
    ("package", packages::package),
    ("test", || test::run(&[])),
    ("conformance", || conformance::run(&[])),
];

fn run(args: &[String]) -> Outcome {
    let start = Instant::now();
    run_steps(&select(STEPS, args)?)?;
    println!("\n== ci passed in {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// The steps of these names, or all of them if there are no names.
fn select(steps: &[Step], names: &[String]) -> Outcome<Vec<Step>> {
    if names.is_empty() {
        return Ok(steps.to_vec());
    }
    let find = |name: &String| {
        let found = steps.iter().find(|(step, _)| step == name).copied();
        found.ok_or_else(|| format!("ci has no step `{name}`; `cargo xtask ci --help` lists them"))
    };
    names.iter().map(find).collect()
}

/// Runs every step; the error names the one that failed.
fn run_steps(steps: &[Step]) -> Outcome {
    for (number, (name, step)) in steps.iter().enumerate() {
        println!("\n== {}/{} {name}", number + 1, steps.len());
        let start = Instant::now();
        let outcome = step();
        let seconds = start.elapsed().as_secs_f64();
        match outcome {
            Ok(()) => println!("== {name}: ok in {seconds:.1} s"),
            Err(why) => return Err(format!("ci FAILED at step `{name}` after {seconds:.1} s: {why}")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_failure_ends_the_run_and_is_named() {
        let steps: &[Step] =
            &[("one", || Ok(())), ("two", || Err("broken".to_owned())), ("three", || panic!("must not run"))];
        let why = run_steps(steps).unwrap_err();
        assert!(why.contains("`two`") && why.contains("broken"), "{why}");
    }

    #[test]
    fn steps_are_selected_by_name_and_described_in_the_help() {
        let selected = select(STEPS, &["doc".to_owned(), "fmt".to_owned()]).unwrap();
        assert_eq!(selected.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["doc", "fmt"]);
        assert!(select(STEPS, &["docs".to_owned()]).unwrap_err().contains("`docs`"));
        let described = TASK.details.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
        assert_eq!(described.collect::<Vec<_>>(), STEPS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }
}
