//! The suite against our client. Each scenario runs twice: with the revision pinned, and with version negotiation.

use std::path::Path;
use std::time::Duration;

use crate::{Outcome, process};

use super::program;
use super::report::Report;
use super::suite::{Leg, Suite, read_results};

/// The revisions that the suite has requirements for.
const REVISIONS: [&str; 2] = ["2025-11-25", "2026-07-28"];
/// `pinned`: the client uses the revision of the scenario. `auto`: it negotiates one.
const MODES: [&str; 2] = ["pinned", "auto"];
/// Older revisions, for which the suite has scenarios and no requirements.
const OLDER: [(&str, [&str; 2]); 2] = [
    ("2025-06-18", ["initialize", "tools_call"]),
    ("2025-03-26", ["auth/2025-03-26-oauth-metadata-backcompat", "auth/2025-03-26-oauth-endpoint-fallback"]),
];
/// Required here, but not by the suite, which added it late.
const REQUIRED_TOO: &str = "json-schema-2020-12-preservation";

const RUN: Duration = Duration::from_secs(60);

/// Runs all revisions in both modes, and returns what failed.
pub(super) fn run(suite: &Suite) -> Outcome<Vec<String>> {
    let mut failed = Vec::new();
    for revision in REVISIONS {
        let requirements = suite.requirements(revision, Leg::Client)?;
        // The extensions of OAuth are not scored, and required here.
        let extensions =
            requirements.beside.iter().map(|(name, _)| name.as_str()).filter(|name| is_oauth(name));
        let too: Vec<&str> = [REQUIRED_TOO].into_iter().chain(extensions).collect();
        failed.extend(both_modes(suite, revision, &requirements.required, &too)?);
    }
    for (revision, names) in OLDER {
        failed.extend(both_modes(suite, revision, &names.map(str::to_owned), &[])?);
    }
    Ok(failed)
}

fn both_modes(suite: &Suite, revision: &str, required: &[String], too: &[&str]) -> Outcome<Vec<String>> {
    let title = format!("conformance client {revision}");
    let mut failed = Vec::new();
    for mode in MODES {
        let mut report = Report::default();
        for name in required.iter().map(String::as_str).chain(too.iter().copied()) {
            scenario(suite, revision, mode, name, &mut report)?;
        }
        let (line, faults) = report.judge(&title, required);
        println!("{line} ({mode})");
        failed.extend(faults.iter().map(|fault| format!("{fault} ({mode})")));
        for name in too {
            let faults = report.faults(name);
            println!("  beyond: {name}: {}", if faults.is_empty() { "passed" } else { "not passed" });
            failed.extend(faults.iter().map(|fault| format!("  {title}, {name}: {fault} ({mode})")));
        }
    }
    Ok(failed)
}

fn is_oauth(scenario: &str) -> bool {
    scenario.starts_with("auth/")
}

/// Runs one scenario alone, so that the exit code of the client and its time limit count for that scenario.
fn scenario(suite: &Suite, revision: &str, mode: &str, name: &str, report: &mut Report) -> Outcome {
    let client = program("conformance-client")?;
    let (bin, file) = client.parent().zip(client.file_name()).ok_or("the client is in no folder")?;
    let folder = suite.folder(&format!("client-{revision}-{mode}-{name}"))?;
    let log = folder.join("log.txt");
    let mut command = suite.command();
    // The suite splits the command at spaces. A relative path has none.
    let own = format!("./{}", file.to_string_lossy());
    command.args(["client", "--command", &own, "--scenario", name, "--spec-version", revision, "-o"]);
    command.arg(&folder).current_dir(bin).env("MCP_FIXTURE_MODE", mode);
    // The suite skips extensions otherwise: they belong to no revision.
    command.arg("--force");
    let status = process::run(&mut command, &log, RUN);
    // The suite makes a folder for the group in the name of a scenario, such as `auth/`.
    let group = name.rfind('/').map_or("", |end| &name[..=end]);
    let folder = folder.join(group);
    if folder.is_dir() {
        read_results(&folder, "", group, report)?;
    }
    match status {
        Ok(status) if status.success() => {}
        // The suite fails if a check failed, or if the client did. In the latter case the client printed a reason.
        Ok(status) => match stderr(&folder) {
            Some(said) => report.add_failure(name, &format!("the client failed: {said}")),
            None if report.faults(name).is_empty() => {
                report.add_failure(name, &format!("the suite ended with {status}; see {}", log.display()));
            }
            None => {}
        },
        Err(why) => report.add_failure(name, &why),
    }
    Ok(())
}

/// The last line that the client printed to stderr, as recorded by the suite.
fn stderr(folder: &Path) -> Option<String> {
    let mut texts = std::fs::read_dir(folder).ok()?.filter_map(|entry| {
        let text = std::fs::read_to_string(entry.ok()?.path().join("stderr.txt")).ok()?;
        text.lines().last().map(str::to_owned)
    });
    texts.next()
}
