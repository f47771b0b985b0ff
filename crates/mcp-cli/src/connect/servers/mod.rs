//! The servers that config files name: `.mcp.json`, VS Code's `mcp.json`, and our `mcp.json`.
//!
//! A file that cannot be read, or an invalid entry, is reported when it is needed, and does not affect the others.

mod dotenv;
pub(crate) mod entry;
pub(crate) mod expand;
pub(crate) mod inputs;
pub(crate) mod jsonc;
pub(crate) mod launch;
pub(crate) mod redact;
pub(crate) mod trust;

use std::path::{Path, PathBuf};
use std::time::Duration;

use mcp_core::message::RawJson;

use crate::connect::files;
use crate::exit::{Code, Failure};
use entry::Entry;
use inputs::Input;

/// The files of programs whose `timeout` is in seconds: Claude Code and Cline.
const IN_SECONDS: &[&str] = &[".mcp.json", ".claude.json", "cline_mcp_settings.json"];

/// A server in a file.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) name: String,
    /// As written in the file.
    pub(crate) raw: RawJson,
    pub(crate) entry: Result<Entry, Vec<String>>,
}

/// A config file.
#[derive(Clone, Debug, Default)]
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) source: Source,
    /// The text, which consent is given to.
    pub(crate) text: String,
    /// The value of `${workspaceFolder}`, and the start of relative paths.
    pub(crate) folder: PathBuf,
    /// Why nothing can be read of it.
    pub(crate) problem: Option<String>,
    pub(crate) servers: Vec<Server>,
    pub(crate) inputs: Vec<Input>,
    /// The `inputs` as they stand there.
    pub(crate) raw_inputs: Vec<RawJson>,
}

/// Who wrote a file, and so how far it is trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Source {
    /// The user: our own file, or the one that `--config` names.
    #[default]
    User,
    /// The project that the current directory belongs to. It may come from anywhere.
    Project,
}

/// The files: the one that is named, or those that exist of the usual ones, in their order.
pub(crate) fn load(named: Option<&Path>) -> Vec<File> {
    match named {
        Some(path) => vec![read(path, Source::User)],
        None => usual()
            .into_iter()
            .filter(|(path, _)| path.exists())
            .map(|(path, source)| read(&path, source))
            .collect(),
    }
}

/// Where servers are looked for: in the user's own file, then in those of the project, the nearest first.
fn usual() -> Vec<(PathBuf, Source)> {
    let own = own();
    let here = std::env::current_dir().unwrap_or_default();
    let home = home();
    let mut paths: Vec<(PathBuf, Source)> = own.iter().map(|path| (path.clone(), Source::User)).collect();
    for (depth, folder) in here.ancestors().enumerate() {
        // What is in the home directory or above it belongs to no project.
        if depth > 0
            && (home.as_deref().is_some_and(|home| home.starts_with(folder)) || folder.parent().is_none())
        {
            break;
        }
        for name in [PathBuf::from(".mcp.json"), Path::new(".vscode").join("mcp.json")] {
            // Relative where it can be: shorter to read.
            let path = if depth == 0 { name } else { folder.join(name) };
            paths.push((path, Source::Project));
        }
        if folder.join(".git").exists() {
            break;
        }
    }
    paths
}

pub(crate) fn home() -> Option<PathBuf> {
    let name = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Our own file, of this user.
pub(crate) fn own() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
    let folder = folder.or_else(|| {
        if cfg!(windows) { set("APPDATA") } else { set("HOME").map(|home| home.join(".config")) }
    });
    Some(folder?.join("mcp").join("mcp.json"))
}

/// The server of this name: that of the first file that has one.
pub(crate) fn find<'a>(files: &'a [File], name: &str) -> Result<(&'a File, &'a Server), Failure> {
    let all = files.iter().flat_map(|file| file.servers.iter().map(move |server| (file, server)));
    if let Some(found) = all.clone().find(|(_, server)| server.name == name) {
        return Ok(found);
    }
    let failure = Failure::new(Code::Config, format!("no config file names a server {name:?}"));
    let broken: Vec<String> = files
        .iter()
        .filter_map(|file| Some(format!("{}: {}", file.path.display(), file.problem.as_ref()?)))
        .collect();
    let names: Vec<&str> = all.map(|(_, server)| server.name.as_str()).collect();
    if !broken.is_empty() {
        return Err(failure.because(broken.join("\n")));
    }
    if !names.is_empty() {
        return Err(failure.hint(format!("there are {}", names.join(", "))));
    }
    let usual = usual();
    let named = files.iter().any(|file| !usual.iter().any(|(path, _)| *path == file.path));
    let looked: Vec<String> = if named {
        files.iter().map(|file| file.path.display().to_string()).collect()
    } else {
        usual.iter().map(|(path, _)| path.display().to_string()).collect()
    };
    Err(failure
        .because(format!("there are no servers in {}", looked.join(", ")))
        .hint("write the command that starts the server after `--`, as in `mcp tools -- mcp serve-demo`"))
}

