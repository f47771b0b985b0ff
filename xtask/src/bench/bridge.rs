//! The tables of the bridge: one hop, a server over stdio behind HTTP, beside our server over HTTP itself, and beside
//! supergateway.

use std::path::Path;
use std::process::Command;

use super::http::{beside, title};
use super::{Cell, cell, compare, load_server, medians, show};
use crate::Outcome;
use crate::shell::{find, output, root};

/// `depth` is the number of connections.
const CELLS: &[Cell] = &[
    cell(100, 1, "modern", 4000),
    cell(100, 16, "modern", 8000),
    cell(10_000, 16, "modern", 4000),
    cell(100, 1, "legacy", 4000),
    cell(100, 16, "legacy", 8000),
    cell(10_000, 16, "legacy", 4000),
];

/// Those beside supergateway: it starts a process for each request of 2026-07-28.
const BESIDE: &[Cell] =
    &[cell(100, 1, "legacy", 2000), cell(100, 16, "legacy", 4000), cell(100, 1, "modern", 20)];

/// Counts the process of the bridge alone, and not the server behind it.
pub(super) fn tables(programs: &Path, pairs: usize) -> Outcome<String> {
    let generator = programs.join("raw-http-client");
    let mut text = beside(
        CELLS,
        pairs,
        ["server", "server"],
        &|cell, calls, server| load_server(&generator, cell, calls, &[], &programs.join(server)),
        ["our-http-server", "our-http-bridge"],
        &|cell, calls, out, server| {
            let valgrind = ["valgrind", "-q", "--tool=callgrind", &out];
            load_server(&generator, cell, calls, &valgrind, &programs.join(server))
        },
    )?;
    supergateway(programs, pairs, &mut text)?;
    let heap = output(&mut Command::new(programs.join("bridge-heap"))).ok_or("bridge-heap failed")?;
    show(&mut text, format_args!("\n{}", heap.trim()));
    Ok(text)
}

/// The same calls through supergateway, with the same server behind it.
fn supergateway(programs: &Path, pairs: usize, text: &mut String) -> Outcome {
    let module = root().join("tests/interop/node_modules/supergateway/dist/index.js");
    let Some(node) = find("node").filter(|_| module.is_file()) else {
        show(text, format_args!("\nsupergateway is not there: `cargo xtask interop` installs it."));
        return Ok(());
    };
    let generator = programs.join("raw-http-client");
    show(
        text,
        format_args!("\n`our-http-bridge`, `supergateway`; the second divided by the first in brackets.\n"),
    );
    show(
        text,
        format_args!(
            "| call | CPU of the bridge, us | CPU with all processes behind it, us | time per call, us | p50, us |"
        ),
    );
    show(text, format_args!("|---|---|---|---|---|"));
    for cell in BESIDE {
        let ours = || load_server(&generator, cell, cell.calls, &[], &programs.join("our-http-bridge"));
        let theirs = || {
            let mut command = super::generator_of(&generator, cell, cell.calls);
            command.arg("--").arg(&node).arg(root().join("bench/supergateway.mjs")).arg(&module);
            command.arg(programs.join("our-server"));
            command
        };
        let found = medians(pairs, &[&ours, &theirs])?;
        let times = ["server", "tree", "wall", "p50"].map(|name| compare(&found, name)).join(" | ");
        show(text, format_args!("| {} | {times} |", title(cell)));
    }
    Ok(())
}
