//! `mcp config`: what the config files say, whether it holds, and entries for other programs.
//!
//! Nothing that it prints of a file has a secret in it.

mod check;
mod edit;
mod import;
mod list;
mod own_file;
mod show;
mod to_json;

use clap::{Args, Subcommand};

use crate::exit::Failure;
use crate::global::Global;

/// `mcp config`
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the servers that config files name
    List,
    /// Check every file and every entry; exit code 2 if one cannot be used
    Check,
    /// Show the expanded form of an entry, without secrets
    Show(show::Options),
    /// Add a server to our config file: NAME URL, or NAME -- COMMAND
    Add(edit::Add),
    /// Remove a server from our config file
    Remove(edit::Remove),
    /// Copy the servers of another program's config file into ours
    Import(import::Options),
    /// Print an entry for a config file that starts or reaches this server
    ToJson(to_json::Options),
}

/// Runs the command.
pub(crate) fn run(global: &Global, options: &Options) -> Result<(), Failure> {
    match &options.action {
        Action::List => list::run(global),
        Action::Check => check::run(global),
        Action::Show(options) => show::run(global, options),
        Action::Add(options) => edit::add(global, options),
        Action::Remove(options) => edit::remove(global, options),
        Action::Import(options) => import::run(global, options),
        Action::ToJson(options) => to_json::run(global, options),
    }
}