fn read(path: &Path, source: Source) -> File {
    let mut file = File { path: path.to_owned(), source, folder: folder(path), ..File::default() };
    match files::read_regular(path).and_then(|text| fill(&mut file, text)) {
        Ok(()) => file,
        Err(problem) => File { problem: Some(problem), servers: Vec::new(), ..file },
    }
}

/// The project of a config file; for our own file, which belongs to none, the current directory.
fn folder(path: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    if own().is_some_and(|own| own == path) {
        return here;
    }
    let parent = here.join(path.parent().unwrap_or(Path::new("")));
    let hidden = parent.file_name().is_some_and(|name| name == ".vscode" || name == ".cursor");
    if hidden { parent.parent().map_or(parent.clone(), Path::to_owned) } else { parent }
}

fn fill(file: &mut File, text: String) -> Result<(), String> {
    let stripped = jsonc::strip(&text);
    file.text = text;
    let root: serde_json::Value =
        serde_json::from_str(&stripped).map_err(|error| format!("is not JSON: {error}"))?;
    drop(root);
    let root = RawJson::parse(stripped).map_err(|error| format!("is not JSON: {error}"))?;
    // VS Code's own settings keep it one level deeper.
    let roots = [Some(root.clone()), root.member("mcp")];
    let mut found = false;
    for root in roots.into_iter().flatten() {
        for section in ["mcpServers", "servers"] {
            let Some(section) = root.member(section).filter(RawJson::is_object) else { continue };
            found = true;
            for (name, raw) in section.members() {
                add(file, name, raw);
            }
        }
        let inputs = root.member("inputs").unwrap_or_default();
        file.inputs.extend(inputs::parse(&inputs));
        file.raw_inputs.extend(inputs.elements());
    }
    if found { Ok(()) } else { Err("has neither an object `mcpServers` nor `servers`".to_owned()) }
}

fn add(file: &mut File, name: String, raw: RawJson) {
    let mut entry = entry::parse(&raw);
    if let Ok(entry) = &mut entry {
        timeout_in_its_unit(entry, &file.path);
    }
    if let Some(double) = file.servers.iter_mut().find(|server| server.name == name) {
        double.entry = Err(vec!["the file has two entries of this name".to_owned()]);
        return;
    }
    file.servers.push(Server { name, raw, entry });
}

/// The largest `timeout` that is read as seconds in the files of programs that write seconds: an hour, which is the most
/// that they allow.
const MOST_SECONDS: f64 = 3600.0;

/// Reads a small `timeout` as seconds in the files of programs that write seconds, and warns elsewhere: a limit of
/// less than a second is unlikely to be meant.
fn timeout_in_its_unit(entry: &mut Entry, path: &Path) {
    let Some(time) = entry.timeout else { return };
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let number = time.as_secs_f64() * 1000.0;
    if IN_SECONDS.contains(&name) {
        if number > MOST_SECONDS {
            return;
        }
        entry.timeout = Duration::try_from_secs_f64(number).ok();
        entry
            .warnings
            .push(format!("`timeout` {number} is taken as seconds, as the programs that read {name} do"));
    } else if time < Duration::from_secs(1) {
        entry.warnings.push(format!("`timeout` is in milliseconds: {number} is less than a second"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Result<File, String> {
        let mut file = File::default();
        fill(&mut file, text.to_owned()).map(|()| file)
    }

    #[test]
    fn both_forms_are_read_in_their_order() {
        let claude =
            file(r#"{"mcpServers": {"b": {"command": "x"}, "a": {"url": "http://h"}}, "other": 1}"#).unwrap();
        assert_eq!(claude.servers.iter().map(|server| server.name.as_str()).collect::<Vec<_>>(), ["b", "a"]);
        let code =
            file("{\"servers\": {\"c\": {\"command\": \"x\"},}, // VS Code\n\"inputs\": [{\"id\": \"k\"}]}")
                .unwrap();
        assert_eq!((code.servers.len(), code.inputs.len(), code.raw_inputs.len()), (1, 1, 1));
        assert_eq!(file(r#"{"mcp": {"servers": {"d": {"command": "x"}}}}"#).unwrap().servers.len(), 1);
    }

    /// One bad entry never breaks others.
    #[test]
    fn a_bad_entry_stays_alone() {
        let file = file(
            r#"{"mcpServers": {"bad": 7, "twice": {"command": "a"}, "good": {"command": "x"}, "twice": {"command": "b"}}}"#,
        );
        let file = file.unwrap();
        let good: Vec<bool> = file.servers.iter().map(|server| server.entry.is_ok()).collect();
        assert_eq!(good, [false, false, true]);
        let files = [File { problem: Some("broken".to_owned()), ..File::default() }, file];
        assert!(find(&files, "good").is_ok());
        let failure = find(&files, "none").unwrap_err();
        assert_eq!((failure.code.name(), failure.exit()), ("config", 2));
        assert!(failure.cause.unwrap().contains("broken"));
    }

    #[test]
    fn a_file_of_something_else_has_a_reason() {
        for (text, reason) in
            [("{", "not JSON"), ("{}", "neither"), ("[]", "neither"), (r#"{"servers":[]}"#, "neither")]
        {
            assert!(file(text).unwrap_err().contains(reason), "{text}");
        }
    }
}
