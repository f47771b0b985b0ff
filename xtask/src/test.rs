//! `cargo xtask test`: installs what the tests need from the lock files, builds, and runs all tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::conformance::new_enough;
use crate::shell::{cargo, find, is_ci, output, root, run as run_command};

// `--tests` beside `--bins`: the same features are resolved as by `cargo test`, so nothing is built twice.
const COMMON: [&str; 2] = ["--workspace", "--all-features"];

/// Extra arguments go to `cargo test` as they are.
pub(crate) fn run(args: &[String]) -> Outcome {
    let variables = install()?;
    build()?;
    run_command(cargo().arg("test").args(COMMON).args(args).envs(variables))
}

/// Installs what the tests need; gives the variables that tell them where it is.
pub(crate) fn install() -> Outcome<Vec<(&'static str, PathBuf)>> {
    let interop = root().join("tests/interop");
    let mut variables = vec![("MCP_TEST_BIN_DIR", bin_dir()?)];
    if let Some(node) = tool(npm(&interop), "the tests with peers from npm")? {
        variables.push(("MCP_TEST_NODE", node));
        variables.push(("MCP_TEST_NODE_MODULES", interop.join("node_modules")));
    }
    if let Some(redis) = tool(Ok(redis()), "the tests over Redis")? {
        variables.push(("MCP_TEST_REDIS", redis));
    }
    let inspector = root().join("tests/inspector");
    let setup = npm(&inspector).map(|setup| match setup {
        Setup::Ready(own) => new_enough(&inspector, own),
        missing => missing,
    });
    if let Some(node) = tool(setup, "the tests with the inspector")? {
        variables.push(("MCP_TEST_INSPECTOR_NODE", node));
    }
    // Two versions of one package do not fit into one venv.
    let venvs = [
        ("MCP_TEST_PYTHON", "requirements.lock", ".venv"),
        ("MCP_TEST_PYTHON_1", "requirements-1.lock", ".venv-1"),
    ];
    for (variable, lock, venv) in venvs {
        if let Some(python) =
            tool(python(&interop.join(lock), &interop.join(venv)), "the tests with peers in Python")?
        {
            variables.push((variable, python));
        }
    }
    Ok(variables)
}

/// Builds the programs and the tests.
pub(crate) fn build() -> Outcome {
    run_command(cargo().arg("build").args(COMMON).args(["--bins", "--tests"]))
}

/// A tool is there, or this machine does not have it, or setting it up failed.
#[derive(Debug, PartialEq)]
pub(crate) enum Setup {
    Ready(PathBuf),
    Missing(&'static str),
}

/// Says what is left out because a tool is missing. An unattended run leaves nothing out.
pub(crate) fn tool(setup: Outcome<Setup>, tests: &str) -> Outcome<Option<PathBuf>> {
    match setup? {
        Setup::Ready(path) => Ok(Some(path)),
        Setup::Missing(what) if is_ci() => Err(format!("{what}, and CI=true lets nothing be skipped")),
        Setup::Missing(what) => {
            println!("SKIPPED: {tests}: {what}");
            Ok(None)
        }
    }
}

/// Installs what the lock file of a folder names, without running anything of it; gives the Node.js that did it.
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

/// The tests start a server of their own; Debian's may run or not.
fn redis() -> Setup {
    let missing = Setup::Missing("redis-server is not on PATH (on Debian: apt-get install redis-server)");
    find("redis-server").map_or(missing, Setup::Ready)
}

fn python(lock: &Path, venv: &Path) -> Outcome<Setup> {
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
    let install =
        ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r"];
    run_command(Command::new(&python).args(install).arg(lock))?;
    stamp.write()?;
    Ok(Setup::Ready(python))
}

/// Remembers from which lock, and by which version of the tool, a folder was installed.
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
        // The whole lock instead of a hash: it is small, and needs no hash function.
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

/// Where cargo puts the binaries of the dev profile: beside this one, whatever the target folder is.
pub(crate) fn bin_dir() -> Outcome<PathBuf> {
    let own = std::env::current_exe().map_err(|error| format!("this binary has no path: {error}"))?;
    let profiles = own.parent().and_then(Path::parent);
    profiles.map(|folder| folder.join("debug")).ok_or_else(|| "this binary is in no target folder".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

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
