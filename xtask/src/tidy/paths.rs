//! The paths that code names; groups such as `crate::session::{client, server}` are expanded.

use super::lex::{is_name, line_of};

/// One path, from its root.
#[derive(Debug, PartialEq)]
pub(crate) struct Mention {
    /// For `crate::a::{b as c}`: `crate`, `a`, `b`.
    pub(crate) segments: Vec<String>,
    /// The name that it introduces: the alias, or the last segment.
    pub(crate) name: String,
    /// Counted from 1.
    pub(crate) line: usize,
}

/// Every path in the code that begins with one of `roots`.
pub(crate) fn mentions(code: &str, roots: &[&str]) -> Vec<Mention> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some((start, end)) = next_name(code, at) {
        at = end;
        if roots.contains(&&code[start..end]) && !follows_path(code, start) {
            let mut reader = Reader { code, at: start, found: &mut found };
            reader.tree(&[]);
        }
    }
    found
}

/// The lines in which a word occurs as a whole name.
pub(crate) fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let (start, end) = next_name(code, at)?;
            at = end;
            if &code[start..end] == word {
                return Some(line_of(code, start));
            }
        }
    })
}

fn next_name(code: &str, from: usize) -> Option<(usize, usize)> {
    let bytes = code.as_bytes();
    let start = (from..bytes.len()).find(|at| is_name(bytes[*at]))?;
    let end = (start..bytes.len()).find(|at| !is_name(bytes[*at])).unwrap_or(bytes.len());
    Some((start, end))
}

/// Whether the name continues a path or is a field: `x::name`, `x.name`. A leading `::` does not count.
fn follows_path(code: &str, start: usize) -> bool {
    let before = code[..start].trim_end();
    if let Some(rest) = before.strip_suffix("::") {
        return rest.trim_end().as_bytes().last().is_some_and(|byte| is_name(*byte) || *byte == b'>');
    }
    before.ends_with('.') && !before.ends_with("..")
}

struct Reader<'a> {
    code: &'a str,
    at: usize,
    found: &'a mut Vec<Mention>,
}

impl Reader<'_> {
    /// Reads one path or one branch of a group, and records each leaf.
    fn tree(&mut self, before: &[String]) {
        let mut segments = before.to_vec();
        loop {
            self.skip_space();
            let line = line_of(self.code, self.at);
            if self.eat("{") {
                return self.group(&segments);
            }
            if self.eat("*") {
                return self.note(segments, "*".to_owned(), line);
            }
            let Some(name) = self.name() else {
                // `a::<T>` ends here as well. An empty branch of a group is ignored.
                if let Some(last) = segments.last().filter(|_| segments.len() > before.len()).cloned() {
                    self.note(segments, last, line);
                }
                return;
            };
            // `a::{self}` names `a`.
            if name != "self" || segments.is_empty() {
                segments.push(name.clone());
            }
            self.skip_space();
            if !self.eat("::") {
                let last = segments.last().cloned().unwrap_or(name);
                let alias = self.alias().unwrap_or(last);
                return self.note(segments, alias, line);
            }
        }
    }

    fn group(&mut self, before: &[String]) {
        loop {
            self.skip_space();
            if self.eat("}") || self.at >= self.code.len() {
                return;
            }
            let start = self.at;
            self.tree(before);
            self.skip_space();
            // Not a group of a path.
            if !self.eat(",") && (self.at == start || !self.code[self.at..].starts_with('}')) {
                return;
            }
        }
    }

    fn note(&mut self, segments: Vec<String>, name: String, line: usize) {
        self.found.push(Mention { segments, name, line });
    }

    fn name(&mut self) -> Option<String> {
        let (start, end) = next_name(self.code, self.at).filter(|(start, _)| *start == self.at)?;
        self.at = end;
        Some(self.code[start..end].to_owned())
    }

    fn alias(&mut self) -> Option<String> {
        let (start, end) = next_name(self.code, self.at).filter(|(start, _)| *start == self.at)?;
        if &self.code[start..end] != "as" {
            return None;
        }
        self.at = end;
        self.skip_space();
        self.name()
    }

    fn skip_space(&mut self) {
        let rest = &self.code[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn eat(&mut self, what: &str) -> bool {
        let is_next = self.code[self.at..].starts_with(what);
        if is_next {
            self.at += what.len();
        }
        is_next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(code: &str) -> Vec<String> {
        mentions(code, &["crate", "super"])
            .iter()
            .map(|m| format!("{}={}", m.segments.join("."), m.name))
            .collect()
    }

    #[test]
    fn groups_are_written_out() {
        let code =
            "use crate::{a::{self, B as C}, d::*};\nlet x = crate::e::f(super::super::g::<T>::h, y::crate_);";
        let expected = ["crate.a=a", "crate.a.B=C", "crate.d=*", "crate.e.f=f", "super.super.g=g"];
        assert_eq!(read(code), expected);
        assert_eq!(mentions(code, &["crate"]).last().unwrap().line, 2);
    }

    #[test]
    fn visibility_is_a_mention_without_a_path() {
        assert_eq!(read("pub(crate) fn x() {}"), ["crate=crate"]);
        assert_eq!(read("pub(in crate::a) fn x() {}"), ["crate.a=a"]);
    }

    #[test]
    fn only_whole_words_count() {
        assert_eq!(words("tokio_util; tokio::spawn;\nx.tokio", "tokio").collect::<Vec<_>>(), [1, 2]);
    }
}
