//! The suite against servers over stdio that `mcp bridge` puts behind HTTP: our fixture, in the era of the client and in the
//! other one, and the everything-server of the Python SDK. And against our client over stdio, with `mcp bridge URL` between.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;

use crate::Outcome;
use crate::process::Running;

use super::server::{OLDER, REVISIONS, START, STOP, older, required};
use super::suite::Suite;
use super::{client, everything, program};

/// Required here, but not by the suite. `server-sse-polling` is not: a server over stdio has no stream that it could close.
const REQUIRED_TOO: [&str; 4] = [
    "http-header-validation",
    "http-custom-header-server-validation",
    "server-session-lifecycle",
    "json-schema-2020-12",
];

/// Checks that a server of the other era cannot pass, by their ids, with the reason.
const NOT_IN_THE_OTHER_ERA: &[(&str, &str)] = &[
    ("sep-2322-elicitation-incomplete", "a legacy server's question has no key, so the bridge names it"),
    (
        "sep-2322-ignore-unexpected-params",
        "the answer is under the key of the scenario, not under that of the question",
    ),
    (
        "sep-2575-server-rejects-undeclared-capability",
        "a legacy server that knows what its client can do does not ask, and fails in its own words",
    ),
    ("sep-2575-missing-capability-http-400", "the same"),
];

/// Runs all revisions against a server that speaks both eras, then each against one that speaks the other era only.
pub(super) fn run(suite: &Suite) -> Outcome<Vec<String>> {
    let fixture = vec![program("conformance-server")?.into(), "--stdio".into()];
    let mut failed = Vec::new();
    let bridge = Bridge::start(&[], &fixture)?;
    let mut beyond = REQUIRED_TOO.to_vec();
    for revision in REVISIONS {
        failed.extend(required(suite, "bridge", &bridge.url, revision, &mut beyond)?);
    }
    failed.extend(beyond.iter().map(|name| format!("  conformance bridge: the suite has no {name}")));
    for (revision, count) in OLDER {
        failed.extend(older(suite, "bridge", &bridge.url, revision, count)?);
    }
    failed.extend(bridge.stop());
    for revision in REVISIONS {
        let era = if revision == "2026-07-28" { "legacy" } else { "modern" };
        let leg = format!("bridge to {era}");
        let bridge = Bridge::start(&["--era", era], &fixture)?;
        let faults = required(suite, &leg, &bridge.url, revision, &mut Vec::new())?;
        let expected = |fault: &String| NOT_IN_THE_OTHER_ERA.iter().any(|(name, _)| fault.contains(name));
        for (name, why) in NOT_IN_THE_OTHER_ERA {
            if faults.iter().any(|fault| fault.contains(name)) {
                println!("  cannot be said in the other era: {name}: {why}");
            }
        }
        failed.extend(faults.into_iter().filter(|fault| !expected(fault)));
        failed.extend(bridge.stop());
    }
    if let Some(everything) = everything::command()? {
        let bridge = Bridge::start(&[], &everything)?;
        for revision in REVISIONS {
            failed.extend(required(suite, "bridge to python", &bridge.url, revision, &mut Vec::new())?);
        }
        failed.extend(bridge.stop());
    }
    failed.extend(client::through_the_bridge(suite)?);
    Ok(failed)
}

/// `mcp bridge` with the fixture behind it.
struct Bridge {
    running: Running,
    url: String,
}

impl Bridge {
    fn start(options: &[&str], server: &[OsString]) -> Outcome<Bridge> {
        let mut command = Command::new(program("mcp")?);
        command.args(["bridge", "--listen", "127.0.0.1:0"]).args(options);
        command.arg("--").args(server);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut running = Running::start(&mut command)?;
        let stderr = running.child.stderr.take().ok_or("the bridge has no stderr")?;
        let (sender, lines) = mpsc::channel();
        // Reads to the end, so that the bridge never blocks on a full pipe.
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _only_the_first_counts = sender.send(line);
            }
        });
        let line = lines.recv_timeout(START).map_err(|_| "the bridge did not print its URL".to_owned())?;
        let url = line.strip_prefix("listening on ").ok_or_else(|| format!("the bridge said {line:?}"))?;
        // The name, because the suite also tests how the server treats the name in a request.
        Ok(Bridge { running, url: url.replace("127.0.0.1", "localhost") })
    }

    /// Ends it. A signal is what ends it, so its exit code is that of one.
    fn stop(self) -> Option<String> {
        self.running.stop(STOP).err().map(|why| format!("  the bridge: {why}"))
    }
}
