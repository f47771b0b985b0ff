//! All servers of a config file at once. One that cannot be used does not affect the others.

use std::path::Path;

use crate::background;
use crate::connect::servers::inputs::Asker;
use crate::connect::servers::launch::Reached;
use crate::connect::servers::{self, File, Source};
use crate::connect::target::{self, Target};
use crate::exit::{Code, Failure};
use crate::global::{Global, HttpOptions};
use crate::signals::Signals;

/// A server of the file, or why it cannot be used.
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) target: Result<Target, Failure>,
}

/// A name, and how its server is reached, after what names it in messages.
type Found = (String, Result<(String, Reached), Failure>);

/// The servers of the file that `--config` names, or else of the user's own file; of these names only, unless there are
/// none. Those that are switched off are left out. A project's file is not read unless it is named.
pub(crate) async fn find(signals: &Signals, global: &Global, only: &[String]) -> Result<Vec<Entry>, Failure> {
    refuse_options_of_one(global)?;
    let (config, only) = (global.config.clone(), only.to_vec());
    let asked = background::run(move || read(config.as_deref(), &only));
    let found = tokio::select! {
        found = asked => found.unwrap_or_else(|| Err(Failure::new(Code::Io, "the config cannot be read"))),
        signal = signals.first() => Err(Failure::signal(signal)),
    }?;
    Ok(found.into_iter().map(|(name, found)| Entry { target: usable(global, found), name }).collect())
}

fn read(config: Option<&Path>, only: &[String]) -> Result<Vec<Found>, Failure> {
    let mut files = servers::load(config);
    files.retain(|file| file.source == Source::User);
    for name in only {
        servers::find(&files, name)?;
    }
    let wanted = |name: &String| only.is_empty() || only.contains(name);
    let mut asker = Asker::at_terminal();
    let mut found = Vec::new();
    for (file, server) in files.iter().flat_map(|file| file.servers.iter().map(move |server| (file, server)))
    {
        let off = server.entry.as_ref().is_ok_and(|entry| entry.off);
        if wanted(&server.name) && !(off && only.is_empty()) {
            found.push((server.name.clone(), target::reached(file, server, &mut asker)));
        }
    }
    if found.is_empty() { Err(nothing(&files)) } else { Ok(found) }
}

fn nothing(files: &[File]) -> Failure {
    let failure =
        Failure::new(Code::Config, "no config file names a server that can be put behind the bridge");
    let problems: Vec<String> = files
        .iter()
        .filter_map(|file| Some(format!("{}: {}", file.path.display(), file.problem.as_ref()?)))
        .collect();
    if problems.is_empty() {
        failure.hint("--config FILE names one; a project's file is read only if it is named")
    } else {
        failure.because(problems.join("\n"))
    }
}

/// Options of the command line are for the kind of server that they mean something for.
fn usable(global: &Global, found: Result<(String, Reached), Failure>) -> Result<Target, Failure> {
    let (place, reached) = found?;
    let mut global = global.clone();
    match reached {
        Reached::Program(_) => global.http = HttpOptions::default(),
        Reached::Url { .. } => global.pass_env = Vec::new(),
    }
    target::configured(&global, &place, reached)
}

/// What is meant for one server must not reach all of them.
fn refuse_options_of_one(global: &Global) -> Result<(), Failure> {
    let rows = [
        ("--header", !global.http.header.is_empty()),
        ("--header-env", !global.http.header_env.is_empty()),
        ("--bearer-env", global.http.bearer_env.is_some()),
        ("--env", !global.env.is_empty()),
        ("--cwd", global.cwd.is_some()),
    ];
    match rows.iter().find(|row| row.1) {
        Some((option, _)) => Err(Failure::usage(format!("{option} would be for every server of the file"))
            .hint("write it into the entry of the server that it is for")),
        None => Ok(()),
    }
}
