//! Plain English: banned phrases, and rule ids that do not belong in public documentation.
//!
//! Doc comments, strings of production code and Markdown are searched.

use super::Finding;
use super::ids;
use super::lex::{Kind, line_of};
use super::source::Source;
use super::tree::Tree;

/// A phrase, longer phrases that contain it and are allowed, and what to write instead.
struct Banned {
    phrase: &'static str,
    unless: &'static [&'static str],
    instead: &'static str,
}

const fn banned(phrase: &'static str, instead: &'static str) -> Banned {
    Banned { phrase, unless: &[], instead }
}

const BANNED: &[Banned] = &[
    banned("nobody", "name the subject, or say what does not happen: `no reader is left`"),
    banned("somebody", "name the subject: the caller, a user, a client"),
    banned("anybody", "name the subject: the caller, a user, a client"),
    banned("everybody", "name the subject: all callers, each user"),
    banned("whoever", "name the subject: the caller, the writer"),
    banned("so many", "give the number or the limit: `at most N`"),
    banned("in a row", "`consecutive`"),
    Banned {
        phrase: "is no",
        unless: &["there is no", "is no longer", "is no more", "is no later", "is no less"],
        instead: "`is not a`",
    },
    Banned { phrase: "are no", unless: &["there are no", "are no longer"], instead: "`are not`" },
    banned("told", "say which message or call: `receives`, `is notified`, `distinguishes`"),
    banned("tells of", "`describes`, `reports`"),
    banned("tell of", "`describe`, `report`"),
    banned("of its own", "`its own X`, `a separate X`, or nothing"),
    banned("of their own", "`their own X`, `separate X`, or nothing"),
    banned("of our own", "`our X`, or nothing"),
    banned("of your own", "`your own X`, or nothing"),
    banned("dear", "`expensive`, `costly`"),
    banned("dearer", "`more expensive`"),
    banned("no room", "say what is full: memory, a buffer, a queue"),
    banned("room for", "say what it is: capacity, memory, stack"),
    banned("no place", "say what it is: memory, a slot, a queue"),
    banned("place for", "say what it is: memory, a slot, a queue"),
    banned("what is so", "say what holds"),
    banned("it is asked for", "say who requests what"),
    banned("is asked for", "`is requested`, or say who asks"),
    banned("are asked for", "`are requested`, or say who asks"),
    banned("there is no such", "`unknown X`, or `X does not exist`"),
    banned("came to be", "`was created`, `was established`"),
    banned("come to be", "`be created`, `be established`"),
    banned("apart, so that", "`out of line, so that`, or `a separate function, so that`"),
    banned("without sign of", "`independent of`"),
    banned("trying again", "`retrying`"),
    banned("kinder", "say which: less strict, cheaper"),
    banned("milder", "`less strict`"),
    banned("in vain", "`without effect`"),
    banned("at hand", "`available`, `ready`"),
    banned("good for", "`valid for`"),
    banned("of others", "name them: `third-party`, `other projects`"),
    banned("mend", "`fix`"),
    banned("news", "`notifications`, `events`"),
];

/// Tables of rules and faults. Their wording is fixed.
const TABLES: &[&str] = &["docs/ledger.md", "docs/faults.md"];
/// This file contains the phrases itself.
const OWN: &str = "xtask/src/tidy/phrases.rs";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.sources().filter(|source| source.path != OWN) {
        for passage in passages(source) {
            phrases(&source.path, &passage, &mut findings);
            if passage.is_public_doc {
                rule_ids(&source.path, &passage, &mut findings);
            }
        }
    }
    for (path, text) in tree.texts(".md").filter(|(path, _)| !TABLES.contains(path)) {
        for passage in paragraphs(text) {
            phrases(path, &passage, &mut findings);
        }
    }
    findings
}

/// Consecutive lines joined into one text.
#[derive(Default)]
struct Passage {
    text: String,
    /// For each line, its offset in the text and its number in the file, from 1.
    lines: Vec<(usize, usize)>,
    /// A doc comment of a published crate, outside of tests.
    is_public_doc: bool,
}

impl Passage {
    fn push(&mut self, text: &str, line: usize) {
        self.lines.push((self.text.len(), line));
        self.text += &text.trim().to_lowercase();
        self.text.push(' ');
    }

    fn line(&self, at: usize) -> usize {
        self.lines.iter().rev().find(|(start, _)| *start <= at).map_or(1, |(_, line)| *line)
    }
}

/// Doc comments, and the strings of production code that contain a space.
fn passages(source: &Source) -> Vec<Passage> {
    let mut found = Vec::new();
    let mut doc = Passage::default();
    let mut last = 0;
    for token in &source.tokens {
        let (text, line) = (&source.text[token.start..token.end], line_of(&source.text, token.start));
        let is_in_test = source.is_in_test(token.start);
        let comment = text.strip_prefix("///").or_else(|| text.strip_prefix("//!"));
        match token.kind {
            Kind::Comment => {
                let Some(comment) = comment else { continue };
                if line != last + 1 {
                    found.push(std::mem::take(&mut doc));
                }
                last = line;
                doc.is_public_doc =
                    !is_in_test && is_production(&source.path) && source.path.starts_with("crates/");
                doc.push(comment, line);
            }
            Kind::Text if !is_in_test && is_production(&source.path) && text.contains(' ') => {
                let mut passage = Passage::default();
                for (index, part) in text.lines().enumerate() {
                    passage.push(part.trim_end_matches('\\'), line + index);
                }
                found.push(passage);
            }
            Kind::Text | Kind::Char => {}
        }
    }
    found.push(doc);
    found
}

