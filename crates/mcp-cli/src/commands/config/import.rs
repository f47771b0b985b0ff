//! `mcp config import`: the servers of another program's config file, copied into ours.

use std::path::{Path, PathBuf};

use clap::Args;
use mcp_core::message::RawJson;

use super::own_file;
use crate::connect::servers::{self, File};
use crate::exit::{Code, Failure};
use crate::global::Global;
use crate::terminal::out;
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
    let path = own_file::path(global)?;
    let root = own_file::read(&path)?;
    let (root, outcome) = merge(&root, &from, options.force);
    if !outcome.imported.is_empty() && !options.dry_run {
        own_file::write(&path, &root)?;
    }
    report(global, &path, &outcome)
}

fn merge(root: &RawJson, from: &File, force: bool) -> (RawJson, Outcome) {
    let section = own_file::section(root);
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
