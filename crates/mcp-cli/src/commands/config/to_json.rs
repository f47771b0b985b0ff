//! `mcp config to-json`: an entry that starts or reaches a server, for the config file of any program.

use std::ffi::OsString;
use std::path::Path;

use clap::{Args, ValueEnum};
use mcp_core::message::RawJson;

use crate::connect::remote::target_kind::TargetKind;
use crate::connect::remote::{self, Remote};
use crate::connect::servers::entry::{Entry, Kind, Program};
use crate::connect::servers::{self, expand, redact};
use crate::connect::target;
use crate::exit::{Code, Failure};
use crate::global::Global;
use crate::terminal::out;
use crate::terminal::pretty::pretty;

/// `mcp config to-json`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The server's URL or its name in a config file; left out where a command follows `--`
    #[arg(value_name = "SERVER")]
    target: Option<String>,
    /// What to call it
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Whose form
    #[arg(long, value_name = "FORM", default_value = "claude")]
    form: Form,
    /// The command that starts the server, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// `mcpServers`, as Claude, Cursor and most others have it
    Claude,
    /// `servers`, as VS Code has it
    Vscode,
}

impl Form {
    /// How a variable is referred to.
    fn variable(self, name: &str) -> String {
        match self {
            Form::Claude => format!("${{{name}}}"),
            Form::Vscode => format!("${{env:{name}}}"),
        }
    }

    /// A text that may refer to variables, in this form's way. What has a default stays: VS Code knows none.
    fn text(self, text: &str) -> String {
        let rewritten = expand::expand(text, |reference| {
            Ok(match reference {
                expand::Reference::Variable { name, default: None } => self.variable(name),
                expand::Reference::Variable { name, default: Some(default) } => {
                    format!("${{{name}:-{default}}}")
                }
                expand::Reference::Input(id) => format!("${{input:{id}}}"),
                expand::Reference::Folder => "${workspaceFolder}".to_owned(),
                expand::Reference::FolderName => "${workspaceFolderBasename}".to_owned(),
                expand::Reference::Home => "${userHome}".to_owned(),
                expand::Reference::Separator => "${pathSeparator}".to_owned(),
            })
        });
        rewritten.unwrap_or_else(|_| text.to_owned())
    }
}

/// Runs the command.
pub(super) fn run(global: &Global, options: &Options) -> Result<(), Failure> {
    let (name, kind) = match options.target.as_deref() {
        Some(word) if options.command.is_empty() => match target::kind(global, word) {
            TargetKind::Name => named(global, word)?,
            _ => behind(global, word, options.form)?,
        },
        positional => {
            // The same words for a wrong target as everywhere.
            target::command(global, positional, &options.command)?;
            (default_name(&options.command), Kind::Stdio(program(global, &options.command, options.form)?))
        }
    };
    let name = options.name.clone().unwrap_or(name);
    let entry = entry(&kind, options.form);
    let section = if options.form == Form::Claude { "mcpServers" } else { "servers" };
    let whole = RawJson::object([(section, RawJson::object([(name.as_str(), entry)]))]);
    out::json(&if global.json { whole.to_string() } else { pretty(&whole) })
}

/// The entry of a server that is given by a URL or a command, for a file with this section.
pub(super) fn new_entry(
    global: &Global,
    url: Option<&str>,
    command: &[OsString],
    section: &str,
) -> Result<RawJson, Failure> {
    let form = if section == "servers" { Form::Vscode } else { Form::Claude };
    let kind = match url {
        Some(url) if command.is_empty() => behind(global, url, form)?.1,
        positional => {
            target::command(global, positional, command)?;
            Kind::Stdio(program(global, command, form)?)
        }
    };
    Ok(entry(&kind, form))
}

fn named(global: &Global, name: &str) -> Result<(String, Kind), Failure> {
    let files = servers::load(global.config.as_deref());
    let (file, server) = servers::find(&files, name)?;
    let entry: &Entry = server.entry.as_ref().map_err(|problems| {
        Failure::new(Code::Config, format!("the server {name:?} of {} cannot be used", file.path.display()))
            .because(problems.join("\n"))
    })?;
    Ok((name.to_owned(), entry.kind.clone()))
}

