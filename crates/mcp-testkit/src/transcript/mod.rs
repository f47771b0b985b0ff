//! Dialogues in text files, played against a session.
//!
//! A file holds one dialogue. Its first lines name the tested role and its settings. Each further line is input, an
//! event or expected output:
//!
//! ```text
//! # A comment cites the rules that the dialogue tests.
//! role server
//! capabilities {"tools":{}}
//!
//! C> {"jsonrpc":"2.0","id":1,"method":"ping"}
//! S< {"jsonrpc":"2.0","id":1,"result":{}}
//! @ +10s
//! ```
//!
//! # Lines
//!
//! | line | meaning |
//! |---|---|
//! | `# …`, empty | a comment |
//! | `C> text` | a message of the client: input to a server, expected of a client |
//! | `S< text` | a message of the server: expected of a server, input to a client |
//! | `@ +10s` | time passes (`ms`, `s`, `m`, `h`), and deadlines expire |
//! | `! verb …` | a call of the session, see below |
//! | `= event …` | an expected event or output of the session |
//!
//! After each input, all output of the session is expected immediately and in order. Input need not be legal JSON,
//! and may be a batch. Expected JSON is compared by value, with members in any order. `"*"` matches any value, and
//! `*` the rest of an event's text.
//!
//! If lanes reach the peer (`binding exchanges`), lines name the lane: `C>[1] …`. A server's message that is not the
//! last one on its lane is written `S<[1]+ …`, and the end of a lane without a (further) message `S<[1] End` or
//! `C>[1] End`.
//!
//! # Header
//!
//! `role client` or `role server`; `binding stream` (default) or `binding exchanges`; `capabilities
//! {…}`; `versions 2025-11-25 2025-06-18`. For a client also `era auto`, `era modern` or `era legacy
//! 2025-11-25`, `verdict 2026-07-28`, `reconnect never`, and `dial manual`: by default the first link is
//! open before the first line. For a server also `instructions …` and `max-in-flight 2`.
//!
//! # Verbs
//!
//! Numbers count from 1 for each kind, in the order of appearance.
//!
//! For a client: `call METHOD {params}`, `notify METHOD {params}`, `cancel CALL`, `listen {filter}`,
//! `unsubscribe LISTEN`, `answer INPUT {result}`, `decline INPUT {error}`, `close`. Events of the link: `connect`,
//! `refuse WHY`, `disconnect`, `fail WHY`, `delivered [LANE]`, `lost [LANE] KIND`.
//!
//! For a server: `reply REQUEST {result}`, `error REQUEST {error}`, `unknown REQUEST`, `need REQUEST
//! {"requests":{key:{"method":…,"params":…}},"state":…}`, `progress REQUEST 0.5`, `log REQUEST LEVEL
//! {data}`, `notify REQUEST METHOD {params}`, `publish tools|prompts|resources|URI`, `request METHOD
//! {params}`, `drain`, `close`. Events of the link: `read-closed`, `disconnect`, `ended [LANE]`.
//!
//! # Updating
//!
//! With `UPDATE_TRANSCRIPTS=1` in the environment, the actual output of the session replaces the expected lines. Lines
//! that match are kept, with their wildcards. Review the changes before you commit them.

mod actor;
mod client;
mod compare;
mod parse;
mod play;
mod server;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};

pub use play::{Played, play};

/// A file that failed, and the reason.
#[derive(Debug)]
#[non_exhaustive]
pub struct Failed {
    /// The file.
    pub path: PathBuf,
    /// The expected and the actual output, or what is wrong with the file.
    pub why: String,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:\n{}", self.path.display(), self.why)
    }
}

/// Plays one file, and rewrites it if [updating](self#updating).
pub fn play_file(path: &Path) -> Result<(), Failed> {
    let failed = |why: String| Failed { path: path.to_owned(), why };
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let played = play(&text).map_err(failed)?;
    if played.differences.is_empty() {
        return Ok(());
    }
    if std::env::var_os("UPDATE_TRANSCRIPTS").is_some_and(|value| value == "1") {
        return std::fs::write(path, played.updated).map_err(|error| failed(error.to_string()));
    }
    Err(failed(played.differences.join("\n")))
}

/// Plays every `.txt` file of a folder and its subfolders, and returns their number.
///
/// # Panics
///
/// With all differences if there are any, and if a folder cannot be read.
#[track_caller]
pub fn play_folder(folder: &Path) -> usize {
    let mut files = Vec::new();
    if let Err(error) = collect(folder, &mut files) {
        panic!("{}: {error}", folder.display());
    }
    files.sort();
    let failed: Vec<String> =
        files.iter().filter_map(|path| play_file(path).err()).map(|failed| failed.to_string()).collect();
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
    files.len()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "txt") {
            files.push(path);
        }
    }
    Ok(())
}
