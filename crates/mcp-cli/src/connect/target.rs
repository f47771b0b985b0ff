//! Which server is meant: a URL, a command after `--`, or a name from a config file.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use mcp_stdio::{ChildCommand, Limits, ShutdownTimeouts};

use crate::background;
use crate::connect::remote::Remote;
use crate::connect::remote::target_kind::{self, TargetKind};
use crate::connect::servers::inputs::Asker;
use crate::connect::servers::launch::{self, Launch, Reached, Scope};
use crate::connect::servers::{self, File, Server, Source, trust};
use crate::exit::{Code, Failure};
use crate::global::Global;
use crate::signals::Signals;

/// How long a login may take inside of a request.
const LOGIN: Duration = Duration::from_secs(360);

/// A server that can be reached, and the options for it.
#[derive(Debug)]
pub(crate) struct Target {
    /// What the command line says, completed by what the config file says.
    pub(crate) global: Global,
    pub(crate) link: Link,
}

/// How a server is reached.
#[derive(Debug)]
pub(crate) enum Link {
    /// By starting it.
    Child(ChildCommand),
    /// By its URL.
    Http(Remote),
}

/// The words of a command that takes operands: without a command after `--` the first names the server.
pub(crate) fn split<'a>(words: &'a [String], command: &[OsString]) -> (Option<&'a str>, &'a [String]) {
    match words.split_first() {
        Some((server, rest)) if command.is_empty() => (Some(server), rest),
        _ => (None, words),
    }
}

/// Finds the server. `positional` is the argument in the position of a URL or a name. May ask for the inputs of a
/// config file; a signal ends that.
pub(crate) async fn find(
    signals: &Signals,
    global: &Global,
    positional: Option<&str>,
    command: &[OsString],
) -> Result<Target, Failure> {
    let word = match positional {
        Some(word) if command.is_empty() => word.to_owned(),
        _ => {
            let child = self::command(global, positional, command)?;
            return Ok(Target { global: global.clone(), link: Link::Child(child) });
        }
    };
    if kind(global, &word) != TargetKind::Name {
        return Ok(Target { global: patient(global), link: Link::Http(Remote::new(global, &word)?) });
    }
    let (config, trust) = (global.config.clone(), global.trust);
    let asked = background::run(move || named(&word, config.as_deref(), trust));
    let (place, reached) = tokio::select! {
        found = asked => found.unwrap_or_else(|| Err(Failure::new(Code::Io, "the config cannot be read"))),
        signal = signals.first() => Err(Failure::signal(signal)),
    }?;
    configured(global, &place, reached)
}

/// What a word is. A name of a file of the user goes before what only looks like a URL; that of a project's
/// file does not, or a project could stand in for any host.
pub(crate) fn kind(global: &Global, word: &str) -> TargetKind {
    match target_kind::of(word) {
        TargetKind::Host if is_users_name(global, word) => TargetKind::Name,
        kind => kind,
    }
}

fn is_users_name(global: &Global, word: &str) -> bool {
    let mut files = servers::load(global.config.as_deref());
    files.retain(|file| file.source == Source::User);
    servers::find(&files, word).is_ok()
}

/// The server of this name in the config files, with everything expanded.
fn named(name: &str, config: Option<&Path>, trust: bool) -> Result<(String, Reached), Failure> {
    let files = servers::load(config);
    let (file, server) = servers::find(&files, name)?;
    trust::require(file, server, trust)?;
    reached(file, server, &mut Asker::at_terminal())
}

/// How a server of a config file is reached, with everything expanded, after what names it in messages.
pub(super) fn reached(file: &File, server: &Server, asker: &mut Asker) -> Result<(String, Reached), Failure> {
    let (name, place) = (&server.name, file.path.display());
    let bad = |problems: Vec<String>| {
        Failure::new(Code::Config, format!("the server {name:?} of {place} cannot be used"))
            .because(problems.join("\n"))
    };
    let entry = server.entry.as_ref().map_err(|problems| bad(problems.clone()))?;
    if entry.off {
        return Err(Failure::new(Code::Config, format!("the server {name:?} is switched off in {place}"))
            .hint("take `disabled` or `enabled` out of its entry to use it"));
    }
    let mut input = |id: &str| asker.value(id, &file.inputs);
    let mut scope = Scope { variable: &launch::environment, input: &mut input, redacted: false };
    let reached = launch::reach(file, server, &mut scope).map_err(bad)?;
    Ok((format!("the server {name:?} of {place}"), reached))
}

