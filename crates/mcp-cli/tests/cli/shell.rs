//! `shell` with its lines from a pipe.

use crate::{MCP, mcp_with_input};

fn shell(options: &[&str], lines: &str) -> crate::Run {
    mcp_with_input(&[&["shell"], options, &["--", MCP, "serve-demo"]].concat(), lines)
}

/// All of it in one session: what one line added, another one lists.
#[test]
fn every_command_runs_in_one_session() {
    let lines = "# a comment\n\ncall touch\nresources --grep note --json\nread demo://note/1\n\
                 tools --grep 'two' \ncall add a=2 b=3\nprompt greet city='Los Angeles'\n\
                 complete --prompt greet city=lo\ntool add --json\nrequest tools/call '{\"name\":\"touch\"}' --json\n\
                 call ask --input 'name={\"name\":\"Bo\"}'\nping --json\ntemplates\nprompts\ninfo\nexit\nnonsense\n";
    for era in ["modern", "legacy"] {
        let run = shell(&["--era", era], lines);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
        for shown in [
            "added demo://note/1\n",
            "\"uri\":\"demo://note/1\"",
            "touch` left",
            "\n5\n",
            "from Los Angeles",
            "London\n",
            "\"inputSchema\"",
            "added demo://note/2",
            "Hello, Bo!",
            "times_ms",
            "demo://{+path}",
            "greet(city)",
            "server   mcp-demo",
        ] {
            assert!(run.stdout.contains(shown), "{shown}: {run:?}");
        }
    }
}

/// As in a script, the first failure ends it with its exit code.
#[test]
fn the_first_failure_ends_it() {
    let rows = [
        ("nonsense", 2, "usage"),
        ("call 'x", 2, "usage"),
        ("tools other", 2, "usage"),
        ("call echo -- server", 2, "usage"),
        ("call nope", 5, "tool_not_found"),
        ("call fail", 5, "tool_error"),
        ("read demo://nothing", 1, "rpc_error"),
        ("call ask", 2, "usage"),
    ];
    for (line, exit, code) in rows {
        let run = shell(&["--json"], &format!("{line}\ncall echo text=after\n"));
        assert_eq!((run.code, run.error_code().as_str()), (Some(exit), code), "{line}: {run:?}");
        assert!(!run.stdout.contains("after"), "{run:?}");
    }
}

#[test]
fn help_lists_the_commands_and_the_end_of_input_ends() {
    let run = shell(&[], "help\ncall --help\n");
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("templates") && run.stdout.contains("--args"), "{run:?}");
    assert_eq!(shell(&[], "").code, Some(0));
    let run = crate::mcp(&["shell", "--json", "--", "/nowhere/server"]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(4), "spawn_failed"), "{run:?}");
}
