//! Which crate may depend on which crate of this workspace, read from each Cargo.toml.

use super::Finding;
use super::tree::Tree;

/// Who may name what, outside tests. Whoever is not here is free.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("crates/mcp-core/Cargo.toml", &[]),
    ("crates/mcp-stdio/Cargo.toml", &["mcp-core"]),
    ("crates/mcp-http/Cargo.toml", &["mcp-core"]),
    ("crates/mcp-ws/Cargo.toml", &["mcp-core"]),
    ("tests/third_party/radio/Cargo.toml", &["mcp-core"]),
    ("tests/third_party/redis/Cargo.toml", &["mcp-core"]),
    ("tests/third_party/unix-socket/Cargo.toml", &["mcp-core", "mcp-stdio"]),
    ("tests/third_party/websocket/Cargo.toml", &["mcp-core"]),
    (XTASK, &[]),
];
/// Its tests may not name another crate either: it must build when the others do not.
const XTASK: &str = "xtask/Cargo.toml";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let members: Vec<String> = tree.texts("/Cargo.toml").filter_map(|(_, text)| package_name(text)).collect();
    let mut findings = Vec::new();
    for (path, allowed) in MAY_NAME {
        for dependency in dependencies(tree.text(path).unwrap_or_default()) {
            let is_free = dependency.for_tests && *path != XTASK;
            if !is_free && members.contains(&dependency.name) && !allowed.contains(&dependency.name.as_str())
            {
                let what = format!("may not depend on {}", dependency.name);
                findings.push(Finding::new(path, dependency.line, what));
            }
        }
    }
    findings
}

struct Dependency {
    name: String,
    for_tests: bool,
    line: usize,
}

/// Enough of TOML for the manifests of this workspace: tables, keys and strings on one line.
fn dependencies(manifest: &str) -> Vec<Dependency> {
    let mut found = Vec::new();
    let (mut in_list, mut for_tests) = (false, false);
    for (index, line) in manifest.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if let Some(table) = line.strip_prefix('[') {
            let table = table.trim_end_matches(']');
            // `dependencies`, `target.'cfg(unix)'.dependencies`, `dependencies.name`
            let (before, name) = match table.rsplit_once("dependencies.") {
                Some((before, name)) => (format!("{before}dependencies"), Some(name)),
                None => (table.to_owned(), None),
            };
            for_tests = before.ends_with("dev-dependencies");
            in_list = before.ends_with("dependencies") && name.is_none();
            if let Some(name) = name {
                found.push(Dependency { name: unquote(name), for_tests, line: index + 1 });
            }
        } else if let Some((key, value)) = line.split_once('=') {
            let renamed = match key.trim() {
                "package" => Some(value),
                _ => value.split_once("package").and_then(|(_, rest)| rest.trim().strip_prefix('=')),
            };
            let own = key.split('.').next().filter(|_| in_list);
            let renamed = renamed.and_then(|value| value.split('"').nth(1));
            let names = own.into_iter().chain(renamed).map(unquote);
            found.extend(names.map(|name| Dependency { name, for_tests, line: index + 1 }));
        }
    }
    found
}

fn package_name(manifest: &str) -> Option<String> {
    let package = manifest.split("[package]").nth(1)?;
    let line = package.lines().find(|line| line.trim_start().starts_with("name"))?;
    line.split_once('=').map(|(_, name)| unquote(name))
}

fn unquote(text: &str) -> String {
    text.trim().trim_matches(['"', '\'']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, manifest: &str) -> Vec<usize> {
        let member = |name| format!("[package]\nname = \"{name}\"\n");
        let (core, stdio) = (member("mcp-core"), member("mcp-stdio"));
        let files =
            [("crates/a/Cargo.toml", core.as_str()), ("crates/b/Cargo.toml", &stdio), (path, manifest)];
        check(&Tree::of(&files)).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_transport_depends_on_the_core_only() {
        let path = "crates/mcp-http/Cargo.toml";
        assert!(
            lines(path, "[dependencies]\nmcp-core.workspace = true\nhyper = \"1\" # not mcp-stdio\n")
                .is_empty()
        );
        assert_eq!(lines(path, "[dependencies]\nmcp-stdio.workspace = true\n"), [2]);
        assert_eq!(lines(path, "[dependencies]\nx = { path = \"..\", package = \"mcp-stdio\" }\n"), [2]);
        assert_eq!(lines(path, "[target.'cfg(unix)'.dependencies]\nmcp-stdio = { workspace = true }\n"), [2]);
        assert_eq!(lines(path, "[dependencies.mcp-stdio]\nworkspace = true\n"), [1]);
        assert!(lines(path, "[dev-dependencies]\nmcp-stdio.workspace = true\n").is_empty());
    }

    #[test]
    fn the_core_depends_on_no_member_and_xtask_not_even_for_tests() {
        assert_eq!(lines("crates/mcp-core/Cargo.toml", "[dependencies]\nmcp-stdio.workspace = true\n"), [2]);
        assert_eq!(lines("xtask/Cargo.toml", "[dev-dependencies]\nmcp-core.workspace = true\n"), [2]);
        assert!(
            lines("crates/mcp-cli/Cargo.toml", "[dependencies]\nmcp-stdio.workspace = true\n").is_empty()
        );
    }
}
