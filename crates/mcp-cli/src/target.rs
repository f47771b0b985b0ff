//! Which server is meant: so far a command after `--`.

use std::ffi::OsString;

use mcp_stdio::{ChildCommand, Graces, Limits};

use crate::cli::Global;
use crate::exit::Failure;

/// The command that starts the server. `positional` is what stood where a URL or a name would stand.
pub(crate) fn command(
    global: &Global,
    positional: Option<&str>,
    command: &[OsString],
) -> Result<ChildCommand, Failure> {
    let Some((program, args)) = command.split_first() else { return Err(missing(positional)) };
    if let Some(extra) = positional {
        return Err(Failure::usage(format!("{extra:?} and a command after `--`: which one is the server?")));
    }
    let graces = Graces { input: global.stop_grace, terminate: global.stop_grace, ..Graces::default() };
    let mut child = ChildCommand::new(program).args(args).graces(graces);
    if let Some(directory) = &global.cwd {
        child = child.cwd(directory);
    }
    for (name, value) in &global.env {
        child = child.env(name, value);
    }
    for name in &global.pass_env {
        child = child.pass_env(name);
    }
    if let Some(bytes) = global.max_message {
        child = child.limits(Limits::default().max_line(bytes));
    }
    Ok(child)
}

/// Whether this word is a URL, and so cannot be a tool's name.
pub(crate) fn is_url(word: &str) -> bool {
    word.contains("://")
}

/// What to say where no command stands after `--`.
pub(crate) fn missing(positional: Option<&str>) -> Failure {
    match positional {
        Some(url) if is_url(url) => {
            Failure::usage(format!("this build has no HTTP transport yet, so it cannot reach {}", bare(url)))
                .hint("a server that can be started as a command is reached with `-- COMMAND ARGS`")
        }
        Some(name) => Failure::usage(format!("{name:?} is no server that is known here"))
            .hint("write the command that starts the server after `--`"),
        None => Failure::usage("no server is named")
            .hint("write the command that starts it after `--`, as in `mcp tools -- mcp serve-demo`"),
    }
}

/// A URL without what may be a secret in it.
fn bare(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    fn fails(positional: Option<&str>, argv: &[&str]) -> Failure {
        let global = Cli::parse_from(["mcp", "demo"]).global;
        let argv: Vec<OsString> = argv.iter().map(OsString::from).collect();
        command(&global, positional, &argv).unwrap_err()
    }

    #[test]
    fn a_url_is_refused_with_a_reason_and_without_its_secrets() {
        let failure = fails(Some("https://me:secret@example.com/mcp?key=secret"), &[]);
        assert_eq!(failure.exit(), 2);
        assert!(failure.message.contains("no HTTP transport yet"), "{}", failure.message);
        assert!(failure.message.contains("https://example.com/mcp"), "{}", failure.message);
        assert!(!failure.message.contains("secret"), "{}", failure.message);
    }

    #[test]
    fn a_missing_or_double_target_is_a_usage_error() {
        assert_eq!(fails(None, &[]).exit(), 2);
        assert_eq!(fails(Some("name"), &[]).exit(), 2);
        assert_eq!(fails(Some("https://example.com"), &["server"]).exit(), 2);
    }
}
