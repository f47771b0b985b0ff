//! The database of the notes server: SQLite, with one table.

use std::error::Error;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use mcp_core::transport::Owner;
use rusqlite::{Connection, OptionalExtension};
use schemars::JsonSchema;
use serde::Serialize;

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// The notes of all owners. A query takes microseconds here; move longer ones to `tokio::task::spawn_blocking`.
pub(crate) struct Notes(Mutex<Connection>);

/// The numbers of the notes that contain a text.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Hits {
    numbers: Vec<u32>,
}

impl Notes {
    /// Opens the file, or creates it.
    pub(crate) fn open(path: impl AsRef<Path>) -> rusqlite::Result<Notes> {
        let database = Connection::open(path)?;
        database.execute_batch(
            "CREATE TABLE IF NOT EXISTS notes (
                owner BLOB NOT NULL, number INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (owner, number)
            ) WITHOUT ROWID",
        )?;
        Ok(Notes(Mutex::new(database)))
    }

    fn database(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The numbers of all notes.
    pub(crate) fn numbers(&self, owner: &Owner) -> Result<Vec<u32>> {
        self.search(owner, "").map(|hits| hits.numbers)
    }

    pub(crate) fn get(&self, owner: &Owner, number: u32) -> Result<String> {
        let query = "SELECT text FROM notes WHERE owner = ?1 AND number = ?2";
        let found = self.database().query_row(query, (owner.as_bytes(), number), |row| row.get(0));
        found.optional()?.ok_or_else(|| format!("there is no note {number}").into())
    }

    pub(crate) fn insert(&self, owner: &Owner, text: String) -> Result<u32> {
        let query = "INSERT INTO notes SELECT ?1, 1 + coalesce(max(number), 0), ?2
            FROM notes WHERE owner = ?1 RETURNING number";
        Ok(self.database().query_row(query, (owner.as_bytes(), text), |row| row.get(0))?)
    }

    pub(crate) fn change(&self, owner: &Owner, number: u32, text: String) -> Result<()> {
        let query = "UPDATE notes SET text = ?3 WHERE owner = ?1 AND number = ?2";
        match self.database().execute(query, (owner.as_bytes(), number, text))? {
            0 => Err(format!("there is no note {number}").into()),
            _ => Ok(()),
        }
    }

    pub(crate) fn search(&self, owner: &Owner, text: &str) -> Result<Hits> {
        let database = self.database();
        let query = "SELECT number FROM notes WHERE owner = ?1 AND instr(text, ?2) ORDER BY number";
        let mut query = database.prepare(query)?;
        let numbers = query.query_map((owner.as_bytes(), text), |row| row.get(0))?;
        Ok(Hits { numbers: numbers.collect::<Result<_, _>>()? })
    }

    /// Deletes all notes, and returns how many there were.
    pub(crate) fn clear(&self, owner: &Owner) -> Result<usize> {
        Ok(self.database().execute("DELETE FROM notes WHERE owner = ?1", [owner.as_bytes()])?)
    }
}
