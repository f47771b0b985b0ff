//! The tables of HTTP: our server and our client beside raw hyper.

use std::path::Path;
use std::process::Command;

use super::{Cell, cell, compare, difference, load_client, load_server, medians, show};
use crate::Outcome;
use crate::shell::{find, output};

/// `depth` is the number of connections.
const CELLS: &[Cell] = &[
    cell(100, 1, "modern", 4000),
    cell(100, 16, "modern", 8000),
    cell(100, 64, "modern", 8000),
    cell(10_000, 1, "modern", 2000),
    cell(10_000, 16, "modern", 4000),
    cell(10_000, 64, "modern", 4000),
    cell(10_000, 16, "modern", 4000).ordinary(),
    cell(100, 16, "modern", 8000).threaded(),
    cell(100, 1, "legacy", 4000),
    cell(100, 16, "legacy", 8000),
    cell(100, 64, "legacy", 8000),
    cell(10_000, 1, "legacy", 2000),
    cell(10_000, 16, "legacy", 4000),
    cell(10_000, 64, "legacy", 4000),
];

const RAW_SERVER: &str = "raw-http-server";
const OUR_SERVER: &str = "our-http-server";
const RAW_CLIENT: &str = "raw-http-client";
const OUR_CLIENT: &str = "our-http-client";

pub(super) fn title(cell: &Cell) -> String {
    let connections = if cell.depth == 1 { "connection" } else { "connections" };
    format!("{} B, {} {connections}, {}{}", cell.bytes, cell.depth, cell.era, cell.remarks())
}

/// Our server beside raw hyper, both under the raw load generator, and the heap of idle sessions.
pub(super) fn server_tables(programs: &Path, pairs: usize) -> Outcome<String> {
    let mut text = beside(
        CELLS,
        pairs,
        ["server", "server"],
        &|cell, calls, server| {
            load_server(&programs.join(RAW_CLIENT), cell, calls, &[], &programs.join(server))
        },
        [RAW_SERVER, OUR_SERVER],
        &|cell, calls, out, server| {
            let valgrind = ["valgrind", "-q", "--tool=callgrind", &out];
            load_server(&programs.join(RAW_CLIENT), cell, calls, &valgrind, &programs.join(server))
        },
    )?;
    let heap = output(&mut Command::new(programs.join("server-heap"))).ok_or("server-heap failed")?;
    show(&mut text, format_args!("\n{}", heap.trim()));
    Ok(text)
}

/// Our client beside raw hyper, both against the raw server.
pub(super) fn client_tables(programs: &Path, pairs: usize) -> Outcome<String> {
    beside(
        CELLS,
        pairs,
        ["client", "own"],
        &|cell, calls, client| load_client(&programs.join(client), cell, calls, &programs.join(RAW_SERVER)),
        [RAW_CLIENT, OUR_CLIENT],
        &|cell, calls, out, client| {
            let inner = load_client(&programs.join(client), cell, calls, &programs.join(RAW_SERVER));
            let mut command = Command::new("valgrind");
            command.args(["-q", "--tool=callgrind", &out]).arg(inner.get_program()).args(inner.get_args());
            command
        },
    )
}

/// One row a cell: CPU, time, and instructions of two programs, the quotient in brackets; then the means over the cells of
/// an era.
pub(super) fn beside(
    cells: &[Cell],
    pairs: usize,
    [role, cpu]: [&str; 2],
    command: &dyn Fn(&Cell, usize, &str) -> Command,
    [raw, ours]: [&str; 2],
    counted: &dyn Fn(&Cell, usize, String, &str) -> Command,
) -> Outcome<String> {
    let mut text = String::new();
    show(&mut text, format_args!("\n`{raw}`, `{ours}`; the second divided by the first in brackets.\n"));
    show(
        &mut text,
        format_args!("| call | CPU of the {role}, us | time per call, us | p50, us | instructions |"),
    );
    show(&mut text, format_args!("|---|---|---|---|---|"));
    let mut ratios = Vec::new();
    for cell in cells {
        let found =
            medians(pairs, &[&|| command(cell, cell.calls, raw), &|| command(cell, cell.calls, ours)])?;
        let figure = |index: usize| found[index].get(cpu).copied().unwrap_or_default();
        ratios.push((cell.era, "CPU", figure(1) / figure(0)));
        let times = [compare(&found, cpu), compare(&found, "wall"), compare(&found, "p50")].join(" | ");
        // Threads that steal work from each other make the count vary from run to run.
        let instructions = if cell.threads == 1 && find("valgrind").is_some() {
            let of = |name: &str| difference(cell, |calls, out| counted(cell, calls, out, name));
            let (raw, ours): (f64, f64) = (number(&of(raw)?)?, number(&of(ours)?)?);
            ratios.push((cell.era, "instructions", ours / raw));
            format!("{raw}, {ours} ({:.2})", ours / raw)
        } else {
            "not counted".to_owned()
        };
        show(&mut text, format_args!("| {} | {times} | {instructions} |", title(cell)));
    }
    for (era, what) in
        [("modern", "CPU"), ("legacy", "CPU"), ("modern", "instructions"), ("legacy", "instructions")]
    {
        let of = ratios.iter().filter(|(of, ratio_of, _)| (*of, *ratio_of) == (era, what));
        let of: Vec<f64> = of.map(|(_, _, ratio)| *ratio).collect();
        if !of.is_empty() {
            let mean = of.iter().sum::<f64>() / of.len() as f64;
            show(&mut text, format_args!("\nMean of the ratios of {what}, {era}: {mean:.2}."));
        }
    }
    Ok(text)
}

fn number(text: &str) -> Outcome<f64> {
    text.parse().map_err(|_| format!("{text} is not a number"))
}
