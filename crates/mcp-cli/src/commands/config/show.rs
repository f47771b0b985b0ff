//! `mcp config show`: the expanded form of an entry, without secrets.

use clap::Args;
use mcp_core::message::RawJson;

use crate::connect::servers::entry::Entry;
use crate::connect::servers::launch::{self, Reached, Scope};
use crate::connect::servers::{self, File, redact, trust};
use crate::exit::{Code, Failure};
use crate::global::Global;
use crate::terminal::out;
use crate::terminal::pretty::pretty;

/// `mcp config show`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The server's name
    server: String,
}

/// Runs the command.
pub(super) fn run(global: &Global, options: &Options) -> Result<(), Failure> {
    let files = servers::load(global.config.as_deref());
    let (file, server) = servers::find(&files, &options.server)?;
    // Nobody is asked for what would not be shown.
    let mut input = |_: &str| Ok(redact::REDACTED.to_owned());
    let variable = trust::variable(file, global.trust);
    let mut scope = Scope { variable: &variable, input: &mut input, redacted: true };
    let bad = |problems: Vec<String>| {
        let what = format!("the server {:?} of {} cannot be used", server.name, file.path.display());
        Failure::new(Code::Config, what).because(problems.join("\n"))
    };
    let reached = launch::reach(file, server, &mut scope).map_err(bad)?;
    let entry = server.entry.as_ref().map_err(|problems| bad(problems.clone()))?;
    let shown = shown(file, &server.name, entry, &reached);
    out::json(&if global.json { shown.to_string() } else { pretty(&shown) })
}

fn shown(file: &File, name: &str, entry: &Entry, reached: &Reached) -> RawJson {
    let string = |text: &str| RawJson::string(text);
    let hidden = |pairs: &[(String, String)]| {
        RawJson::object(pairs.iter().map(|(name, _)| (name.as_str(), string(redact::REDACTED))))
    };
    let mut members = vec![
        ("name", string(name)),
        ("file", string(&file.path.display().to_string())),
        ("type", string(entry.kind.name())),
    ];
    match reached {
        Reached::Url { url, headers, .. } => {
            members.push(("url", string(&redact::url(url))));
            if !headers.is_empty() {
                members.push(("headers", hidden(headers)));
            }
        }
        Reached::Program(launch) => {
            let args = redact::arguments(&launch.args);
            members.push(("command", string(&redact::command(&launch.program))));
            members.push(("args", RawJson::array(args.iter().map(|arg| string(arg)))));
            members.extend(launch.cwd.as_ref().map(|cwd| ("cwd", string(&cwd.display().to_string()))));
            if !launch.env.is_empty() {
                members.push(("env", hidden(&launch.env)));
            }
        }
    }
    if let Some(millis) = entry.timeout.and_then(|time| i64::try_from(time.as_millis()).ok()) {
        members.push(("timeout", RawJson::integer(millis)));
    }
    if entry.off {
        members.push(("disabled", RawJson::TRUE));
    }
    RawJson::object(members)
}
