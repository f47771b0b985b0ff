//! The most third-party crates that a library may bring along, counted by `cargo tree`.

use std::collections::BTreeSet;

use super::Finding;
use crate::shell::{cargo, output};

/// The most third-party crates without default features.
const MOST: &[(&str, usize)] = &[("mcp-auth", 65), ("mcp-http", 60), ("mcp-stdio", 60)];

/// A library with all features, another one with its default features, and the most third-party crates that the first adds to
/// an application that has the second.
const MOST_ADDED: &[(&str, &str, usize)] = &[("mcp-auth", "mcp-http", 5)];

pub(super) fn check() -> Result<Vec<Finding>, String> {
    let mut findings = Vec::new();
    for (name, most) in MOST {
        let listed = tree(name, &["--no-default-features"])?;
        findings.extend(judge(name, *most, &listed));
    }
    for (name, base, most) in MOST_ADDED {
        let (listed, already) = (tree(name, &["--all-features"])?, tree(base, &[])?);
        findings.extend(judge_added(name, base, *most, &listed, &already));
    }
    Ok(findings)
}

fn tree(name: &str, features: &[&str]) -> Result<String, String> {
    let mut tree = cargo();
    tree.args(["tree", "-p", name, "-e", "normal", "--prefix", "none"]).args(features);
    output(&mut tree).ok_or_else(|| format!("cargo tree -p {name} failed"))
}

/// The third-party crates of a list. Each counts once, whatever its versions are.
fn crates(listed: &str) -> BTreeSet<&str> {
    let names = listed.lines().filter_map(|line| line.split(' ').next());
    names.filter(|name| !name.is_empty() && !name.starts_with("mcp-")).collect()
}

fn judge(name: &str, most: usize, listed: &str) -> Option<Finding> {
    let count = crates(listed).len();
    let what = || format!("{count} third-party crates without default features; at most {most} are allowed");
    (count > most).then(|| Finding::new(&format!("crates/{name}/Cargo.toml"), 1, what()))
}

fn judge_added(name: &str, base: &str, most: usize, listed: &str, already: &str) -> Option<Finding> {
    let already = crates(already);
    let added: Vec<&str> = crates(listed).into_iter().filter(|name| !already.contains(name)).collect();
    let what = || {
        let (count, list) = (added.len(), added.join(", "));
        format!("adds {count} third-party crates to {base}; at most {most} are allowed: {list}")
    };
    (added.len() > most).then(|| Finding::new(&format!("crates/{name}/Cargo.toml"), 1, what()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_crate_counts_once_and_our_own_do_not() {
        let listed =
            "mcp-x v0.1.0 (/mcp-x)\nmcp-core v0.1.0 (/y)\na v1.0.0\na v2.0.0\nb v1.0.0\na v1.0.0 (*)";
        assert_eq!(judge("mcp-x", 2, listed), None);
        let finding = judge("mcp-x", 1, listed).unwrap();
        assert_eq!(
            finding.to_string().split(' ').take(4).collect::<Vec<_>>().join(" "),
            "crates/mcp-x/Cargo.toml:1: 2 third-party crates"
        );
    }

    #[test]
    fn only_crates_that_the_base_lacks_are_added() {
        let (listed, already) =
            ("mcp-x v0.1.0\na v1.0.0\nb v1.0.0\nc v1.0.0", "mcp-y v0.1.0\nb v1.0.0\n\nd v1.0.0");
        assert_eq!(judge_added("mcp-x", "mcp-y", 2, listed, already), None);
        let finding = judge_added("mcp-x", "mcp-y", 1, listed, already).unwrap().to_string();
        assert!(finding.contains("adds 2 third-party crates") && finding.ends_with("a, c"), "{finding}");
    }
}
