//! `mcp config check`: is every file readable, every entry sound, every variable set, every program there?

use std::path::Path;

use mcp_core::message::RawJson;

use crate::connect::remote::Remote;
use crate::connect::servers::launch::{self, Reached, Scope};
use crate::connect::servers::{self, File, Server, trust};
use crate::exit::{Code, Failure};
use crate::global::Global;
use crate::terminal::out;
use crate::terminal::style::Style;
use crate::text::{self, counted};

/// What was found of one server.
#[derive(Debug)]
struct Finding<'a> {
    file: &'a File,
    server: &'a Server,
    problems: Vec<String>,
    warnings: Vec<String>,
}

/// Runs the command.
pub(super) fn run(global: &Global) -> Result<(), Failure> {
    let files = servers::load(global.config.as_deref());
    let found: Vec<Finding<'_>> = files
        .iter()
        .flat_map(|file| file.servers.iter().map(move |server| check(global, file, server)))
        .collect();
    let broken = files.iter().filter(|file| file.problem.is_some()).count();
    let bad = found.iter().filter(|finding| !finding.problems.is_empty()).count();
    if global.json {
        out::json(&json(&files, &found, broken + bad == 0).to_string())?;
    } else {
        out::write(render(&files, &found, Style::for_stream(global.color, &std::io::stdout())))?;
    }
    match (broken, bad) {
        (0, 0) => Ok(()),
        (0, bad) => Err(failure(format!("{bad} of {} cannot be used", counted(found.len(), "server")))),
        (broken, _) => Err(failure(format!("{broken} of {} cannot be read", counted(files.len(), "file")))),
    }
}

fn failure(what: String) -> Failure {
    Failure::new(Code::Config, what).silent()
}

fn check<'a>(global: &Global, file: &'a File, server: &'a Server) -> Finding<'a> {
    // Whether an input is defined can be checked; what will be typed cannot.
    let mut input = |id: &str| {
        let known = file.inputs.iter().any(|input| input.id == id);
        let unknown = || format!("the input {id:?} is not among the file's `inputs`");
        if known { Ok(String::new()) } else { Err(unknown()) }
    };
    let variable = trust::variable(file, global.trust);
    let mut scope = Scope { variable: &variable, input: &mut input, redacted: false };
    let mut warnings = server.entry.as_ref().map_or_else(|_| Vec::new(), |entry| entry.warnings.clone());
    if !global.trust && !trust::is_trusted(file) {
        warnings.push(
            "its file is a project's, and is not trusted yet: using it asks, or needs --trust".to_owned(),
        );
    }
    let problems = match launch::reach(file, server, &mut scope) {
        Ok(Reached::Program(launch)) => {
            if !is_there(&launch.program) {
                warnings.push(format!("the program {:?} is not found", launch.program));
            }
            Vec::new()
        }
        Ok(Reached::Url { url, headers, oauth, .. }) => {
            match Remote::configured(global, &url, &headers, oauth) {
                Ok(_) => Vec::new(),
                Err(failure) => vec![failure.sentence()],
            }
        }
        Err(problems) => problems,
    };
    Finding { file, server, problems, warnings }
}

/// Whether a program of this name is found. Where nothing can be said, it is.
fn is_there(program: &str) -> bool {
    if program.is_empty() || cfg!(windows) {
        return true;
    }
    if program.contains('/') {
        return Path::new(program).is_file();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn render(files: &[File], found: &[Finding<'_>], style: Style) -> String {
    let mut out = String::new();
    for file in files {
        let path = file.path.display().to_string();
        out.push_str(&format!("{}\n", style.bold(&text::safe_line(&path))));
        if let Some(problem) = &file.problem {
            out.push_str(&format!("  {} {}\n", style.red("bad"), text::safe_line(problem)));
        }
        for finding in found.iter().filter(|finding| std::ptr::eq(finding.file, file)) {
            let mark = if finding.problems.is_empty() { style.green("ok ") } else { style.red("bad") };
            let off = finding.server.entry.as_ref().is_ok_and(|entry| entry.off);
            let off = if off { " (switched off)" } else { "" };
            out.push_str(&format!("  {mark} {}{off}\n", text::safe_line(&finding.server.name)));
            for problem in &finding.problems {
                out.push_str(&format!("      {}\n", text::safe_line(problem)));
            }
            for warning in &finding.warnings {
                out.push_str(&format!("      note: {}\n", text::safe_line(warning)));
            }
        }
    }
    if files.is_empty() {
        out.push_str("no config files\n");
    }
    out
}

fn json(files: &[File], found: &[Finding<'_>], ok: bool) -> RawJson {
    let flag = |on: bool| RawJson::serialize(&on).unwrap_or(RawJson::NULL);
    let texts = |texts: &[String]| RawJson::array(texts.iter().map(|text| RawJson::string(text)));
    let files = files.iter().map(|file| {
        let path = ("path", RawJson::string(&file.path.display().to_string()));
        let problem = file.problem.as_ref().map(|problem| ("problem", RawJson::string(problem)));
        RawJson::object([path, ("ok", flag(problem.is_none()))].into_iter().chain(problem))
    });
    let servers = found.iter().map(|finding| {
        RawJson::object([
            ("name", RawJson::string(&finding.server.name)),
            ("file", RawJson::string(&finding.file.path.display().to_string())),
            ("ok", flag(finding.problems.is_empty())),
            ("problems", texts(&finding.problems)),
            ("warnings", texts(&finding.warnings)),
        ])
    });
    RawJson::object([
        ("ok", flag(ok)),
        ("files", RawJson::array(files)),
        ("servers", RawJson::array(servers)),
    ])
}
