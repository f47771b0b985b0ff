//! Which folder may name which: code names only its own floor and the floors below.
//!
//! Test code and the crates above the floors are not restricted.

use std::collections::BTreeMap;

use super::Finding;
use super::lex::{is_name, line_of};
use super::paths::{Mention, mentions, words};
use super::source::Source;
use super::tree::Tree;

const CORE: &str = "crates/mcp-core/src/";
/// The folders of mcp-core. Folders of one floor may name each other.
const FLOORS: &[(&str, u8)] = &[
    ("message", 0),
    ("codec", 1),
    ("transport", 1),
    ("session", 2),
    ("runtime", 3),
    ("client", 4),
    ("server", 4),
    ("model", 4),
];
/// The only folders of mcp-core that may name tokio.
const RUNTIME: &[&str] = &["runtime/", "client/driver/", "server/driver/"];
/// The bundled transports may name only what is public for third-party transports.
const TRANSPORTS: &[&str] = &["crates/mcp-stdio/src/", "crates/mcp-http/src/", "crates/mcp-ws/src/"];
/// Each folder in here is a transport as a third party would write it.
const EXAMPLES: &str = "tests/third_party/";
/// The most lines of an example.
const MOST_LINES: usize = 250;
const FOR_TRANSPORTS: &[&str] = &["message", "codec", "transport"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let exports = exports(tree);
    let mut findings = Vec::new();
    for source in tree.sources() {
        if let Some(inner) = source.path.strip_prefix(CORE) {
            core(source, inner, &exports, &mut findings);
        }
        if TRANSPORTS.iter().any(|folder| source.path.starts_with(folder)) || example(&source.path).is_some()
        {
            transport(source, &mut findings);
        }
    }
    findings.extend(long_examples(tree));
    findings
}

fn floor(name: &str) -> Option<u8> {
    FLOORS.iter().find(|(folder, _)| *folder == name).map(|(_, floor)| *floor)
}

/// The exports of lib.rs by name, which must not be a way around the floors.
fn exports(tree: &Tree) -> BTreeMap<String, String> {
    let Some(lib) = tree.sources().find(|source| source.path == format!("{CORE}lib.rs")) else {
        return BTreeMap::new();
    };
    let mut roots = vec!["crate", "self"];
    roots.extend(FLOORS.iter().map(|(folder, _)| *folder));
    let module = |mention: Mention| {
        let module = mention.segments.into_iter().find(|segment| floor(segment).is_some())?;
        Some((mention.name, module))
    };
    mentions(&lib.production, &roots).into_iter().filter_map(module).collect()
}

fn core(source: &Source, inner: &str, exports: &BTreeMap<String, String>, findings: &mut Vec<Finding>) {
    let module: Vec<&str> =
        inner.trim_end_matches(".rs").split('/').filter(|part| !matches!(*part, "mod" | "lib")).collect();
    let own = module.first().copied().unwrap_or_default();
    let code = &source.production;

    if !RUNTIME.iter().any(|folder| inner.starts_with(folder)) {
        for line in words(code, "tokio") {
            let what = "names tokio; in mcp-core only runtime/ and the drivers may".to_owned();
            findings.push(Finding::new(&source.path, line, what));
        }
    }
    if own == "session" {
        for line in clock_reads(code) {
            let what = "reads a clock; in session/ time comes in as `now`".to_owned();
            findings.push(Finding::new(&source.path, line, what));
        }
    }
    let Some(own_floor) = floor(own) else { return };
    for mention in mentions(code, &["crate", "super"]) {
        let Some(first) = from_root(&mention.segments, &module) else { continue };
        let named = exports.get(first).map_or(first, String::as_str);
        if floor(named).is_some_and(|named| named > own_floor) {
            let what =
                format!("{own}/ names {named}/, which is on a floor above ({})", mention.segments.join("::"));
            findings.push(Finding::new(&source.path, mention.line, what));
        }
    }
}

/// The first name below the crate root, if the path reaches it.
pub(super) fn from_root<'a>(segments: &'a [String], module: &'a [&str]) -> Option<&'a str> {
    let ups = segments.iter().take_while(|segment| *segment == "super").count();
    if ups == 0 {
        return segments.get(1).map(String::as_str);
    }
    match module.len().checked_sub(ups)? {
        0 => segments.get(ups).map(String::as_str),
        _ => module.first().copied(),
    }
}

/// `Instant::now()`, and `Instant::now` passed as a function.
fn clock_reads(code: &str) -> impl Iterator<Item = usize> {
    let whole = |end: usize| code.as_bytes().get(end).is_none_or(|byte| !is_name(*byte));
    let found = code.match_indices("::now").filter(move |(at, word)| whole(at + word.len()));
    found.map(|(at, _)| line_of(code, at))
}

fn transport(source: &Source, findings: &mut Vec<Finding>) {
    for mention in mentions(&source.production, &["mcp_core"]) {
        let named = mention.segments.get(1).map_or("all of mcp_core", String::as_str);
        if !FOR_TRANSPORTS.contains(&named) {
            let what =
                format!("a transport may name mcp_core::{{message, codec, transport}} only, not {named}");
            findings.push(Finding::new(&source.path, mention.line, what));
        }
    }
}

