//! `mcp check`: which rules of the protocol a server breaks, and what to do about each.
//!
//! It speaks to the server with its own bytes, not through the library: a fault has to be seen as it is. Everything
//! but `--call` only reads.

mod common;
mod http;
mod reply;
mod report;
mod rules;
mod stdio;
mod wire_http;
mod wire_stdio;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::background;
use crate::connect::target::{self, Link, Target};
use crate::exit::{Code, Failure};
use crate::global::Global;
use crate::signals::Signals;
use crate::terminal::out;
use crate::terminal::style::Style;
use report::Report;
use wire_http::Endpoint;

/// How long one answer may take, unless `--timeout` says more.
const ANSWER: Duration = Duration::from_secs(10);

/// `mcp check`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server's URL or its name in a config file; left out where a command follows `--`
    #[arg(value_name = "SERVER")]
    target: Option<String>,
    /// Also call a tool, one that does not exist; without it the check only reads
    #[arg(long)]
    call: bool,
    /// Also write the result as JUnit XML to this file
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// The command that starts the server, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Runs the command.
pub(crate) async fn run(signals: &Signals, global: &Global, options: &Options) -> Result<(), Failure> {
    let Target { global, link } =
        target::find(signals, global, options.target.as_deref(), &options.command).await?;
    let limit = global.timeout.unwrap_or(ANSWER).min(Duration::from_secs(3600));
    let (call, start) = (options.call, global.start_timeout.min(Duration::from_secs(3600)));
    let checked = background::run(move || match link {
        Link::Child(command) => stdio::check(&command, limit, start.max(limit), call),
        Link::Http(remote) => {
            let endpoint = Endpoint::new(&remote, limit)?;
            http::check(&endpoint, call).map_err(|failure| failure.at(Some(&remote.shown)))
        }
    });
    // A server that was started ends with the pipes of this program.
    let report = tokio::select! {
        checked = checked => checked.unwrap_or_else(|| Err(Failure::new(Code::Io, "the check has stopped"))),
        signal = signals.first() => Err(Failure::signal(signal)),
    }?;
    show(&global, options, &report)
}

fn show(global: &Global, options: &Options, report: &Report) -> Result<(), Failure> {
    if let Some(path) = &options.junit {
        std::fs::write(path, report.junit()).map_err(|error| {
            Failure::new(Code::Io, format!("{} cannot be written", path.display())).because(error)
        })?;
    }
    if global.json {
        out::json(&report.json().to_string())?;
    } else {
        out::write(report.render(Style::for_stream(global.color, &std::io::stdout())))?;
    }
    match report.count("fault") {
        0 => Ok(()),
        _ => Err(Failure::new(Code::CheckFailed, "the server breaks rules").silent()),
    }
}
