//! `mcp config import`: the servers of another program's config file, copied into ours.

use std::path::{Path, PathBuf};

use clap::Args;
use mcp_core::message::RawJson;

use crate::connect::files;
use crate::connect::servers::{self, File, jsonc};
use crate::exit::{Code, Failure};
use crate::global::Global;
use crate::terminal::out;
use crate::terminal::pretty::pretty;
use crate::text;

/// `mcp config import`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The file to read: of Claude, Cursor, VS Code or any other that has `mcpServers` or `servers`
    file: PathBuf,
    /// Replace servers that have the same name
    #[arg(long)]
    force: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// What became of the entries.
#[derive(Debug, Default)]
struct Outcome {
    imported: Vec<String>,
    /// Each with the reason.
    skipped: Vec<(String, String)>,
}

/// Runs the command. Entries are copied as they are: nothing is expanded, and what is not known stays.
pub(super) fn run(global: &Global, options: &Options) -> Result<(), Failure> {
    let from = servers::load(Some(&options.file)).pop().unwrap_or_default();
    if let Some(problem) = &from.problem {
        return Err(Failure::new(Code::Config, format!("{} {problem}", from.path.display())));
    }
    let path = global.config.clone().or_else(servers::own).ok_or_else(|| {
        Failure::new(Code::Config, "there is no home directory to keep a config file in")
            .hint("name a file by --config")
    })?;
    let root = existing(&path)?;
    let (root, outcome) = merge(&root, &from, options.force);
    if !outcome.imported.is_empty() && !options.dry_run {
        files::write_private(&path, &format!("{}\n", pretty(&root))).map_err(|error| {
            Failure::new(Code::Io, format!("cannot write {}", path.display())).because(error)
        })?;
    }
    report(global, &path, &outcome)
}

/// What the file holds now, or an empty object.
fn existing(path: &Path) -> Result<RawJson, Failure> {
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

fn merge(root: &RawJson, from: &File, force: bool) -> (RawJson, Outcome) {
    // A file in VS Code's form stays one.
    let section = if root.member("servers").is_some() && root.member("mcpServers").is_none() {
        "servers"
    } else {
        "mcpServers"
    };
    let mut outcome = Outcome::default();
    let mut members = root.member(section).unwrap_or_default().members();
    for server in &from.servers {
        if let Err(problems) = &server.entry {
            outcome.skipped.push((server.name.clone(), problems.join("; ")));
            continue;
        }
        let old = members.iter_mut().find(|(name, _)| *name == server.name);
        match old {
            Some(_) if !force => {
                outcome.skipped.push((server.name.clone(), "there is one of this name".to_owned()));
                continue;
            }
            Some((_, old)) => *old = server.raw.clone(),
            None => members.push((server.name.clone(), server.raw.clone())),
        }
        outcome.imported.push(server.name.clone());
    }
    let entries = RawJson::object(members.iter().map(|(name, raw)| (name.as_str(), raw.clone())));
    let mut root = root.with_members(&[(section, &entries)]);
    if let Some(inputs) = inputs(&root, from) {
        root = root.with_members(&[("inputs", &inputs)]);
    }
    (root, outcome)
}

/// The inputs of both files, the old ones first; `None` where the other file has none that is new.
fn inputs(root: &RawJson, from: &File) -> Option<RawJson> {
    let mut all = root.member("inputs").unwrap_or_default().elements();
    let id = |input: &RawJson| input.member("id").and_then(|id| id.to_text());
    let known: Vec<Option<String>> = all.iter().map(id).collect();
    let new: Vec<RawJson> =
        from.raw_inputs.iter().filter(|input| !known.contains(&id(input))).cloned().collect();
    if new.is_empty() {
        return None;
    }
    all.extend(new);
    Some(RawJson::array(all))
}

fn report(global: &Global, path: &Path, outcome: &Outcome) -> Result<(), Failure> {
    if global.json {
        let skipped = outcome.skipped.iter().map(|(name, why)| {
            RawJson::object([("name", RawJson::string(name)), ("why", RawJson::string(why))])
        });
        let imported = outcome.imported.iter().map(|name| RawJson::string(name));
        let report = RawJson::object([
            ("file", RawJson::string(&path.display().to_string())),
            ("imported", RawJson::array(imported)),
            ("skipped", RawJson::array(skipped)),
        ]);
        return out::json(&report.to_string());
    }
    for (name, why) in &outcome.skipped {
        out::note(format!("mcp: skipped {}: {}\n", text::safe_line(name), text::safe_line(why)));
    }
    for name in &outcome.imported {
        out::write(format!("{}\n", text::safe_line(name)))?;
    }
    if !global.quiet {
        out::note(format!("imported into {}: {}\n", path.display(), outcome.imported.len()));
    }
    Ok(())
}
