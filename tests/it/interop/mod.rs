//! Whole conversations over stdio and HTTP with programs that nobody here wrote; `cargo xtask interop` prints the matrix.
//!
//! A row is a pair of peers, a column a step. Each test makes one row. Its result is a file in the folder that
//! `MCP_INTEROP_ROWS` names, if it does; the rows are listed in `tests/interop/rows.txt`.

mod browser;
mod clients;
mod conversation;
mod demo;
mod inspector;
mod leftovers;
mod nginx;
mod process;
mod row;
mod scripts;
mod servers;
