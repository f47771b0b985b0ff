//! How children are started, and what they see.

use std::collections::BTreeSet;

use mcp_core::transport::{Connect, ConnectError};
use mcp_stdio::{ChildCommand, StderrMode, StdioError};

use crate::common::{link, patient_sh, request, sh};

/// Reads the stderr lines of a child until it has ended.
async fn stderr_of(command: ChildCommand) -> Vec<String> {
    let mut lines = command.stderr_lines();
    let mut child = link(command.spawn().unwrap());
    drop(command);
    assert!(child.recv().await.is_none());
    child.close().await;
    let mut all = Vec::new();
    while let Some(line) = lines.next().await {
        all.push(line.to_string());
    }
    all
}

/// FAULT A-B30, STDIO-B-013: a short list, what is named, what is set; nothing else of ours.
#[tokio::test]
async fn a_child_sees_little_of_our_environment() {
    let ours = "CARGO_MANIFEST_DIR";
    assert!(std::env::vars_os().any(|(name, _)| name == ours), "run by cargo");
    let names = async |command: ChildCommand| -> BTreeSet<String> {
        let lines = stderr_of(command).await;
        lines.iter().filter_map(|line| Some(line.split_once('=')?.0.to_owned())).collect()
    };
    let command = || sh("env >&2").env("LANG", "C");
    let seen = names(command()).await;
    let allowed =
        ["HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"];
    let by_the_shell = ["PWD", "OLDPWD", "SHLVL", "_"];
    for name in &seen {
        let upper = name.to_uppercase();
        let network = upper.ends_with("_PROXY") || upper.contains("_CERT") || upper.contains("CA_BUNDLE");
        let known = allowed.contains(&name.as_str()) || by_the_shell.contains(&name.as_str());
        assert!(network || known, "{name}");
    }
    assert!(seen.contains("LANG") && seen.contains("PATH"));
    assert!(names(command().pass_env(ours)).await.contains(ours));
}

/// Arguments arrive as they are: no shell reads them.
#[tokio::test]
async fn arguments_arrive_verbatim() {
    let args = ["; exit 1", "$(id) `id`", "a \"b\" 'c'", "*", "", "--flag", "\\n é"];
    let command = ChildCommand::new("sh").args(["-c", "printf '%s\\n' \"$@\" >&2", "name"]).args(args);
    assert_eq!(stderr_of(command).await, args);
}

#[tokio::test]
async fn a_child_starts_in_the_directory_that_was_given() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().canonicalize().unwrap();
    assert_eq!(stderr_of(sh("pwd -P >&2").cwd(&path)).await, [path.to_str().unwrap()]);
}

/// FAULT C-21: an immediate typed error that names the path.
#[tokio::test]
async fn a_program_that_cannot_be_started_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let plain = directory.path().join("plain");
    std::fs::write(&plain, "no program").unwrap();
    let missing = directory.path().join("missing");
    let cases = [
        (ChildCommand::new("no-such-program-anywhere"), "no-such-program-anywhere".to_owned()),
        (ChildCommand::new(&missing), missing.display().to_string()),
        (ChildCommand::new(&plain), plain.display().to_string()),
        (ChildCommand::new(directory.path()), directory.path().display().to_string()),
        (ChildCommand::new("cat").cwd(&missing), missing.display().to_string()),
        (ChildCommand::new("cat").cwd(&plain), plain.display().to_string()),
        (ChildCommand::new("nul\0byte"), "nul\0byte".to_owned()),
    ];
    for (mut command, named) in cases {
        match command.connect().await {
            Err(ConnectError::Unusable(error)) => {
                assert!(error.to_string().contains(&named), "{error}");
                assert!(error.get_ref().downcast_ref::<StdioError>().is_some());
            }
            Err(other) => panic!("{named}: {other:?}"),
            Ok(_) => panic!("{named} was started"),
        }
    }
    let cwd = ChildCommand::new("cat").cwd(&missing).spawn();
    assert!(matches!(cwd, Err(StdioError::Cwd { cwd, .. }) if cwd == missing));
}

/// FAULT A-B30: neither arguments nor values in Debug, nor in an error.
#[tokio::test]
async fn secrets_are_not_shown() {
    let command = ChildCommand::new("/no/such").arg("--key=canary").env("KEY", "canary");
    let shown = format!("{command:?} {0} {0:?}", command.spawn().err().unwrap());
    assert!(!shown.contains("canary"), "{shown}");
    assert!(shown.contains("KEY") && shown.contains("/no/such"));
}

/// STDIO-C-012, FAULT C-1: the same command starts a new child after the first has ended.
#[tokio::test]
async fn a_command_can_be_connected_again() {
    let mut command = sh("read line; exit 1");
    for _ in 0..3 {
        let (sender, receiver) = command.connect().await.unwrap().split();
        let mut child = crate::common::Link { sender, receiver };
        child.send(request(1, "x")).await;
        assert!(child.recv().await.is_none());
        assert_eq!(child.close().await.exit, Some(1));
    }
}

/// FAULT C-22: the link is there before the program is ready; what is sent meanwhile is read later.
#[tokio::test]
async fn a_slow_start_is_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let gate = directory.path().join("gate");
    assert!(std::process::Command::new("mkfifo").arg(&gate).status().unwrap().success());
    let mut child = link(sh("read go <\"$GATE\"; exec cat").env("GATE", &gate).spawn().unwrap());
    child.send(request(1, "x")).await;
    tokio::task::spawn_blocking(move || std::fs::write(gate, "go\n")).await.unwrap().unwrap();
    assert_eq!(child.message().await, request(1, "x"));
}

/// STDIO-B-004, STDIO-C-005, FAULT C-11, A-B11: 100 MiB of stderr stall nothing and are not an error.
#[tokio::test]
async fn a_flood_of_stderr_does_not_stall_the_link() {
    for mode in [StderrMode::Capture, StderrMode::Null] {
        let script = "head -c 104857600 /dev/zero >&2; echo end >&2; exec cat";
        let mut child = link(patient_sh(script).stderr(mode).spawn().unwrap());
        child.echo(1, "x").await;
        let closed = child.close().await;
        assert_eq!(closed.exit, Some(0));
        let tail = closed.stderr_tail.unwrap_or_default();
        assert_eq!(tail.ends_with("end\n"), mode == StderrMode::Capture);
        assert!(tail.len() <= 4096);
    }
}
