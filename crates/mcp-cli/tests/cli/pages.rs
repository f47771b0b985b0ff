//! `completion` and `man`: what is installed beside the program.

use crate::mcp;

#[test]
fn every_shell_gets_a_script_that_knows_the_commands() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = mcp(&["completion", shell]);
        assert!(run.code == Some(0) && run.stdout.contains("serve-demo"), "{shell}: {run:?}");
    }
    let run = mcp(&["completion", "csh", "--json"]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(2), "usage"));
}

/// The shells themselves take the scripts.
#[cfg(unix)]
#[test]
fn bash_can_read_its_script() {
    let run = mcp(&["completion", "bash"]);
    let mut child =
        std::process::Command::new("bash").arg("-n").stdin(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), run.stdout.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let run = mcp(&["man"]);
    assert!(run.code == Some(0) && run.stdout.contains(".TH MCP 1"), "{run:?}");
    assert!(run.stdout.contains("Exit codes"), "{run:?}");
    let run = mcp(&["man", "call"]);
    assert!(run.stdout.contains("MCP\\-CALL") || run.stdout.contains("MCP-CALL"), "{run:?}");
    let folder = tempfile::tempdir().unwrap();
    let run = mcp(&["man", "--dir", folder.path().to_str().unwrap()]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""), "{run:?}");
    for page in ["mcp.1", "mcp-tools.1", "mcp-config-show.1"] {
        assert!(folder.path().join(page).exists(), "{page}");
    }
    let run = mcp(&["man", "nonsense", "--json"]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(2), "usage"));
    let run = mcp(&["man", "--dir", "/dev/null/x", "--json"]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(1), "io"));
}
