//! Runs the examples as a person would.

#![allow(clippy::unwrap_used)]

mod in_memory;
mod newcomers;
mod programs;
