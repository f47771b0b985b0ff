//! The files that the rules check, read once. Tests build a tree from strings.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::source::Source;
use crate::Outcome;

// Built or installed files.
const FOREIGN: &[&str] = &["target", "node_modules", ".venv", ".venv-1", ".git", "__pycache__"];
const TEXT: &[&str] = &["rs", "md", "toml", "txt", "py"];

/// The repository. Paths contain `/` on every system.
pub(crate) struct Tree {
    texts: BTreeMap<String, String>,
    sources: Vec<Source>,
}

impl Tree {
    /// Reads the folder.
    pub(crate) fn load(root: &Path) -> Outcome<Self> {
        let mut texts = BTreeMap::new();
        walk(root, "", &mut texts)
            .map_err(|error| format!("{} could not be read: {error}", root.display()))?;
        Ok(Self::new(texts))
    }

    fn new(texts: BTreeMap<String, String>) -> Self {
        let mut sources: Vec<_> = texts
            .iter()
            .filter(|(path, _)| path.ends_with(".rs"))
            .map(|(path, text)| Source::new(path, text))
            .collect();
        let test_modules: Vec<String> = sources.iter().flat_map(Source::test_modules).collect();
        for source in &mut sources {
            source.mark_test_if_in(&test_modules);
        }
        Self { texts, sources }
    }

    /// Every Rust file.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter()
    }

    /// Every text file with this ending, as path and text.
    pub(crate) fn texts(&self, ending: &str) -> impl Iterator<Item = (&str, &str)> {
        let all = self.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()));
        all.filter(move |(path, _)| path.ends_with(ending))
    }

    /// The text of one file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    /// The number of text files.
    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }
}

fn walk(folder: &Path, prefix: &str, texts: &mut BTreeMap<String, String>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if FOREIGN.contains(&name.as_str()) {
            continue;
        }
        let path = format!("{prefix}{name}");
        // Links are not followed: one to a parent folder would never end.
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), &format!("{path}/"), texts)?;
        } else if kind.is_file() && name.rsplit_once('.').is_some_and(|(_, ending)| TEXT.contains(&ending)) {
            // A transcript may contain invalid UTF-8 on purpose.
            let text = String::from_utf8_lossy(&fs::read(entry.path())?).into_owned();
            texts.insert(path, text);
        }
    }
    Ok(())
}

#[cfg(test)]
impl Tree {
    /// A tree of these files, for tests.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let texts: BTreeMap<_, _> =
            files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        Self::new(texts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_folder_is_read_without_what_others_made() {
        let root = std::env::temp_dir().join(format!("xtask-tree-{}", std::process::id()));
        fs::create_dir_all(root.join("src/target")).unwrap();
        fs::write(root.join("src/lib.rs"), "//! a").unwrap();
        fs::write(root.join("src/target/built.rs"), "built").unwrap();
        fs::write(root.join("LICENSE"), "text").unwrap();

        let tree = Tree::load(&root).unwrap();
        assert_eq!(tree.sources().map(|source| source.path.as_str()).collect::<Vec<_>>(), ["src/lib.rs"]);
        assert!(tree.text("src/target/built.rs").is_none() && tree.text("LICENSE").is_none());

        fs::remove_dir_all(&root).unwrap();
    }
}
