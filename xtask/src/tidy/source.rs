//! A Rust file as the rules see it: its production code, its test code, its comments and literals.

use super::lex::{Token, blank, tokens};

/// One Rust file.
pub(crate) struct Source {
    /// Its path in the repository.
    pub(crate) path: String,
    /// The unchanged text.
    pub(crate) text: String,
    /// With comments, strings and test items blanked; offsets and lines are those of `text`.
    pub(crate) production: String,
    /// The whole file is a test module.
    pub(crate) is_test: bool,
    /// Its comments and literals.
    pub(crate) tokens: Vec<Token>,
    /// The bytes of its test items.
    tests: Vec<(usize, usize)>,
    test_modules: Vec<String>,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let tokens = tokens(text);
        let code = blank(text, tokens.iter().map(|token| (token.start, token.end)));
        let (tests, names) = tests(&code, text);
        let production = blank(&code, tests.iter().copied());
        let folder = module_folder(path);
        let test_modules = names.into_iter().map(|name| format!("{folder}{name}")).collect();
        let (path, text) = (path.to_owned(), text.to_owned());
        Self { path, text, production, is_test: false, tokens, tests, test_modules }
    }

    /// Whether this byte belongs to test code.
    pub(crate) fn is_in_test(&self, at: usize) -> bool {
        self.is_test || self.tests.iter().any(|(start, end)| (*start..*end).contains(&at))
    }

    /// The test-only modules that this file declares and other files contain, as paths without their ending.
    pub(crate) fn test_modules(&self) -> Vec<String> {
        self.test_modules.clone()
    }

    pub(crate) fn mark_test_if_in(&mut self, modules: &[String]) {
        let is_in = |module: &String| {
            let rest = self.path.strip_prefix(module.as_str());
            rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        };
        if modules.iter().any(is_in) {
            self.is_test = true;
            self.production.clear();
        }
    }
}

/// The folder of the child modules of this file: `a/` for `a/mod.rs`, `a/b/` for `a/b.rs`.
fn module_folder(path: &str) -> String {
    let (folder, file) = path.rsplit_once('/').map_or(("", path), |(folder, file)| (folder, file));
    let slash = if folder.is_empty() { "" } else { "/" };
    match file {
        "mod.rs" | "lib.rs" | "main.rs" => format!("{folder}{slash}"),
        _ => format!("{folder}{slash}{}/", file.trim_end_matches(".rs")),
    }
}

/// The byte ranges of test-only items, and the names of the test-only modules in other files.
fn tests(code: &str, text: &str) -> (Vec<(usize, usize)>, Vec<String>) {
    let (mut found, mut modules) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(offset) = code[at..].find("#[cfg(") {
        let start = at + offset;
        let attribute = matching(code.as_bytes(), start + 1);
        at = attribute;
        if !is_test_only(&text[start..attribute]) {
            continue;
        }
        let (end, module) = end_of_item(code, attribute);
        modules.extend(module);
        found.push((start, end));
        at = end;
    }
    (found, modules)
}

fn is_test_only(attribute: &str) -> bool {
    let words: String = attribute.split_whitespace().collect();
    words == "#[cfg(test)]" || words.starts_with("#[cfg(all(test,")
}

/// The offset after the bracket that closes the one at `open`.
fn matching(code: &[u8], open: usize) -> usize {
    let mut depth = 0usize;
    for (at, byte) in code.iter().enumerate().skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    code.len()
}

/// Where the item behind an attribute ends, and its name if it is `mod name;`.
fn end_of_item(code: &str, from: usize) -> (usize, Option<String>) {
    let bytes = code.as_bytes();
    let mut at = from;
    loop {
        at += code[at..].len() - code[at..].trim_start().len();
        if !code[at..].starts_with("#[") {
            break;
        }
        at = matching(bytes, at + 1);
    }
    let words: Vec<&str> =
        code[at..].split([' ', '\n', ';', '{', '(', ')']).filter(|w| !w.is_empty()).take(6).collect();
    let is_import = words.iter().take(4).any(|word| *word == "use");
    let mut end = at;
    while end < bytes.len() {
        match bytes[end] {
            b';' => {
                let name =
                    words.iter().position(|word| *word == "mod").and_then(|mod_at| words.get(mod_at + 1));
                return (end + 1, name.map(|name| (*name).to_owned()));
            }
            b'{' if !is_import => return (matching(bytes, end), None),
            b'(' | b'[' | b'{' => end = matching(bytes, end),
            // A field or a variant ends with its line.
            b',' if code[at..end].lines().count() <= 1 && !code[at..end].contains('<') => {
                return (end + 1, None);
            }
            b'}' => return (end, None),
            _ => end += 1,
        }
    }
    (bytes.len(), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_items_are_not_production() {
        let text = "use a;\n#[cfg(test)]\nuse b::{c, d};\nfn e() {}\n#[cfg(test)]\n#[allow(x)]\nmod f { fn g() {} }\n\
                    struct H {\n#[cfg(test)]\ni: u8,\nj: u8 }\n#[cfg(all(test, unix))]\nmod k;\nfn l() {}";
        let source = Source::new("x/src/m.rs", text);
        for gone in ["b::", "fn g", "i: u8", "mod k"] {
            assert!(!source.production.contains(gone), "{gone} in {}", source.production);
        }
        for kept in ["use a", "fn e", "j: u8", "fn l"] {
            assert!(source.production.contains(kept), "{kept} not in {}", source.production);
        }
        assert_eq!(source.test_modules(), ["x/src/m/k"]);
    }

    #[test]
    fn a_test_module_in_its_own_file_is_test_code() {
        let parent = Source::new("x/src/a/mod.rs", "#[cfg(test)]\nmod tests;\n");
        let modules = parent.test_modules();
        for (path, is_test) in
            [("x/src/a/tests.rs", true), ("x/src/a/tests/more.rs", true), ("x/src/a/testsuite.rs", false)]
        {
            let mut source = Source::new(path, "fn f() {}");
            source.mark_test_if_in(&modules);
            assert_eq!(source.is_test, is_test, "{path}");
        }
    }
}
