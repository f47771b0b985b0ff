//! The code in a guide is code that is compiled: each block says which file it is from, and is found there.

use super::Finding;
use super::tree::Tree;

const GUIDES: &[&str] = &["docs/writing-a-transport.md", "docs/cancel-safety.md"];
const FROM: &str = "<!-- from: ";
const LANGUAGES: &[&str] = &["```rust", "```toml"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let guides = GUIDES.iter().filter_map(|path| Some((*path, tree.text(path)?)));
    guides.flat_map(|(path, text)| guide(tree, path, text)).collect()
}

fn guide(tree: &Tree, path: &str, text: &str) -> Vec<Finding> {
    let lines: Vec<&str> = text.lines().collect();
    let mut findings = Vec::new();
    for (index, _) in lines.iter().enumerate().filter(|(_, line)| LANGUAGES.contains(&line.trim())) {
        let mut find = |what: String| findings.push(Finding::new(path, index + 1, what));
        let above = index.checked_sub(1).and_then(|above| lines.get(above)).copied().unwrap_or_default();
        let from = above.trim().strip_prefix(FROM).and_then(|rest| rest.strip_suffix(" -->"));
        let Some(from) = from else {
            find(format!("code from nowhere: say `{FROM}path -->` in the line above"));
            continue;
        };
        let block: Vec<&str> = lines[index + 1..]
            .iter()
            .take_while(|line| line.trim() != "```")
            .map(|line| line.trim())
            .collect();
        match tree.text(from) {
            None => find(format!("{from} is not there")),
            Some(source) if !holds(source, &block) => find(format!("this code is not in {from}")),
            Some(_) => {}
        }
    }
    findings
}

/// Whether the lines stand together in the text, but for their indent. A line of `...` leaves something out.
fn holds(source: &str, block: &[&str]) -> bool {
    let source: Vec<&str> = source.lines().map(str::trim).collect();
    let mut parts = block.split(|line| matches!(*line, "..." | "// ..."));
    let mut at = 0;
    parts.all(|part| {
        let found = source[at..].windows(part.len().max(1)).position(|lines| lines == part);
        at += found.unwrap_or(0) + part.len();
        found.is_some() || part.is_empty()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(guide: &str) -> Vec<String> {
        let tree =
            Tree::of(&[(GUIDES[0], guide), ("a/b.rs", "//! B.\nfn b() {\n    1;\n    2;\n    3;\n}\n")]);
        check(&tree).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn code_that_is_in_its_file_passes() {
        for code in ["1;\n2;", "fn b() {\n...\n    3;\n}", "fn b() {\n// ...\n}"] {
            assert!(
                found(&format!("text\n\n<!-- from: a/b.rs -->\n```rust\n{code}\n```\n")).is_empty(),
                "{code}"
            );
        }
        assert!(found("```text\nanything\n```\n\n```console\n$ ls\n```").is_empty());
    }

    #[test]
    fn code_that_is_not_compiled_is_found() {
        assert_eq!(
            found("```rust\n1;\n```"),
            ["code from nowhere: say `<!-- from: path -->` in the line above"]
        );
        assert_eq!(found("<!-- from: a/c.rs -->\n```rust\n1;\n```"), ["a/c.rs is not there"]);
        for code in ["1;\n3;", "2;\n...\n1;", "4;"] {
            let guide = format!("<!-- from: a/b.rs -->\n```rust\n{code}\n```");
            assert_eq!(found(&guide), ["this code is not in a/b.rs"], "{code}");
        }
    }
}
