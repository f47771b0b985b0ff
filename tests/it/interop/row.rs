//! One row of the interop matrix: how each step went, or why a peer cannot do it. No step can be left out.

use std::collections::BTreeMap;
use std::path::Path;

/// All rows, in the order of the matrix; `cargo xtask interop` reads the same file.
const ROWS: &str = include_str!("../../interop/rows.txt");

/// A step of the conversation, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// The handshake or the probe; its note is the version.
    Connect,
    /// The tools are listed.
    List,
    /// A tool is called.
    Call,
    /// A long call tells its progress.
    Progress,
    /// A long call is cancelled, and the link lives on.
    Cancel,
    /// A tool fails; a method is unknown.
    Error,
    /// 1 MiB or more in one message.
    Large,
    /// Resources are listed and read.
    Resource,
    /// Prompts are listed and filled in.
    Prompt,
    /// The server asks the client in the middle of a call.
    Input,
    /// The client hears of a change.
    Listen,
    /// The end; no process is left.
    Close,
}

impl Step {
    /// All steps, in order.
    pub(crate) const ALL: [Step; 12] = [
        Step::Connect,
        Step::List,
        Step::Call,
        Step::Progress,
        Step::Cancel,
        Step::Error,
        Step::Large,
        Step::Resource,
        Step::Prompt,
        Step::Input,
        Step::Listen,
        Step::Close,
    ];

    /// Its name in the matrix, and in what the peers' scripts print.
    pub(crate) fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// The step of this name.
    pub(crate) fn parse(name: &str) -> Option<Step> {
        Step::ALL.into_iter().find(|step| step.name() == name)
    }
}

/// How a step went.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    /// As it should, with a word to show in place of `ok`.
    Passed(String),
    /// The peer cannot do it; why.
    Absent(&'static str),
    /// Not as it should.
    Failed(String),
}

/// A row that is being filled.
#[derive(Debug)]
pub(crate) struct Row {
    name: &'static str,
    cells: BTreeMap<Step, Cell>,
}

impl Row {
    /// An empty row. The name is one of `rows.txt`.
    pub(crate) fn new(name: &'static str) -> Row {
        assert!(ROWS.lines().any(|line| line == name), "{name:?} is not in rows.txt");
        Row { name, cells: BTreeMap::new() }
    }

    /// Notes how a step went. A second word about a step makes it a failure.
    pub(crate) fn set(&mut self, step: Step, cell: Cell) {
        let twice = match self.cells.get(&step) {
            None => cell,
            Some(first) => Cell::Failed(format!("two results: {first:?} and {cell:?}")),
        };
        self.cells.insert(step, twice);
    }

    /// Makes a step that passed a failure.
    pub(crate) fn fail(&mut self, step: Step, why: String) {
        self.cells.insert(step, Cell::Failed(why));
    }

    /// All cells, in order. A step of which nothing was heard has failed.
    fn complete(&self) -> Vec<(Step, Cell)> {
        let silent = || Cell::Failed("nothing was heard of this step".to_owned());
        Step::ALL.map(|step| (step, self.cells.get(&step).cloned().unwrap_or_else(silent))).to_vec()
    }

    /// Writes the row where the matrix is made, and fails if a cell has.
    pub(crate) fn finish(self) {
        let cells = self.complete();
        if let Some(folder) = std::env::var_os("MCP_INTEROP_ROWS") {
            std::fs::write(Path::new(&folder).join(file_name(self.name)), to_lines(&cells)).unwrap();
        }
        let failed: Vec<String> = cells
            .iter()
            .filter_map(|(step, cell)| match cell {
                Cell::Failed(why) => Some(format!("{}: {why}", step.name())),
                _ => None,
            })
            .collect();
        assert!(failed.is_empty(), "{}:\n{}", self.name, failed.join("\n"));
    }
}

/// The row's name with nothing in it that a file system could mind.
fn file_name(row: &str) -> String {
    let plain = row.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
    plain.chain(".tsv".chars()).collect()
}

/// `step TAB verdict TAB note`, a line each; line breaks in a note become spaces.
fn to_lines(cells: &[(Step, Cell)]) -> String {
    let line = |(step, cell): &(Step, Cell)| {
        let (verdict, note) = match cell {
            Cell::Passed(note) => ("passed", note.as_str()),
            Cell::Absent(reason) => ("absent", *reason),
            Cell::Failed(why) => ("failed", why.as_str()),
        };
        format!("{}\t{verdict}\t{}\n", step.name(), note.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    cells.iter().map(line).collect()
}

mod tests {
    use super::*;

    fn any_row() -> Row {
        Row::new(ROWS.lines().next().unwrap())
    }

    #[test]
    fn a_step_of_which_nothing_was_heard_has_failed() {
        let mut row = any_row();
        row.set(Step::Connect, Cell::Passed("2026-07-28".to_owned()));
        row.set(Step::Listen, Cell::Absent("nothing changes"));
        let cells = row.complete();
        assert_eq!(cells.len(), Step::ALL.len());
        assert_eq!(cells.iter().filter(|(_, cell)| matches!(cell, Cell::Failed(_))).count(), 10);
    }

    #[test]
    fn a_step_that_is_done_though_it_cannot_be_done_has_failed() {
        let mut row = any_row();
        row.set(Step::Listen, Cell::Absent("nothing changes"));
        row.set(Step::Listen, Cell::Passed(String::new()));
        assert!(matches!(&row.complete()[10], (Step::Listen, Cell::Failed(_))));
    }

    #[test]
    fn a_row_is_written_line_by_line() {
        let cells = [
            (Step::Call, Cell::Passed(String::new())),
            (Step::Large, Cell::Failed("two\n  lines".to_owned())),
            (Step::Input, Cell::Absent("it has no questions")),
        ];
        let want = "call\tpassed\t\nlarge\tfailed\ttwo lines\ninput\tabsent\tit has no questions\n";
        assert_eq!(to_lines(&cells), want);
        assert_eq!(file_name("python 2, legacy / our server"), "python-2--legacy---our-server.tsv");
    }

    #[test]
    fn every_row_of_the_matrix_is_made_by_a_test() {
        let clients = super::super::clients::CLIENTS.iter().map(|client| client.row);
        let servers = super::super::scripts::SCRIPTS.iter().map(|script| script.row);
        let inspector = super::super::inspector::ROWS.iter().map(|row| row.0);
        let browser = super::super::browser::ROWS.iter().map(|row| row.0);
        let mut made: Vec<&str> = servers.chain(clients).chain(inspector).chain(browser).collect();
        let mut listed: Vec<&str> = ROWS.lines().collect();
        made.sort_unstable();
        listed.sort_unstable();
        assert_eq!(made, listed);
    }
}
