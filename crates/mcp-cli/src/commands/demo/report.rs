//! The results of the demo: a table for users, JSON for programs.

use std::time::Duration;

use mcp_core::client::{EraMode, Negotiated};
use mcp_core::message::RawJson;

use crate::commands::info;
use crate::exit::Failure;
use crate::global::Global;
use crate::terminal::style::Style;
use crate::terminal::table::Table;
use crate::text;

use super::host::Carrier;
use super::steps::{Step, TOO_OLD};

/// How wide an outcome is: with its time, three of them beside the steps' names fit into 80 columns.
const CELL: usize = 12;

/// How wide the line about a failed step may be.
const WHY: usize = 200;

/// One era: how it was asked for and what came of it.
#[derive(Debug)]
pub(super) struct Column {
    carrier: Carrier,
    era: EraMode,
    pub(super) negotiated: Option<Negotiated>,
    pub(super) steps: Vec<Step>,
    /// A signal ended it.
    pub(super) interrupted: Option<Failure>,
}

impl Column {
    /// A column without steps.
    pub(super) fn new(carrier: Carrier, era: EraMode) -> Column {
        Column { carrier, era, negotiated: None, steps: Vec::new(), interrupted: None }
    }

    /// How many steps did not go as they should.
    pub(super) fn failed(&self) -> usize {
        self.steps.iter().filter(|step| step.outcome.is_err()).count()
    }

    fn asked(&self) -> String {
        match self.era {
            EraMode::Auto => "auto".to_owned(),
            EraMode::Legacy(version) => format!("legacy={version}"),
            _ => "modern".to_owned(),
        }
    }

    fn spoken(&self) -> String {
        match &self.negotiated {
            Some(negotiated) if negotiated.version.is_modern() => format!("{}, modern", negotiated.version),
            Some(negotiated) => format!("{}, legacy", negotiated.version),
            None => "nothing".to_owned(),
        }
    }
}

/// A table for each carrier, and a sentence on how it went.
pub(super) fn render(columns: &[Column], global: &Global) -> String {
    let style = Style::for_stream(global.color, &std::io::stdout());
    let mut out = String::new();
    for columns in columns.chunk_by(|one, next| one.carrier == next.carrier) {
        let over = columns.first().map_or("", |column| column.carrier.name());
        let intro = format!("One client and one server, over {over}, in each protocol revision:");
        out.push_str(&format!("{}\n\n{}\n", style.dim(&intro), table(columns).render(style)));
    }
    let steps: usize = columns.iter().map(|column| column.steps.len()).sum();
    let failed: usize = columns.iter().map(Column::failed).sum();
    let verdict = if failed == 0 {
        style.green(&format!("All {steps} steps went as they should."))
    } else {
        style.red(&format!("{failed} of {steps} steps did not go as they should."))
    };
    format!("{out}{}{verdict}\n", notes(columns))
}

fn table(columns: &[Column]) -> Table {
    let head = ["asked by --era".to_owned()].into_iter().chain(columns.iter().map(Column::asked));
    let mut table = Table::new(head);
    table.row(["they agreed on".to_owned()].into_iter().chain(columns.iter().map(Column::spoken)));
    let server = |column: &Column| {
        column.negotiated.as_ref().map_or_else(String::new, |n| info::identity(n.server_info.as_ref()))
    };
    table.row(["the server is".to_owned()].into_iter().chain(columns.iter().map(server)));
    for name in names(columns) {
        let cells = columns.iter().map(|column| {
            column.steps.iter().find(|step| step.name == name).map_or_else(|| "-".to_owned(), cell)
        });
        table.row([name.to_owned()].into_iter().chain(cells));
    }
    table
}

/// What the table leaves out: why steps failed, and why a step cannot be done.
fn notes(columns: &[Column]) -> String {
    let mut out = String::new();
    for column in columns {
        for step in &column.steps {
            if let Err(why) = &step.outcome {
                let why = text::headline(why, WHY);
                let over = column.carrier.name();
                out.push_str(&format!("{} ({over}, {}): {why}\n", step.name, column.asked()));
            }
        }
    }
    let all = || columns.iter().flat_map(|column| &column.steps);
    if all().any(|step| step.outcome.as_deref() == Ok(TOO_OLD)) {
        out.push_str("Not possible, and refused in order: asking the user came with 2025-06-18.\n");
    }
    out
}

/// The names of the steps of all columns, each once, in order.
fn names(columns: &[Column]) -> Vec<&'static str> {
    let mut names = Vec::new();
    for step in columns.iter().flat_map(|column| &column.steps) {
        if !names.contains(&step.name) {
            names.push(step.name);
        }
    }
    names
}

fn cell(step: &Step) -> String {
    match &step.outcome {
        Ok(what) => {
            let what = text::headline(what, CELL);
            let room = " ".repeat(CELL.saturating_sub(text::columns(&what)));
            format!("{what}{room} {:>6}", time(step.took))
        }
        Err(_) => "FAILED".to_owned(),
    }
}

fn time(took: Duration) -> String {
    let millis = took.as_secs_f64() * 1000.0;
    match millis {
        ..9.95 => format!("{millis:.1} ms"),
        ..999.5 => format!("{millis:.0} ms"),
        _ => format!("{:.1} s", took.as_secs_f64()),
    }
}

/// The same for programs.
pub(super) fn json(columns: &[Column]) -> RawJson {
    let eras = columns.iter().map(|column| {
        let steps = column.steps.iter().map(|step| {
            let (ok, what) = match &step.outcome {
                Ok(what) => (RawJson::TRUE, what),
                Err(why) => (flag(false), why),
            };
            let micros = i64::try_from(step.took.as_micros()).unwrap_or(i64::MAX);
            RawJson::object([
                ("name", RawJson::string(step.name)),
                ("ok", ok),
                ("detail", RawJson::string(what)),
                ("micros", RawJson::integer(micros)),
            ])
        });
        let version = column.negotiated.as_ref().map(|n| RawJson::string(n.version.as_str()));
        RawJson::object([
            ("over", RawJson::string(column.carrier.name())),
            ("asked", RawJson::string(&column.asked())),
            ("protocolVersion", version.unwrap_or(RawJson::NULL)),
            ("ok", flag(column.failed() == 0)),
            ("steps", RawJson::array(steps)),
        ])
    });
    let ok = columns.iter().all(|column| column.failed() == 0);
    RawJson::object([("ok", flag(ok)), ("eras", RawJson::array(eras))])
}

fn flag(on: bool) -> RawJson {
    RawJson::serialize(&on).unwrap_or(RawJson::NULL)
}
