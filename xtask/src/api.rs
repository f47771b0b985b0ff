//! `cargo xtask api`: the public API of each library as text in `docs/api/`, so that a review shows what changes.
//!
//! The text is made by the `public-api` crate from rustdoc's JSON. That format is unstable, so this task needs a
//! compiler whose format the locked version of `public-api` reads.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{cargo, root, run as run_command};
use crate::{Outcome, Task};

pub(crate) const TASK: Task = Task {
    name: "api",
    arguments: "[--update]",
    summary: "Compare the public API of each library with its list in docs/api",
    details: "
Fails if a list is stale, and prints the items that were added and removed. --update rewrites the lists.
Blanket and automatic implementations are left out; all features are on.
",
    run,
};

/// The path of the real rustdoc, for this binary when cargo runs it as rustdoc. See [`rustdoc`].
const REAL_RUSTDOC: &str = "XTASK_RUSTDOC";

pub(crate) fn run(args: &[String]) -> Outcome {
    let update = match args {
        [] => false,
        [flag] if flag == "--update" => true,
        _ => return Err(format!("usage: cargo xtask {} {}", TASK.name, TASK.arguments)),
    };
    let mut stale = Vec::new();
    for name in libraries()? {
        let list = list(&name)?;
        let file = root().join("docs/api").join(format!("{name}.txt"));
        let kept = fs::read_to_string(&file).unwrap_or_default();
        if kept == list {
            continue;
        }
        println!("{name}:\n{}", difference(&kept, &list));
        if update {
            let written = fs::create_dir_all(root().join("docs/api")).and_then(|()| fs::write(&file, &list));
            written.map_err(|error| format!("{} could not be written: {error}", file.display()))?;
        } else {
            stale.push(format!("docs/api/{name}.txt"));
        }
    }
    if stale.is_empty() {
        return Ok(());
    }
    Err(format!("{} stale; if the change is meant, run `cargo xtask api --update`", stale.join(", ")))
}

/// The crates in `crates/` that have a library.
fn libraries() -> Outcome<Vec<String>> {
    let folder = root().join("crates");
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let is_library = |entry: &fs::DirEntry| entry.path().join("src/lib.rs").is_file();
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(is_library)
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names)
}

/// The public items of a crate, one per line. The items of a type follow it.
fn list(name: &str) -> Outcome<String> {
    let own = std::env::current_exe().map_err(|error| format!("this binary has no path: {error}"))?;
    let real = std::env::var_os("RUSTDOC").unwrap_or_else(|| "rustdoc".into());
    let mut doc = cargo();
    doc.args(["rustdoc", "--quiet", "--package", name, "--lib", "--all-features", "--"]);
    doc.args(["-Z", "unstable-options", "--output-format", "json", "--cap-lints", "allow"]);
    run_command(doc.env("RUSTDOC", own).env(REAL_RUSTDOC, real))?;
    let json = doc_folder()?.join(format!("{}.json", name.replace('-', "_")));
    let api = public_api::Builder::from_rustdoc_json(&json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .build()
        .map_err(|error| format!("{} could not be read: {error}", json.display()))?;
    let lines = api.items().map(ToString::to_string);
    // Every derived `PartialEq` adds this marker.
    let lines: Vec<String> = lines.filter(|line| !line.contains("StructuralPartialEq")).collect();
    Ok(without_trait_methods(&lines))
}

/// Leaves out the methods of trait implementations, which the line of the implementation implies.
fn without_trait_methods(lines: &[String]) -> String {
    let mut method = None;
    let mut text = String::new();
    for line in lines {
        if line.starts_with("impl") {
            let of_trait = line.split_once(" for ");
            method = of_trait.map(|(_, rest)| rest.split_once(" where ").map_or(rest, |(name, _)| name));
        }
        let is_method = |of: &str| line.strip_prefix("pub fn ").is_some_and(|rest| rest.starts_with(of));
        if !method.is_some_and(|of| is_method(&format!("{of}::"))) {
            text += line;
            text.push('\n');
        }
    }
    text
}

fn doc_folder() -> Outcome<PathBuf> {
    Ok(crate::install::bin_dir()?.with_file_name("doc"))
}

/// The lines that only one of the texts has, marked as in a diff.
fn difference(old: &str, new: &str) -> String {
    let only = |mark: char, lines: &str, other: &str| {
        let other: std::collections::HashSet<&str> = other.lines().collect();
        let lines = lines.lines().filter(|line| !other.contains(line));
        lines.map(|line| format!("{mark} {line}\n")).collect::<String>()
    };
    only('-', old, new) + &only('+', new, old)
}

/// If cargo runs this binary as rustdoc: runs the real rustdoc with unstable options enabled, and returns its status.
///
/// `RUSTC_BOOTSTRAP` must not be set for cargo itself: build scripts depend on it, so nearly every dependency would be
/// compiled twice.
pub(crate) fn rustdoc() -> Option<Outcome> {
    let real = std::env::var_os(REAL_RUSTDOC)?;
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let status = Command::new(&real).args(args).env("RUSTC_BOOTSTRAP", "1").status();
    Some(match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("rustdoc failed ({status})")),
        Err(error) => Err(format!("{} could not be run: {error}", Path::new(&real).display())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_names_what_was_added_and_removed() {
        assert_eq!(difference("a\nb\nc\n", "a\nc\nd\n"), "- b\n+ d\n");
        assert_eq!(difference("", "a\n"), "+ a\n");
    }

    #[test]
    fn methods_of_trait_implementations_are_left_out() {
        let lines = [
            "pub struct a::X<T>",
            "impl<T> a::X<T>",
            "pub fn a::X<T>::new() -> Self",
            "impl<T> core::clone::Clone for a::X<T> where T: Clone",
            "pub fn a::X<T>::clone(&self) -> a::X<T>",
            "pub type a::X<T>::Output = u8",
            "pub fn a::free()",
        ];
        let left = without_trait_methods(&lines.map(str::to_owned));
        assert_eq!(left.lines().collect::<Vec<_>>(), [&lines[..4], &lines[5..]].concat());
    }

    #[test]
    fn each_library_has_a_list() {
        let names = libraries().unwrap();
        assert!(
            names.contains(&"mcp-core".to_owned()) && !names.contains(&"mcp-cli".to_owned()),
            "{names:?}"
        );
        for name in names {
            assert!(root().join("docs/api").join(format!("{name}.txt")).is_file(), "{name}");
        }
    }
}
