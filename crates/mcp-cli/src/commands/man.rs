//! `mcp man`: the manual, as pages for `man`.

use std::path::{Path, PathBuf};

use clap::Args;
use clap_mangen::Man;

use crate::exit::{Code, Failure};
use crate::terminal::out;

/// `mcp man`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The page of this command; without it, the page of the program
    command: Option<String>,
    /// Write all pages into this directory
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    dir: Option<PathBuf>,
}

/// Runs the command. `root` is the definition of the whole program.
pub(crate) fn run(options: &Options, mut root: clap::Command) -> Result<(), Failure> {
    // Gives each command its full name, and the options that all of them take.
    root.build();
    if let Some(dir) = &options.dir {
        return all(&root, dir);
    }
    let Some(name) = &options.command else { return out::write(page(&root)?) };
    let command = root.find_subcommand(name).ok_or_else(|| {
        let names: Vec<&str> = root.get_subcommands().map(clap::Command::get_name).collect();
        Failure::usage(format!("there is no command {name:?}"))
            .hint(format!("there are {}", names.join(", ")))
    })?;
    out::write(page(command)?)
}

fn page(command: &clap::Command) -> Result<Vec<u8>, Failure> {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let mut text = Vec::new();
    let page = Man::new(command.clone())
        .title(name.to_uppercase())
        .source(concat!("mcp ", env!("CARGO_PKG_VERSION")));
    page.render(&mut text)
        .map_err(|error| Failure::new(Code::Io, "the page cannot be made").because(error))?;
    Ok(text)
}

fn all(root: &clap::Command, dir: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(dir).map_err(|error| fails(dir, error))?;
    write(root, dir)
}

/// The page of a command, and those of its subcommands.
fn write(command: &clap::Command, dir: &Path) -> Result<(), Failure> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let path = dir.join(format!("{name}.1"));
    std::fs::write(&path, page(command)?).map_err(|error| fails(&path, error))?;
    let commands = command.get_subcommands().filter(|command| command.get_name() != "help");
    commands.into_iter().try_for_each(|command| write(command, dir))
}

fn fails(path: &Path, error: std::io::Error) -> Failure {
    Failure::new(Code::Io, format!("cannot write {}", path.display())).because(error)
}
