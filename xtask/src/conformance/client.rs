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
        failed.extend(modes(suite, &DIRECT, revision, &requirements.required, &too)?);
    }
    for (revision, names) in OLDER {
        failed.extend(modes(suite, &DIRECT, revision, &names.map(str::to_owned), &[])?);
    }
    Ok(failed)
}

/// How the client reaches the suite.
struct Way {
    /// The name of its runs in results.
    leg: &'static str,
    modes: &'static [&'static str],
    /// Over stdio, with `mcp bridge URL` between, which also logs in.
    bridged: bool,
}

const DIRECT: Way = Way { leg: "client", modes: &MODES, bridged: false };
const BRIDGED: Way = Way { leg: "client through the bridge", modes: &MODES, bridged: true };

/// Scenarios that cannot pass through the bridge, with the reason.
const NOT_THROUGH_THE_BRIDGE: &[(&str, &str)] = &[];

/// The scenarios of both revisions with the bridge between.
pub(super) fn through_the_bridge(suite: &Suite) -> Outcome<Vec<String>> {
    let mut failed = Vec::new();
    for revision in REVISIONS {
        let mut required = suite.requirements(revision, Leg::Client)?.required;
        for (name, why) in NOT_THROUGH_THE_BRIDGE {
            if required.iter().any(|known| known == name) {
                println!("  cannot be done through the bridge: {name}: {why}");
            }
        }
        required.retain(|name| NOT_THROUGH_THE_BRIDGE.iter().all(|(known, _)| known != name));
        failed.extend(modes(suite, &BRIDGED, revision, &required, &[])?);
    }
    Ok(failed)
}

fn modes(
    suite: &Suite,
    way: &Way,
    revision: &str,
    required: &[String],
    too: &[&str],
) -> Outcome<Vec<String>> {
    let title = format!("conformance {} {revision}", way.leg);
    let mut failed = Vec::new();
    for mode in way.modes {
        let mut report = Report::default();
        for name in required.iter().map(String::as_str).chain(too.iter().copied()) {
            scenario(suite, way, revision, mode, name, &mut report)?;
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
fn scenario(
    suite: &Suite,
    way: &Way,
    revision: &str,
    mode: &str,
    name: &str,
    report: &mut Report,
) -> Outcome {
    let client = program("conformance-client")?;
    let (bin, file) = client.parent().zip(client.file_name()).ok_or("the client is in no folder")?;
    let folder = suite.folder(&format!("{}-{revision}-{mode}-{name}", way.leg.replace(' ', "-")))?;
    let log = folder.join("log.txt");
    let mut command = suite.command();
    // The suite splits the command at spaces. A relative path has none.
    let own = format!("./{}", file.to_string_lossy());
    command.args(["client", "--command", &own, "--scenario", name, "--spec-version", revision, "-o"]);
    command.arg(&folder).current_dir(bin).env("MCP_FIXTURE_MODE", mode);
    if way.bridged {
        command.env("MCP_FIXTURE_BRIDGE", program("mcp")?);
    }
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
