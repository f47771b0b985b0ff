//! The everything-server of the Python SDK: an example that is in the source package on PyPI only.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::install::{self, Setup};
use crate::shell::{root, run as run_command};

/// The command that starts it over stdio. `None`, if a tool is missing that is not required here.
pub(super) fn command() -> Outcome<Option<Vec<OsString>>> {
    let folder = root().join("tests/conformance");
    let interop = root().join("tests/interop");
    let what_for = "the everything-server of the Python SDK";
    let runs = install::python(&interop.join("requirements.lock"), &interop.join(".venv"));
    let Some(python) = install::require(runs, what_for)? else { return Ok(None) };
    let package = match source(&folder)? {
        Ok(package) => package,
        Err(missing) => return install::require(Ok(missing), what_for).map(|_| None),
    };
    let script = folder.join("everything_server.py");
    Ok(Some(vec![python.into(), script.into(), package.into()]))
}

/// The folder of the server's package, or what is missing.
fn source(folder: &Path) -> Outcome<Result<PathBuf, Setup>> {
    let lock = folder.join("everything.lock");
    let wanted = std::fs::read_to_string(&lock).map_err(|error| format!("{}: {error}", lock.display()))?;
    let kept = install::bin_dir()?.with_file_name("everything-server");
    let stamp = kept.join("stamp");
    let version = wanted.lines().find_map(|line| line.strip_prefix("mcp==")?.split(' ').next());
    let name = format!("mcp-{}", version.ok_or("everything.lock names no version")?);
    let package = kept.join(&name).join("examples/servers/everything-server");
    if std::fs::read_to_string(&stamp).is_ok_and(|text| text == wanted) {
        return Ok(Ok(package));
    }
    // pip reads the metadata of a source package by building it, with packages that have hashes too.
    let python = match install::python(&folder.join("sdist.lock"), &folder.join(".venv-sdist"))? {
        Setup::Ready(python) => python,
        missing => return Ok(Err(missing)),
    };
    let _absent = std::fs::remove_dir_all(&kept);
    let pip = [
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--no-build-isolation",
    ];
    let mut download = Command::new(&python);
    download.args(pip).args(["--no-binary", "mcp", "--require-hashes", "-r"]).arg(&lock).arg("-d").arg(&kept);
    run_command(&mut download)?;
    let archive = kept.join(format!("{name}.tar.gz"));
    run_command(Command::new(&python).args(["-m", "tarfile", "-e"]).arg(archive).arg(&kept))?;
    std::fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))?;
    Ok(Ok(package))
}
