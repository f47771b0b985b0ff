//! Whole conversations over stdio and HTTP with third-party programs; `cargo xtask interop` prints the matrix.
//!
//! A row is a pair of peers, a column a step. Each test runs one row. If `MCP_INTEROP_ROWS` names a folder, the
//! result is written to a file in it. `tests/interop/rows.txt` lists the rows.

mod bridges;
mod browser;
mod clients;
mod clients_bridged;
mod clients_http;
mod cluster;
mod conversation;
mod demo;
mod haproxy;
mod inspector;
mod leftovers;
mod nginx;
pub(crate) mod process;
mod published;
mod row;
mod rows;
mod script;
mod scripts;
mod servers;
mod watched;
