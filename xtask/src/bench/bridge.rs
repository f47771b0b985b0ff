//! The table of the bridge: one hop, a server over stdio behind HTTP, beside our server over HTTP itself.

use std::path::Path;

use super::http::beside;
use super::{Cell, cell, load_server};
use crate::Outcome;

/// `depth` is the number of connections.
const CELLS: &[Cell] = &[
    cell(100, 1, "modern", 4000),
    cell(100, 16, "modern", 8000),
    cell(10_000, 16, "modern", 4000),
    cell(100, 1, "legacy", 4000),
    cell(100, 16, "legacy", 8000),
    cell(10_000, 16, "legacy", 4000),
];

/// Counts the process of the bridge alone, and not the server behind it.
pub(super) fn tables(programs: &Path, pairs: usize) -> Outcome<String> {
    let generator = programs.join("raw-http-client");
    beside(
        CELLS,
        pairs,
        ["server", "server"],
        &|cell, calls, server| load_server(&generator, cell, calls, &[], &programs.join(server)),
        ["our-http-server", "our-http-bridge"],
        &|cell, calls, out, server| {
            let valgrind = ["valgrind", "-q", "--tool=callgrind", &out];
            load_server(&generator, cell, calls, &valgrind, &programs.join(server))
        },
    )
}
