//! Servers named by config files: how they are found, expanded and started.

use std::path::Path;

use serde_json::{Value, json};

use crate::{MCP, Run, command, finish};

/// A directory with config files in it, to run the program in.
pub(crate) struct Project(tempfile::TempDir);

impl Project {
    pub(crate) fn new() -> Project {
        Project(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file, folders included.
    pub(crate) fn file(self, name: &str, text: &str) -> Project {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    /// Runs the program here, with its own home directory, as a user who trusts the files.
    pub(crate) fn mcp(&self, args: &[&str]) -> Run {
        self.mcp_with_env(args, &[])
    }

    /// The same with these variables.
    pub(crate) fn mcp_with_env(&self, args: &[&str], env: &[(&str, &str)]) -> Run {
        self.run(&[&["--trust"], args].concat(), env)
    }

    /// Runs the program here as a user who has not seen the files yet.
    pub(crate) fn mcp_untrusted(&self, args: &[&str]) -> Run {
        self.run(args, &[])
    }

    /// The same in a folder below.
    pub(crate) fn mcp_in(&self, folder: &str, args: &[&str]) -> Run {
        self.run_in(&self.path().join(folder), args, &[])
    }

    fn run(&self, args: &[&str], env: &[(&str, &str)]) -> Run {
        self.run_in(self.path(), args, env)
    }

    fn run_in(&self, folder: &Path, args: &[&str], env: &[(&str, &str)]) -> Run {
        let mut command = command(args);
        command.envs(env.iter().copied());
        command.current_dir(folder).env("HOME", self.path().join("home")).env("WORD", "from outside");
        for name in ["XDG_CONFIG_HOME", "XDG_STATE_HOME", "NOT_SET"] {
            command.env_remove(name);
        }
        finish(command.spawn().unwrap())
    }
}

fn demo() -> Value {
    json!({"command": MCP, "args": ["serve-demo"]})
}

/// Claude's form, VS Code's form, and our own file; the first that has the name wins.
#[test]
fn servers_are_found_in_the_usual_files() {
    let project = Project::new()
        .file(".mcp.json", &json!({"mcpServers": {"a": demo(), "bad": {"command": 7}}}).to_string())
        .file(
            ".vscode/mcp.json",
            &format!("{{ // VS Code\n\"servers\": {{\"b\": {}, \"a\": {{}},}} }}", demo()),
        )
        .file("home/.config/mcp/mcp.json", &json!({"mcpServers": {"c": demo()}}).to_string());
    for name in ["a", "b", "c"] {
        let run = project.mcp(&["call", name, "echo", "text=hi"]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(0), "hi\n"), "{run:?}");
    }
    for command in ["info", "tools", "resources", "templates", "prompts", "ping"] {
        assert!(project.mcp(&[command, "a", "--json"]).json().is_object(), "{command}");
    }
    let rows: &[&[&str]] = &[
        &["tool", "a", "add"],
        &["read", "a", "demo://readme"],
        &["prompt", "a", "greet", "city=x"],
        &["complete", "a", "city=", "--prompt", "greet"],
        &["request", "a", "tools/list"],
    ];
    for args in rows {
        let run = project.mcp(&[*args, &["--json"]].concat());
        assert!(run.code == Some(0) && run.json().is_object(), "{args:?}: {run:?}");
    }
}

/// `--config` names the only file.
#[test]
fn one_file_can_be_named() {
    let project = Project::new()
        .file(".mcp.json", &json!({"mcpServers": {"a": demo()}}).to_string())
        .file("other.json", &json!({"mcpServers": {"b": demo()}}).to_string());
    assert_eq!(project.mcp(&["ping", "b", "--config", "other.json", "--json"]).code, Some(0));
    let run = project.mcp(&["ping", "a", "--config", "other.json", "--json"]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(2), "config"));
    assert!(run.error()["hint"].as_str().unwrap().contains('b'), "{run:?}");
    let run = project.mcp(&["ping", "a", "--config", "nowhere.json", "--json"]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(2), "config"));
    assert!(run.error()["cause"].as_str().unwrap().contains("nowhere.json"), "{run:?}");
}

/// Variables, defaults, the workspace, an env file; the command line goes before the file.
#[cfg(unix)]
#[test]
fn entries_are_expanded() {
    let script = "echo \"seen: $A|$B|$C|$D|$E|$0|$PWD\" >&2; exit 3";
    let entry = json!({"command": "sh", "args": ["-c", script, "${WORD}"], "envFile": ".env", "cwd": "${workspaceFolder}/sub",
        "env": {"A": "${env:WORD}", "B": "${NOT_SET:-default}", "C": 3, "E": "entry"}});
    let project = Project::new()
        .file(".vscode/mcp.json", &json!({"servers": {"x": entry}}).to_string())
        .file(".env", "D='from a file'\nE=file\n")
        .file("sub/keep", "");
    let seen = |args: &[&str]| {
        let run = project.mcp(args);
        assert_eq!(run.code, Some(4), "{run:?}");
        run.error()["process"]["stderr"].as_str().unwrap().trim().to_owned()
    };
    let here = std::fs::canonicalize(project.path()).unwrap();
    let wanted =
        format!("seen: from outside|default|3|from a file|entry|from outside|{}/sub", here.display());
    assert_eq!(seen(&["info", "x", "--json"]), wanted);
    assert!(seen(&["info", "x", "--json", "-e", "A=option", "--cwd", "/"]).starts_with("seen: option|"));
}

