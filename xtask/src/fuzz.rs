//! `cargo xtask fuzz`: runs one target of `fuzz/` under libFuzzer for a bounded time.
//!
//! The same targets run as properties in every `cargo test`; this is for long runs.

use std::ffi::OsString;
use std::process::Command;

use crate::shell::{cargo, root, run as run_command};
use crate::tools::folder;
use crate::{Outcome, Task};

const VERSION: &str = "0.13.2";

pub(crate) const TASK: Task = Task {
    name: "fuzz",
    arguments: "TARGET [--minutes N]",
    summary: "Run a fuzz target for a bounded time, 5 minutes by default",
    details: "
TARGET is the name of a file in fuzz/fuzz_targets. New inputs go to fuzz/corpus/TARGET, and an input that breaks
a check goes to fuzz/artifacts/TARGET. Installs cargo-fuzz from crates.io into target/tools on the first run.
",
    run,
};

fn run(args: &[String]) -> Outcome {
    let usage =
        || format!("usage: cargo xtask {} {}\ntargets: {}", TASK.name, TASK.arguments, targets().join(", "));
    let (target, minutes) = match args {
        [target] => (target, 5_u64),
        [target, flag, minutes] if flag == "--minutes" => (target, minutes.parse().map_err(|_| usage())?),
        _ => return Err(usage()),
    };
    if !targets().contains(target) {
        return Err(usage());
    }
    let tools = folder()?;
    let program = tools.join("bin").join(format!("cargo-fuzz{}", std::env::consts::EXE_SUFFIX));
    if !program.is_file() {
        let version = ["install", "--locked", "--version", VERSION, "cargo-fuzz", "--root"];
        run_command(cargo().args(version).arg(&tools))?;
    }
    let seconds = minutes.checked_mul(60).ok_or_else(usage)?;
    let mut command = Command::new(program);
    command.current_dir(root().join("fuzz")).args(["fuzz", "run"]);
    // The sanitizers and the coverage are unstable options, which this lets a stable compiler use.
    command
        .env("RUSTC_BOOTSTRAP", "1")
        .arg(target)
        .arg("--")
        .arg(OsString::from(format!("-max_total_time={seconds}")));
    run_command(&mut command)
}

/// The names of the targets, in order.
fn targets() -> Vec<String> {
    let entries = std::fs::read_dir(root().join("fuzz/fuzz_targets")).into_iter().flatten().flatten();
    let name = |path: std::path::PathBuf| Some(path.file_stem()?.to_str()?.to_owned());
    let mut names: Vec<String> = entries.filter_map(|entry| name(entry.path())).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_a_corpus_and_is_in_the_manifest() {
        let manifest = std::fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
        assert!(!targets().is_empty());
        for target in targets() {
            assert!(manifest.contains(&format!("name = \"{target}\"")), "{target}");
            assert!(root().join("fuzz/corpus").join(&target).is_dir(), "{target}");
        }
    }

    #[test]
    fn an_unknown_target_is_answered_with_the_list() {
        let why = run(&["nonsense".to_owned()]).unwrap_err();
        assert!(why.contains("envelope") && why.contains("usage"), "{why}");
    }
}