/// The server of a config entry, which `place` names. What the command line says goes before what the file says.
pub(super) fn configured(global: &Global, place: &str, reached: Reached) -> Result<Target, Failure> {
    let mut global = global.clone();
    let link = match reached {
        Reached::Program(launch) => {
            limit(&mut global, launch.timeout, place);
            started_here(&global, place)?;
            Link::Child(child(&global, launch))
        }
        Reached::Url { url, headers, oauth, timeout } => {
            limit(&mut global, timeout, place);
            let remote = Remote::configured(&global, &url, &headers, oauth);
            Link::Http(remote.map_err(|mut failure| {
                failure.message = format!("{place} cannot be used: {}", failure.message);
                failure
            })?)
        }
    };
    Ok(Target { global: patient(&global), link })
}

/// With `--login` the first request waits for the user.
fn patient(global: &Global) -> Global {
    let mut global = global.clone();
    if global.http.login {
        global.start_timeout = global.start_timeout.max(LOGIN);
        global.timeout = global.timeout.or(Some(LOGIN));
    }
    global
}

/// The limit of one request that the entry sets, if the command line sets none.
fn limit(global: &mut Global, timeout: Option<Duration>, place: &str) {
    if let (None, Some(time)) = (global.timeout, timeout) {
        global.timeout = timeout;
        global.timeout_from = Some(format!("`timeout` of {place}: {time:?}"));
    }
}

fn child(global: &Global, launch: Launch) -> ChildCommand {
    let mut child = ChildCommand::new(&launch.program).args(&launch.args);
    if let Some(directory) = launch.cwd {
        child = child.cwd(directory);
    }
    for (name, value) in &launch.env {
        child = child.env(name, value);
    }
    with_options(child, global)
}

/// Refuses options that mean something for a URL only.
fn started_here(global: &Global, what: &str) -> Result<(), Failure> {
    let Some(option) = global.http.given() else { return Ok(()) };
    Err(Failure::usage(format!("{option} is for servers behind a URL, and {what} is started here")))
}

/// The command that starts the server. `positional` is what stood where a URL or a name would stand.
pub(crate) fn command(
    global: &Global,
    positional: Option<&str>,
    command: &[OsString],
) -> Result<ChildCommand, Failure> {
    let Some((program, args)) = command.split_first() else { return Err(missing(positional)) };
    if let Some(extra) = positional {
        let extra = servers::redact::url(extra);
        return Err(Failure::usage(format!("{extra:?} and a command after `--`: which one is the server?")));
    }
    started_here(global, "a command after `--`")?;
    Ok(with_options(ChildCommand::new(program).args(args), global))
}

fn with_options(mut child: ChildCommand, global: &Global) -> ChildCommand {
    let timeouts = ShutdownTimeouts::default().input(global.stop_grace).terminate(global.stop_grace);
    child = child.shutdown_timeouts(timeouts);
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

/// What to say where no server is named, or none that can be.
pub(crate) fn missing(positional: Option<&str>) -> Failure {
    match positional {
        Some(name) => Failure::usage(format!("{name:?} is not a known server"))
            .hint("write the command that starts the server after `--`, or its URL"),
        None => Failure::usage("no server is named").hint(
            "write its URL, its name in a config file, or the command that starts it after `--`, as in `mcp tools \
             -- mcp serve-demo`",
        ),
    }
}

/// What to say where an operand is missing, as the name of a tool.
pub(crate) fn incomplete(what: &str, usage: &str) -> Failure {
    Failure::usage(format!("{what} is missing")).hint(format!(
        "it is written `mcp {usage} -- COMMAND`, or with a URL or the name of a server from a config file: `mcp {}`",
        usage.replacen(' ', " SERVER ", 1)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(positional: Option<&str>, argv: &[&str]) -> Failure {
        let global = Global::parse(&[]);
        let argv: Vec<OsString> = argv.iter().map(OsString::from).collect();
        command(&global, positional, &argv).unwrap_err()
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
