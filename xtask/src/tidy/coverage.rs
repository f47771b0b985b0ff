//! Every rule and fault in scope is cited by a test, and every cited id exists.

use std::collections::BTreeSet;

use super::Finding;
use super::ids::{self, Id};
use super::tree::Tree;

const LEDGER: &str = "docs/ledger.md";
const FAULTS: &str = "docs/faults.md";
const TESTING: &str = "docs/testing.md";
const EXCUSES: &str = "## Rules without a test here";

/// The areas of the ledger in which each rule has a test, or a reason in the testing guide why not.
const AREAS: &[&str] = &[
    "RPC", "ID", "META", "LIFE", "DISC", "ERA", "STDIO", "CANC", "PROG", "TIME", "PING", "SUB", "MRTR",
    "PAGE", "ERR", "HTTP", "SSE", "SESS", "RES", "HDR", "SSE24", "SEC", "CACHE",
];
/// The faults that must have a test, as (prefix, first, last).
const COVERED_FAULTS: &[(&str, u32, u32)] = &[("A-B", 1, 36), ("C-", 1, 47), ("C-", 49, 50)];

/// Every id that code or tests cite is in the lists.
pub(super) fn cited_ids_exist(tree: &Tree) -> Vec<Finding> {
    let (rules, faults) = (known_rules(tree), known_faults(tree));
    let areas: BTreeSet<&str> = rules.iter().map(|id| area(id)).collect();
    let mut findings = Vec::new();
    let mut unknown = |path: &str, ids: Vec<Id>, known: &BTreeSet<String>, file: &str| {
        // A name such as `foo_b_123` is an id only if the ledger has that area.
        let meant = |id: &Id| id.verbatim || areas.contains(area(&id.id));
        let unknown = ids.into_iter().filter(|id| meant(id) && !known.contains(&id.id));
        findings.extend(unknown.map(|id| Finding::new(path, id.line, format!("{} is not in {file}", id.id))));
    };
    let cites = |path: &str| path.starts_with("tests/") || path.starts_with("crates/") || path == TESTING;
    for ending in [".rs", ".txt", ".py", ".md", ".toml"] {
        for (path, text) in tree.texts(ending).filter(|(path, _)| cites(path)) {
            unknown(path, ids::rules(text), &rules, LEDGER);
            unknown(path, ids::faults(text), &faults, FAULTS);
        }
    }
    findings
}

/// Every rule of these areas is cited by a test, or excused in the testing guide.
pub(super) fn rules_are_tested(tree: &Tree) -> Vec<Finding> {
    let guide = tree.text(TESTING).unwrap_or_default();
    let excuses =
        guide.split_once(EXCUSES).map_or("", |(_, rest)| rest.split("\n## ").next().unwrap_or_default());
    let mut covered = cited(tree, ids::rules);
    covered.extend(ids::rules(excuses).into_iter().map(|id| id.id));
    let rules = rows(tree.text(LEDGER).unwrap_or_default(), |cell| ids::rules(cell).into_iter().next());
    if rules.is_empty() {
        return vec![Finding::new(LEDGER, 1, "has no rules")];
    }
    let missing =
        rules.into_iter().filter(|rule| AREAS.contains(&area(&rule.id)) && !covered.contains(&rule.id));
    missing.map(|rule| Finding::new(LEDGER, rule.line, format!("no test cites {}", rule.id))).collect()
}

/// Every fault of the list is cited by a test.
pub(super) fn faults_are_tested(tree: &Tree) -> Vec<Finding> {
    let covered = cited(tree, ids::faults);
    let known = rows(tree.text(FAULTS).unwrap_or_default(), fault_in_cell);
    let line_of = |id: &str| known.iter().find(|row| row.id == id).map_or(1, |row| row.line);
    let needed = COVERED_FAULTS
        .iter()
        .flat_map(|(prefix, from, to)| (*from..=*to).map(move |n| format!("{prefix}{n}")));
    let missing = needed.filter(|id| !covered.contains(id));
    missing.map(|id| Finding::new(FAULTS, line_of(&id), format!("no test cites FAULT {id}"))).collect()
}

/// Each fault that was met in the field names its tests in the last cell of its row, and those exist.
pub(super) fn field_faults_name_tests(tree: &Tree) -> Vec<Finding> {
    let tests: BTreeSet<&str> = tree
        .sources()
        .flat_map(|source| functions(test_part(source.is_test, &source.path, &source.text)))
        .collect();
    let mut findings = Vec::new();
    for (index, line) in tree.text(FAULTS).unwrap_or_default().lines().enumerate() {
        let Some(row) = line.strip_prefix("| F-") else { continue };
        let (id, last) = (row.split(' ').next().unwrap_or_default(), row.trim_end_matches([' ', '|']));
        let last = last.rsplit(" | ").next().unwrap_or_default();
        let named: Vec<&str> = last.split('`').skip(1).step_by(2).collect();
        let wrong = match named.iter().find(|name| !tests.contains(*name)) {
            _ if named.is_empty() => format!("F-{id} names no test"),
            Some(name) => format!("F-{id} names the test {name}, which does not exist"),
            None => continue,
        };
        findings.push(Finding::new(FAULTS, index + 1, wrong));
    }
    findings
}

/// The names of the functions in a text.
fn functions(text: &str) -> impl Iterator<Item = &str> {
    text.split("fn ").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        &rest[..end]
    })
}

/// The part before the first hyphen.
fn area(id: &str) -> &str {
    id.split('-').next().unwrap_or_default()
}

