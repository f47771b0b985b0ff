//! From an entry to what can be reached: everything expanded, or everything that is wrong.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::entry::{Entry, Kind, Program};
use super::expand::{Reference, expand};
use super::{File, Server, dotenv, redact};
use crate::connect::auth::OAuthSettings;
use crate::connect::files;

/// What to start.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Launch {
    pub(crate) program: String,
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) cwd: Option<PathBuf>,
    pub(crate) timeout: Option<Duration>,
}

/// The expanded form of an entry.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reached {
    /// A program that is started.
    Program(Launch),
    /// A server behind a URL.
    Url { url: String, headers: Vec<(String, String)>, oauth: OAuthSettings, timeout: Option<Duration> },
}

/// Where values come from.
pub(crate) struct Scope<'a> {
    /// Variables of our environment.
    pub(crate) variable: &'a dyn Fn(&str) -> Option<String>,
    /// Answers to inputs, by id.
    pub(crate) input: &'a mut dyn FnMut(&str) -> Result<String, String>,
    /// Show what can be shown: the values of secrets are replaced by a mark.
    pub(crate) redacted: bool,
}

/// The environment of this process.
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The entry, expanded. Every problem is reported, not only the first.
pub(crate) fn reach(file: &File, server: &Server, scope: &mut Scope<'_>) -> Result<Reached, Vec<String>> {
    let entry: &Entry = server.entry.as_ref().map_err(Vec::clone)?;
    let mut expander = Expander { file, scope, problems: Vec::new() };
    let reached = match &entry.kind {
        Kind::Stdio(program) => Reached::Program(expander.program(program, entry.timeout)),
        Kind::Remote { url, headers, oauth, .. } => Reached::Url {
            url: expander.text("url", url),
            headers: expander.pairs("headers", headers),
            oauth: oauth.clone(),
            timeout: entry.timeout,
        },
    };
    if expander.problems.is_empty() { Ok(reached) } else { Err(expander.problems) }
}

struct Expander<'a, 'b> {
    file: &'a File,
    scope: &'a mut Scope<'b>,
    problems: Vec<String>,
}

impl Expander<'_, '_> {
    fn program(&mut self, program: &Program, timeout: Option<Duration>) -> Launch {
        let mut env = self.env_file(program.env_file.as_deref());
        for (name, value) in self.pairs("env", &program.env) {
            env.retain(|(known, _)| *known != name);
            env.push((name, value));
        }
        let args = program.args.iter().map(|arg| self.text("args", arg)).collect();
        let cwd = program.cwd.as_deref().map(|cwd| self.path("cwd", cwd));
        let command = self.text("command", &program.command);
        // `./server` is meant from the project on; a bare name is looked for in PATH.
        let is_relative = command.starts_with("./") || command.starts_with("../");
        let program =
            if is_relative { self.file.folder.join(&command).display().to_string() } else { command };
        Launch { program, args, env, cwd, timeout }
    }

    fn env_file(&mut self, path: Option<&str>) -> Vec<(String, String)> {
        let Some(path) = path else { return Vec::new() };
        let path = self.path("envFile", path);
        let read = files::read_regular(&path).and_then(|text| dotenv::parse(&text));
        read.unwrap_or_else(|problem| {
            self.problems.push(format!("envFile: {} {problem}", path.display()));
            Vec::new()
        })
    }

    fn path(&mut self, key: &str, path: &str) -> PathBuf {
        let expanded = self.text(key, path);
        match expanded.strip_prefix("~/").zip(home()) {
            Some((rest, home)) => Path::new(&home).join(rest),
            None => self.file.folder.join(expanded),
        }
    }

    fn pairs(&mut self, key: &str, pairs: &[(String, String)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| (name.clone(), self.text(&format!("{key}.{name}"), value))).collect()
    }

    fn text(&mut self, key: &str, text: &str) -> String {
        let (file, scope) = (self.file, &mut *self.scope);
        expand(text, |reference| value(reference, file, scope)).unwrap_or_else(|problem| {
            self.problems.push(format!("{key}: {problem}"));
            String::new()
        })
    }
}

