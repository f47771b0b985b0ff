//! FAULT F-A5: a project's config file does nothing before the user has allowed it.

use serde_json::{Value, json};

use crate::MCP;
use crate::servers::Project;

fn demo() -> Value {
    json!({"command": MCP, "args": ["serve-demo"]})
}

fn servers(entries: &Value) -> String {
    json!({ "mcpServers": entries }).to_string()
}

/// Without a terminal it is refused with the words to run; allowed once, it is used while it stays the same.
#[test]
fn a_projects_file_is_used_once_it_was_allowed_and_while_it_stays_the_same() {
    let marker = json!({"command": "touch", "args": ["ran"]});
    let project = Project::new().file(".mcp.json", &servers(&json!({"a": demo(), "x": marker})));
    for name in ["a", "x"] {
        let run = project.mcp_untrusted(&["ping", name, "--json"]);
        assert_eq!((run.code, run.error_code().as_str()), (Some(2), "config"), "{run:?}");
        let hint = run.error()["hint"].as_str().unwrap().to_owned();
        assert!(hint.contains(&format!("mcp --trust ping {name} --json")), "{hint}");
        assert!(run.error()["cause"].as_str().unwrap().contains("runs `"), "{run:?}");
    }
    assert!(!project.path().join("ran").exists());
    assert_eq!(project.mcp_untrusted(&["ping", "a", "--trust"]).code, Some(0));
    assert_eq!(project.mcp_untrusted(&["ping", "a"]).code, Some(0));
    let project = project.file(".mcp.json", &servers(&json!({"a": demo(), "b": demo()})));
    assert_eq!(project.mcp_untrusted(&["ping", "a"]).code, Some(2), "it has changed");
    let list = project.mcp_untrusted(&["config", "list", "--json"]).json();
    assert_eq!(list["servers"][0]["state"], "untrusted");
}

/// Consent belongs to the path too: a copy elsewhere needs it again.
#[cfg(unix)]
#[test]
fn consent_is_for_one_path_and_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let text = servers(&json!({"a": demo()}));
    let project = Project::new().file(".mcp.json", &text).file(".vscode/mcp.json", &text);
    assert_eq!(project.mcp_untrusted(&["ping", "a", "--trust"]).code, Some(0));
    std::fs::remove_file(project.path().join(".mcp.json")).unwrap();
    assert_eq!(project.mcp_untrusted(&["ping", "a"]).code, Some(2));
    let store = project.path().join("home/.local/state/mcp/trusted");
    assert_eq!(std::fs::metadata(store).unwrap().permissions().mode() & 0o777, 0o600);
}

/// The user's own file goes first, and needs no consent; nor does a file that is named.
#[test]
fn the_users_own_file_goes_first() {
    let project = Project::new()
        .file(".mcp.json", &servers(&json!({"a": {"command": "no-such-program"}})))
        .file("home/.config/mcp/mcp.json", &servers(&json!({"a": demo()})));
    assert_eq!(project.mcp_untrusted(&["ping", "a"]).code, Some(0));
    let named = project.file("other.json", &servers(&json!({"b": demo()})));
    assert_eq!(named.mcp_untrusted(&["ping", "b", "--config", "other.json"]).code, Some(0));
}

/// What looks like a host is a host: a project cannot put a program in its place. The user's own file can.
#[test]
fn a_host_is_never_a_server_of_a_project() {
    let file = servers(&json!({"localhost:1": demo()}));
    let project = Project::new().file(".mcp.json", &file);
    let run = project.mcp(&["ping", "localhost:1", "--json"]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(4), "unreachable"), "{run:?}");
    let own = Project::new().file("home/.config/mcp/mcp.json", &file);
    assert_eq!(own.mcp_untrusted(&["ping", "localhost:1"]).code, Some(0));
}

/// A variable does not leave by a file that was not allowed, not even by what `config` prints.
#[test]
fn variables_are_not_put_into_a_file_that_is_not_trusted() {
    let entry = json!({"url": "https://h.test/${WORD}", "headers": {"X": "${WORD}"}});
    let project = Project::new().file(".mcp.json", &servers(&json!({"r": entry})));
    for command in ["show r", "check", "list", "to-json r"] {
        let args: Vec<&str> = ["config"].into_iter().chain(command.split(' ')).collect();
        let run = project.mcp_untrusted(&args);
        assert!(!run.stdout.contains("from outside") && !run.stderr.contains("from outside"), "{run:?}");
    }
    let run = project.mcp(&["config", "show", "r"]);
    assert!(run.stdout.contains("from outside"), "{run:?}");
}

/// A project's file is found from its folders too, up to its root; what is above it or at home is not its.
#[test]
fn a_projects_file_is_found_from_below() {
    let text = servers(&json!({"a": demo()}));
    let project = Project::new().file("p/.mcp.json", &text).file("p/.git/HEAD", "").file("p/sub/deep/x", "");
    let run = project.mcp_in("p/sub/deep", &["--trust", "ping", "a"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let project = Project::new().file(".mcp.json", &text).file("p/.git/HEAD", "").file("home/x", "");
    for folder in ["p", "home"] {
        let run = project.mcp_in(folder, &["--trust", "ping", "a", "--json"]);
        assert_eq!((run.code, run.error_code().as_str()), (Some(2), "config"), "{folder}: {run:?}");
    }
}
