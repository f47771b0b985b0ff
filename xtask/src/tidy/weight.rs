//! The most third-party crates that a library may bring along, counted by `cargo tree`.

use std::collections::BTreeSet;

use super::Finding;
use crate::shell::{cargo, output};

/// The most third-party crates without default features.
const MOST: &[(&str, usize)] = &[("mcp-auth", 65), ("mcp-http", 60), ("mcp-stdio", 60)];

pub(super) fn check() -> Result<Vec<Finding>, String> {
    let mut findings = Vec::new();
    for (name, most) in MOST {
        let arguments = ["tree", "-p", name, "-e", "normal", "--no-default-features", "--prefix", "none"];
        let listed = output(cargo().args(arguments)).ok_or_else(|| format!("cargo tree -p {name} failed"))?;
        findings.extend(judge(name, *most, &listed));
    }
    Ok(findings)
}

fn judge(name: &str, most: usize, listed: &str) -> Option<Finding> {
    let names: BTreeSet<&str> = listed.lines().filter_map(|line| line.split(' ').next()).collect();
    let count = names.iter().filter(|name| !name.starts_with("mcp-")).count();
    let what = || format!("{count} third-party crates without default features; at most {most} are allowed");
    (count > most).then(|| Finding::new(&format!("crates/{name}/Cargo.toml"), 1, what()))
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
}
