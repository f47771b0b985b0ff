//! The database of the notes server: one JSON file, written after each change.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};

use schemars::JsonSchema;
use serde::Serialize;

/// The notes of one owner, by number.
pub(crate) type Owned = BTreeMap<u64, String>;

/// The notes of all owners.
pub(crate) struct Notes {
    path: PathBuf,
    owners: Mutex<BTreeMap<String, Owned>>,
}

/// The numbers of the notes that contain a text.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Hits {
    numbers: Vec<u64>,
}

impl Notes {
    /// Reads the file, if there is one.
    pub(crate) fn open(path: impl Into<PathBuf>) -> Result<Notes> {
        let path = path.into();
        let owners = match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)?,
            Err(error) if error.kind() == ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error),
        };
        Ok(Notes { path, owners: Mutex::new(owners) })
    }

    fn owners(&self) -> MutexGuard<'_, BTreeMap<String, Owned>> {
        self.owners.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn save(&self, owners: &BTreeMap<String, Owned>) -> Result<()> {
        std::fs::write(&self.path, serde_json::to_vec(owners)?)
    }

    pub(crate) fn all(&self, owner: &str) -> Owned {
        self.owners().get(owner).cloned().unwrap_or_default()
    }

    pub(crate) fn get(&self, owner: &str, number: u64) -> Result<String> {
        let missing = || Error::new(ErrorKind::NotFound, format!("there is no note {number}"));
        self.all(owner).remove(&number).ok_or_else(missing)
    }

    pub(crate) fn insert(&self, owner: &str, text: String) -> Result<u64> {
        let mut owners = self.owners();
        let notes = owners.entry(owner.to_owned()).or_default();
        let number = notes.last_key_value().map_or(1, |(number, _)| number + 1);
        notes.insert(number, text);
        self.save(&owners).map(|()| number)
    }

    pub(crate) fn change(&self, owner: &str, number: u64, text: String) -> Result<()> {
        self.get(owner, number)?;
        let mut owners = self.owners();
        owners.entry(owner.to_owned()).or_default().insert(number, text);
        self.save(&owners)
    }

    pub(crate) fn search(&self, owner: &str, text: &str) -> Hits {
        let hits = self.all(owner).into_iter().filter(|(_, note)| note.contains(text));
        Hits { numbers: hits.map(|(number, _)| number).collect() }
    }

    pub(crate) fn clear(&self, owner: &str) -> Result<usize> {
        let mut owners = self.owners();
        let count = owners.remove(owner).map_or(0, |notes| notes.len());
        self.save(&owners).map(|()| count)
    }
}
