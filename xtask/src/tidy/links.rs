//! Relative links in Markdown lead to something.

use super::Finding;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts(".md") {
        let mut in_code = false;
        for (index, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("```") {
                in_code = !in_code;
            } else if !in_code {
                for target in targets(line).filter(|target| !leads_somewhere(tree, path, target)) {
                    findings.push(Finding::new(
                        path,
                        index + 1,
                        format!("the link `{target}` leads nowhere"),
                    ));
                }
            }
        }
    }
    findings
}

/// `[text](target)` and `[name]: target`, outside `code`.
fn targets(line: &str) -> impl Iterator<Item = String> {
    // A backtick opens and closes code: every second part is inside.
    let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
    let definition =
        prose.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target);
    let inline = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    // A title may follow the target, and angle brackets may hold it.
    let clean = |target: &str| {
        let target = target.split_whitespace().next().unwrap_or_default();
        target.trim_start_matches('<').trim_end_matches('>').to_owned()
    };
    inline.chain(definition).map(clean).collect::<Vec<_>>().into_iter()
}

fn leads_somewhere(tree: &Tree, from: &str, target: &str) -> bool {
    let target = target.split('#').next().unwrap_or_default();
    if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
        return true;
    }
    let mut parts: Vec<&str> = match target.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => from.split('/').rev().skip(1).collect::<Vec<_>>().into_iter().rev().collect(),
    };
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return false;
                }
            }
            name => parts.push(name),
        }
    }
    tree.has(&parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dead(path: &str, text: &str) -> usize {
        let tree =
            Tree::of(&[("README.md", ""), ("docs/a.md", ""), ("crates/x/src/lib.rs", ""), (path, text)]);
        check(&tree).len()
    }

    #[test]
    fn dead_links_are_found() {
        for text in [
            "[a](b.md)",
            "[a](../c.md#d)",
            "[a]: nothing.md",
            "[a](a.md) [b](no.md \"title\")",
            "[a](../../x)",
        ] {
            assert_eq!(dead("docs/b2.md", text), 1, "{text}");
        }
    }

    #[test]
    fn good_links_code_and_other_sites_pass() {
        for text in [
            "[a](a.md#there)",
            "[a](../README.md) [b](/docs/a.md) [c](../crates/x/)",
            "[a](#here) [b](https://example.org/b.md) [c](mailto:d@example.org)",
            "`[a](no.md)`",
            "```\n[a](no.md)\n```",
            "[a]: ./a.md",
        ] {
            assert_eq!(dead("docs/b2.md", text), 0, "{text}");
        }
    }
}
