//! `cargo xtask siege`: attacks on a release build of `mcp`, each for a limited time, and a table of what they reached.
//!
//! A server is attacked while a good user calls it on separate connections; a client is attacked by a hostile server.

mod client;
mod good;
mod h2;
mod http1;
mod http2;
mod sessions;
mod stdio;
mod target;
mod wire;

use std::path::PathBuf;
use std::time::Duration;

use crate::install;
use crate::shell::{cargo, run as run_command};
use crate::{Outcome, Task};

use good::GoodUser;
use target::Server;

pub(crate) const TASK: Task = Task {
    name: "siege",
    arguments: "[ATTACK] [--seconds N] [--program FILE]",
    summary: "Attack a release build, and report memory and waits",
    details: "
ATTACK is a part of the names in the first column of the table; without it, all attacks run. Each one lasts N seconds
(default: 10). --program names a build of `mcp` to attack; without it, one is made. The target is `mcp serve-demo` over HTTP or stdio, with its default limits, or `mcp request` as a client.

The table has the peak of the target's resident memory, the longest wait of a good user, who calls the same server on
separate connections (for a client: how long its call took, whose limit is 3 s), and a verdict. An attack is held off
if the target lives, needs at most 512 MiB (twice the default budget of a server), and the wait is at most 1 s (for a
client: 4 s). The task fails if an attack wins. Needs Linux. Waits mean something on an idle machine only.
",
    run,
};

/// Twice the default budget of a server, in bytes.
const MEMORY: usize = 512 << 20;
/// How long a good user may wait.
const WAIT: Duration = Duration::from_secs(1);
/// How long a call with a limit of 3 s may take.
const CALL: Duration = Duration::from_secs(4);

/// One attack.
struct Attack {
    name: &'static str,
    about: &'static str,
    run: fn(&Ground) -> Outcome<Report>,
}

/// Where an attack takes place.
struct Ground {
    program: PathBuf,
    time: Duration,
}

/// What an attack reached.
struct Report {
    /// The peak of the target's resident memory, in bytes.
    peak: usize,
    /// The longest wait, and the longest one that is acceptable.
    wait: Option<(Duration, Duration)>,
    /// What else went wrong for the target or the good user.
    faults: Vec<String>,
    /// What the attack did, for the table.
    remark: String,
}

const ATTACKS: &[&[Attack]] =
    &[http1::ATTACKS, http2::ATTACKS, sessions::ATTACKS, stdio::ATTACKS, client::ATTACKS];

fn run(args: &[String]) -> Outcome {
    let Options { word, seconds, program } = parse(args)?;
    let all = || ATTACKS.iter().flat_map(|family| family.iter());
    let chosen: Vec<&Attack> = all().filter(|attack| attack.name.contains(word)).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = all().map(|attack| attack.name).collect();
        return Err(format!("no attack has this name; there are {}", names.join(", ")));
    }
    let program = match program {
        Some(program) => program,
        None => {
            run_command(cargo().args(["build", "--release", "--package", "mcp-cli", "--bin", "mcp"]))?;
            install::bin_dir()?.with_file_name("release").join("mcp")
        }
    };
    let ground = Ground { program, time: Duration::from_secs(seconds) };
    println!("\n{}", row(["attack", "peak", "longest wait", "verdict", "what was done"]));
    println!("{}", row(["---"; 5]));
    let mut won = 0;
    for attack in chosen {
        let (cells, held) = match (attack.run)(&ground) {
            Ok(report) => report.cells(),
            Err(why) => (["-".to_owned(), "-".to_owned(), format!("NOT RUN: {why}"), String::new()], false),
        };
        won += usize::from(!held);
        let [peak, wait, verdict, remark] = &cells;
        let done =
            if remark.is_empty() { attack.about.to_owned() } else { format!("{}: {remark}", attack.about) };
        println!("{}", row([attack.name, peak, wait, verdict, &done]));
    }
    if won > 0 { Err(format!("{won} attacks were not held off")) } else { Ok(()) }
}

fn row(cells: [&str; 5]) -> String {
    format!("| {} |", cells.join(" | "))
}

/// What the arguments say.
#[derive(Debug, PartialEq)]
struct Options<'a> {
    /// A part of the names of attacks.
    word: &'a str,
    seconds: u64,
    program: Option<PathBuf>,
}

fn parse(args: &[String]) -> Outcome<Options<'_>> {
    let usage = || format!("usage: cargo xtask {} {}", TASK.name, TASK.arguments);
    let mut options = Options { word: "", seconds: 10, program: None };
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "--seconds" => {
                let number = rest.next().and_then(|number| number.parse().ok());
                options.seconds = number.ok_or_else(usage)?;
            }
            "--program" => options.program = Some(rest.next().ok_or_else(usage)?.into()),
            word if !word.starts_with('-') && options.word.is_empty() => options.word = word,
            _ => return Err(usage()),
        }
    }
    Ok(options)
}

impl Report {
    fn cells(&self) -> ([String; 4], bool) {
        let mut faults = self.faults.clone();
        if self.peak > MEMORY {
            faults.push("memory".to_owned());
        }
        if self.wait.is_some_and(|(wait, most)| wait > most) {
            faults.push("late".to_owned());
        }
        let held = faults.is_empty();
        let verdict = if held { "held".to_owned() } else { format!("LOST: {}", faults.join(", ")) };
        let wait = self.wait.map_or("-".to_owned(), |(wait, _)| format!("{:.2} s", wait.as_secs_f64()));
        ([format!("{} MiB", self.peak >> 20), wait, verdict, self.remark.clone()], held)
    }
}

/// Attacks a server over HTTP, beside a good user. The attack runs until the time is over, and returns a remark.
fn against_http(
    ground: &Ground,
    good: fn(&str) -> Outcome<()>,
    attack: impl FnOnce(&str, Duration) -> Outcome<String>,
) -> Outcome<Report> {
    let server = Server::http(&ground.program)?;
    let user = GoodUser::start(server.address(), good);
    let remark = attack(server.address(), ground.time);
    let user = user.stop();
    let (peak, died) = server.stop();
    let mut faults = user.faults;
    faults.extend(died);
    Ok(Report { peak, wait: Some((user.longest, WAIT)), faults, remark: remark? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_arguments_select() {
        let names: std::collections::BTreeSet<&str> =
            ATTACKS.iter().flat_map(|family| family.iter()).map(|attack| attack.name).collect();
        assert_eq!(names.len(), ATTACKS.iter().map(|family| family.len()).sum::<usize>());
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(parse(&words(&[])).unwrap(), Options { word: "", seconds: 10, program: None });
        let options = words(&["http1", "--seconds", "3", "--program", "x"]);
        assert_eq!(
            parse(&options).unwrap(),
            Options { word: "http1", seconds: 3, program: Some("x".into()) }
        );
        assert!(parse(&words(&["--second", "3"])).is_err());
    }

    #[test]
    fn a_verdict_names_what_was_exceeded() {
        let report =
            |peak, wait| Report { peak, wait: Some((wait, WAIT)), faults: vec![], remark: String::new() };
        assert!(report(MEMORY, WAIT).cells().1);
        let ([_, _, verdict, _], held) = report(MEMORY + 1, WAIT * 2).cells();
        assert!(!held && verdict == "LOST: memory, late", "{verdict}");
    }
}
