//! A Rust file as the rules see it: without comments and strings, and with its test code told apart.

/// One Rust file.
pub(crate) struct Source {
    /// Its place in the repository.
    pub(crate) path: String,
    /// As it is written.
    pub(crate) text: String,
    /// With comments, strings and test items blanked; offsets and lines are those of `text`.
    pub(crate) production: String,
    /// The whole file is a test module.
    pub(crate) is_test: bool,
    test_modules: Vec<String>,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let code = blank_words(text);
        let (production, names) = blank_tests(&code, text);
        let folder = module_folder(path);
        let test_modules = names.into_iter().map(|name| format!("{folder}{name}")).collect();
        Self { path: path.to_owned(), text: text.to_owned(), production, is_test: false, test_modules }
    }

    /// The modules in files of their own that are declared for tests only, as paths without ending.
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

/// The line, counted from 1, of a byte of the text.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Whether a byte can be part of a name.
pub(crate) fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Where the modules of this file live: `a/mod.rs` has them in `a/`, `a/b.rs` in `a/b/`.
fn module_folder(path: &str) -> String {
    let (folder, file) = path.rsplit_once('/').map_or(("", path), |(folder, file)| (folder, file));
    let slash = if folder.is_empty() { "" } else { "/" };
    match file {
        "mod.rs" | "lib.rs" | "main.rs" => format!("{folder}{slash}"),
        _ => format!("{folder}{slash}{}/", file.trim_end_matches(".rs")),
    }
}

/// Puts spaces for comments and for the insides of strings and characters.
fn blank_words(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes[at..].starts_with(b"//") => find(bytes, at, b"\n"),
            b'/' if bytes[at..].starts_with(b"/*") => end_of_block_comment(bytes, at),
            b'r' if at == 0 || !is_name(bytes[at - 1]) || is_prefixed(bytes, at) => {
                end_of_raw_string(bytes, at)
            }
            b'"' => end_of_quoted(bytes, at, b'"'),
            b'\'' => end_of_char(bytes, at),
            _ => at,
        };
        for byte in &mut out[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end.max(at + 1);
    }
    // Only whole comments and literals were blanked, so what is left is still UTF-8.
    String::from_utf8(out).unwrap_or_default()
}

/// `br"` and `cr"`: the letter before the `r` belongs to the string.
fn is_prefixed(bytes: &[u8], at: usize) -> bool {
    matches!(bytes[at - 1], b'b' | b'c') && (at == 1 || !is_name(bytes[at - 2]))
}

fn find(bytes: &[u8], from: usize, what: &[u8]) -> usize {
    let found = bytes[from..].windows(what.len()).position(|window| window == what);
    found.map_or(bytes.len(), |offset| from + offset)
}

fn end_of_block_comment(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0);
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    bytes.len()
}

fn end_of_raw_string(bytes: &[u8], start: usize) -> usize {
    let hashes = bytes[start + 1..].iter().take_while(|byte| **byte == b'#').count();
    if bytes.get(start + 1 + hashes) != Some(&b'"') {
        return start;
    }
    let closing = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
    (find(bytes, start + 2 + hashes, &closing) + closing.len()).min(bytes.len())
}

fn end_of_quoted(bytes: &[u8], start: usize, quote: u8) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// A character in quotes, or nothing if the quote begins a lifetime.
fn end_of_char(bytes: &[u8], start: usize) -> usize {
    let rest = &bytes[start + 1..];
    let width = match rest.first() {
        Some(b'\\') => return end_of_quoted(bytes, start, b'\''),
        Some(first) if *first >= 0xF0 => 4,
        Some(first) if *first >= 0xE0 => 3,
        Some(first) if *first >= 0xC0 => 2,
        _ => 1,
    };
    if rest.get(width) == Some(&b'\'') { start + width + 2 } else { start }
}

/// Puts spaces for the items that are compiled for tests only; also the names of modules in files of their own.
fn blank_tests(code: &str, text: &str) -> (String, Vec<String>) {
    let mut out = code.as_bytes().to_vec();
    let mut modules = Vec::new();
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
        for byte in &mut out[start..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    (String::from_utf8(out).unwrap_or_default(), modules)
}

fn is_test_only(attribute: &str) -> bool {
    let words: String = attribute.split_whitespace().collect();
    words == "#[cfg(test)]" || words.starts_with("#[cfg(all(test,")
}

/// Behind the bracket that closes the one at `open`.
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
            // A field or a variant: it ends with its line.
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
    fn comments_and_strings_are_blank_and_lines_stay() {
        let text = "a // tokio\nb(\"tokio \\\" \\\\\", r#\"to\"kio\"#, 'x', '\\'', b\"tokio\"); /* to /* k */ io */ c<'d>";
        let code = blank_words(text);
        assert_eq!(code.len(), text.len());
        assert!(!code.contains("to") && !code.contains("k"), "{code}");
        assert!(code.contains("c<'d>"), "{code}");
        assert_eq!(line_of(&code, code.find("c<").unwrap()), 2);
    }

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
