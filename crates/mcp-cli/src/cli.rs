//! The command line: what can be asked for, and how it is written.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand};
use mcp_core::client::EraMode;
use mcp_core::message::ProtocolVersion;
use mcp_core::session::LogLevel;

use crate::style::ColorWhen;
use crate::{
    complete, completion, config, discover, list, listen, man, ping, prompt, read, remote, request,
    serve_demo, shell, tool,
};

const TARGETS: &str =
    "The server is a URL, which comes first (http for this machine and https elsewhere, if it has no
scheme):

  mcp tools https://example.com/mcp
  mcp call localhost:8080/mcp add a=2 b=3

Or a command that talks over its stdin and stdout. It comes last, after `--`; everything behind
`--` is the server's own:

  mcp tools -- npx -y @modelcontextprotocol/server-everything
  mcp call add a=2 b=3 -- mcp serve-demo

Or a name from a config file (.mcp.json, .vscode/mcp.json, ~/.config/mcp/mcp.json), which comes
first:

  mcp tools github
  mcp call github create_issue title=Hello

Exit codes: 0 ok, 1 the server answered with an error, 2 usage or config, 3 not authorized,
4 no answer (cannot start or reach it, closed, timed out), 5 the tool failed or is unknown,
6 protocol violation or no common version, 7 a limit was hit, 130/143 interrupted.";

/// Reach any MCP server from a terminal.
#[derive(Debug, Parser)]
#[command(name = "mcp", version, about, after_help = TARGETS, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that every command takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// Print one JSON value; on failure one JSON line on stderr
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print one JSON value on each line, as they come: the items of a list, the events of a stream
    #[arg(long, global = true, conflicts_with = "json")]
    pub(crate) jsonl: bool,
    /// Read the names of servers from this file only
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Which era to speak: auto, modern, legacy, or legacy=VERSION
    #[arg(long, global = true, value_name = "ERA", default_value = "auto", value_parser = era)]
    pub(crate) era: EraMode,
    /// How long one request may take in all (like 500ms, 30s, 2m; 0 is no limit)
    #[arg(long, global = true, value_name = "TIME", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    /// How long the server may take to start
    #[arg(long, global = true, value_name = "TIME", value_parser = duration, default_value = "60s")]
    pub(crate) start_timeout: Duration,
    /// How long the server may be silent to the first request before it is taken for an old one
    #[arg(long, global = true, value_name = "TIME", value_parser = duration, default_value = "10s")]
    pub(crate) probe_timeout: Duration,
    /// How long the server may take to end once its input is closed, and again after SIGTERM
    #[arg(long, global = true, value_name = "TIME", value_parser = duration, default_value = "2s")]
    pub(crate) stop_grace: Duration,
    /// The longest message to accept, in bytes
    #[arg(long, global = true, value_name = "BYTES")]
    pub(crate) max_message: Option<usize>,
    /// Start the server in this directory
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) cwd: Option<PathBuf>,
    /// Set a variable in the server's environment
    #[arg(short = 'e', long = "env", global = true, value_name = "K=V", value_parser = assignment)]
    pub(crate) env: Vec<(String, String)>,
    /// Pass these variables on to the server (it sees only a few by default)
    #[arg(long, global = true, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) pass_env: Vec<String>,
    #[command(flatten)]
    pub(crate) http: remote::Options,
    /// Write every message to FILE or stderr, as JSON lines without secrets
    #[arg(long, global = true, value_name = "FILE", num_args = 0..=1, require_equals = true,
          default_missing_value = "-")]
    pub(crate) trace: Option<PathBuf>,
    /// Tell more on stderr, the server's stderr too; twice for debugging
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Tell nothing on stderr but errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorWhen,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// See it work: talks to a built-in server over stdio and HTTP, in three protocol revisions
    Demo,
    /// Serve a few demo tools over stdio or HTTP, or misbehave on purpose
    ServeDemo(serve_demo::Options),
    /// Find the endpoint of a server behind a URL, and what it speaks
    Discover(discover::Options),
    /// Who a server is, which revisions it speaks, what it can do
    Info(Info),
    /// List a server's tools
    Tools(Tools),
    /// Show one tool: its schema, and how it is called
    Tool(tool::Options),
    /// Call a tool
    Call(Call),
    /// List a server's resources
    Resources(list::Options),
    /// List a server's resource templates
    Templates(list::Options),
    /// Read a resource
    Read(read::Options),
    /// List a server's prompts
    Prompts(list::Options),
    /// Get a prompt
    Prompt(prompt::Options),
    /// Ask a server to complete an argument of a prompt or of a template
    Complete(complete::Options),
    /// Measure how long a server takes to answer
    Ping(ping::Options),
    /// Send any request, or any notification, and print the whole answer
    Request(request::Options),
    /// Print what changes, until it is interrupted
    Listen(listen::Options),
    /// Talk to one server line by line, with history and completion
    Shell(shell::Options),
    /// Look at config files, and write entries for them
    Config(config::Options),
    /// Print the completion script of a shell
    Completion(completion::Options),
    /// Print the manual page
    Man(man::Options),
}