/// The example that a source belongs to.
fn example(path: &str) -> Option<&str> {
    let (name, inner) = path.strip_prefix(EXAMPLES)?.split_once('/')?;
    inner.starts_with("src/").then_some(name)
}

/// Examples that are too long.
fn long_examples(tree: &Tree) -> Vec<Finding> {
    let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
    for source in tree.sources() {
        if let Some(name) = example(&source.path) {
            *lines.entry(name).or_default() += source.text.lines().count();
        }
    }
    let long = lines.into_iter().filter(|(_, lines)| *lines >= MOST_LINES);
    let what = |lines| format!("{lines} lines in src/; an example has fewer than {MOST_LINES}");
    long.map(|(name, lines)| Finding::new(&format!("{EXAMPLES}{name}/src"), 1, what(lines))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIB: (&str, &str) =
        ("crates/mcp-core/src/lib.rs", "pub mod session; pub use session::{Session, x::Y as Z};");

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&Tree::of(&[LIB, (path, text)])).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_floor_above_is_refused_however_it_is_named() {
        let path = "crates/mcp-core/src/message/id.rs";
        for text in [
            "use crate::session::X;",
            "use crate::{message::Y, codec::{self}};",
            "fn f() { crate::runtime::run() }",
            "use super::super::transport::Lane;",
            "use crate::Session;",
            "use crate::Z;",
        ] {
            assert_eq!(lines(path, text), [1], "{text}");
        }
    }

    #[test]
    fn the_same_floor_and_those_below_are_free() {
        assert!(
            lines("crates/mcp-core/src/transport/lane.rs", "use crate::{codec::X, message::Y};").is_empty()
        );
        assert!(
            lines(
                "crates/mcp-core/src/session/a.rs",
                "use crate::transport::X; use super::b; use super::super::codec;"
            )
            .is_empty()
        );
        assert!(lines("crates/mcp-core/src/client/mod.rs", "use crate::{model::X, runtime::Y};").is_empty());
        assert!(
            lines("crates/mcp-core/src/message.rs", "pub(crate) fn f() {} use crate::error::E;").is_empty()
        );
    }

    #[test]
    fn tests_comments_and_strings_are_free() {
        let text = "//! See crate::session.\nconst A: &str = \"crate::session\";\n#[cfg(test)]\nmod tests { use crate::session::X; use tokio; }";
        assert!(lines("crates/mcp-core/src/message/id.rs", text).is_empty());
    }

    #[test]
    fn only_the_driver_names_the_runtime() {
        for (path, expected) in [
            ("crates/mcp-core/src/session/mod.rs", vec![2]),
            ("crates/mcp-core/src/client/call.rs", vec![2]),
            ("crates/mcp-core/src/lib2.rs", vec![2]),
            ("crates/mcp-core/src/runtime/mod.rs", vec![]),
            ("crates/mcp-testkit/src/clock.rs", vec![]),
            ("crates/mcp-stdio/src/child.rs", vec![]),
        ] {
            assert_eq!(lines(path, "//! x\nuse tokio::time;"), expected, "{path}");
        }
    }

    #[test]
    fn sessions_read_no_clock() {
        let path = "crates/mcp-core/src/session/mod.rs";
        assert_eq!(
            lines(path, "let a = Instant::now();\nlet b = f(Instant::now);\nlet c = x::nowhere;"),
            [1, 2]
        );
        assert!(lines("crates/mcp-core/src/runtime/mod.rs", "Instant::now()").is_empty());
    }

    #[test]
    fn transports_name_three_modules_of_the_core() {
        let path = "crates/mcp-http/src/lib.rs";
        assert!(lines(path, "use mcp_core::{message::Message, codec, transport::*};").is_empty());
        assert_eq!(lines(path, "use mcp_core::transport::X;\nuse mcp_core::{\n    session::Y,\n};"), [3]);
        assert_eq!(lines(path, "use mcp_core::Client;"), [1]);
        assert_eq!(lines(path, "use mcp_core as core;"), [1]);
        assert!(lines(path, "#[cfg(test)]\nmod tests { use mcp_testkit::broken; }").is_empty());
        assert!(lines("crates/mcp-cli/src/main.rs", "use mcp_core::Client;").is_empty());
    }

    #[test]
    fn an_example_names_no_more_than_a_transport_and_stays_short() {
        for path in ["tests/third_party/pigeon/src/lib.rs", "crates/mcp-ws/src/lib.rs"] {
            assert_eq!(
                lines(path, "use mcp_core::runtime;\nuse mcp_core::transport::memory;"),
                [1],
                "{path}"
            );
        }
        assert!(lines("tests/third_party/pigeon/tests/it.rs", "use mcp_testkit::compliance;").is_empty());
        let (half, rest) = ("\n".repeat(MOST_LINES / 2), "\n".repeat(MOST_LINES / 2 - 1));
        let files = |second| {
            [("tests/third_party/a/src/a.rs", half.as_str()), ("tests/third_party/a/src/b.rs", second)]
        };
        assert!(check(&Tree::of(&files(&rest))).is_empty());
        assert_eq!(check(&Tree::of(&files(&half)))[0].path, "tests/third_party/a/src");
    }
}
