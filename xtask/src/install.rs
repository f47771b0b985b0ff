//! Installs packages of npm and PyPI that tests and checks need, from lock files.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::shell::{find, is_ci, output, run as run_command};

/// Whether a tool is available. A failed installation is an error instead.
#[derive(Debug, PartialEq)]
pub(crate) enum Setup {
    Ready(PathBuf),
    Missing(&'static str),
}

/// The tool's path; `None`, with a message, if it is missing. With `CI=true` a missing tool is an error.
pub(crate) fn require(setup: Outcome<Setup>, what_for: &str) -> Outcome<Option<PathBuf>> {
    match setup? {
        Setup::Ready(path) => Ok(Some(path)),
        Setup::Missing(what) if is_ci() => Err(format!("{what}; with CI=true this is an error")),
        Setup::Missing(what) => {
            println!("SKIPPED: {what_for}: {what}");
            Ok(None)
        }
    }
}

/// Installs the packages of a `package-lock.json` without running their scripts, and returns the Node.js.
pub(crate) fn npm(folder: &Path) -> Outcome<Setup> {
    let Some(node) = find("node") else { return Ok(Setup::Missing("node is not on PATH")) };
    let Some(npm) = find("npm") else { return Ok(Setup::Missing("npm is not on PATH")) };
    let stamp = Stamp::new(&node, folder.join("package-lock.json"), folder.join("node_modules/.stamp"))?;
    if !stamp.matches() {
        let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        run_command(Command::new(npm).args(arguments).current_dir(folder))?;
        stamp.write()?;
    }
    Ok(Setup::Ready(node))
}

/// Creates a venv with the packages of a lock file, and returns its Python.
pub(crate) fn python(lock: &Path, venv: &Path) -> Outcome<Setup> {
    let Some(base) = find("python3").or_else(|| find("python")) else {
        return Ok(Setup::Missing("python3 is not on PATH"));
    };
    // Never resolve the link to the base interpreter: only by this path does it see the venv's packages.
    let python = venv.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let stamp = Stamp::new(&base, lock.to_owned(), venv.join(".stamp"))?;
    if stamp.matches() {
        return Ok(Setup::Ready(python));
    }
    // Debian ships python3 without the part of venv that installs pip.
    if output(Command::new(&base).args(["-c", "import venv, ensurepip"])).is_none() {
        return Ok(Setup::Missing("python3 cannot make a venv (on Debian: apt-get install python3-venv)"));
    }
    run_command(Command::new(&base).args(["-m", "venv", "--clear"]).arg(venv))?;
    // The lock is complete. Older versions of pip miss the hashes of what another package wants with an extra.
    let options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"];
    run_command(Command::new(&python).args(["-m", "pip", "install"]).args(options).arg("-r").arg(lock))?;
    stamp.write()?;
    Ok(Setup::Ready(python))
}

/// Records the lock file and the tool's version that a folder was installed from.
struct Stamp {
    content: String,
    file: PathBuf,
}

impl Stamp {
    fn new(tool: &Path, lock: PathBuf, file: PathBuf) -> Outcome<Self> {
        let version = output(Command::new(tool).arg("--version"))
            .ok_or_else(|| format!("`{} --version` failed", tool.display()))?;
        let lock_text = std::fs::read_to_string(&lock)
            .map_err(|error| format!("{} could not be read: {error}", lock.display()))?;
        // The whole lock file instead of a hash: it is small, and needs no hash function.
        Ok(Self { content: format!("{version}\n{lock_text}"), file })
    }

    fn matches(&self) -> bool {
        std::fs::read_to_string(&self.file).is_ok_and(|text| text == self.content)
    }

    fn write(&self) -> Outcome {
        std::fs::write(&self.file, &self.content)
            .map_err(|error| format!("{} could not be written: {error}", self.file.display()))
    }
}

/// The folder of the binaries of the dev profile, found from the path of this binary.
pub(crate) fn bin_dir() -> Outcome<PathBuf> {
    let own = std::env::current_exe().map_err(|error| format!("this binary has no path: {error}"))?;
    let profiles = own.parent().and_then(Path::parent);
    profiles.map(|folder| folder.join("debug")).ok_or_else(|| "this binary is in no target folder".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::cargo;

    #[test]
    fn stamp_matches_only_the_lock_and_the_tool_it_was_written_for() {
        let folder = std::env::temp_dir().join(format!("xtask-stamp-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let tool = cargo().get_program().to_owned();
        let lock = folder.join("lock");
        let stamp = || Stamp::new(Path::new(&tool), lock.clone(), folder.join("stamp")).unwrap();

        std::fs::write(&lock, "one").unwrap();
        assert!(!stamp().matches());
        stamp().write().unwrap();
        assert!(stamp().matches());
        std::fs::write(&lock, "two").unwrap();
        assert!(!stamp().matches());

        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_missing_lock_is_an_error_that_names_it() {
        let tool = cargo().get_program().to_owned();
        let why = Stamp::new(Path::new(&tool), "no/such.lock".into(), "stamp".into()).err().unwrap();
        assert!(why.contains("no/such.lock"), "{why}");
    }
}
