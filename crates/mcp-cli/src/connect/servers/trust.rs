//! Consent to a project's config file, requested once for each path and content.
//!
//! Such a file comes with downloaded code, and names programs to run and URLs that receive headers. It is not used,
//! and no variable is expanded in it, before the user has seen and allowed it.

use std::io::{self, BufRead, IsTerminal};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::entry::{Entry, Kind};
use super::{File, Server, Source, redact};
use crate::connect::files;
use crate::exit::{Code, Failure};
use crate::terminal::out;
use crate::text::{self, counted, shell_words};

/// Whether the user has allowed this file as it is now.
pub(crate) fn is_trusted(file: &File) -> bool {
    file.source == Source::User || store().is_some_and(|store| allowed(&store).contains(&line(file)))
}

/// The variables that may be put into entries of this file. Those of a file that is not trusted stay references,
/// so that nothing of our environment leaves by it.
pub(crate) fn variable(file: &File, given: bool) -> impl Fn(&str) -> Option<String> {
    let trusted = given || is_trusted(file);
    move |name| {
        super::launch::environment(name).map(|value| if trusted { value } else { format!("${{{name}}}") })
    }
}

/// Makes sure that the file may be used for this server: asks, if there is a terminal. `given` is `--trust`.
/// Blocks while a person reads.
pub(crate) fn require(file: &File, server: &Server, given: bool) -> Result<(), Failure> {
    if is_trusted(file) {
        return Ok(());
    }
    let terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
    let lines = || io::stdin().lock().lines().next().transpose();
    let allowed = given || (terminal && ask(file, server, lines, out::note));
    if !allowed {
        let path = file.path.display();
        return Err(Failure::new(
            Code::Config,
            format!("{path} is a project's file, and is not trusted yet"),
        )
        .because(format!("it {}", what_it_does(server)))
        .hint(format!(
            "read {path}; if you trust it, give --trust once: mcp --trust {}",
            again(std::env::args_os().skip(1))
        )));
    }
    if let Err(error) = remember(file) {
        out::note(format!("mcp: the consent to {} cannot be kept: {error}\n", file.path.display()));
    }
    Ok(())
}

/// The words of this run, to be run once more.
fn again(words: impl Iterator<Item = std::ffi::OsString>) -> String {
    let words: Vec<String> =
        redact::arguments(&words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>());
    words.iter().map(|word| shell_words::quote(word).into_owned()).collect::<Vec<_>>().join(" ")
}

fn ask(
    file: &File,
    server: &Server,
    mut read: impl FnMut() -> io::Result<Option<String>>,
    say: impl Fn(String),
) -> bool {
    let path = file.path.display().to_string();
    let others = file.servers.len().saturating_sub(1);
    let others =
        if others == 0 { String::new() } else { format!(" (and {})", counted(others, "more server")) };
    say(format!(
        "{} belongs to a project, and is new or has changed.\nIts server {} {}{others}.\nUse this file? [y/N] ",
        text::safe_line(&path),
        text::safe_line(&server.name),
        text::safe_line(&what_it_does(server)),
    ));
    matches!(read(), Ok(Some(line)) if matches!(line.trim(), "y" | "Y" | "yes"))
}

/// What using the server does, as it is written: nothing is expanded.
fn what_it_does(server: &Server) -> String {
    match server.entry.as_ref().map(|entry: &Entry| &entry.kind) {
        Ok(Kind::Stdio(program)) => {
            let words =
                [redact::command(&program.command)].into_iter().chain(redact::arguments(&program.args));
            let line: Vec<String> = words.map(|word| shell_words::quote(&word).into_owned()).collect();
            format!("runs `{}`", line.join(" "))
        }
        Ok(Kind::Remote { url, .. }) => format!("connects to {}", redact::url(url)),
        Err(_) => "cannot be used".to_owned(),
    }
}

/// Where consent is kept: a line for each file, the hash of its content and its path.
fn store() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("XDG_STATE_HOME").filter(|path| path.is_absolute());
    let folder = folder.or_else(|| super::home().map(|home| home.join(".local").join("state")));
    Some(folder?.join("mcp").join("trusted"))
}

fn allowed(store: &Path) -> Vec<String> {
    files::read_regular(store).unwrap_or_default().lines().map(str::to_owned).collect()
}

fn absolute(file: &File) -> String {
    let path = std::fs::canonicalize(&file.path).unwrap_or_else(|_| file.path.clone());
    // A path with a newline in it cannot pass for another.
    path.to_string_lossy().escape_default().to_string()
}

fn line(file: &File) -> String {
    let hash = Sha256::digest(file.text.as_bytes());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{hash} {}", absolute(file))
}

/// Keeps the consent, in place of one to an older content.
fn remember(file: &File) -> io::Result<()> {
    let store = store().ok_or_else(|| io::Error::other("there is no home directory"))?;
    let path = format!(" {}", absolute(file));
    let mut lines = allowed(&store);
    lines.retain(|line| line.get(64..) != Some(&path));
    lines.push(line(file));
    files::write_private(&store, &format!("{}\n", lines.join("\n")))
}