/// The entry of a URL, named after its host. Headers are referred to by variables.
fn behind(global: &Global, url: &str, form: Form) -> Result<(String, Kind), Failure> {
    let remote = Remote::new(global, url)?;
    let client = remote.client()?;
    let name = client.url().host().unwrap_or_default().to_owned();
    let options = &global.http;
    let mut headers = Vec::new();
    for (header, _) in remote::given_headers(options)? {
        let variable =
            options.header_env.iter().find(|(name, _)| *name == header).map(|(_, variable)| variable);
        let own = || header.to_ascii_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        let variable = variable.cloned().unwrap_or_else(own);
        headers.push((header, form.variable(&variable)));
    }
    if let Some(variable) = &options.bearer_env {
        headers.push(("Authorization".to_owned(), format!("Bearer {}", form.variable(variable))));
    }
    Ok((
        name,
        Kind::Remote {
            transport: "http".to_owned(),
            url: client.url().to_string(),
            headers,
            oauth: Default::default(),
        },
    ))
}

/// The last part of the command that looks like a name: `npx -y @x/server-git` is `server-git`.
fn default_name(command: &[OsString]) -> String {
    let words: Vec<String> = command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let launchers =
        ["npx", "uvx", "node", "python", "python3", "docker", "bunx", "deno", "uv", "run", "exec", "sh"];
    let base = |word: &str| {
        let last = word.rsplit(['/', '\\']).next().unwrap_or_default();
        last.split('@').next().unwrap_or_default().to_owned()
    };
    let mut names = words.iter().filter(|word| !word.starts_with('-')).map(|word| base(word));
    let found = names.find(|name| !name.is_empty() && !launchers.contains(&name.as_str()));
    found.or_else(|| words.first().map(|word| base(word))).unwrap_or_default()
}

fn program(global: &Global, command: &[OsString], form: Form) -> Result<Program, Failure> {
    let mut words = Vec::new();
    for word in command {
        let word = word.to_str().ok_or_else(|| {
            Failure::usage(format!("{} is not UTF-8, and so cannot stand in JSON", word.display()))
        })?;
        words.push(word.to_owned());
    }
    let passed = global.pass_env.iter().map(|name| (name.clone(), form.variable(name)));
    // A secret stays outside; the variable of the same name has it.
    let set = global.env.iter().map(|(name, value)| {
        let value = if redact::is_secret_name(name) { form.variable(name) } else { value.clone() };
        (name.clone(), value)
    });
    let cwd = global.cwd.as_deref().map(Path::to_string_lossy).map(|cwd| cwd.into_owned());
    let command = if words.is_empty() { String::new() } else { words.remove(0) };
    Ok(Program { command, args: words, env: passed.chain(set).collect(), env_file: None, cwd })
}

fn entry(kind: &Kind, form: Form) -> RawJson {
    let string = |text: &str| RawJson::string(&form.text(text));
    let secret = |name: &str, value: &str| {
        if redact::is_secret_name(name) { string(redact::value(value)) } else { string(value) }
    };
    let pairs = |pairs: &[(String, String)]| {
        RawJson::object(pairs.iter().map(|(name, value)| (name.as_str(), secret(name, value))))
    };
    let mut members = Vec::new();
    match kind {
        Kind::Stdio(program) => {
            if form == Form::Vscode {
                members.push(("type", RawJson::string("stdio")));
            }
            members.push(("command", string(&program.command)));
            let args = redact::arguments(&program.args);
            members.push(("args", RawJson::array(args.iter().map(|arg| string(arg)))));
            if !program.env.is_empty() {
                members.push(("env", pairs(&program.env)));
            }
            members.extend(program.env_file.as_deref().map(|path| ("envFile", string(path))));
            members.extend(program.cwd.as_deref().map(|path| ("cwd", string(path))));
        }
        Kind::Remote { transport, url, headers, .. } => {
            members.push(("type", RawJson::string(transport)));
            members.push(("url", string(&redact::url(url))));
            if !headers.is_empty() {
                // Each of them may be a secret.
                let hidden =
                    headers.iter().map(|(name, value)| (name.as_str(), string(redact::value(value))));
                members.push(("headers", RawJson::object(hidden)));
            }
        }
    }
    RawJson::object(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_after_what_it_runs() {
        let rows = [
            (&["npx", "-y", "@modelcontextprotocol/server-git@1.0"][..], "server-git"),
            (&["uvx", "mcp-server-time"], "mcp-server-time"),
            (&["/usr/bin/mcp", "serve-demo"], "mcp"),
            (&["python", "-m"], "python"),
        ];
        for (command, name) in rows {
            let command: Vec<OsString> = command.iter().map(OsString::from).collect();
            assert_eq!(default_name(&command), name);
        }
    }

    #[test]
    fn references_are_written_in_the_form_of_the_program() {
        assert_eq!(Form::Vscode.text("a${X}b"), "a${env:X}b");
        assert_eq!(Form::Claude.text("a${env:X}b${input:i}"), "a${X}b${input:i}");
        assert_eq!(Form::Vscode.text("${X:-d}"), "${X:-d}");
    }
}
