//! `config list|check|show|import|to-json`: reports that scripts can read, and never a secret.

use serde_json::{Value, json};

use crate::servers::Project;
use crate::{MCP, mcp};

fn project() -> Project {
    let entries = json!({
        "good": {"command": MCP, "args": ["serve-demo", "--token", "hunter2"], "env": {"LOG": "hunter2", "T": "${WORD}"}},
        "remote": {"url": "https://h.test/mcp?key=hunter2", "headers": {"X": "hunter2"}},
        "off": {"command": "no-such-program", "disabled": true, "strange": 1},
    });
    Project::new().file(".mcp.json", &json!({"mcpServers": entries}).to_string())
}

fn broken() -> Project {
    let bad = json!({"servers": {"good": {"command": 7}, "unset": {"command": MCP, "args": ["${NOT_SET}"]}}});
    project().file(".vscode/mcp.json", &bad.to_string())
}

#[test]
fn every_server_is_listed_with_its_state() {
    let project = broken().file("home/.config/mcp/mcp.json", "{ nonsense");
    let list = project.mcp(&["config", "list", "--json"]).json();
    let rows: Vec<(&str, &str)> = (list["servers"].as_array().unwrap().iter())
        .map(|server| (server["name"].as_str().unwrap(), server["state"].as_str().unwrap()))
        .collect();
    let wanted = [("good", "ok"), ("off", "off"), ("remote", "ok"), ("good", "hidden"), ("unset", "ok")];
    let mut sorted = (rows.clone(), wanted.to_vec());
    sorted.0.sort_unstable();
    sorted.1.sort_unstable();
    assert_eq!(sorted.0, sorted.1);
    let run = project.mcp(&["config", "list"]);
    assert!(run.code == Some(0) && run.stderr.contains("not JSON"), "{run:?}");
    assert_eq!(project.mcp(&["config", "list", "--jsonl"]).stdout.lines().count(), 5);
    assert_eq!(Project::new().mcp(&["config", "list"]).stdout, "no servers\n");
}

/// 0 where all can be used, 2 otherwise; the report is whole in both cases.
#[test]
fn a_check_tells_every_problem() {
    let run = project().mcp(&["config", "check", "--json"]);
    assert_eq!(
        (run.code, run.json()["ok"].as_bool(), run.stderr.as_str()),
        (Some(0), Some(true), ""),
        "{run:?}"
    );
    let off = run.json()["servers"].as_array().unwrap().iter().find(|s| s["name"] == "off").unwrap().clone();
    assert!(
        off["warnings"].to_string().contains("strange")
            && off["warnings"].to_string().contains("no-such-program")
    );
    let run = broken().mcp(&["config", "check", "--json"]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(2), "config"), "{run:?}");
    assert_eq!(run.json()["ok"], false);
    assert!(run.stdout.contains("`command` has to be a string") && run.stdout.contains("NOT_SET"), "{run:?}");
    let run = broken().mcp(&["config", "check"]);
    assert!(run.code == Some(2) && run.stdout.contains("  bad unset\n"), "{run:?}");
    let run = project().file("x.json", "[]").mcp(&["config", "check", "--config", "x.json", "--json"]);
    assert_eq!((run.code, run.json()["files"][0]["ok"].as_bool()), (Some(2), Some(false)));
}

/// FAULTS B: whatever is printed of a file, no secret is in it.
#[test]
fn no_secret_is_printed() {
    let rows: &[&[&str]] = &[
        &["config", "list"],
        &["config", "list", "--json"],
        &["config", "check", "--json"],
        &["config", "show", "good"],
        &["config", "show", "remote", "--json"],
        &["config", "to-json", "good"],
        &["config", "to-json", "remote", "--form", "vscode"],
    ];
    for args in rows {
        let mut entry = project();
        if args[1] == "to-json" {
            // What is no secret by its name is needed there.
            let text = std::fs::read_to_string(entry.path().join(".mcp.json")).unwrap();
            entry = entry.file(".mcp.json", &text.replace("\"LOG\":\"hunter2\"", "\"API_KEY\":\"hunter2\""));
        }
        let run = entry.mcp(args);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(!run.stdout.contains("hunter2") && !run.stderr.contains("hunter2"), "{args:?}: {run:?}");
    }
}

#[test]
fn an_entry_is_shown_expanded() {
    let shown = project().mcp(&["config", "show", "good", "--json"]).json();
    assert_eq!((shown["type"].as_str(), shown["command"].as_str()), (Some("stdio"), Some(MCP)));
    assert_eq!(shown["args"], json!(["serve-demo", "--token", "<redacted>"]));
    assert_eq!(shown["env"], json!({"LOG": "<redacted>", "T": "<redacted>"}));
    for name in ["unset", "nothing"] {
        let run = broken().mcp(&["config", "show", name, "--json"]);
        assert_eq!((run.code, run.error_code().as_str()), (Some(2), "config"), "{run:?}");
    }
}

