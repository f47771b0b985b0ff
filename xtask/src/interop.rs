//! `cargo xtask interop`: conversations with third-party clients and servers, and the matrix of results.

use std::path::Path;

use crate::shell::root;
use crate::{Outcome, Task, install, test};

/// The columns, under the names that the tests use.
const STEPS: [&str; 12] = [
    "connect", "list", "call", "progress", "cancel", "error", "large", "resource", "prompt", "input",
    "listen", "close",
];

pub(crate) const TASK: Task = Task {
    name: "interop",
    arguments: "[--update]",
    summary: "Run the conversations with peers from npm and PyPI, and print their matrix",
    details: "
Installs the peers from the lock files in tests/interop, runs only these tests, and prints which step of a
conversation works with which peer. --update writes the matrix into docs/interop.md, if no cell failed.
",
    run,
};

/// Installs the peers, runs these tests only, and prints the matrix.
fn run(args: &[String]) -> Outcome {
    let update = match args {
        [] => false,
        [option] if option == "--update" => true,
        _ => return Err(format!("interop takes only --update, and got `{}`", args.join(" "))),
    };
    let folder = install::bin_dir()?.join("interop-rows");
    // A file from an earlier run must not count as a row of this one.
    let _absent = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)
        .map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;

    let mut variables = test::install()?;
    test::build()?;
    variables.push(("MCP_INTEROP_ROWS", folder.clone()));
    let counts = test::nextest(&["--test", "it", "interop::"].map(str::to_owned), &variables)?;

    let listed = read(&root().join("tests/interop/rows.txt"))?;
    let rows: Vec<Row> = listed.lines().map(|name| Row::read(name, &folder)).collect();
    let printed = format!("{}\n{}\n", matrix(&rows), versions()?);
    println!("\n{printed}");
    let failed: Vec<String> = rows.iter().flat_map(Row::failures).collect();
    if !failed.is_empty() {
        return Err(format!("{} cells failed:\n{}", failed.len(), failed.join("\n")));
    }
    if update {
        let file = root().join(PAGE);
        let page = with_matrix(&read(&file)?, &printed)?;
        std::fs::write(&file, page).map_err(|error| format!("{PAGE} could not be written: {error}"))?;
    }
    counts.report()
}

/// The page that shows the matrix, as its first block.
const PAGE: &str = "docs/interop.md";

/// The page with this matrix in place of its first block.
fn with_matrix(page: &str, matrix: &str) -> Outcome<String> {
    let block = |page: &str| {
        let start = page.find("```\n")? + "```\n".len();
        let end = start + page.get(start..)?.find("\n```")? + 1;
        Some((start, end))
    };
    let (start, end) = block(page).ok_or_else(|| format!("{PAGE} has no block for the matrix"))?;
    Ok(format!("{}{matrix}{}", &page[..start], &page[end..]))
}

fn read(file: &Path) -> Outcome<String> {
    std::fs::read_to_string(file).map_err(|error| format!("{} could not be read: {error}", file.display()))
}

