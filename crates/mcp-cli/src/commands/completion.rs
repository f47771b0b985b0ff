//! `mcp completion`: a script that teaches a shell to complete `mcp`.

use clap::Args;
use clap_complete::Shell;

use crate::exit::Failure;
use crate::terminal::out;

/// `mcp completion`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The shell
    shell: Shell,
}

/// Runs the command. `root` is the definition of the whole program.
pub(crate) fn run(options: &Options, root: &mut clap::Command) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, root, "mcp", &mut script);
    out::write(script)
}
