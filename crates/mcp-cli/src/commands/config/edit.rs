//! `mcp config add` and `mcp config remove`: entries of this program's config file.

use std::ffi::OsString;

use clap::Args;
use mcp_core::message::RawJson;

use super::{own_file, to_json};
use crate::exit::{Code, Failure};
use crate::global::Global;
use crate::terminal::out;
use crate::text;

/// `mcp config add`
#[derive(Debug, Args)]
pub(super) struct Add {
    /// What to call the server
    name: String,
    /// The server's URL, if it is not a command
    #[arg(value_name = "URL")]
    url: Option<String>,
    /// Replace a server that has the same name
    #[arg(long)]
    force: bool,
    /// The command that starts the server, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// `mcp config remove`
#[derive(Debug, Args)]
pub(super) struct Remove {
    /// The server's name
    name: String,
}

/// Adds an entry. Secrets of `-e` and headers are written as references to variables of their names.
pub(super) fn add(global: &Global, options: &Add) -> Result<(), Failure> {
    let path = own_file::path(global)?;
    let root = own_file::read(&path)?;
    let section = own_file::section(&root);
    let entry = to_json::new_entry(global, options.url.as_deref(), &options.command, section)?;
    let mut servers = root.member(section).unwrap_or_default().members();
    match servers.iter_mut().find(|(name, _)| *name == options.name) {
        Some(_) if !options.force => {
            let what = format!("{} has a server {:?} already", path.display(), options.name);
            return Err(Failure::new(Code::Config, what).hint("--force replaces it"));
        }
        Some((_, old)) => *old = entry,
        None => servers.push((options.name.clone(), entry)),
    }
    save(global, &path, &root, section, &servers, "added to", &options.name)
}

/// Removes an entry.
pub(super) fn remove(global: &Global, options: &Remove) -> Result<(), Failure> {
    let path = own_file::path(global)?;
    let root = own_file::read(&path)?;
    let section = own_file::section(&root);
    let mut servers = root.member(section).unwrap_or_default().members();
    let before = servers.len();
    servers.retain(|(name, _)| *name != options.name);
    if servers.len() == before {
        let names: Vec<&str> = servers.iter().map(|(name, _)| name.as_str()).collect();
        let failure =
            Failure::new(Code::Config, format!("{} has no server {:?}", path.display(), options.name));
        return Err(if names.is_empty() {
            failure
        } else {
            failure.hint(format!("it has {}", names.join(", ")))
        });
    }
    save(global, &path, &root, section, &servers, "removed from", &options.name)
}

fn save(
    global: &Global,
    path: &std::path::Path,
    root: &RawJson,
    section: &str,
    servers: &[(String, RawJson)],
    done: &str,
    name: &str,
) -> Result<(), Failure> {
    let servers = RawJson::object(servers.iter().map(|(name, entry)| (name.as_str(), entry.clone())));
    own_file::write(path, &root.with_members(&[(section, &servers)]))?;
    if global.json {
        let file = ("file", RawJson::string(&path.display().to_string()));
        return out::json(&RawJson::object([("name", RawJson::string(name)), file]).to_string());
    }
    if !global.quiet {
        out::note(format!("{} {done} {}\n", text::safe_line(name), path.display()));
    }
    Ok(())
}