/// One row: the verdict of each step, with a note.
#[derive(Debug, PartialEq)]
struct Row {
    name: String,
    cells: Vec<(Verdict, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Verdict {
    Passed,
    Absent,
    Failed,
}

impl Row {
    fn read(name: &str, folder: &Path) -> Row {
        let file: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let text = std::fs::read_to_string(folder.join(file + ".tsv")).unwrap_or_default();
        Row::parse(name, &text)
    }

    /// A step that is not in the text has failed, so an absent row has failed in every step.
    fn parse(name: &str, text: &str) -> Row {
        let cell = |step: &&str| {
            let found = text.lines().find_map(|line| line.strip_prefix(step)?.strip_prefix('\t'));
            let (verdict, note) =
                found.and_then(|rest| rest.split_once('\t')).unwrap_or(("", "it was not run"));
            let verdict = match verdict {
                "passed" => Verdict::Passed,
                "absent" => Verdict::Absent,
                _ => Verdict::Failed,
            };
            (verdict, note.to_owned())
        };
        Row { name: name.to_owned(), cells: STEPS.iter().map(cell).collect() }
    }

    fn failures(&self) -> Vec<String> {
        let cells = self.cells.iter().zip(STEPS).filter(|((verdict, _), _)| *verdict == Verdict::Failed);
        cells.map(|((_, note), step)| format!("  {}, {step}: {note}", self.name)).collect()
    }
}

/// The matrix as a table, followed by the reasons why a peer cannot do a step.
fn matrix(rows: &[Row]) -> String {
    let mut reasons: Vec<&str> = Vec::new();
    let mut lines = vec![std::iter::once("peers".to_owned()).chain(STEPS.map(str::to_owned)).collect()];
    for row in rows {
        let mut line = vec![row.name.clone()];
        for (verdict, note) in &row.cells {
            line.push(match verdict {
                Verdict::Passed if note.is_empty() => "ok".to_owned(),
                Verdict::Passed => note.clone(),
                Verdict::Failed => "FAILED".to_owned(),
                Verdict::Absent => {
                    let known = reasons.iter().position(|reason| *reason == note.as_str());
                    let number = known.unwrap_or_else(|| {
                        reasons.push(note);
                        reasons.len() - 1
                    });
                    format!("- [{}]", number + 1)
                }
            });
        }
        lines.push(line);
    }
    let mut text = table(&lines);
    for (number, reason) in reasons.iter().enumerate() {
        text += &format!("[{}] {reason}\n", number + 1);
    }
    text
}

/// Columns of equal width, two spaces apart.
fn table(lines: &[Vec<String>]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell: &String| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let padded = |line: &Vec<String>| {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    lines.iter().map(padded).collect()
}

/// The versions of the peers, from the files that the lock files are generated from.
fn versions() -> Outcome<String> {
    let folder = root().join("tests/interop");
    let inspector = read(&root().join("tests/inspector/package.json"))?;
    let package = read(&folder.join("package.json"))? + &inspector;
    let peers = ["\"@modelcontextprotocol/", "\"supergateway\"", "\"kubernetes-mcp-server"];
    let npm = package.lines().filter(|line| peers.iter().any(|peer| line.contains(peer)));
    let mut names: Vec<String> =
        npm.map(|line| line.replace(['"', ','], "").trim().replace(": ", " ")).collect();
    for file in ["requirements-1.in", "requirements.in"] {
        let text = read(&folder.join(file))?;
        let pinned = text.lines().filter(|line| !line.starts_with('#'));
        names.extend(pinned.map(|line| format!("Python {}", line.replace("==", " "))));
    }
    let cargo = read(&root().join("Cargo.toml"))?;
    let rmcp = cargo.lines().find_map(|line| line.strip_prefix("rmcp = { version = \"")?.split_once('"'));
    names.extend(rmcp.map(|(version, _)| format!("rmcp {version}")));
    Ok(names.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_was_not_made_has_failed() {
        let row = Row::parse("a / b", "");
        assert_eq!(row.failures().len(), STEPS.len());
        assert!(row.failures()[0].contains("a / b, connect: it was not run"));
    }

    #[test]
    fn a_matrix_shows_versions_reasons_and_failures() {
        let rest: String = STEPS[4..].iter().map(|step| format!("{step}\tpassed\t\n")).collect();
        let text = format!(
            "connect\tpassed\t2026\nlist\tabsent\tno list\ncall\tabsent\tno list\nprogress\tfailed\tx\n{rest}"
        );
        let row = Row::parse("a / b", &text);
        assert_eq!(row.failures(), ["  a / b, progress: x"]);
        let matrix = matrix(&[row]);
        let lines: Vec<&str> = matrix.lines().collect();
        assert!(lines[0].starts_with("peers  connect  list   call   progress  cancel"), "{matrix}");
        assert!(lines[1].starts_with("a / b  2026     - [1]  - [1]  FAILED    ok"), "{matrix}");
        assert_eq!(lines[2..], ["[1] no list"]);
    }

    #[test]
    fn the_matrix_replaces_the_first_block_of_the_page() {
        let page = "a\n\n```\nold\nolder\n```\nb\n```\nc\n```\n";
        assert_eq!(with_matrix(page, "new\n").unwrap(), "a\n\n```\nnew\n```\nb\n```\nc\n```\n");
        assert!(with_matrix("no block", "new\n").is_err());
    }

    #[test]
    fn the_versions_are_those_of_the_locks() {
        let versions = versions().unwrap();
        assert_eq!(versions.lines().count(), 16, "{versions}");
        assert!(versions.lines().any(|line| line.starts_with("@modelcontextprotocol/sdk 1.")), "{versions}");
    }
}
