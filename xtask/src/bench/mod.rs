//! `cargo xtask bench goals|stdio|http|http-client|bridge`: ours beside programs without a framework, turn by turn.
//!
//! Prints tables and puts them into docs/benchmarks.md, each between its two marks. Judges nothing.

mod bridge;
mod goals;
mod http;
mod stdio;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{cargo, find, output, root, run as run_command};
use crate::{Outcome, Task};

pub(crate) const TASK: Task = Task {
    name: "bench",
    arguments: "goals|stdio|http|http-client|bridge [PAIRS]",
    summary: "Measure this workspace beside programs without a framework",
    details: "
Runs each pair of programs in turn, PAIRS times (default 9), prints the medians, and writes them into
docs/benchmarks.md. Instructions per call are counted if valgrind is installed.
",
    run,
};

/// The pairs of runs whose median counts.
const PAIRS: usize = 9;

/// One line of a table: payload, calls in flight (over HTTP: connections), era, and how many calls one run makes.
#[derive(Clone, Copy)]
struct Cell {
    bytes: usize,
    depth: usize,
    era: &'static str,
    calls: usize,
    /// `plain` or `ordinary`, with escapes and letters beyond ASCII.
    text: &'static str,
    /// Threads of the runtime of the program that is measured: 1, or more as with `#[tokio::main]`.
    threads: usize,
    /// Whether our client makes `raw` or `typed` calls.
    style: &'static str,
}

const fn cell(bytes: usize, depth: usize, era: &'static str, calls: usize) -> Cell {
    Cell { bytes, depth, era, calls, text: "plain", threads: 1, style: "raw" }
}

impl Cell {
    /// With ordinary text.
    const fn ordinary(mut self) -> Cell {
        self.text = "ordinary";
        self
    }

    /// On the runtime of `#[tokio::main]` on a machine with two cores.
    const fn threaded(mut self) -> Cell {
        self.threads = 2;
        self
    }

    /// With typed calls.
    const fn typed(mut self) -> Cell {
        self.style = "typed";
        self
    }

    /// What sets it apart from the usual cells, for its title.
    fn remarks(&self) -> String {
        let mut text = String::new();
        for (there, remark) in [
            (self.text == "ordinary", ", ordinary text"),
            (self.threads > 1, ", #[tokio::main]"),
            (self.style == "typed", ", typed"),
        ] {
            if there {
                text += remark;
            }
        }
        text
    }

    /// The arguments of a server that is measured.
    fn server(&self, program: &Path) -> Vec<std::ffi::OsString> {
        let threads = if self.threads > 1 { self.threads } else { 1 };
        vec![program.into(), "--threads".into(), threads.to_string().into()]
    }
}

/// The tables of one benchmark: of the folder of the programs, and how many pairs to run.
type Tables = fn(&Path, usize) -> Outcome<String>;

/// Runs the benchmarks of one name.
fn run(args: &[String]) -> Outcome {
    let usage = "usage: cargo xtask bench goals|stdio|http|http-client|bridge [PAIRS]";
    let (name, pairs) = match args {
        [name] => (name, PAIRS),
        [name, pairs] => (name, pairs.parse().map_err(|_| format!("{pairs} is not a number"))?),
        _ => return Err(usage.into()),
    };
    let tables: Tables = match name.as_str() {
        "goals" => goals::table,
        "stdio" => stdio::tables,
        "http" => http::server_tables,
        "http-client" => http::client_tables,
        "bridge" => bridge::tables,
        _ => return Err(usage.into()),
    };
    run_command(cargo().args(["build", "--release", "-p", "mcp-bench"]))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    if find("valgrind").is_none() {
        println!("valgrind is not there: instructions are not counted");
    }
    keep(name, &tables(&target.join("release"), pairs)?)
}

/// Puts tables into docs/benchmarks.md, in place of the earlier ones.
fn keep(name: &str, text: &str) -> Outcome {
    let (begin, end) = (
        format!("<!-- begin: cargo xtask bench {name} -->\n"),
        format!("<!-- end: cargo xtask bench {name} -->"),
    );
    let file = root().join("docs/benchmarks.md");
    let old = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
    let (head, rest) = old
        .split_once(&begin)
        .ok_or_else(|| format!("docs/benchmarks.md has lost the first mark of {name}"))?;
    let (_, tail) = rest
        .split_once(&end)
        .ok_or_else(|| format!("docs/benchmarks.md has lost the second mark of {name}"))?;
    std::fs::write(&file, format!("{head}{begin}{text}{end}{tail}")).map_err(|error| error.to_string())
}

