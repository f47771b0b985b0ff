//! Finds the ids of rules (`STDIO-C-007`, `T-12`) and of faults (`FAULT A-B7`), also in the names of tests.
//!
//! An identifier cannot contain a hyphen, so `fn stdio_c_007_two_listens` cites a rule too.

use super::lex::line_of;

/// An id and its position.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Id {
    /// In the form of the ledger.
    pub(crate) id: String,
    /// Counted from 1.
    pub(crate) line: usize,
    /// The text has it in this form, so it is meant as an id.
    pub(crate) verbatim: bool,
}

/// The ids of rules and traps.
pub(crate) fn rules(text: &str) -> Vec<Id> {
    let normal = normalize(text);
    let mut found = Vec::new();
    for (at, _) in normal.match_indices('-') {
        let bytes = normal.as_bytes();
        let start =
            bytes[..at].iter().rposition(|byte| !byte.is_ascii_alphanumeric()).map_or(0, |last| last + 1);
        let area = &normal[start..at];
        let is_area = area.len() > 1 && area.as_bytes()[0].is_ascii_alphabetic();
        let length = match &bytes[at + 1..] {
            [b'B' | b'C' | b'S', b'-', rest @ ..] if is_area && digits(rest) == 3 => 6,
            rest if area == "T" && digits(rest) == 2 => 3,
            _ => continue,
        };
        let end = at + length;
        if bytes.get(end).is_some_and(u8::is_ascii_alphanumeric) {
            continue;
        }
        let id = &normal[start..end];
        let verbatim = text.get(start..end) == Some(id);
        // `T-12` is too short to be sought in names such as `const_t_12`.
        if verbatim || area != "T" {
            found.push(Id { id: id.to_owned(), line: line_of(&normal, start), verbatim });
        }
    }
    found
}

/// The ids of faults: one or a list after the word FAULT.
pub(crate) fn faults(text: &str) -> Vec<Id> {
    let normal = normalize(text);
    let mut found = Vec::new();
    for (at, word) in normal.match_indices("FAULT") {
        let mut rest = at + word.len();
        if normal[rest..].starts_with('S') {
            rest += 1;
        }
        while let Some((start, end)) = next_fault(&normal, rest) {
            let verbatim = text.get(at..at + word.len()) == Some(word);
            found.push(Id { id: normal[start..end].to_owned(), line: line_of(&normal, start), verbatim });
            rest = end;
        }
    }
    found
}

/// An id that follows immediately, or after a comma or `and`.
fn next_fault(normal: &str, from: usize) -> Option<(usize, usize)> {
    let separators: &[_] = &[' ', ',', '-', '/'];
    let rest = normal[from..].trim_start_matches(separators);
    let rest = rest.strip_prefix("AND ").unwrap_or(rest).trim_start_matches(separators);
    let start = normal.len() - rest.len();
    let prefix = ["A-B", "C-"].into_iter().find(|prefix| rest.starts_with(prefix))?;
    let number = digits(&rest.as_bytes()[prefix.len()..]);
    (number > 0 && start > from).then_some((start, start + prefix.len() + number))
}

/// Upper case, with hyphens for underscores. Byte offsets are kept.
fn normalize(text: &str) -> String {
    text.chars().map(|letter| if letter == '_' { '-' } else { letter.to_ascii_uppercase() }).collect()
}

fn digits(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(ids: Vec<Id>) -> Vec<String> {
        ids.into_iter().map(|id| id.id).collect()
    }

    #[test]
    fn rules_are_read_from_comments_and_names() {
        let text = "// STDIO-C-007: x; T-12 (SSE24-S-001)\nfn it_works_id_b_001_too() {}";
        assert_eq!(names(rules(text)), ["STDIO-C-007", "T-12", "SSE24-S-001", "ID-B-001"]);
        assert_eq!(rules(text)[3], Id { id: "ID-B-001".into(), line: 2, verbatim: false });
    }

    #[test]
    fn other_words_are_no_ids() {
        assert!(
            rules("UTF-16 STDIO-C-07 STDIO-C-0071 STDIO-X-007 GET-12 B-C-007 T-123 const_t_12 é-C-")
                .is_empty()
        );
    }

    #[test]
    fn faults_are_read_alone_and_in_lists() {
        assert_eq!(
            names(faults("/// FAULT A-B7, C-12 and C-3: x\nfn fault_c_44_paging() {}")),
            ["A-B7", "C-12", "C-3", "C-44"]
        );
        assert!(faults("a fault in C-12, C-4").is_empty());
    }
}