/// `mcp info`
#[derive(Debug, Args)]
pub(crate) struct Info {
    /// The server's URL, or its name in a config file, if it is no command
    #[arg(value_name = "SERVER")]
    pub(crate) target: Option<String>,
    /// The command that starts the server, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// `mcp tools`
#[derive(Debug, Args)]
pub(crate) struct Tools {
    #[command(flatten)]
    pub(crate) list: list::Options,
    /// Show each tool's schema of arguments
    #[arg(long)]
    pub(crate) schema: bool,
}

/// `mcp call`
#[derive(Debug, Args)]
pub(crate) struct Call {
    /// The server, if it is no command; the tool; its arguments: key=value, typed by the tool's schema, or
    /// key:=JSON
    #[arg(value_name = "[SERVER] TOOL [KEY=VALUE]")]
    pub(crate) words: Vec<String>,
    /// The arguments as one JSON object, from a file (@FILE), or from stdin (-)
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    pub(crate) args: Option<String>,
    /// Answer a question of the tool: its key, and the answer
    #[arg(long, value_name = "KEY=JSON", value_parser = assignment)]
    pub(crate) input: Vec<(String, String)>,
    /// Show log messages of the server from this level on (debug, info, warning, error, ...)
    #[arg(long, value_name = "LEVEL", value_parser = log_level)]
    pub(crate) log: Option<LogLevel>,
    /// The command that starts the server, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

fn era(text: &str) -> Result<EraMode, String> {
    match text.split_once('=') {
        None if text == "auto" => Ok(EraMode::Auto),
        None if text == "modern" => Ok(EraMode::Modern),
        None if text == "legacy" => Ok(EraMode::Legacy(ProtocolVersion::LATEST_LEGACY)),
        Some(("legacy", version)) => match ProtocolVersion::parse(version) {
            Some(version) if version.is_legacy() => Ok(EraMode::Legacy(version)),
            Some(_) => Err(format!("{version} is not a legacy revision: write `modern`")),
            None => Err(format!("unknown revision {version}: {}", legacy_revisions())),
        },
        _ => Err("auto, modern, legacy, or legacy=VERSION".to_owned()),
    }
}

fn legacy_revisions() -> String {
    let legacy = ProtocolVersion::ALL.iter().filter(|version| version.is_legacy());
    let names: Vec<&str> = legacy.map(|version| version.as_str()).collect();
    names.join(", ")
}

/// A number with a unit; seconds without. Zero is no limit.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let bad = || format!("{text:?} is no time: write 500ms, 30s, 2m or 1h");
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let seconds_per_unit = match unit {
        "ms" => 0.001,
        "s" | "" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(bad()),
    };
    let number: f64 = number.parse().map_err(|_| bad())?;
    let time = Duration::try_from_secs_f64(number * seconds_per_unit).map_err(|_| bad())?;
    Ok(if time.is_zero() { Duration::MAX } else { time })
}

pub(crate) fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

fn log_level(text: &str) -> Result<LogLevel, String> {
    LogLevel::parse(text).ok_or_else(|| {
        "expected debug, info, notice, warning, error, critical, alert or emergency".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    /// What comes after `--` is the server's own, options of ours included.
    #[test]
    fn everything_after_the_dashes_is_the_servers() {
        let line = ["mcp", "call", "add", "a=1", "--json", "--", "srv", "--json", "--", "-q"];
        let cli = Cli::try_parse_from(line).unwrap();
        let Command::Call(call) = cli.command else { panic!("not a call") };
        assert!(cli.global.json && !cli.global.quiet);
        assert_eq!(call.words, ["add", "a=1"]);
        assert_eq!(call.command, ["srv", "--json", "--", "-q"]);
    }

    #[test]
    fn times_have_units_and_zero_is_no_limit() {
        let rows = [("500ms", 500), ("2s", 2000), ("1.5", 1500), ("2m", 120_000), ("1h", 3_600_000)];
        for (text, millis) in rows {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(duration("0"), Ok(Duration::MAX));
        for text in ["", "s", "-1s", "1d", "1e99h", "nan"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn eras_are_named_and_legacy_has_versions() {
        assert_eq!(era("legacy"), Ok(EraMode::Legacy(ProtocolVersion::V2025_11_25)));
        assert_eq!(era("legacy=2024-11-05"), Ok(EraMode::Legacy(ProtocolVersion::V2024_11_05)));
        assert!(era("legacy=2026-07-28").is_err() && era("legacy=2025").is_err() && era("new").is_err());
    }
}