/// Each reason why an entry cannot be used is a config error, and exit code 2.
#[test]
fn an_entry_that_cannot_be_used_says_why() {
    let entries = json!({
        "variable": {"command": MCP, "args": ["${NOT_SET}"]},
        "input": {"command": MCP, "env": {"K": "${input:key}"}},
        "other": {"command": MCP, "env": {"K": "${input:none}"}},
        "file": {"command": MCP, "envFile": "none.env"},
        "off": {"command": MCP, "disabled": true},
        "out": {"command": MCP, "enabled": false},
        "remote": {"type": "http", "url": "https://u:hunter2@h.test/mcp?key=hunter2"},
        "bad": {"args": []},
        "good": demo(),
    });
    let inputs = json!([{"id": "key", "type": "promptString", "password": true}]);
    let project =
        Project::new().file(".mcp.json", &json!({"mcpServers": entries, "inputs": inputs}).to_string());
    let rows = [
        ("variable", "NOT_SET"),
        ("input", "\"key\""),
        ("other", "\"none\""),
        ("file", "none.env"),
        ("off", "switched off"),
        ("out", "switched off"),
        ("remote", "user info in the URL"),
        ("bad", "neither"),
        ("nothing", "nothing"),
    ];
    for (name, reason) in rows {
        let run = project.mcp(&["tools", name, "--json"]);
        assert_eq!((run.code, run.error_code().as_str()), (Some(2), "config"), "{run:?}");
        assert!(run.error().to_string().replace('\\', "").contains(reason), "{reason}: {run:?}");
        assert!(!run.stderr.contains("hunter2"), "{run:?}");
    }
    assert_eq!(project.mcp(&["tools", "good", "--json"]).code, Some(0));
}

/// The entry's `timeout` bounds each request, and the error names it; `--timeout` goes before it.
#[test]
fn the_timeout_of_an_entry_counts() {
    let mut entry = demo();
    entry["timeout"] = json!(100);
    let text = json!({"mcpServers": {"x": entry}}).to_string();
    let project = Project::new().file("own.json", &text);
    let slow = ["call", "x", "slow", "steps=1", "delay_ms=400", "--config", "own.json", "--json"];
    let run = project.mcp(&slow);
    assert_eq!((run.code, run.error_code().as_str()), (Some(4), "timeout"), "{run:?}");
    let hint = run.error()["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains("`timeout` of the server \"x\" of own.json: 100ms"), "{hint}");
    assert_eq!(project.mcp(&[&slow[..], &["--timeout", "60s"]].concat()).code, Some(0));
    let check = project.mcp(&["config", "check", "--config", "own.json", "--json"]).json();
    assert!(check["servers"][0]["warnings"].to_string().contains("milliseconds"), "{check}");
}

/// FAULT F-C5: in the files of programs that write seconds, a small number is seconds.
#[test]
fn a_timeout_is_read_in_the_unit_of_its_file() {
    let mut entry = demo();
    entry["timeout"] = json!(600);
    let text = json!({"mcpServers": {"x": entry}}).to_string();
    for name in [".mcp.json", "cline_mcp_settings.json"] {
        let project = Project::new().file(name, &text);
        let run = project.mcp(&["call", "x", "slow", "steps=1", "delay_ms=1200", "--config", name, "--json"]);
        assert_eq!(run.code, Some(0), "{name}: {run:?}");
        let shown = project.mcp(&["config", "show", "x", "--config", name, "--json"]).json();
        assert_eq!(shown["timeout"], 600_000, "{name}");
        let check = project.mcp(&["config", "check", "--config", name]);
        assert!(check.stdout.contains("taken as seconds"), "{check:?}");
        // An hour is the most that those programs allow, so more is milliseconds.
        for (written, read) in [(1800, 1_800_000), (3600, 3_600_000), (30_000, 30_000)] {
            let project = Project::new().file(name, &text.replace("600", &written.to_string()));
            let shown = project.mcp(&["config", "show", "x", "--config", name, "--json"]).json();
            assert_eq!(shown["timeout"], read, "{name}");
        }
    }
}

/// FAULT F-C16: errors name the file, the server, and where was looked; an input's default needs no terminal.
#[test]
fn errors_name_what_was_read() {
    let entries = json!({
        "plain": {"url": "http://h.test/mcp", "headers": {"X": "1"}},
        "input": {"command": MCP, "args": ["serve-demo", "${input:none}"]},
        "default": {"command": MCP, "args": ["${input:word}"]},
    });
    let inputs = json!([{"id": "word", "type": "promptString", "default": "serve-demo"}, {"id": "none", "type": "promptString"}]);
    let text = json!({"servers": entries, "inputs": inputs}).to_string();
    let project = Project::new().file("some.json", &text).file("none.json", r#"{"mcpServers": {}}"#);
    let run = project.mcp(&["ping", "plain", "--config", "some.json", "--json"]);
    assert!(
        run.error()["message"].as_str().unwrap().contains("the server \"plain\" of some.json"),
        "{run:?}"
    );
    assert_eq!(project.mcp(&["ping", "default", "--config", "some.json"]).code, Some(0));
    assert_eq!(project.mcp(&["ping", "input", "--config", "some.json"]).code, Some(2));
    let run = project.mcp(&["ping", "x", "--config", "none.json", "--json"]);
    assert!(run.error()["cause"].as_str().unwrap().ends_with("there are no servers in none.json"), "{run:?}");
    // FAULT F-A11: what is not a file is refused at once, by its name.
    let run = project.mcp(&["ping", "x", "--config", "/dev/zero", "--json"]);
    assert!(run.error()["cause"].as_str().unwrap().contains("/dev/zero: is not a regular file"), "{run:?}");
}
