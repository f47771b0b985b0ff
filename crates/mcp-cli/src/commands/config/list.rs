//! `mcp config list`: every server of every file, and whether it can be used.

use mcp_core::message::RawJson;

use crate::connect::servers::entry::Kind;
use crate::connect::servers::{self, File, Server, redact, trust};
use crate::exit::Failure;
use crate::global::Global;
use crate::terminal::out;
use crate::terminal::style::Style;
use crate::terminal::table::Table;
use crate::text::{self, shell_words};

/// How wide the column of commands may be.
const WHAT: usize = 60;

/// Runs the command.
pub(super) fn run(global: &Global) -> Result<(), Failure> {
    let files = servers::load(global.config.as_deref());
    for file in &files {
        if let (Some(problem), false) = (&file.problem, global.quiet || global.json) {
            out::note(format!("mcp: {} {}\n", file.path.display(), text::safe_block(problem)));
        }
    }
    let rows: Vec<(&File, &Server, &str)> = rows(&files, global.trust);
    if global.jsonl {
        return out::json(&rows.iter().map(|row| format!("{}\n", json(row))).collect::<String>());
    }
    if global.json {
        let servers = RawJson::array(rows.iter().map(json));
        return out::json(&RawJson::object([("servers", servers)]).to_string());
    }
    if rows.is_empty() {
        return out::write("no servers\n");
    }
    let mut table = Table::new(["server", "state", "how it is reached", "file"]);
    for (file, server, state) in rows {
        let how = text::clip(&text::safe_line(&how(server)), WHAT);
        table.row([server.name.as_str(), state, &how, &file.path.display().to_string()]);
    }
    out::write(table.render(Style::for_stream(global.color, &std::io::stdout())))
}

fn rows(files: &[File], trust: bool) -> Vec<(&File, &Server, &'static str)> {
    let mut rows: Vec<(&File, &Server, &str)> = Vec::new();
    for file in files {
        let trusted = trust || trust::is_trusted(file);
        for server in &file.servers {
            let state = match &server.entry {
                _ if rows.iter().any(|(_, known, _)| known.name == server.name) => "hidden",
                Err(_) => "broken",
                Ok(entry) if entry.off => "off",
                Ok(_) if !trusted => "untrusted",
                Ok(_) => "ok",
            };
            rows.push((file, server, state));
        }
    }
    rows
}

/// The command line or the URL, as it is written, without secrets.
fn how(server: &Server) -> String {
    match server.entry.as_ref().map(|entry| &entry.kind) {
        Ok(Kind::Stdio(program)) => {
            let args = redact::arguments(&program.args);
            let words = [redact::command(&program.command)].into_iter().chain(args);
            words
                .map(|word| {
                    if word.contains(redact::REDACTED) {
                        word
                    } else {
                        shell_words::quote(&word).into_owned()
                    }
                })
                .collect::<Vec<_>>()
                .join(" ")
        }
        Ok(Kind::Remote { url, .. }) => redact::url(url),
        Err(problems) => problems.first().cloned().unwrap_or_default(),
    }
}

fn json((file, server, state): &(&File, &Server, &str)) -> RawJson {
    let mut members = vec![
        ("name", RawJson::string(&server.name)),
        ("state", RawJson::string(state)),
        ("file", RawJson::string(&file.path.display().to_string())),
    ];
    match &server.entry {
        Ok(entry) => {
            members.push(("type", RawJson::string(entry.kind.name())));
            members.push(("reached", RawJson::string(&how(server))));
        }
        Err(problems) => {
            members
                .push(("problems", RawJson::array(problems.iter().map(|problem| RawJson::string(problem)))));
        }
    }
    RawJson::object(members)
}
