//! Which era servers were found to speak, kept for a day: so that the next run need not find out again.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mcp_bridge::EraStore;
use mcp_core::client::KnownEra;
use mcp_core::message::ProtocolVersion;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::background;
use crate::connect::target::Link;
use crate::connect::{files, servers};

/// How long a verdict holds.
const DAY: Duration = Duration::from_secs(86_400);

/// The verdicts of a file: by server, and by the era of the client.
type Verdicts = BTreeMap<String, BTreeMap<String, Verdict>>;

/// The revision that a server was found to speak, and when: in seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Verdict {
    version: String,
    at: u64,
}

/// What the file says of one server. Read once; what is found out is written at once.
pub(super) struct Eras {
    file: Arc<Path>,
    server: String,
    known: BTreeMap<String, Verdict>,
}

impl Eras {
    /// Of the server behind this link. `None` without a home directory.
    pub(super) fn of(link: &Link) -> Option<Eras> {
        let file: Arc<Path> = place()?.into();
        let server = key(link);
        let known = read(&file, now()).remove(&server).unwrap_or_default();
        Some(Eras { file, server, known })
    }
}

impl EraStore for Eras {
    fn known(&self, client: ProtocolVersion) -> Option<KnownEra> {
        let verdict = self.known.get(era(client))?;
        ProtocolVersion::parse(&verdict.version).map(KnownEra::new)
    }

    fn found(&self, client: ProtocolVersion, server: KnownEra) {
        let (file, name) = (self.file.clone(), self.server.clone());
        let verdict = Verdict { version: server.version.as_str().to_owned(), at: now() };
        tokio::spawn(background::run(move || {
            if let Err(error) = keep(&file, name, era(client), verdict) {
                tracing::debug!(%error, "the era of a server is not kept");
            }
        }));
    }
}

fn era(client: ProtocolVersion) -> &'static str {
    if client.is_modern() { "modern" } else { "legacy" }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn place() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    let folder = folder.or_else(|| servers::home().map(|home| home.join(".cache")));
    Some(folder?.join("mcp").join("eras.json"))
}

/// The server's command line or URL, which may have secrets in it, by its hash.
fn key(link: &Link) -> String {
    let mut hash = Sha256::new();
    match link {
        Link::Child(child) => {
            let command = child.to_command();
            let folder =
                command.get_current_dir().map(Path::to_owned).or_else(|| std::env::current_dir().ok());
            let words = std::iter::once(command.get_program()).chain(command.get_args());
            for word in folder.iter().map(|folder| folder.as_os_str()).chain(words) {
                hash.update(word.as_encoded_bytes());
                hash.update([0]);
            }
        }
        Link::Http(remote) => hash.update(remote.url.as_bytes()),
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the file says that still holds. A file that cannot be read says nothing.
fn read(file: &Path, now: u64) -> Verdicts {
    let text = files::read_regular(file).unwrap_or_default();
    let mut verdicts: Verdicts = serde_json::from_str(&text).unwrap_or_default();
    // What was written in the future, by another clock, would hold for ever.
    let holds = |at: u64| now.checked_sub(at).is_some_and(|age| age < DAY.as_secs());
    verdicts.retain(|_, of_server| {
        of_server.retain(|_, verdict| holds(verdict.at));
        !of_server.is_empty()
    });
    verdicts
}

/// Two programs that write at once may lose one verdict, which is found again.
fn keep(file: &Path, server: String, client: &str, verdict: Verdict) -> io::Result<()> {
    let mut verdicts = read(file, verdict.at);
    verdicts.entry(server).or_default().insert(client.to_owned(), verdict);
    let text = serde_json::to_string(&verdicts).map_err(io::Error::other)?;
    files::write_private(file, &format!("{text}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_holds_for_a_day() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mcp").join("eras.json");
        let verdict = |at| Verdict { version: "2025-11-25".to_owned(), at };
        let known = |now, server: &str| {
            read(&file, now).get(server).map(|eras| eras.keys().cloned().collect::<Vec<_>>())
        };
        assert_eq!(known(0, "a"), None);
        keep(&file, "a".to_owned(), "modern", verdict(1_000)).unwrap();
        keep(&file, "a".to_owned(), "legacy", verdict(1_001)).unwrap();
        keep(&file, "b".to_owned(), "modern", verdict(50_000)).unwrap();
        assert_eq!(known(87_399, "a"), Some(vec!["legacy".to_owned(), "modern".to_owned()]));
        assert_eq!(known(87_400, "a"), Some(vec!["legacy".to_owned()]));
        assert_eq!((known(87_401, "a"), known(87_401, "b")), (None, Some(vec!["modern".to_owned()])));
        // By a clock that is ahead.
        assert_eq!(known(49_999, "b"), None);
        std::fs::write(&file, "{").unwrap();
        assert_eq!(known(50_000, "b"), None);
    }
}
