//! The tables of stdio.

use std::path::Path;
use std::process::Command;

use super::{Cell, cell, compare, difference, load_client, load_server, medians, show};
use crate::Outcome;
use crate::shell::find;

const CELLS: &[Cell] = &[
    cell(100, 64, "modern", 6000),
    cell(100, 64, "legacy", 6000),
    cell(100, 1, "modern", 3000),
    cell(100, 1, "legacy", 3000),
    cell(10_000, 64, "modern", 1500),
    cell(10_000, 1, "modern", 1500),
    cell(1_000_000, 64, "modern", 150),
    cell(1_000_000, 1, "modern", 150),
    cell(100, 64, "modern", 6000).threaded(),
    cell(10_000, 64, "modern", 1500).ordinary(),
    cell(100, 64, "modern", 6000).typed(),
];

/// All tables.
pub(super) fn tables(programs: &Path, pairs: usize) -> Outcome<String> {
    let mut text = String::new();
    if find("valgrind").is_some() {
        text += &instructions(programs)?;
    }
    text += &servers(programs, pairs)?;
    text += &clients(programs, pairs)?;
    Ok(text)
}

fn title(cell: &Cell) -> String {
    let depth = if cell.depth == 1 { "sequential".to_owned() } else { format!("{} deep", cell.depth) };
    format!("{} B, {depth}, {}{}", cell.bytes, cell.era, cell.remarks())
}

fn servers(programs: &Path, pairs: usize) -> Outcome<String> {
    let mut text = String::new();
    show(&mut text, format_args!("\nServers; `ours / raw` and `ours / tuned` in brackets.\n"));
    show(&mut text, format_args!("| call | CPU of the server, us | time per call, us | p50, us |"));
    show(&mut text, format_args!("|---|---|---|---|"));
    // The style of calls does not matter to a server.
    for cell in CELLS.iter().filter(|cell| cell.style == "raw") {
        let with = |server: &str| {
            load_server(&programs.join("raw-client"), cell, cell.calls, &[], &programs.join(server))
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
            load_client(&programs.join(client), cell, cell.calls, &programs.join("tuned-server"))
        };
        let commands: [&dyn Fn() -> Command; 2] = [&|| by("raw-client"), &|| by("our-client")];
        let found = medians(pairs, &commands)?;
        let column = |name: &str| compare(&found, name);
        let columns = [column("own"), column("wall"), column("p50")].join(" | ");
        show(&mut text, format_args!("| {} | {columns} |", title(cell)));
    }
    Ok(text)
}

fn instructions(programs: &Path) -> Outcome<String> {
    let mut text = String::new();
    show(&mut text, format_args!("\nUser-space instructions per call.\n"));
    show(
        &mut text,
        format_args!("| call | raw server | tuned server | our server | raw client | our client |"),
    );
    show(&mut text, format_args!("|---|---|---|---|---|---|"));
    for cell in CELLS.iter().filter(|cell| cell.depth > 1 && cell.threads == 1) {
        let mut columns = Vec::new();
        for server in ["raw-server", "tuned-server", "our-server"] {
            columns.push(difference(cell, |calls, out| {
                let valgrind = ["valgrind", "-q", "--tool=callgrind", &out];
                load_server(&programs.join("raw-client"), cell, calls, &valgrind, &programs.join(server))
            })?);
        }
        for client in ["raw-client", "our-client"] {
            columns.push(difference(cell, |calls, out| {
                let inner = load_client(&programs.join(client), cell, calls, &programs.join("tuned-server"));
                let mut command = Command::new("valgrind");
                command.args(["-q", "--tool=callgrind", &out]).arg(inner.get_program());
                command.args(inner.get_args());
                command
            })?);
        }
        show(&mut text, format_args!("| {} | {} |", title(cell), columns.join(" | ")));
    }
    Ok(text)
}
