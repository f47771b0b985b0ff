//! `cargo xtask mutants`: breaks the code of mcp-core in small ways, and reports the changes that no test notices.
//!
//! The tests of mcp-core run first, without its load tests, which take most of the time. Only the mutants that survive
//! them are tested again with all of them and with those of mcp-testkit, which are slower to build. A mutant that hangs
//! counts as noticed: it is killed after a limit, and listed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::shell::{output, root};
use crate::{Outcome, Task, install, tools};

pub(crate) const TASK: Task = Task {
    name: "mutants",
    arguments: "[FOLDER] [--shard K/N | --sample COUNT --seed SEED]",
    summary: "Break the code in small ways and report what no test notices",
    details: "
FOLDER is one of session, message, runtime, client/driver and server/driver, or any folder or file of
crates/mcp-core/src; without it, all five are taken. --shard 3/100 tests every hundredth mutant, starting with the
fourth. --sample 16 --seed 7 tests sixteen mutants of each folder, chosen by the seed: the same ones as long as the code
is the same. One mutant takes about a minute.

Fails if a mutant survives that is not in the table of accepted survivors in docs/testing.md. The logs are kept in
target/mutants.
",
    run,
};

const SOURCES: &str = "crates/mcp-core/src/";
const FOLDERS: [&str; 5] = ["session", "message", "runtime", "client/driver", "server/driver"];
const TESTING: &str = "docs/testing.md";
const ACCEPTED: &str = "## Accepted survivors";

fn run(args: &[String]) -> Outcome {
    let Selection { globs, part } = parse(args)?;
    let out = install::bin_dir()?.with_file_name("mutants");

    let mut first = tools::mutants()?;
    first.args(["--package", "mcp-core"]);
    match &part {
        Part::All => {}
        Part::Shard(shard) => {
            first.args(["--sharding", "round-robin", "--shard", shard]);
        }
        Part::Sample { count, seed } => {
            for glob in &globs {
                first.args(sample(list(glob)?, *count, *seed).iter().flat_map(|name| only(name)));
            }
        }
    }
    let globs = globs.iter().flat_map(|glob| ["--file", glob]);
    first.args(globs.clone());
    let mut results = execute(&mut first, &out.join("mcp-core"), &["--lib", "--", "--skip", "tests::load"])?;

    if !results.missed.is_empty() {
        println!(
            "{} survived the tests of mcp-core; its load tests and mcp-testkit follow",
            results.missed.len()
        );
        let mut second = tools::mutants()?;
        second.args(["--package", "mcp-core", "--test-package", "mcp-core,mcp-testkit"]).args(globs);
        second.args(results.missed.iter().flat_map(|name| only(name)));
        let again = execute(&mut second, &out.join("mcp-testkit"), &["--lib", "--tests"])?;
        results.caught += again.caught;
        results.timeouts.extend(again.timeouts);
        results.missed = again.missed;
    }
    let testing = fs::read_to_string(root().join(TESTING)).map_err(|error| error.to_string())?;
    results.report(&accepted(&testing), args.is_empty())
}

/// What the arguments select.
#[derive(Debug, PartialEq)]
struct Selection {
    globs: Vec<String>,
    part: Part,
}

/// Which of the mutants are tested.
#[derive(Debug, PartialEq)]
enum Part {
    All,
    Shard(String),
    /// Mutants of each folder, chosen by the seed.
    Sample {
        count: usize,
        seed: u64,
    },
}

fn parse(args: &[String]) -> Outcome<Selection> {
    let usage = || format!("usage: cargo xtask {} {}", TASK.name, TASK.arguments);
    let (folder, options) = match args {
        [folder, options @ ..] if !folder.starts_with('-') => (Some(folder), options),
        options => (None, options),
    };
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let part = match options[..] {
        [] => Part::All,
        ["--shard", shard] => Part::Shard(shard.to_owned()),
        ["--sample", count, "--seed", seed] => Part::Sample {
            count: count.parse().map_err(|_| usage())?,
            seed: seed.parse().map_err(|_| usage())?,
        },
        _ => return Err(usage()),
    };
    let glob = |folder: &str| {
        let ending = if folder.ends_with(".rs") { "" } else { "/**" };
        format!("{SOURCES}{}{ending}", folder.trim_end_matches('/'))
    };
    let globs = match folder {
        Some(folder) if !root().join(SOURCES).join(folder).exists() => {
            return Err(format!("{SOURCES}{folder} does not exist\n{}", usage()));
        }
        Some(folder) => vec![glob(folder)],
        None => FOLDERS.map(glob).to_vec(),
    };
    Ok(Selection { globs, part })
}

