//! The options that every command takes, and the forms of their values.

mod http;
mod values;

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};
use mcp_core::client::EraMode;

pub(crate) use http::HttpOptions;
pub(crate) use values::{assignment, duration, log_level};

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
    /// Trust the config file of this project without asking, until its content changes
    #[arg(long, global = true)]
    pub(crate) trust: bool,
    /// Which era to speak: auto, modern, legacy, or legacy=VERSION
    #[arg(long, global = true, value_name = "ERA", default_value = "auto", value_parser = values::era)]
    pub(crate) era: EraMode,
    /// How long one request may take (500ms, 30s, 2m; 0: no limit)
    #[arg(long, global = true, value_name = "TIME", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    /// Where `timeout` is written, if not on the command line.
    #[arg(skip)]
    pub(crate) timeout_from: Option<String>,
    /// How long the server may take to start
    #[arg(long, global = true, value_name = "TIME", value_parser = duration, default_value = "60s")]
    pub(crate) start_timeout: Duration,
    /// How long the server may leave the first request unanswered before it counts as a legacy server [default: 10s; of a
    /// bridge, for which clients wait, 5s]
    #[arg(long, global = true, value_name = "TIME", value_parser = duration)]
    pub(crate) probe_timeout: Option<Duration>,
    /// How long the server may take to exit after its input is closed, and again after SIGTERM (0: no limit)
    #[arg(long, global = true, value_name = "TIME", value_parser = duration, default_value = "2s")]
    pub(crate) stop_grace: Duration,
    /// The longest message to accept, in bytes
    #[arg(long, global = true, value_name = "BYTES", value_parser = values::bytes)]
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
    pub(crate) http: HttpOptions,
    /// Write every message to FILE or stderr, as JSON lines without secrets
    #[arg(long, global = true, value_name = "FILE", num_args = 0..=1, require_equals = true,
          default_missing_value = "-")]
    pub(crate) trace: Option<PathBuf>,
    /// Print more on stderr, including the server's stderr; twice for debugging
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Print only errors on stderr
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorWhen,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[cfg(test)]
impl Global {
    /// The options as these words give them.
    pub(crate) fn parse(words: &[&str]) -> Global {
        use clap::Parser;

        #[derive(Debug, Parser)]
        struct Line {
            #[command(flatten)]
            global: Global,
        }
        Line::parse_from([&["mcp"], words].concat()).global
    }
}
