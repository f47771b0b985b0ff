//! `cargo xtask bench stdio`: ours beside programs without a framework, turn by turn.
//!
//! Prints tables and puts them into docs/benchmarks.md, between its two marks. Judges nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::shell::{cargo, find, output, root, run as run_command};

const BEGIN: &str = "<!-- begin: cargo xtask bench stdio -->\n";
const END: &str = "<!-- end: cargo xtask bench stdio -->";

/// The pairs of runs whose median counts.
const PAIRS: usize = 9;

/// One line of a table: payload, calls in flight, era, and how many calls one run makes.
struct Cell {
    bytes: usize,
    depth: usize,
    era: &'static str,
    calls: usize,
}

const fn cell(bytes: usize, depth: usize, era: &'static str, calls: usize) -> Cell {
    Cell { bytes, depth, era, calls }
}

const CELLS: &[Cell] = &[
    cell(100, 64, "modern", 6000),
    cell(100, 64, "legacy", 6000),
    cell(100, 1, "modern", 3000),
    cell(100, 1, "legacy", 3000),
    cell(10_000, 64, "modern", 1500),
    cell(10_000, 1, "modern", 1500),
    cell(1_000_000, 64, "modern", 150),
    cell(1_000_000, 1, "modern", 150),
];

/// Call counts whose difference in instructions is taken.
fn counted(bytes: usize) -> (usize, usize) {
    if bytes >= 1_000_000 { (5, 25) } else { (1000, 6000) }
}

/// Runs the benchmarks of one transport.
pub(crate) fn run(args: &[String]) -> Outcome {
    let pairs = match args {
        [name] if name == "stdio" => PAIRS,
        [name, pairs] if name == "stdio" => pairs.parse().map_err(|_| format!("{pairs} is no number"))?,
        _ => return Err("usage: cargo xtask bench stdio [PAIRS]".into()),
    };
    run_command(cargo().args(["build", "--release", "-p", "mcp-bench"]))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let programs = target.join("release");
    let mut text = String::new();
    if find("valgrind").is_some() {
        text += &instructions(&programs)?;
    } else {
        println!("valgrind is not there: instructions are not counted");
    }
    text += &servers(&programs, pairs)?;
    text += &clients(&programs, pairs)?;
    let file = root().join("docs/benchmarks.md");
    let old = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
    let (head, rest) = old.split_once(BEGIN).ok_or("docs/benchmarks.md has lost its first mark")?;
    let (_, tail) = rest.split_once(END).ok_or("docs/benchmarks.md has lost its second mark")?;
    std::fs::write(&file, format!("{head}{BEGIN}{text}{END}{tail}")).map_err(|error| error.to_string())
}

fn load(program: &Path, cell: &Cell, calls: usize) -> Command {
    let mut command = Command::new(program);
    command.args(["--calls", &calls.to_string(), "--bytes", &cell.bytes.to_string()]);
    command.args(["--depth", &cell.depth.to_string(), "--era", cell.era, "--"]);
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

fn title(cell: &Cell) -> String {
    let depth = if cell.depth == 1 { "sequential".to_owned() } else { format!("{} deep", cell.depth) };
    format!("{} B, {depth}, {}", cell.bytes, cell.era)
}

fn show(text: &mut String, line: std::fmt::Arguments<'_>) {
    println!("{line}");
    // Writing to a string does not fail.
    let _written = writeln!(text, "{line}");
}

fn servers(programs: &Path, pairs: usize) -> Outcome<String> {
    let mut text = String::new();
    show(&mut text, format_args!("\nServers; `ours / raw` and `ours / tuned` in brackets.\n"));
    show(&mut text, format_args!("| call | CPU of the server, us | time per call, us | p50, us |"));
    show(&mut text, format_args!("|---|---|---|---|"));
    for cell in CELLS {
        let with = |server: &str| {
            let mut command = load(&programs.join("raw-client"), cell, cell.calls);
            command.arg(programs.join(server));
            command
        };
        let commands: [&dyn Fn() -> Command; 3] =
            [&|| with("raw-server"), &|| with("tuned-server"), &|| with("our-server")];
        let found = medians(pairs, &commands)?;
        let column = |name: &str| compare(&found, name);
        let columns = [column("server"), column("wall"), column("p50")].join(" | ");
        show(&mut text, format_args!("| {} | {columns} |", title(cell)));
    }
    Ok(text)
}

fn clients(programs: &Path, pairs: usize) -> Outcome<String> {
    let mut text = String::new();
    show(&mut text, format_args!("\nClients, with `tuned-server` as the peer; `ours / raw` in brackets.\n"));
    show(&mut text, format_args!("| call | CPU of the client, us | time per call, us | p50, us |"));
    show(&mut text, format_args!("|---|---|---|---|"));
    for cell in CELLS {
        let by = |client: &str| {
            let mut command = load(&programs.join(client), cell, cell.calls);
            command.arg(programs.join("tuned-server"));
            command
        };
        let commands: [&dyn Fn() -> Command; 2] = [&|| by("raw-client"), &|| by("our-client")];
        let found = medians(pairs, &commands)?;
        let column = |name: &str| compare(&found, name);
        let columns = [column("own"), column("wall"), column("p50")].join(" | ");
        show(&mut text, format_args!("| {} | {columns} |", title(cell)));
    }
    Ok(text)
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

fn instructions(programs: &Path) -> Outcome<String> {
    let mut text = String::new();
    show(&mut text, format_args!("\nUser-space instructions per call.\n"));
    show(
        &mut text,
        format_args!("| call | raw server | tuned server | our server | raw client | our client |"),
    );
    show(&mut text, format_args!("|---|---|---|---|---|---|"));
    for cell in CELLS.iter().filter(|cell| cell.depth > 1) {
        let mut columns = Vec::new();
        for server in ["raw-server", "tuned-server", "our-server"] {
            columns.push(difference(cell, |calls, out| {
                let mut command = load(&programs.join("raw-client"), cell, calls);
                command.args(["valgrind", "-q", "--tool=callgrind"]).arg(out).arg(programs.join(server));
                command
            })?);
        }
        for client in ["raw-client", "our-client"] {
            columns.push(difference(cell, |calls, out| {
                let inner = load(&programs.join(client), cell, calls);
                let mut command = Command::new("valgrind");
                command.args(["-q", "--tool=callgrind"]).arg(out).arg(inner.get_program());
                command.args(inner.get_args()).arg(programs.join("tuned-server"));
                command
            })?);
        }
        show(&mut text, format_args!("| {} | {} |", title(cell), columns.join(" | ")));
    }
    Ok(text)
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
