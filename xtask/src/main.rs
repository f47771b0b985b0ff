//! `cargo xtask TASK`: the checks and tests of this workspace, one file per task.

use std::process::ExitCode;

mod api;
mod bench;
mod checks;
mod ci;
mod conformance;
mod fuzz;
mod install;
mod interop;
mod mutants;
mod new_transport;
mod packages;
mod process;
mod shell;
mod siege;
mod test;
mod tidy;
mod tools;

/// The error is a message for the user.
type Outcome<T = ()> = Result<T, String>;

/// One task of the command line.
struct Task {
    name: &'static str,
    arguments: &'static str,
    /// One line for the list of tasks, without a full stop.
    summary: &'static str,
    /// Printed after the summary by `--help`.
    details: &'static str,
    run: fn(&[String]) -> Outcome,
}

const TASKS: &[Task] = &[
    ci::TASK,
    test::TASK,
    tidy::TASK,
    api::TASK,
    conformance::TASK,
    interop::TASK,
    mutants::TASK,
    bench::TASK,
    fuzz::TASK,
    siege::TASK,
    new_transport::TASK,
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match api::rustdoc().unwrap_or_else(|| dispatch(&args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> Outcome {
    let is_help = |word: &str| matches!(word, "help" | "--help" | "-h");
    let Some((name, rest)) = args.split_first().filter(|(name, _)| !is_help(name)) else {
        print!("{}", list());
        return Ok(());
    };
    let task = TASKS.iter().find(|task| task.name == name);
    let task = task.ok_or_else(|| format!("unknown task `{name}`\n\n{}", list()))?;
    if rest.first().is_some_and(|word| is_help(word)) {
        print!("{}", help(task));
        return Ok(());
    }
    (task.run)(rest)
}

fn list() -> String {
    let mut text = "usage: cargo xtask TASK [ARGUMENTS]\n\n".to_owned();
    for task in TASKS {
        text += &format!("  {:<15} {}\n", task.name, task.summary);
    }
    text + "\n`cargo xtask TASK --help` describes a task and its arguments.\n"
}

fn help(task: &Task) -> String {
    let usage = format!("usage: cargo xtask {} {}", task.name, task.arguments);
    format!("{}\n\n{}.\n\n{}", usage.trim_end(), task.summary, task.details.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_of_each_task_is_printed_and_not_run() {
        for task in TASKS {
            for word in ["help", "--help", "-h"] {
                assert_eq!(dispatch(&[task.name.to_owned(), word.to_owned()]), Ok(()), "{}", task.name);
            }
            assert!(help(task).ends_with('\n'), "{}", task.name);
        }
    }

    #[test]
    fn an_unknown_task_is_an_error_with_the_list() {
        let why = dispatch(&["x-ci".to_owned()]).unwrap_err();
        assert!(why.contains("`x-ci`") && why.contains("conformance"), "{why}");
    }
}