/// A load generator with the server that it starts. The threads of the cell are those of the server.
fn load_server(generator: &Path, cell: &Cell, calls: usize, before: &[&str], server: &Path) -> Command {
    let mut command = generator_of(generator, cell, calls);
    command.arg("--").args(before).args(cell.server(server));
    command
}

/// A client that is measured, with the server that it starts. The threads of the cell are those of the client.
fn load_client(client: &Path, cell: &Cell, calls: usize, server: &Path) -> Command {
    let mut command = generator_of(client, cell, calls);
    command.args(["--threads", &cell.threads.to_string(), "--style", cell.style, "--"]).arg(server);
    command
}

fn generator_of(program: &Path, cell: &Cell, calls: usize) -> Command {
    let mut command = Command::new(program);
    command.args(["--calls", &calls.to_string(), "--bytes", &cell.bytes.to_string()]);
    command.args(["--depth", &cell.depth.to_string(), "--era", cell.era, "--text", cell.text]);
    command
}

/// The names and numbers that a load generator prints.
fn figures(mut command: Command) -> Outcome<BTreeMap<String, f64>> {
    let line = output(&mut command).ok_or_else(|| format!("{command:?} failed"))?;
    let figures = line.split_whitespace().filter_map(|word| word.split_once('='));
    Ok(figures.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect())
}

/// The medians of runs that take turns: one map of figures for each command.
fn medians(pairs: usize, commands: &[&dyn Fn() -> Command]) -> Outcome<Vec<BTreeMap<String, f64>>> {
    let mut runs = vec![Vec::new(); commands.len()];
    for _ in 0..pairs.max(1) {
        for (runs, command) in runs.iter_mut().zip(commands) {
            runs.push(figures(command())?);
        }
    }
    let median = |runs: Vec<BTreeMap<String, f64>>| {
        let names: Vec<String> = runs.first().map(|run| run.keys().cloned().collect()).unwrap_or_default();
        let of = |name: String| {
            let mut values: Vec<f64> = runs.iter().filter_map(|run| run.get(&name).copied()).collect();
            values.sort_by(f64::total_cmp);
            (name, values.get(values.len() / 2).copied().unwrap_or_default())
        };
        names.into_iter().map(of).collect()
    };
    Ok(runs.into_iter().map(median).collect())
}

fn show(text: &mut String, line: std::fmt::Arguments<'_>) {
    println!("{line}");
    // Writing to a string does not fail.
    let _written = writeln!(text, "{line}");
}

/// The figures of all in microseconds; the last are ours.
fn compare(found: &[BTreeMap<String, f64>], name: &str) -> String {
    let figures: Vec<f64> =
        found.iter().map(|figures| figures.get(name).copied().unwrap_or_default() / 1000.0).collect();
    let Some((ours, others)) = figures.split_last() else { return String::new() };
    let shown: Vec<String> = figures.iter().map(|figure| format!("{figure:.1}")).collect();
    let ratios: Vec<String> = others.iter().map(|other| format!("{:.2}", ours / other)).collect();
    format!("{} ({})", shown.join(", "), ratios.join(", "))
}

/// Call counts whose difference in instructions is taken.
fn counted(bytes: usize) -> (usize, usize) {
    if bytes >= 1_000_000 { (5, 25) } else { (1000, 6000) }
}

/// The instructions of one call: the difference of two runs of one program, so that its start is not in it.
fn difference(cell: &Cell, command: impl Fn(usize, String) -> Command) -> Outcome<String> {
    let out = std::env::temp_dir().join(format!("mcp-bench-{}.callgrind", std::process::id()));
    let total = |calls: usize| -> Outcome<u64> {
        let mut command = command(calls, format!("--callgrind-out-file={}", out.display()));
        output(&mut command).ok_or_else(|| format!("{command:?} failed"))?;
        let found = std::fs::read_to_string(&out).map_err(|error| error.to_string())?;
        let line = found.lines().find_map(|line| line.strip_prefix("totals: "));
        line.and_then(|line| line.trim().parse().ok()).ok_or_else(|| "callgrind tells no total".to_owned())
    };
    let (few, many) = counted(cell.bytes);
    let per_call = total(many)?.saturating_sub(total(few)?) / (many - few) as u64;
    // The file was only for this.
    let _left = std::fs::remove_file(&out);
    Ok(per_call.to_string())
}
