//! `mcp`: reach any MCP server from a terminal.
//!
//! ```sh
//! cargo install --path crates/mcp-cli        # from a checkout of the repository
//! mcp tools https://mcp.example.com/mcp
//! mcp call echo message=hello -- npx -y @modelcontextprotocol/server-everything stdio
//! ```
//!
//! The guide is `docs/cli.md` in the repository.
//!
//! # How it is built
//!
//! Stdout receives only the result; messages for the user go to stderr.
//!
//! A module uses only modules to the right of it: `cli`, `commands`, `connect`, `terminal`, `global`, `exit`,
//! `text`. `signals` and `background` use none of them.

// What a peer or a user sends must not panic. A place that stays gives its reason.
#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unimplemented,
        clippy::unreachable
    )
)]
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod background;
mod cli;
mod commands;
mod connect;
mod exit;
mod global;
mod lock;
mod signals;
mod terminal;
mod text;

use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use cli::{Cli, Command};
use commands::{
    bridge, call, check, complete, completion, config, demo, discover, info, listen, login, logout, man,
    ping, prompt, prompts, read, request, resources, serve_demo, shell, templates, token, tool, tools,
    whoami,
};
use exit::{Code, Failure};
use signals::Signals;
use terminal::out;

/// How long the end of the program waits until its tasks are dropped. They do not block, so it never takes
/// that long.
const DROPPING: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    #[cfg(unix)]
    if std::env::args_os().nth(1).is_some_and(|word| word == connect::guard::WORD) {
        connect::guard::run(std::io::stdin().lock());
        return ExitCode::SUCCESS;
    }
    let mut cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    // Where nothing comes in parts, one value on a line is one value.
    cli.global.json |= cli.global.jsonl;
    let json = cli.global.json;
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            out::failure(&failure, json);
            ExitCode::from(failure.exit())
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    log(cli.global.verbose);
    if let Command::ServeDemo(options) = &cli.command
        && let Some(ended) = serve_demo::fault(options)
    {
        // Plain blocking input and output, without a runtime that could mend what is to be broken.
        return ended;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Code::Io, "the runtime cannot be started").because(error))?;
    let outcome = runtime.block_on(dispatch(&cli));
    // A server that was not ended in order (a second signal) is killed when the task that owns it is dropped,
    // so the program must not end before that.
    runtime.shutdown_timeout(DROPPING);
    outcome
}

async fn dispatch(cli: &Cli) -> Result<(), Failure> {
    let editor = match &cli.command {
        // Before the signals are watched: see there.
        Command::Shell(_) if connect::run::on_terminal() => Some(
            shell::LineEditor::new()
                .map_err(|error| Failure::new(Code::Io, "the terminal cannot be used").because(error))?,
        ),
        _ => None,
    };
    let signals = Signals::watch()
        .map_err(|error| Failure::new(Code::Io, "signals cannot be watched").because(error))?;
    let global = &cli.global;
    match &cli.command {
        Command::Demo => demo::run(&signals, global).await,
        Command::ServeDemo(options) => serve_demo::run(&signals, global, options).await,
        Command::Bridge(options) => bridge::run(&signals, global, options).await,
        Command::Check(options) => check::run(&signals, global, options).await,
        Command::Discover(options) => discover::run(&signals, global, options).await,
        Command::Info(options) => info::run(&signals, global, options).await,
        Command::Tools(options) => tools::run(&signals, global, options).await,
        Command::Tool(options) => tool::run(&signals, global, options).await,
        Command::Call(options) => call::run(&signals, global, options).await,
        Command::Resources(options) => resources::run(&signals, global, options).await,
        Command::Templates(options) => templates::run(&signals, global, options).await,
        Command::Read(options) => read::run(&signals, global, options).await,
        Command::Prompts(options) => prompts::run(&signals, global, options).await,
        Command::Prompt(options) => prompt::run(&signals, global, options).await,
        Command::Complete(options) => complete::run(&signals, global, options).await,
        Command::Ping(options) => ping::run(&signals, global, options).await,
        Command::Request(options) => request::run(&signals, global, options).await,
        Command::Listen(options) => listen::run(&signals, global, options).await,
        Command::Login(options) => login::run(&signals, global, options).await,
        Command::Logout(options) => logout::run(&signals, global, options).await,
        Command::Whoami(options) => whoami::run(&signals, global, options).await,
        Command::Token(options) => token::run(&signals, global, options).await,
        Command::Shell(options) => shell::run(&signals, global, options, editor).await,
        Command::Config(options) => config::run(global, options),
        Command::Completion(options) => completion::run(options, &mut Cli::command()),
        Command::Man(options) => man::run(options, Cli::command()),
    }
}

/// What the argument parser has to say: help and version go to stdout and are a success.
fn refuse(error: &clap::Error) -> ExitCode {
    let json =
        std::env::args_os().take_while(|word| word != "--").any(|word| word == "--json" || word == "--jsonl");
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // A reader that has gone is no failure.
            let _quiet = error.print();
            ExitCode::SUCCESS
        }
        _ if json => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            let failure = Failure::usage(line.strip_prefix("error: ").unwrap_or(line)).because(&text);
            out::failure(&failure, true);
            ExitCode::from(failure.exit())
        }
        _ => {
            let _nobody_to_tell = error.print();
            ExitCode::from(Code::Usage.exit())
        }
    }
}

/// What the library tells while it works, on stderr.
fn log(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => tracing::Level::INFO,
        2 => tracing::Level::DEBUG,
        _ => tracing::Level::TRACE,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .without_time()
        .init();
}