/// Strings of tests and examples are data.
fn is_production(path: &str) -> bool {
    (path.starts_with("crates/") || path.starts_with("xtask/")) && path.contains("/src/")
}

/// The paragraphs of Markdown outside code blocks. A blank line ends a paragraph.
fn paragraphs(text: &str) -> Vec<Passage> {
    let mut found = vec![Passage::default()];
    let mut in_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if line.trim().is_empty() {
            found.push(Passage::default());
        } else if let Some(last) = found.last_mut().filter(|_| !in_code) {
            last.push(line, index + 1);
        }
    }
    found
}

fn phrases(path: &str, passage: &Passage, findings: &mut Vec<Finding>) {
    for banned in BANNED {
        for (at, _) in passage.text.match_indices(banned.phrase) {
            let end = at + banned.phrase.len();
            if is_whole(&passage.text, at, end) && !is_excused(&passage.text, at, end, banned.unless) {
                let what = format!("\"{}\": {}", banned.phrase, banned.instead);
                findings.push(Finding::new(path, passage.line(at), what));
            }
        }
    }
}

fn is_whole(text: &str, start: usize, end: usize) -> bool {
    let is_letter = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    !text[..start].ends_with(is_letter) && !text[end..].starts_with(is_letter)
}

/// Whether one of the longer phrases covers this range.
fn is_excused(text: &str, start: usize, end: usize, unless: &[&str]) -> bool {
    unless.iter().any(|longer| {
        let mut around = text.match_indices(longer).map(|(at, _)| at);
        around.any(|at| at <= start && end <= at + longer.len())
    })
}

fn rule_ids(path: &str, passage: &Passage, findings: &mut Vec<Finding>) {
    let upper = passage.text.to_uppercase();
    let all = ids::rules(&upper).into_iter().chain(ids::faults(&upper));
    for id in all.filter(|id| id.verbatim) {
        let at = upper.find(&id.id).unwrap_or_default();
        let what = format!("{} in documentation: link to the specification, or use a `//` comment", id.id);
        findings.push(Finding::new(path, passage.line(at), what));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let findings = check(&Tree::of(&[(path, text)]));
        findings.iter().map(|finding| format!("{}: {}", finding.line, finding.what)).collect()
    }

    fn count(path: &str, text: &str) -> usize {
        found(path, text).len()
    }

    #[test]
    fn phrases_are_found_in_documentation_strings_and_markdown() {
        for text in [
            "//! Nobody waits.",
            "/// It is so\n/// many.",
            "fn f() -> String { \"whoever calls\".into() }",
            "const A: &str = \"it is \\\n    told once\";",
        ] {
            assert_eq!(count("crates/a/src/x.rs", text), 1, "{text}");
        }
        assert_eq!(count("docs/a.md", "# A\n\nGiven to\nnobody.\n\n```\nnobody\n```\n"), 1);
        assert_eq!(found("docs/a.md", "a\nb told c")[0].split(':').next(), Some("2"));
    }

    #[test]
    fn code_comments_data_and_longer_words_are_left_alone() {
        for (path, text) in [
            ("crates/a/src/x.rs", "// nobody\nfn nobody() { let endear = \"nobody\"; }"),
            (
                "crates/a/src/x.rs",
                "/// An id is no longer used, and there is\n/// no other; a newsletter, untold.",
            ),
            ("crates/a/src/x.rs", "#[cfg(test)]\nmod tests { const A: &str = \"so many tests\"; }"),
            ("crates/a/tests/x.rs", "const A: &str = \"so many tests\";"),
            ("docs/ledger.md", "nobody"),
        ] {
            assert_eq!(found(path, text), [""; 0], "{text}");
        }
    }

    #[test]
    fn rule_ids_are_found_in_documentation_outside_of_tests() {
        assert_eq!(count("crates/a/src/x.rs", "/// See HTTP-S-012.\nfn f() {}"), 1);
        assert_eq!(count("crates/a/src/x.rs", "//! X (FAULT C-12, T-13)."), 2);
        for (path, text) in [
            ("crates/a/src/x.rs", "// See HTTP-S-012."),
            ("crates/a/src/x.rs", "#[cfg(test)]\nmod tests {\n/// HTTP-S-012\nfn f() {} }"),
            ("crates/a/tests/x.rs", "/// HTTP-S-012\nfn f() {}"),
            ("docs/testing.md", "cite HTTP-S-012"),
        ] {
            assert_eq!(found(path, text), [""; 0], "{path} {text}");
        }
    }
}
