//! Which server is meant: a command after `--`, or a name from a config file.

use std::ffi::OsString;

use mcp_stdio::{ChildCommand, Graces, Limits};

use crate::aside;
use crate::cli::Global;
use crate::exit::{Code, Failure};
use crate::servers::inputs::Asker;
use crate::servers::launch::{self, Launch, Scope};
use crate::servers::{self, redact};
use crate::signals::Signals;

/// A server that can be started, and the options for it.
#[derive(Debug)]
pub(crate) struct Target {
    /// What the command line says, completed by what the config file says.
    pub(crate) global: Global,
    pub(crate) child: ChildCommand,
}

/// The words of a command that takes operands: without a command after `--` the first names the server.
pub(crate) fn split<'a>(words: &'a [String], command: &[OsString]) -> (Option<&'a str>, &'a [String]) {
    match words.split_first() {
        Some((server, rest)) if command.is_empty() => (Some(server), rest),
        _ => (None, words),
    }
}

/// Finds the server. `positional` is what stood where a URL or a name stands. May ask for the inputs of a
/// config file; a signal ends that.
pub(crate) async fn find(
    signals: &Signals,
    global: &Global,
    positional: Option<&str>,
    command: &[OsString],
) -> Result<Target, Failure> {
    let name = match positional {
        Some(name) if command.is_empty() && !is_url(name) => name.to_owned(),
        _ => {
            let child = self::command(global, positional, command)?;
            return Ok(Target { global: global.clone(), child });
        }
    };
    let config = global.config.clone();
    let asked = aside::run(move || named(&name, config.as_deref()));
    let launch = tokio::select! {
        launch = asked => launch.unwrap_or_else(|| Err(Failure::new(Code::Io, "the config cannot be read"))),
        signal = signals.first() => Err(Failure::signal(signal)),
    }?;
    Ok(configured(global, launch))
}

/// The server of this name in the config files, with everything expanded.
fn named(name: &str, config: Option<&std::path::Path>) -> Result<Launch, Failure> {
    let files = servers::load(config);
    let (file, server) = servers::find(&files, name)?;
    let place = file.path.display();
    let bad = |problems: Vec<String>| {
        Failure::new(Code::Config, format!("the server {name:?} of {place} cannot be used"))
            .because(problems.join("\n"))
    };
    let entry = server.entry.as_ref().map_err(|problems| bad(problems.clone()))?;
    if entry.off {
        return Err(Failure::new(Code::Config, format!("the server {name:?} is switched off in {place}"))
            .hint("take `disabled` or `enabled` out of its entry to use it"));
    }
    if let servers::entry::Kind::Remote { url, .. } = &entry.kind {
        return Err(no_http(Code::Config, &redact::url(url)));
    }
    let mut asker = Asker::at_terminal();
    let mut input = |id: &str| asker.value(id, &file.inputs);
    let mut scope = Scope { variable: &launch::environment, input: &mut input, redacted: false };
    match launch::launch(file, server, &mut scope) {
        Ok(Some(launch)) => Ok(launch),
        Ok(None) => Err(bad(vec!["it has no command".to_owned()])),
        Err(problems) => Err(bad(problems)),
    }
}

/// The child of a config entry. What the command line says goes before what the file says.
fn configured(global: &Global, launch: Launch) -> Target {
    let mut global = global.clone();
    global.timeout = global.timeout.or(launch.timeout);
    let mut child = ChildCommand::new(&launch.program).args(&launch.args);
    if let Some(directory) = launch.cwd {
        child = child.cwd(directory);
    }
    for (name, value) in &launch.env {
        child = child.env(name, value);
    }
    let child = with_options(child, &global);
    Target { global, child }
}

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
    Ok(with_options(ChildCommand::new(program).args(args), global))
}

fn with_options(mut child: ChildCommand, global: &Global) -> ChildCommand {
    let graces = Graces { input: global.stop_grace, terminate: global.stop_grace, ..Graces::default() };
    child = child.graces(graces);
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
    child
}

/// Whether this word is a URL, and so cannot be a tool's name.
pub(crate) fn is_url(word: &str) -> bool {
    word.contains("://")
}

/// What to say where no command stands after `--`.
pub(crate) fn missing(positional: Option<&str>) -> Failure {
    match positional {
        Some(url) if url.starts_with("http://") || url.starts_with("https://") => {
            no_http(Code::Usage, &bare(url))
        }
        Some(other) if is_url(other) => Failure::usage(format!("{} is no server", bare(other)))
            .hint("name the server first, or write the command that starts it after `--`"),
        Some(name) => Failure::usage(format!("{name:?} is no server that is known here"))
            .hint("write the command that starts the server after `--`"),
        None => Failure::usage("no server is named").hint(
            "write its name in a config file, or the command that starts it after `--`, as in `mcp tools -- mcp \
             serve-demo`",
        ),
    }
}

/// What to say where an operand is missing, as the name of a tool.
pub(crate) fn incomplete(what: &str, usage: &str) -> Failure {
    Failure::usage(format!("{what} is missing")).hint(format!(
        "it is written `mcp {usage} -- COMMAND`, or with the name of a server from a config file: `mcp {}`",
        usage.replacen(' ', " SERVER ", 1)
    ))
}

fn no_http(code: Code, url: &str) -> Failure {
    Failure::new(code, format!("this build has no HTTP transport yet, so it cannot reach {url}"))
        .hint("a server that can be started as a command is reached with `-- COMMAND ARGS`")
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

    /// Without a command the first word names the server; with one all words are the command's operands.
    #[test]
    fn the_first_word_is_the_server_where_no_command_is() {
        let words = ["a".to_owned(), "b".to_owned()];
        assert_eq!(split(&words, &[]), (Some("a"), &words[1..]));
        assert_eq!(split(&words, &[OsString::from("srv")]), (None, &words[..]));
        assert_eq!(split(&[], &[]), (None, &[][..]));
        let failure = incomplete("the tool's name", "call TOOL");
        assert!(failure.hint.unwrap().contains("mcp call SERVER TOOL"));
    }
}
