//! `cargo xtask new-transport NAME`: makes a crate that compiles, and whose compliance tests fail until it is written.
//!
//! The templates are valid Rust for a transport named `sketch`; the tests of the workspace compile them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::shell::root;
use crate::{Outcome, Task};

pub(crate) const TASK: Task = Task {
    name: "new-transport",
    arguments: "NAME [--kind KIND] [--dir FOLDER]",
    summary: "Make the crate of a new transport",
    details: "
The crate compiles, and its tests fail and say what is not written yet. NAME is the name of the crate: lower-case
letters, digits and single hyphens. KIND is how the crate starts:
  trait   the two halves of the trait itself (default)
  frames  a sink and a stream of texts under `Framed`, for carriers of whole frames in order
  lanes   a sink and a stream of `LaneFrame`s under `Laned`, for frames that may overtake each other
Without --dir the crate is made in tests/third_party and becomes a member of this workspace. FOLDER must not exist
yet.
docs/writing-a-transport.md describes the steps from there.
",
    run,
};

/// The kinds of crates: the name, `src/lib.rs`, and dependencies beyond those of each kind.
const KINDS: [(&str, &str, &str); 3] = [
    ("trait", include_str!("../templates/src/lib.rs"), ""),
    ("frames", include_str!("../templates/src/frames.rs"), FUTURES),
    ("lanes", include_str!("../templates/src/lanes.rs"), FUTURES),
];
const FUTURES: &str = "futures = \"0.3\"\n";

/// The files that all kinds share.
const FILES: [(&str, &str); 3] = [
    ("Cargo.toml", include_str!("../templates/Cargo.toml.txt")),
    ("tests/kit.rs", include_str!("../templates/tests/kit.rs")),
    ("tests/fixture/mod.rs", include_str!("../templates/tests/fixture/mod.rs")),
];

/// Appended for a crate outside this workspace, so that cargo does not search for one above it.
const OWN_WORKSPACE: &str = "\n[workspace]\n";

/// `NAME`, and optionally `--kind KIND` and `--dir FOLDER`. The folder must not exist yet.
fn run(args: &[String]) -> Outcome {
    let usage = || format!("usage: cargo xtask {} {}", TASK.name, TASK.arguments);
    let (mut name, mut kind, mut folder) = (None, KINDS[0].0, None);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--kind" => kind = args.next().ok_or_else(usage)?,
            "--dir" => folder = Some(PathBuf::from(args.next().ok_or_else(usage)?)),
            _ if name.is_none() && !arg.starts_with('-') => name = Some(arg),
            _ => return Err(usage()),
        }
    }
    let name = name.ok_or_else(usage)?;
    let files = fill(name, kind, &root().join("crates/mcp-core"), folder.is_some())?;
    let folder = folder.unwrap_or_else(|| root().join("tests/third_party").join(name));
    write(&folder, &files)?;
    let manifest = folder.join("Cargo.toml");
    println!("created {}\n", folder.display());
    println!("its tests fail and say what is not written yet:");
    println!("  cargo test --manifest-path {}\n", manifest.display());
    println!("the steps from here: {}", root().join("docs/writing-a-transport.md").display());
    Ok(())
}

/// The files of a crate with this name.
fn fill(name: &str, kind: &str, core: &Path, own_workspace: bool) -> Outcome<Vec<(&'static str, String)>> {
    let Some((_, lib, more)) = KINDS.iter().find(|(known, ..)| *known == kind) else {
        return Err(format!("`{kind}` is not a kind: use trait, frames or lanes"));
    };
    let is_fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
    if !starts || !name.chars().all(is_fit) || name.ends_with('-') || name.contains("--") {
        return Err(format!(
            "`{name}` is not a valid crate name: use lower-case letters, digits and single hyphens"
        ));
    }
    if ["core", "std", "test", "mcp-core", "mcp-testkit", "tokio", "futures", "alloc"].contains(&name) {
        return Err(format!("a crate named `{name}` would shadow another one"));
    }
    let snake = name.replace('-', "_");
    let upper = |word: &str| word[..1].to_uppercase() + &word[1..];
    let camel: String = name.split('-').map(upper).collect();
    let filled = std::iter::once(("src/lib.rs", *lib)).chain(FILES).map(|(path, text)| {
        let text = text.replace("more-dependencies\n", more);
        let text = text.replace("sketch-name", name).replace("core-path", &core.display().to_string());
        let text = text.replace("testkit-path", &core.with_file_name("mcp-testkit").display().to_string());
        let mut text = text.replace("Sketch", &camel).replace("sketch", &snake);
        if own_workspace && path == "Cargo.toml" {
            text += OWN_WORKSPACE;
        }
        (path, text)
    });
    Ok(filled.collect())
}

/// Creates the folder and writes the files.
fn write(folder: &Path, files: &[(&str, String)]) -> Outcome {
    if folder.exists() {
        return Err(format!("{} already exists", folder.display()));
    }
    for (path, text) in files {
        let file = folder.join(path);
        let made = fs::create_dir_all(file.parent().unwrap_or(folder)).and_then(|()| fs::write(&file, text));
        made.map_err(|error| format!("{} could not be written: {error}", file.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_in_its_three_forms_and_nothing_of_the_template_is_left() {
        for (kind, _, more) in KINDS {
            let files = fill("carrier-pigeon2", kind, Path::new("/somewhere/mcp-core"), true).unwrap();
            let all: String = files.iter().map(|(_, text)| text.as_str()).collect();
            assert!(!all.to_lowercase().contains("sketch") && !all.contains("more-dep"), "{all}");
            assert!(all.contains(more), "{all}");
            for part in [
                "name = \"carrier-pigeon2\"",
                "path = \"/somewhere/mcp-core\"",
                "pub struct CarrierPigeon2Client",
                "use carrier_pigeon2::{CarrierPigeon2Client",
                "[workspace]",
            ] {
                assert!(all.contains(part), "{part} in {all}");
            }
        }
        let member = fill("pigeon", "trait", Path::new("/"), false).unwrap();
        assert!(member.iter().all(|(_, text)| !text.contains("[workspace]")));
        assert!(
            fill("pigeon", "frame", Path::new("/"), false).unwrap_err().contains("trait, frames or lanes")
        );
    }

    #[test]
    fn invalid_names_are_refused() {
        for name in [
            "", "Pigeon", "9p", "a b", "a/b", "../x", "a_b", "-a", "a-", "a--b", "é", "core", "tokio",
            "futures",
        ] {
            assert!(fill(name, "trait", Path::new("/"), false).is_err(), "{name}");
        }
    }

    #[test]
    fn a_folder_that_is_there_is_left_alone() {
        let folder = std::env::temp_dir().join(format!("xtask-new-transport-{}", std::process::id()));
        let files = fill("pigeon", "trait", Path::new("/"), true).unwrap();
        write(&folder, &files).unwrap();
        assert!(folder.join("tests/fixture/mod.rs").is_file());
        assert!(write(&folder, &files).unwrap_err().contains("already exists"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
