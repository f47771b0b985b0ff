//! The suite against our server. One process serves all revisions at one URL.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::Outcome;
use crate::process::{self, Running};

use super::program;
use super::report::Report;
use super::suite::{Leg, Suite, read_results};

/// The revisions that the suite has requirements for.
pub(super) const REVISIONS: [&str; 2] = ["2025-11-25", "2026-07-28"];
/// Older revisions, for which the suite has scenarios but no requirements. All must pass; the number is the count.
pub(super) const OLDER: [(&str, usize); 2] = [("2025-06-18", 27), ("2025-03-26", 1)];
/// Required here, but not by the suite, which added them late or cannot pass them itself.
const REQUIRED_TOO: [&str; 5] = [
    "http-header-validation",
    "http-custom-header-server-validation",
    "server-sse-polling",
    "server-session-lifecycle",
    "json-schema-2020-12",
];

pub(super) const START: Duration = Duration::from_secs(30);
pub(super) const STOP: Duration = Duration::from_secs(20);
const RUN: Duration = Duration::from_secs(300);

/// Runs all revisions, and returns what failed.
pub(super) fn run(suite: &Suite) -> Outcome<Vec<String>> {
    let mut command = Command::new(program("conformance-server")?);
    command.env("PORT", "0");
    let (server, url) = start(&mut command)?;
    let mut failed = Vec::new();
    let mut beyond = REQUIRED_TOO.to_vec();
    for revision in REVISIONS {
        failed.extend(required(suite, LEG, &url, revision, &mut beyond)?);
    }
    failed.extend(beyond.iter().map(|name| format!("  conformance {LEG}: the suite has no {name}")));
    for (revision, count) in OLDER {
        failed.extend(older(suite, LEG, &url, revision, count)?);
    }
    match server.stop(STOP) {
        Ok(status) if status.success() => {}
        Ok(status) => failed.push(format!("  the server ended with {status} when it was asked to stop")),
        Err(why) => failed.push(format!("  the server: {why}")),
    }
    Ok(failed)
}

/// The name of these runs in results.
const LEG: &str = "server";

/// Removes from `beyond` the scenarios that this revision runs.
pub(super) fn required(
    suite: &Suite,
    leg: &str,
    url: &str,
    revision: &str,
    beyond: &mut Vec<&str>,
) -> Outcome<Vec<String>> {
    let requirements = suite.requirements(revision, Leg::Server)?;
    let report = scenarios(suite, leg, url, revision, &["--requirements", revision])?;
    let (line, mut failed) = report.judge(&title(leg, revision), &requirements.required);
    println!("{line}");

    let (ours, others): (Vec<_>, Vec<_>) =
        requirements.beside.iter().partition(|(name, _)| beyond.contains(&name.as_str()));
    for (name, _) in ours {
        let faults = report.faults(name);
        println!("  beyond: {name}: {}", verdict(&faults));
        beyond.retain(|open| open != name);
        failed.extend(faults.iter().map(|fault| format!("  {}, {name}: {fault}", title(leg, revision))));
    }
    for (name, reason) in others {
        println!("  not counted ({reason}): {name}: {}", verdict(&report.faults(name)));
    }
    Ok(failed)
}

pub(super) fn older(
    suite: &Suite,
    leg: &str,
    url: &str,
    revision: &str,
    count: usize,
) -> Outcome<Vec<String>> {
    let report = scenarios(suite, leg, url, revision, &["--suite", "all", "--spec-version", revision])?;
    let names: Vec<String> = report.names().map(str::to_owned).collect();
    let (line, mut failed) = report.judge(&title(leg, revision), &names);
    println!("{line}");
    if names.len() != count {
        failed.push(format!("  {}: {} scenarios ran instead of {count}", title(leg, revision), names.len()));
    }
    Ok(failed)
}

fn title(leg: &str, revision: &str) -> String {
    format!("conformance {leg} {revision}")
}

fn verdict(faults: &[String]) -> &'static str {
    if faults.is_empty() { "passed" } else { "not passed" }
}

/// Runs the scenarios that the arguments select. The results decide; the exit code of the suite is ignored.
fn scenarios(suite: &Suite, leg: &str, url: &str, revision: &str, select: &[&str]) -> Outcome<Report> {
    let folder = suite.folder(&format!("{}-{revision}", leg.replace(' ', "-")))?;
    let mut command = suite.command();
    command.args(["server", "--url", url, "-o"]).arg(&folder).args(select);
    process::run(&mut command, &folder.join("log.txt"), RUN)?;
    let mut all = Report::default();
    read_results(&folder, "server-", "", &mut all)?;
    Ok(all)
}

/// Starts the server and waits for the URL that it prints.
fn start(command: &mut Command) -> Outcome<(Running, String)> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut server = Running::start(command)?;
    let stdout = server.child.stdout.take().ok_or("the server has no stdout")?;
    let (sender, lines) = mpsc::channel();
    // Reads to the end, so that the server never blocks on a full pipe.
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let _only_the_first_counts = sender.send(line);
        }
    });
    let url = lines.recv_timeout(START).map_err(|_| "the server did not print its URL".to_owned())?;
    Ok((server, url))
}