fn value(reference: &Reference<'_>, file: &File, scope: &mut Scope<'_>) -> Result<String, String> {
    match reference {
        Reference::Variable { name, default } => {
            let set = (scope.variable)(name);
            // As in a shell: a default also stands in for an empty value.
            let value = match default {
                Some(default) => {
                    set.filter(|value| !value.is_empty()).unwrap_or_else(|| (*default).to_owned())
                }
                None => set.ok_or_else(|| format!("the variable {name} is not set"))?,
            };
            let hide = scope.redacted && redact::is_secret_name(name);
            Ok(if hide { redact::REDACTED.to_owned() } else { value })
        }
        Reference::Input(id) => (scope.input)(id),
        Reference::Folder => Ok(file.folder.display().to_string()),
        Reference::FolderName => {
            Ok(file.folder.file_name().unwrap_or_default().to_string_lossy().into_owned())
        }
        Reference::Home => home().ok_or_else(|| "the home directory is not known".to_owned()),
        Reference::Separator => Ok(std::path::MAIN_SEPARATOR.to_string()),
    }
}

fn home() -> Option<String> {
    let name = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    std::env::var(name).ok().filter(|home| !home.is_empty())
}

#[cfg(test)]
mod tests {
    use mcp_core::message::RawJson;

    use super::super::entry;
    use super::*;

    fn reached(json: &str, redacted: bool) -> Result<Reached, Vec<String>> {
        let raw = RawJson::parse(json.to_owned()).unwrap();
        let server = Server { name: "s".to_owned(), entry: entry::parse(&raw), raw };
        let file = File { folder: PathBuf::from("/project"), ..File::default() };
        let variable = |name: &str| match name {
            "API_TOKEN" => Some("hunter2".to_owned()),
            "PORT" => Some("80".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let mut input = |id: &str| if id == "key" { Ok("typed".to_owned()) } else { Err(format!("no {id}")) };
        reach(&file, &server, &mut Scope { variable: &variable, input: &mut input, redacted })
    }

    fn launched(json: &str, redacted: bool) -> Launch {
        match reached(json, redacted).unwrap() {
            Reached::Program(launch) => launch,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn everything_is_expanded() {
        let json = r#"{"command":"./run","args":["${PORT}","${NONE:-d}","${EMPTY:-e}","${input:key}"],
            "env":{"T":"${env:API_TOKEN}"},"cwd":"${workspaceFolder}/sub","timeout":5}"#;
        let launch = launched(json, false);
        assert_eq!(launch.program, "/project/./run");
        assert_eq!(launch.args, ["80", "d", "e", "typed"]);
        assert_eq!(launch.env, [("T".to_owned(), "hunter2".to_owned())]);
        assert_eq!(launch.cwd, Some(PathBuf::from("/project/sub")));
        assert_eq!(launched(json, true).env[0].1, redact::REDACTED);
    }

    /// An undefined variable is an error that names it; all problems come at once.
    #[test]
    fn every_problem_is_named_with_its_key() {
        let json =
            r#"{"command":"x","args":["${NONE}"],"env":{"A":"${input:other}"},"envFile":"nowhere.env"}"#;
        let problems = reached(json, false).unwrap_err();
        assert_eq!(problems.len(), 3, "{problems:?}");
        for named in ["args: the variable NONE is not set", "env.A: no other", "/project/nowhere.env"] {
            assert!(problems.iter().any(|problem| problem.contains(named)), "{named}: {problems:?}");
        }
        let json = r#"{"url":"https://${HOST_NONE}/","headers":{"X":"${NONE}"}}"#;
        assert_eq!(reached(json, false).unwrap_err().len(), 2);
    }

    #[test]
    fn a_url_and_its_headers_are_expanded() {
        let json =
            r#"{"url":"https://h:${PORT}/","headers":{"Authorization":"Bearer ${API_TOKEN}"},"timeout":5}"#;
        let Ok(Reached::Url { url, headers, timeout, .. }) = reached(json, false) else { panic!("no URL") };
        assert_eq!((url.as_str(), timeout), ("https://h:80/", Some(Duration::from_millis(5))));
        assert_eq!(headers, [("Authorization".to_owned(), "Bearer hunter2".to_owned())]);
    }
}
