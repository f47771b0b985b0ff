//! `cargo xtask ci`: every check, in order of how fast it can fail; the first failure ends it.

use std::time::Instant;

use crate::shell::{cargo, run as run_command};
use crate::{Outcome, conformance, test, tidy};

type Step = (&'static str, fn() -> Outcome);

// All cargo steps name the same packages and features, and none sets RUSTFLAGS: what clippy checked serves doc,
// and what test builds it builds once. (doc leaves out dev-dependencies, so the few crates to which those add
// features are checked once more.)
const STEPS: &[Step] = &[
    ("fmt", || run_command(cargo().args(["fmt", "--all", "--check"]))),
    ("tidy", || tidy::run(&[])),
    ("clippy", || {
        let arguments = ["clippy", "--workspace", "--all-features", "--all-targets", "--", "-D", "warnings"];
        run_command(cargo().args(arguments))
    }),
    ("doc", || {
        let arguments = ["doc", "--workspace", "--all-features", "--no-deps"];
        run_command(cargo().env("RUSTDOCFLAGS", "-D warnings").args(arguments))
    }),
    ("test", || test::run(&[])),
    ("conformance", || conformance::run(&[])),
];

/// Runs every step; the error names the one that failed.
pub(crate) fn run(args: &[String]) -> Outcome {
    if let Some(unknown) = args.first() {
        return Err(format!("ci takes no arguments, and got `{unknown}`"));
    }
    let start = Instant::now();
    run_steps(STEPS)?;
    println!("\n== ci passed in {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

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
}
