//! The config file that this program writes: the user's own, or the one that `--config` names.

use std::path::{Path, PathBuf};

use mcp_core::message::RawJson;

use crate::connect::files;
use crate::connect::servers::{self, jsonc};
use crate::exit::{Code, Failure};
use crate::global::Global;
use crate::terminal::pretty::pretty;

/// Where it is.
pub(super) fn path(global: &Global) -> Result<PathBuf, Failure> {
    global.config.clone().or_else(servers::own).ok_or_else(|| {
        Failure::new(Code::Config, "there is no home directory to keep a config file in")
            .hint("name a file by --config")
    })
}

/// What the file holds now, or an empty object.
pub(super) fn read(path: &Path) -> Result<RawJson, Failure> {
    if !path.exists() {
        return Ok(RawJson::EMPTY_OBJECT);
    }
    let bad = |problem: String| Failure::new(Code::Config, format!("{} {problem}", path.display()));
    let text = files::read_regular(path).map_err(bad)?;
    if text.trim().is_empty() {
        return Ok(RawJson::EMPTY_OBJECT);
    }
    if !jsonc::is_plain(&text) {
        return Err(bad("has comments or trailing commas, which would be lost".to_owned())
            .hint("take them out, or name another file by --config"));
    }
    let root = RawJson::parse(text).map_err(|error| bad(format!("is not JSON: {error}")))?;
    if root.is_object() { Ok(root) } else { Err(bad(format!("holds {}, not an object", root.kind_name()))) }
}

/// The member that has its servers. A file in VS Code's form stays one.
pub(super) fn section(root: &RawJson) -> &'static str {
    if root.member("servers").is_some() && root.member("mcpServers").is_none() {
        "servers"
    } else {
        "mcpServers"
    }
}

/// Writes it.
pub(super) fn write(path: &Path, root: &RawJson) -> Result<(), Failure> {
    files::write_private(path, &format!("{}\n", pretty(root)))
        .map_err(|error| Failure::new(Code::Io, format!("cannot write {}", path.display())).because(error))
}
