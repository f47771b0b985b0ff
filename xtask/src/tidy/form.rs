//! The form of files: a first line that names the subject, a bounded length, no leftovers.

use super::Finding;
use super::tree::Tree;

const MOST_LINES: usize = 400;
const ALLOW_LONG: &str = "// tidy: allow-long (";
// In two parts, so that this file passes its own rule.
const LEFTOVERS: &[&str] =
    &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("to", "do!("), concat!("unimple", "mented!(")];

/// Every Rust file begins with its documentation.
pub(super) fn first_line(tree: &Tree) -> Vec<Finding> {
    let wrong = tree.sources().filter(|source| !source.text.starts_with("//! "));
    wrong
        .map(|source| {
            Finding::new(&source.path, 1, "the first line must be a `//!` comment that names the subject")
        })
        .collect()
}

/// The length of a file is bounded. An exception gives its reason.
pub(super) fn length(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.sources() {
        let lines = source.text.lines().count();
        let allowed = source.text.lines().take(5).any(|line| {
            line.strip_prefix(ALLOW_LONG)
                .is_some_and(|reason| reason.ends_with(')') && reason.trim().len() > 1)
        });
        if lines > MOST_LINES && !allowed {
            let what = format!(
                "{lines} lines; at most {MOST_LINES} are allowed; split the file, or add `{ALLOW_LONG}reason)`"
            );
            findings.push(Finding::new(&source.path, MOST_LINES + 1, what));
        }
    }
    findings
}

/// No markers of unfinished work, and no space at the end of a line.
pub(super) fn words(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.sources() {
        for (index, line) in source.text.lines().enumerate() {
            for word in LEFTOVERS.iter().filter(|word| line.contains(**word)) {
                findings.push(Finding::new(
                    &source.path,
                    index + 1,
                    format!("`{word}`: finish it or remove it"),
                ));
            }
        }
    }
    for (path, text) in tree.texts(".rs").chain(tree.texts(".md")) {
        for (index, line) in text.lines().enumerate() {
            if line.ends_with([' ', '\t']) {
                findings.push(Finding::new(path, index + 1, "space at the end of the line"));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_subject_is_found() {
        let tree = Tree::of(&[("a/src/x.rs", "use b;\n//! late"), ("a/src/y.rs", "//! Y.\n")]);
        assert_eq!(
            first_line(&tree).iter().map(|finding| finding.path.as_str()).collect::<Vec<_>>(),
            ["a/src/x.rs"]
        );
    }

    #[test]
    fn a_long_file_is_found_unless_it_says_why() {
        let long = "\n".repeat(MOST_LINES + 1);
        let excused = format!("//! X.\n// tidy: allow-long (one table)\n{long}");
        let unexcused = format!("//! X.\n// tidy: allow-long ()\n{long}");
        let just = "\n".repeat(MOST_LINES);
        let tree = Tree::of(&[("a.rs", &long), ("b.rs", &excused), ("c.rs", &unexcused), ("d.rs", &just)]);
        assert_eq!(
            length(&tree).iter().map(|finding| finding.path.as_str()).collect::<Vec<_>>(),
            ["a.rs", "c.rs"]
        );
    }

    #[test]
    fn leftovers_and_trailing_space_are_found() {
        for word in LEFTOVERS {
            assert_eq!(words(&Tree::of(&[("a.rs", &format!("//! A.\n// {word})"))])).len(), 1, "{word}");
        }
        let tree = Tree::of(&[("a.md", "a\nb \n"), ("b.rs", "//! B.\t\n"), ("c.py", "c \n")]);
        assert_eq!(words(&tree).len(), 2);
    }
}