fn known_rules(tree: &Tree) -> BTreeSet<String> {
    // The traps are headings in bold rather than rows, so the whole text counts.
    ids::rules(tree.text(LEDGER).unwrap_or_default()).into_iter().map(|id| id.id).collect()
}

fn known_faults(tree: &Tree) -> BTreeSet<String> {
    rows(tree.text(FAULTS).unwrap_or_default(), fault_in_cell).into_iter().map(|id| id.id).collect()
}

fn fault_in_cell(cell: &str) -> Option<Id> {
    ids::faults(&format!("FAULT {cell}")).into_iter().next()
}

/// The ids in the first cell of each table row, with the row's line.
fn rows(text: &str, id_in: impl Fn(&str) -> Option<Id>) -> Vec<Id> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let cell = line.strip_prefix('|').and_then(|row| row.split('|').next());
        if let Some(id) = cell.and_then(|cell| id_in(cell.trim())) {
            found.push(Id { line: index + 1, ..id });
        }
    }
    found
}

/// All ids that tests cite.
fn cited(tree: &Tree, ids_in: fn(&str) -> Vec<Id>) -> BTreeSet<String> {
    let transcripts = tree.texts(".txt").filter(|(path, _)| path.starts_with("tests/")).map(|(_, text)| text);
    let tests = tree.sources().map(|source| test_part(source.is_test, &source.path, &source.text));
    transcripts.chain(tests).flat_map(ids_in).map(|id| id.id).collect()
}

/// The part of a file that counts as a test. An id in production code proves nothing.
fn test_part<'a>(is_test: bool, path: &str, text: &'a str) -> &'a str {
    let Some(inner) = path.strip_prefix("crates/") else {
        return if path.starts_with("tests/") { text } else { "" };
    };
    let is_test = is_test || inner.contains("/tests/") || inner.starts_with("mcp-testkit/");
    if is_test {
        return text;
    }
    let start = ["#[cfg(test)]", "#[cfg(all(test", "#[test]", "#[tokio::test"]
        .iter()
        .filter_map(|mark| text.find(mark))
        .min();
    start.map_or("", |start| &text[start..])
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: (&str, &str) = (
        LEDGER,
        "| ID | x |\n|---|---|\n| PING-B-001 | x |\n| PING-B-002 | STDIO-C-003 |\n| OTHER-S-001 | x |\n**T-12 y**",
    );

    fn untested(files: &[(&str, &str)]) -> Vec<String> {
        let files = [&[RULES], files].concat();
        rules_are_tested(&Tree::of(&files)).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn a_rule_without_a_test_is_found() {
        let all = ["no test cites PING-B-001", "no test cites PING-B-002"];
        assert_eq!(untested(&[]), all);
        assert_eq!(untested(&[("crates/a/src/x.rs", "// PING-B-001\n// PING-B-002")]), all);
        assert_eq!(
            untested(&[("crates/a/src/x.rs", "// PING-B-001\n#[cfg(test)]\n// PING-B-002")]),
            all[..1]
        );
    }

    #[test]
    fn tests_transcripts_and_excuses_cover_a_rule() {
        for file in [
            ("tests/it/a.rs", "// PING-B-001"),
            ("tests/transcripts/legacy/a.txt", "# PING-B-001"),
            ("crates/a/tests/b.rs", "fn ping_b_001_answers() {}"),
            ("crates/mcp-testkit/src/c.rs", "/// PING-B-001"),
            ("crates/a/src/x.rs", "#[test]\nfn ping_b_001() {}"),
            (TESTING, "## Rules without a test here\n\n- PING-B-001: why\n\n## Next\n\nPING-B-002"),
        ] {
            assert_eq!(untested(&[file]), ["no test cites PING-B-002"], "{}", file.0);
        }
    }

    #[test]
    fn a_missing_ledger_is_no_pass() {
        assert_eq!(rules_are_tested(&Tree::of(&[])).len(), 1);
    }

    #[test]
    fn an_id_that_does_not_exist_is_found() {
        let text = "// PING-B-009 T-99 FAULT C-99\n// PING-B-001 T-12\nfn ping_b_010() {}\nfn foo_b_123() {}";
        let findings = cited_ids_exist(&Tree::of(&[
            RULES,
            ("crates/a/src/x.rs", text),
            ("tests/a.rs", "// PNIG-B-001"),
        ]));
        let found: Vec<_> = findings.iter().map(|finding| finding.what.split(' ').next().unwrap()).collect();
        assert_eq!(found, ["PING-B-009", "T-99", "PING-B-010", "C-99", "PNIG-B-001"]);
    }

    #[test]
    fn a_fault_of_the_field_names_tests_that_exist() {
        let table = "| Ref | x |\n| F-A1 | a | `one`, `two` |\n| F-A2 | `one` | b |\n| F-A3 | a | `gone` |\n";
        let tests = "#[test]\nfn one() {}\nasync fn two() {}\n";
        let found = field_faults_name_tests(&Tree::of(&[(FAULTS, table), ("tests/a.rs", tests)]));
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("F-A2 names no test") && found[1].contains("gone"), "{found:?}");
    }

    #[test]
    fn a_fault_without_a_test_is_found() {
        let all = faults_are_tested(&Tree::of(&[])).len();
        let with = Tree::of(&[("tests/a.rs", "/// FAULT A-B7, C-1\nfn fault_c_50() {}")]);
        assert_eq!(faults_are_tested(&with).len(), all - 3);
    }
}
