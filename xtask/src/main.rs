//! `cargo xtask TASK`: the checks and tests of this workspace, one file per task.

use std::process::ExitCode;

mod bench;
mod ci;
mod conformance;
mod interop;
mod new_transport;
mod shell;
mod test;
mod tidy;

/// The error is what a person reads; nothing here acts on it.
type Outcome<T = ()> = Result<T, String>;

const HELP: &str = "\
usage: cargo xtask TASK

  ci                      everything that must hold: fmt, tidy, clippy, doc, test, conformance
  bench goals|stdio|http|http-client [PAIRS]
                          measure beside programs without a framework; writes docs/benchmarks.md
  test [ARGS]             install what the tests need, then cargo test; ARGS go to cargo test
  conformance [SIDE]      the official conformance suite against our server and our client, or one SIDE of them
  interop                 only the conversations with peers from npm and PyPI, and their matrix
  new-transport NAME [--dir FOLDER]
                          a crate for a transport of your own: it compiles, and its tests are red until it is written
  tidy [--skip-coverage]  the rules of this workspace that the compiler does not know
  help                    this text
";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let task = args.next().unwrap_or_else(|| "help".to_owned());
    let rest: Vec<String> = args.collect();
    let outcome = match task.as_str() {
        "bench" => bench::run(&rest),
        "ci" => ci::run(&rest),
        "conformance" => conformance::run(&rest),
        "test" => test::run(&rest),
        "interop" => interop::run(&rest),
        "new-transport" => new_transport::run(&rest),
        "tidy" => tidy::run(&rest),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        other => Err(format!("there is no task `{other}`\n\n{HELP}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}
