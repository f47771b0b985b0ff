//! `listen`: a JSON line for each event, over the death of the server, until it is interrupted.

use std::io::{BufRead, BufReader};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::scripted::{script, scripted};
use crate::{MCP, command, demo_server, finish};

/// Reports one change for each subscription, and dies.
const CHANGES: &str = r#"
    *'"resources/subscribe"'*) answer '{}'
      printf '{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"x:y","n":1.50}}\n'
      exit 0 ;;
"#;

/// SUB-C-004: a server that died is started again, and the gap is reported.
#[test]
fn a_subscription_outlives_its_server() {
    let run = scripted(&["listen", "--uri", "x:y", "-n", "2"], CHANGES);
    assert_eq!(run.code, Some(0), "{run:?}");
    let events: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["started", "changed", "lost", "started", "changed"], "{run:?}");
    assert_eq!(events[0]["honoured"]["resourceSubscriptions"][0], "x:y");
    assert_eq!(events[1]["method"], "notifications/resources/updated");
    assert_eq!(events[3]["gap"], true);
    // A number goes through digit by digit.
    assert!(run.stdout.contains("1.50"), "{run:?}");
}

/// Without options it listens to all lists. Ctrl-C ends it with 130.
#[test]
fn it_goes_on_until_it_is_interrupted() {
    for era in ["modern", "legacy"] {
        let mut child = command(&["listen", "--era", era, "--", MCP, "serve-demo"]).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let event: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            (event["event"].as_str(), &event["honoured"]["resourcesListChanged"]),
            (Some("started"), &Value::Bool(true))
        );
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        assert_eq!(finish(child).code, Some(130));
    }
}

/// FAULT C-19: a closed stdout is not an error, and ends an endless command.
#[test]
fn a_closed_stdout_is_a_quiet_success() {
    let args = ["listen", "--uri", "x:y", "--era", "legacy", "--", "sh", "-c", &script(CHANGES)];
    let mut child = command(&args).spawn().unwrap();
    drop(child.stdout.take());
    let run = finish(child);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
}

#[test]
fn what_cannot_be_listened_to_has_its_exit_code() {
    let run = demo_server(&["listen", "-n", "0", "--json"], &[]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(2), "usage"));
    let run = crate::mcp(&["listen", "--json", "--", "/nowhere/server"]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(4), "spawn_failed"), "{run:?}");
}

/// FAULT F-C8: where nothing can be heard, the warning says of what.
#[test]
fn a_subscription_that_hears_nothing_is_warned_of() {
    let run = scripted(
        &["listen", "--tools", "--uri", "x:y", "-n", "1"],
        r#"
    *'"resources/subscribe"'*) answer '{}'
      printf '{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"x:y"}}\n' ;;
"#,
    );
    assert_eq!(run.code, Some(0), "{run:?}");
    // Its capabilities have no `listChanged` of tools.
    let warning = "mcp: warning: the server does not report changes of the tools\n";
    assert_eq!(run.stderr, warning, "{run:?}");
    assert!(
        run.stdout.contains(r#""toolsListChanged":false"#) || !run.stdout.contains("toolsListChanged"),
        "{run:?}"
    );
}
