//! `cargo xtask tidy`: rules of this workspace that the compiler does not check, one file per rule.

use std::fmt;

use crate::shell::root;
use crate::{Outcome, Task};

mod coverage;
mod cycles;
mod floors;
mod form;
mod ids;
mod lex;
mod paths;
mod phrases;
mod snippets;
mod source;
mod tree;
mod weight;

use tree::Tree;

pub(crate) const TASK: Task = Task {
    name: "tidy",
    arguments: "[--skip-coverage]",
    summary: "Check the rules of this workspace that the compiler does not check",
    details: "
Prints each finding with its file and line. With --skip-coverage, rules of docs/ledger.md and docs/faults.md that
no test cites are not reported.
",
    run,
};

/// A violation of a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    what: String,
}

impl Finding {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

type Rule = (&'static str, fn(&Tree) -> Vec<Finding>);

const RULES: &[Rule] = &[
    ("floors", floors::check),
    ("cycles", cycles::check),
    ("first line", form::first_line),
    ("length", form::length),
    ("words and spaces", form::words),
    ("snippets", snippets::check),
    ("phrases", phrases::check),
    ("cited ids", coverage::cited_ids_exist),
];

/// Rules about missing tests. Work in progress can skip them.
const COVERAGE: &[Rule] = &[
    ("rules without a test", coverage::rules_are_tested),
    ("faults without a test", coverage::faults_are_tested),
    ("faults that name no test", coverage::field_faults_name_tests),
];

/// Prints every finding. It is an error if there is one.
pub(crate) fn run(args: &[String]) -> Outcome {
    let mut with_coverage = true;
    for arg in args {
        match arg.as_str() {
            "--skip-coverage" => with_coverage = false,
            other => return Err(format!("unknown argument `{other}`; usage: tidy {}", TASK.arguments)),
        }
    }
    let heavy = weight::check()?;
    let tree = Tree::load(&root())?;
    let rules = RULES.iter().chain(if with_coverage { COVERAGE } else { &[] });
    let mut count = heavy.len();
    for finding in heavy {
        println!("{finding} [weight]");
    }
    for (name, check) in rules {
        let mut findings = check(&tree);
        findings.sort();
        count += findings.len();
        for finding in findings {
            println!("{finding} [{name}]");
        }
    }
    if !with_coverage {
        println!("tidy: coverage was not checked (--skip-coverage)");
    }
    if count > 0 {
        return Err(format!("tidy found {count} problems"));
    }
    println!("tidy: {} files are in order", tree.len());
    Ok(())
}
