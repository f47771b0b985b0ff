//! What the programs of this package share: their arguments, the wire forms, CPU time, the report line.
//!
//! `cargo xtask bench` starts them in turn. See docs/benchmarks.md.

mod arguments;
pub mod callers;
mod cpu;
pub mod echo;
pub mod http;
pub mod idle;
mod report;
pub mod wire;

pub use arguments::{Arguments, CallStyle, Era, Text};
pub use cpu::{cpu_of, cpu_of_tree};
pub use report::Report;

/// The error of a program that only its user reads.
pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Runs a program to its end on the runtime that the arguments ask for.
///
/// # Errors
///
/// The program's, and those of making a runtime.
pub fn run(arguments: &Arguments, program: impl Future<Output = Outcome>) -> Outcome {
    let mut builder = if arguments.threads == 1 {
        tokio::runtime::Builder::new_current_thread()
    } else {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(arguments.threads);
        builder
    };
    let runtime = builder.enable_all().build()?;
    // With workers, as `#[tokio::main]` does: the program runs on the calling thread, beside them.
    runtime.block_on(program)
}
