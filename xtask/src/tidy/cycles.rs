//! The top-level modules of a crate form no cycle.
//!
//! A top-level module is a folder or a file directly in `src/`. Test code, `lib.rs` and `main.rs` do not count.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::floors::from_root;
use super::paths::{Mention, mentions};
use super::source::Source;
use super::tree::Tree;

/// Edges that may close a cycle. The list may only shrink.
const ACCEPTED: &[Edge] = &[];

/// A crate, a module in it, the module that it names, and the reason why that is accepted.
type Edge = (&'static str, &'static str, &'static str, &'static str);

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    check_with(tree, ACCEPTED)
}

fn check_with(tree: &Tree, accepted: &[Edge]) -> Vec<Finding> {
    let mut crates: BTreeMap<&str, Vec<(&Source, &str)>> = BTreeMap::new();
    for source in tree.sources() {
        let inner = source.path.strip_prefix("crates/").and_then(|rest| rest.split_once("/src/"));
        if let Some((name, inner)) = inner {
            crates.entry(name).or_default().push((source, inner));
        }
    }
    crates.into_iter().flat_map(|(name, sources)| cycles(name, &sources, accepted)).collect()
}

/// Each edge with one file and line that causes it.
type Graph<'a> = BTreeMap<(String, String), (&'a str, usize)>;

fn cycles(name: &str, sources: &[(&Source, &str)], accepted: &[Edge]) -> Vec<Finding> {
    let graph = graph(sources);
    let is_accepted = |from: &str, to: &str| {
        accepted.iter().any(|(of, accepted_from, accepted_to, _)| {
            *of == name && *accepted_from == from && *accepted_to == to
        })
    };
    let mut findings = Vec::new();
    for ((from, to), (path, line)) in &graph {
        if is_accepted(from, to) {
            continue;
        }
        let back = way(&graph, to, from, &|from, to| !is_accepted(from, to));
        if let Some(back) = back {
            let what = format!("{from} names {to}, and {} leads back", back.join(" -> "));
            findings.push(Finding::new(path, *line, what));
        }
    }
    for (of, from, to, _) in accepted.iter().filter(|(of, ..)| *of == name) {
        let is_there = graph.contains_key(&((*from).to_owned(), (*to).to_owned()));
        if !is_there || way(&graph, to, from, &|_, _| true).is_none() {
            let what = format!("{of}: {from} -> {to} closes no cycle any more; remove it from the list");
            findings.push(Finding::new("xtask/src/tidy/cycles.rs", 1, what));
        }
    }
    findings
}

fn graph<'a>(sources: &[(&'a Source, &str)]) -> Graph<'a> {
    let modules: BTreeSet<&str> = sources.iter().map(|(_, inner)| first(inner)).collect();
    let exports = exports(sources, &modules);
    let mut graph = Graph::new();
    for (source, inner) in sources {
        let own = first(inner);
        if matches!(own, "lib" | "main") {
            continue;
        }
        let path: Vec<&str> =
            inner.trim_end_matches(".rs").split('/').filter(|part| *part != "mod").collect();
        for mention in mentions(&source.production, &["crate", "super"]) {
            let Some(named) = from_root(&mention.segments, &path) else { continue };
            let named = exports.get(named).map_or(named, String::as_str);
            if named != own && modules.contains(named) {
                let edge = (own.to_owned(), named.to_owned());
                graph.entry(edge).or_insert((&source.path, mention.line));
            }
        }
    }
    graph
}

/// The top-level module that a file belongs to.
fn first(inner: &str) -> &str {
    inner.split('/').next().unwrap_or_default().trim_end_matches(".rs")
}

/// The names that `lib.rs` exports at the root, and the modules that they come from.
fn exports(sources: &[(&Source, &str)], modules: &BTreeSet<&str>) -> BTreeMap<String, String> {
    let Some((lib, _)) = sources.iter().find(|(_, inner)| *inner == "lib.rs") else { return BTreeMap::new() };
    let roots: Vec<&str> = modules.iter().copied().chain(["crate", "self"]).collect();
    let module = |mention: Mention| {
        let module = mention.segments.into_iter().find(|segment| modules.contains(segment.as_str()))?;
        Some((mention.name, module))
    };
    mentions(&lib.production, &roots).into_iter().filter_map(module).collect()
}

/// A shortest path along the edges that count, with both ends.
fn way(graph: &Graph<'_>, from: &str, to: &str, counts: &dyn Fn(&str, &str) -> bool) -> Option<Vec<String>> {
    let mut ways = vec![vec![from.to_owned()]];
    let mut seen = BTreeSet::from([from.to_owned()]);
    while !ways.is_empty() {
        let mut next = Vec::new();
        for way in ways {
            let last = way.last().map(String::as_str).unwrap_or_default();
            if last == to {
                return Some(way);
            }
            for (_, end) in graph.keys().filter(|(start, end)| start == last && counts(start, end)) {
                if seen.insert(end.clone()) {
                    next.push([way.clone(), vec![end.clone()]].concat());
                }
            }
        }
        ways = next;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: &[(&str, &str)] = &[
        ("crates/x/src/lib.rs", "mod a; mod b; mod c; pub use c::C;"),
        ("crates/x/src/a/mod.rs", "mod inner;"),
        ("crates/x/src/a/inner.rs", "use super::super::b::B;\nuse super::Y;"),
        ("crates/x/src/b.rs", "fn f() -> crate::C { todo() }"),
        ("crates/x/src/c.rs", "#[cfg(test)]\nuse crate::a::A;\nfn f() {}"),
    ];

    fn found(last: &str, accepted: &[Edge]) -> Vec<String> {
        let files = [FILES, &[("crates/x/src/d.rs", last)]].concat();
        check_with(&Tree::of(&files), accepted).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_order_is_accepted_and_tests_do_not_count() {
        assert_eq!(found("use crate::{a, b, c};", &[]), [""; 0]);
    }

    #[test]
    fn a_cycle_is_found_at_each_of_its_edges() {
        let files = [FILES, &[("crates/x/src/c/more.rs", "\nuse crate::a::A;")]].concat();
        let found: Vec<String> = check_with(&Tree::of(&files), &[]).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found[0], "crates/x/src/a/inner.rs:1: a names b, and b -> c -> a leads back");
        let accepted: &[Edge] = &[("x", "c", "a", "why")];
        assert_eq!(check_with(&Tree::of(&files), accepted), []);
    }

    #[test]
    fn an_accepted_edge_that_closes_nothing_is_found() {
        let accepted: &[Edge] = &[("x", "a", "b", "why")];
        assert!(found("", accepted)[0].contains("a -> b closes no cycle"), "{:?}", found("", accepted));
    }
}