/// The names of all mutants of these files.
fn list(glob: &str) -> Outcome<Vec<String>> {
    let mut command = tools::mutants()?;
    command.args(["--list", "--package", "mcp-core", "--all-features", "--colors", "never", "--file", glob]);
    let names = output(&mut command).ok_or_else(|| format!("the mutants of {glob} cannot be listed"))?;
    Ok(names.lines().map(str::to_owned).collect())
}

/// Chooses names by a partial Fisher-Yates shuffle with numbers from SplitMix64.
fn sample(mut names: Vec<String>, count: usize, seed: u64) -> Vec<String> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    let count = count.min(names.len());
    for index in 0..count {
        let left = (names.len() - index) as u64;
        names.swap(index, index + (next() % left) as usize);
    }
    names.truncate(count);
    names
}

/// The arguments that select the mutant of this name.
fn only(name: &str) -> [String; 2] {
    ["--re".to_owned(), pattern(name)]
}

/// The results of one run, by the names of the mutants.
#[derive(Debug, Default, PartialEq)]
struct Results {
    caught: usize,
    missed: Vec<String>,
    timeouts: Vec<String>,
}

/// Runs cargo-mutants and reads the lists that it writes.
fn execute(command: &mut Command, out: &Path, tests: &[&str]) -> Outcome<Results> {
    fs::create_dir_all(out).map_err(|error| format!("{} could not be created: {error}", out.display()))?;
    // The baseline sets the limits for builds and tests of mutants. Fewer random cases and no debug information make
    // each mutant faster; no lint makes one unviable.
    command.args(["--timeout-multiplier", "5", "--minimum-test-timeout", "60", "--cap-lints", "true"]);
    command.args(["--all-features", "--colors", "never", "--output"]).arg(out).arg("--").args(tests);
    command.env("PROPTEST_CASES", "32").env("CARGO_PROFILE_DEV_DEBUG", "none").env_remove("CARGO_TARGET_DIR");
    let status = command.stdin(Stdio::null()).status().map_err(|error| error.to_string())?;
    // 2: mutants were missed; 3: tests timed out.
    if !matches!(status.code(), Some(0 | 2 | 3)) {
        return Err(format!("cargo-mutants failed ({status}); see {}", out.display()));
    }
    let list = |name: &str| -> Outcome<Vec<String>> {
        let file: PathBuf = out.join("mutants.out").join(name);
        let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(text.lines().map(str::to_owned).collect())
    };
    Ok(Results {
        caught: list("caught.txt")?.len(),
        missed: list("missed.txt")?,
        timeouts: list("timeout.txt")?,
    })
}

impl Results {
    /// Prints the score and the survivors. It is an error if one is not accepted, or, after a complete run, if an
    /// accepted mutant did not survive.
    fn report(&self, accepted: &BTreeSet<String>, complete: bool) -> Outcome {
        let noticed = self.caught + self.timeouts.len();
        let all = noticed + self.missed.len();
        if all == 0 {
            return Err("no mutant was tested".to_owned());
        }
        for name in &self.timeouts {
            println!("TIMEOUT: {name}");
        }
        let mut new = 0;
        for name in &self.missed {
            let is_accepted = accepted.contains(&short(name));
            new += usize::from(!is_accepted);
            println!("{}: {name}", if is_accepted { "ACCEPTED" } else { "SURVIVED" });
        }
        let percent = 100.0 * noticed as f64 / all as f64;
        println!("mutation score: {noticed} of {all} mutants noticed ({percent:.1} %)");
        let survived: BTreeSet<String> = self.missed.iter().map(|name| short(name)).collect();
        let stale: Vec<&String> =
            accepted.iter().filter(|name| complete && !survived.contains(*name)).collect();
        for name in &stale {
            println!("STALE: {name} did not survive; remove it from {TESTING}");
        }
        if new + stale.len() > 0 {
            return Err(format!(
                "{new} survivors and {} entries of {TESTING} are to be looked at",
                stale.len()
            ));
        }
        Ok(())
    }
}

