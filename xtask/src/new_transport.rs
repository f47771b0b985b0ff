//! `cargo xtask new-transport NAME`: makes a crate that compiles, and whose compliance tests fail until it is written.
//!
//! The templates are valid Rust for a transport named `sketch`; the tests of the workspace compile them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::shell::root;
use crate::{Outcome, Task};

pub(crate) const TASK: Task = Task {
    name: "new-transport",
    arguments: "NAME [--dir FOLDER]",
    summary: "Make the crate of a new transport",
    details: "
The crate compiles, and its tests fail and say what is not written yet. NAME is the name of the crate: lower-case letters, digits and single hyphens. Without --dir the crate is made in
tests/third_party and becomes a member of this workspace. FOLDER must not exist yet.
docs/writing-a-transport.md describes the steps from there.
",
    run,
};

const FILES: [(&str, &str); 4] = [
    ("Cargo.toml", include_str!("../templates/Cargo.toml.txt")),
    ("src/lib.rs", include_str!("../templates/src/lib.rs")),
    ("tests/kit.rs", include_str!("../templates/tests/kit.rs")),
    ("tests/fixture/mod.rs", include_str!("../templates/tests/fixture/mod.rs")),
];

/// Appended for a crate outside this workspace, so that cargo does not search for one above it.
const OWN_WORKSPACE: &str = "\n[workspace]\n";

/// `NAME`, and optionally `--dir FOLDER`. The folder must not exist yet.
fn run(args: &[String]) -> Outcome {
    let (name, folder) = match args {
        [name] => (name, root().join("tests/third_party").join(name)),
        [name, flag, folder] | [flag, folder, name] if flag == "--dir" => (name, PathBuf::from(folder)),
        _ => return Err("usage: cargo xtask new-transport NAME [--dir FOLDER]".to_owned()),
    };
    let own_workspace = args.len() > 1;
    let files = fill(name, &root().join("crates/mcp-core"), own_workspace)?;
    write(&folder, &files)?;
    let manifest = folder.join("Cargo.toml");
    println!("created {}\n", folder.display());
    println!("its tests fail and say what is not written yet:");
    println!("  cargo test --manifest-path {}\n", manifest.display());
    println!("the steps from here: {}", root().join("docs/writing-a-transport.md").display());
    Ok(())
}

/// The files of a crate with this name.
fn fill(name: &str, core: &Path, own_workspace: bool) -> Outcome<Vec<(&'static str, String)>> {
    let is_fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
    if !starts || !name.chars().all(is_fit) || name.ends_with('-') || name.contains("--") {
        return Err(format!(
            "`{name}` is not a valid crate name: use lower-case letters, digits and single hyphens"
        ));
    }
    if ["core", "std", "test", "mcp-core", "mcp-testkit", "tokio", "alloc"].contains(&name) {
        return Err(format!("a crate named `{name}` would shadow another one"));
    }
    let snake = name.replace('-', "_");
    let upper = |word: &str| word[..1].to_uppercase() + &word[1..];
    let camel: String = name.split('-').map(upper).collect();
    let filled = FILES.iter().map(|(path, text)| {
        let text = text.replace("sketch-name", name).replace("core-path", &core.display().to_string());
        let text = text.replace("testkit-path", &core.with_file_name("mcp-testkit").display().to_string());
        let mut text = text.replace("Sketch", &camel).replace("sketch", &snake);
        if own_workspace && *path == "Cargo.toml" {
            text += OWN_WORKSPACE;
        }
        (*path, text)
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
        let files = fill("carrier-pigeon2", Path::new("/somewhere/mcp-core"), true).unwrap();
        let all: String = files.iter().map(|(_, text)| text.as_str()).collect();
        assert!(!all.to_lowercase().contains("sketch"), "{all}");
        for part in [
            "name = \"carrier-pigeon2\"",
            "path = \"/somewhere/mcp-core\"",
            "pub struct CarrierPigeon2Client",
            "use carrier_pigeon2::{CarrierPigeon2Client",
            "[workspace]",
        ] {
            assert!(all.contains(part), "{part} in {all}");
        }
        assert!(!fill("pigeon", Path::new("/"), false).unwrap()[0].1.contains("[workspace]"));
    }

    #[test]
    fn names_that_are_none_are_refused() {
        for name in
            ["", "Pigeon", "9p", "a b", "a/b", "../x", "a_b", "-a", "a-", "a--b", "é", "core", "tokio"]
        {
            assert!(fill(name, Path::new("/"), false).is_err(), "{name}");
        }
    }

    #[test]
    fn a_folder_that_is_there_is_left_alone() {
        let folder = std::env::temp_dir().join(format!("xtask-new-transport-{}", std::process::id()));
        let files = fill("pigeon", Path::new("/"), true).unwrap();
        write(&folder, &files).unwrap();
        assert!(folder.join("tests/fixture/mod.rs").is_file());
        assert!(write(&folder, &files).unwrap_err().contains("already exists"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