/// Entries are copied as they are, with the inputs they need; a bad one is left out, an old one stays.
#[test]
fn servers_are_imported_into_our_file() {
    let theirs = json!({
        "servers": {"new": {"command": MCP, "args": ["serve-demo"], "odd": 1.50}, "bad": 7, "old": {"command": "theirs"}},
        "inputs": [{"id": "k", "type": "promptString"}]
    });
    let ours = json!({"mcpServers": {"old": {"command": "ours"}}, "else": 1});
    let project = Project::new()
        .file("theirs.json", &theirs.to_string())
        .file("home/.config/mcp/mcp.json", &ours.to_string());
    let read = || -> Value {
        serde_json::from_str(
            &std::fs::read_to_string(project.path().join("home/.config/mcp/mcp.json")).unwrap(),
        )
        .unwrap()
    };
    let run = project.mcp(&["config", "import", "theirs.json", "--dry-run", "--json"]);
    assert_eq!((run.json()["imported"].clone(), read()), (json!(["new"]), ours), "{run:?}");
    let run = project.mcp(&["config", "import", "theirs.json", "--json"]);
    assert_eq!((run.code, run.json()["skipped"].as_array().map(Vec::len)), (Some(0), Some(2)), "{run:?}");
    assert_eq!(read()["mcpServers"]["old"]["command"], "ours");
    assert_eq!((&read()["else"], &read()["inputs"][0]["id"]), (&json!(1), &json!("k")));
    assert_eq!(project.mcp(&["call", "new", "echo", "text=x"]).stdout, "x\n");
    assert_eq!(project.mcp(&["config", "import", "theirs.json", "--force", "-q"]).code, Some(0));
    assert_eq!(read()["mcpServers"]["old"]["command"], "theirs");
}

#[test]
fn an_import_that_cannot_be_is_refused() {
    let project = project().file("commented.json", "{ // mine\n}").file("bad.json", "nonsense");
    for args in [
        &["config", "import", "nowhere.json", "--json"][..],
        &["config", "import", "bad.json", "--json"],
        &["config", "import", ".mcp.json", "--config", "commented.json", "--json"],
        &["config", "import", ".mcp.json", "--config", "bad.json", "--json"],
    ] {
        let run = project.mcp(args);
        assert_eq!((run.code, run.error_code().as_str()), (Some(2), "config"), "{args:?}: {run:?}");
    }
}

/// Only the owner can read what may hold secrets.
#[cfg(unix)]
#[test]
fn an_imported_file_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let project = project();
    assert_eq!(project.mcp(&["config", "import", ".mcp.json", "-q"]).code, Some(0));
    let file = project.path().join("home/.config/mcp/mcp.json");
    assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn an_entry_is_written_for_other_programs() {
    let options = ["-e", "API_KEY=hunter2", "-e", "LEVEL=debug", "--pass-env", "HOME", "--json"];
    let server = ["--", "npx", "-y", "@x/server-git"];
    let run = mcp(&[&["config", "to-json"], &options[..], &server].concat());
    let wanted = json!({"mcpServers": {"server-git": {"command": "npx", "args": ["-y", "@x/server-git"],
        "env": {"HOME": "${HOME}", "API_KEY": "${API_KEY}", "LEVEL": "debug"}}}});
    assert_eq!(run.json(), wanted);
    let run =
        mcp(&[&["config", "to-json", "--form", "vscode", "--name", "git"], &options[..], &server].concat());
    assert_eq!(run.json()["servers"]["git"]["type"], "stdio");
    assert_eq!(run.json()["servers"]["git"]["env"]["API_KEY"], "${env:API_KEY}");
    let run = mcp(&["config", "to-json", "--json"]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(2), "usage"));
    let run = Project::new().mcp(&["config", "to-json", "nothing", "--json"]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(2), "config"));
}

/// FAULT F-C21: an entry is added and removed by a command; what was there stays.
#[test]
fn entries_are_added_and_removed() {
    let project = Project::new();
    let read = || -> Value {
        let text = std::fs::read_to_string(project.path().join("home/.config/mcp/mcp.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let run = project.mcp(&["config", "add", "demo", "-e", "API_KEY=hunter2", "--", MCP, "serve-demo"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let wanted = json!({"command": MCP, "args": ["serve-demo"], "env": {"API_KEY": "${API_KEY}"}});
    assert_eq!(read()["mcpServers"]["demo"], wanted);
    let web = ["config", "add", "web", "h.test/mcp", "--bearer-env", "TOKEN", "--json"];
    let run = project.mcp_with_env(&web, &[("TOKEN", "hunter2")]);
    assert_eq!(run.json()["name"], "web");
    assert_eq!(read()["mcpServers"]["web"]["headers"]["Authorization"], "Bearer ${TOKEN}");
    for args in [&["config", "add", "web", "h.test", "--json"][..], &["config", "remove", "none", "--json"]] {
        let run = project.mcp(args);
        assert_eq!((run.code, run.error_code().as_str()), (Some(2), "config"), "{run:?}");
    }
    assert_eq!(project.mcp(&["config", "add", "web", "other.test", "--force", "-q"]).code, Some(0));
    assert_eq!(read()["mcpServers"]["web"]["url"], "https://other.test/");
    assert_eq!(project.mcp(&["config", "remove", "web"]).code, Some(0));
    assert_eq!(read()["mcpServers"].as_object().unwrap().len(), 1);
    for args in
        [&["config", "add", "x", "--json"][..], &["config", "add", "x", "h.test", "--json", "--", "y"]]
    {
        assert_eq!(project.mcp(args).error_code(), "usage");
    }
}