/// The name without the folder of the sources, line and column: `session/ids.rs: replace ...`.
fn short(name: &str) -> String {
    let name = name.strip_prefix(SOURCES).unwrap_or(name);
    let Some((path, rest)) = name.split_once(".rs:") else { return name.to_owned() };
    let what = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':').trim_start();
    format!("{path}.rs: {what}")
}

/// A regular expression that matches this name only.
fn pattern(name: &str) -> String {
    // Only these: a backslash before some other signs has a meaning.
    let escape = |c: char| if r"\.+*?()|[]{}^$#&-~".contains(c) { vec!['\\', c] } else { vec![c] };
    format!("^{}$", name.chars().flat_map(escape).collect::<String>())
}

/// The first cells of the table of accepted survivors.
fn accepted(testing: &str) -> BTreeSet<String> {
    let section =
        testing.split_once(ACCEPTED).map_or("", |(_, rest)| rest.split("\n## ").next().unwrap_or(""));
    let cell = |line: &str| {
        // A pipe in a cell is escaped; the first one that is not ends the cell.
        let row = line.strip_prefix('|')?.replace("\\|", "\u{0}");
        let cell = row.split('|').next()?.trim().strip_prefix('`')?.strip_suffix('`')?;
        Some(cell.replace('\u{0}', "|"))
    };
    section.lines().filter_map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEFT: &str = "crates/mcp-core/src/session/ids.rs:14:9: replace | with ^ in Ids::next";

    fn results(missed: &[&str]) -> Results {
        Results {
            caught: 3,
            missed: missed.iter().map(|name| (*name).to_owned()).collect(),
            timeouts: vec![],
        }
    }

    #[test]
    fn a_survivor_fails_unless_it_is_accepted_whatever_its_line() {
        let text = format!(
            "x\n{ACCEPTED}\n\n| mutant | why |\n|---|---|\n| `session/ids.rs: replace \\| with ^ in Ids::next` | same \
             bits |\n\n## Next\n| `other` | x |"
        );
        let accepted = accepted(&text);
        assert_eq!(accepted.len(), 1);
        assert_eq!(results(&[LEFT]).report(&accepted, true), Ok(()));
        assert!(results(&[LEFT]).report(&BTreeSet::new(), true).unwrap_err().starts_with("1 survivors"));
        assert!(results(&[]).report(&accepted, true).unwrap_err().starts_with("0 survivors and 1 entries"));
        assert_eq!(results(&[]).report(&accepted, false), Ok(()));
        assert!(Results::default().report(&accepted, false).is_err());
    }

    #[test]
    fn a_pattern_matches_literally() {
        assert_eq!(pattern("a::b<T> with -1"), r"^a::b<T> with \-1$");
    }

    #[test]
    fn arguments_select_folders_and_a_shard() {
        let args = |words: &[&str]| parse(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(args(&[]).unwrap().globs.len(), FOLDERS.len());
        let selection = args(&["client/driver", "--shard", "3/100"]).unwrap();
        assert_eq!(selection.globs, ["crates/mcp-core/src/client/driver/**"]);
        assert_eq!(selection.part, Part::Shard("3/100".to_owned()));
        assert_eq!(args(&["--sample", "9", "--seed", "7"]).unwrap().part, Part::Sample { count: 9, seed: 7 });
        assert!(args(&["--sample", "9"]).is_err());
        assert!(args(&["nowhere"]).unwrap_err().contains("nowhere"));
        assert!(args(&["--shards", "1/2"]).is_err());
    }

    #[test]
    fn a_sample_is_chosen_by_its_seed() {
        let all: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        let chosen = sample(all.clone(), 10, 7);
        assert_eq!(chosen, sample(all.clone(), 10, 7));
        assert_ne!(chosen, sample(all.clone(), 10, 8));
        assert_eq!(chosen.iter().collect::<BTreeSet<_>>().len(), 10);
        assert_eq!(sample(all.clone(), 1000, 7).len(), all.len());
    }

    #[test]
    fn the_folders_exist() {
        for folder in FOLDERS {
            assert!(root().join(SOURCES).join(folder).is_dir(), "{folder}");
        }
    }
}
