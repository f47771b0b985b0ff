//! A store in files that only their owner can read, shared by processes.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use mcp_core::transport::async_trait;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{CredentialStore, StoreError, StoreLock, same};
use crate::client::pkce;
use crate::client::record::{Key, Stored};

/// The version of the files. Files of another version are left alone.
const VERSION: u32 = 1;
/// How long a lock is waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Between two attempts to take a lock.
const PAUSE: Duration = Duration::from_millis(20);
/// The longest file that is read, in bytes.
const LONGEST_FILE: u64 = 1 << 20;

/// Keeps each record in a file of its folder, which only the owner can read. Processes that share the folder share the
/// records, and refresh tokens one after the other.
///
/// A file is replaced as a whole, by renaming a new one over it. Its name is a hash; the key of the record is inside.
#[derive(Clone, Debug)]
pub struct FileStore {
    folder: PathBuf,
}

/// The content of a file.
#[derive(Serialize, Deserialize)]
struct Document {
    version: u32,
    #[serde(flatten)]
    key: FileKey,
    stored: Stored,
}

#[derive(Serialize, Deserialize)]
struct FileKey {
    client: Option<String>,
    issuer: Option<String>,
    endpoint: Option<String>,
    profile: Option<String>,
}

impl FileStore {
    /// A store in this folder, which is created when something is first saved.
    pub fn new(folder: impl Into<PathBuf>) -> FileStore {
        FileStore { folder: folder.into() }
    }

    /// A store in the usual folder of the user: `$XDG_STATE_HOME/mcp/auth` or `~/.local/state/mcp/auth`;
    /// `~/Library/Application Support/mcp/auth` on macOS; `%LOCALAPPDATA%\mcp\auth` on Windows.
    ///
    /// # Errors
    ///
    /// The environment names no home.
    pub fn default_place() -> Result<FileStore, StoreError> {
        let variable =
            |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let base = if cfg!(windows) {
            variable("LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            variable("HOME").map(|home| home.join("Library/Application Support"))
        } else {
            variable("XDG_STATE_HOME").or_else(|| variable("HOME").map(|home| home.join(".local/state")))
        };
        let why = "no folder for credentials: the environment names no home";
        base.map(|base| FileStore::new(base.join("mcp/auth"))).ok_or_else(|| StoreError::new(why))
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn path(&self, key: &Key, ending: &str) -> PathBuf {
        let text = match key {
            Key::Client { issuer } => format!("client\0{issuer}"),
            Key::Binding { client_id } => format!("binding\0{client_id}"),
            Key::Token { endpoint, profile } => format!("token\0{endpoint}\0{profile}"),
        };
        self.folder.join(format!("{}.{ending}", crate::jose::sha256(&text)))
    }
}

#[async_trait]
impl CredentialStore for FileStore {
    async fn load(&self, key: &Key) -> Result<Option<Stored>, StoreError> {
        let path = self.path(key, "json");
        blocking(move || Ok(read(&path)?.map(|document| document.stored))).await
    }

    async fn save(&self, key: &Key, stored: &Stored) -> Result<(), StoreError> {
        let document = Document { version: VERSION, key: FileKey::of(key), stored: stored.clone() };
        let path = self.path(key, "json");
        blocking(move || write(&path, &document)).await
    }

    async fn remove_if(&self, key: &Key, stored: &Stored) -> Result<bool, StoreError> {
        let (path, stored) = (self.path(key, "json"), stored.clone());
        blocking(move || match read(&path)? {
            Some(document) if same(&document.stored, &stored) => {
                fs::remove_file(&path).map(|()| true).map_err(|error| failed("removed", &path, &error))
            }
            _ => Ok(false),
        })
        .await
    }

    async fn lock(&self, key: &Key) -> Result<StoreLock, StoreError> {
        let path = self.path(key, "lock");
        let opened = path.clone();
        let file = blocking(move || {
            prepare(&opened)?;
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(false);
            private(&mut options);
            options.open(&opened).map_err(|error| failed("opened", &opened, &error))
        })
        .await?;
        let started = tokio::time::Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(StoreLock::new(file)),
                Err(TryLockError::WouldBlock) if started.elapsed() < LONGEST_WAIT => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(TryLockError::WouldBlock) => {
                    let shown = path.display();
                    let wait = LONGEST_WAIT.as_secs();
                    return Err(StoreError::new(format!(
                        "{shown} was locked by another process for {wait} s"
                    )));
                }
                Err(TryLockError::Error(error)) => return Err(failed("locked", &path, &error)),
            }
        }
    }

    async fn keys(&self) -> Result<Vec<Key>, StoreError> {
        let folder = self.folder.clone();
        blocking(move || {
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
                Err(error) => return Err(failed("read", &folder, &error)),
            };
            let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
            let paths = paths.filter(|path| path.extension().is_some_and(|ending| ending == "json"));
            let mut keys: Vec<Key> = paths.filter_map(|path| read(&path).ok()??.key.key()).collect();
            keys.sort();
            Ok(keys)
        })
        .await
    }

    fn location(&self, key: &Key) -> Option<String> {
        Some(self.path(key, "json").display().to_string())
    }
}

impl FileKey {
    fn of(key: &Key) -> FileKey {
        let mut file = FileKey { client: None, issuer: None, endpoint: None, profile: None };
        match key {
            Key::Client { issuer } => file.issuer = Some(issuer.clone()),
            Key::Binding { client_id } => file.client = Some(client_id.clone()),
            Key::Token { endpoint, profile } => {
                file.endpoint = Some(endpoint.clone());
                file.profile = Some(profile.clone());
            }
        }
        file
    }

    fn key(self) -> Option<Key> {
        match self {
            FileKey { endpoint: Some(endpoint), profile: Some(profile), .. } => {
                Some(Key::Token { endpoint, profile })
            }
            FileKey { issuer: Some(issuer), .. } => Some(Key::Client { issuer }),
            FileKey { client: Some(client_id), .. } => Some(Key::Binding { client_id }),
            _ => None,
        }
    }
}

/// Runs file work where blocking is allowed.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(StoreError::new("the runtime is shutting down")),
    }
}

fn failed(what: &str, path: &Path, error: &io::Error) -> StoreError {
    StoreError::new(format!("{} could not be {what}: {error}", path.display()))
}

/// Reads a file that is the owner's alone.
fn read(path: &Path) -> Result<Option<Document>, StoreError> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", path, &error)),
    };
    check(path, &metadata)?;
    let mut text = Zeroizing::new(String::new());
    let file = File::open(path).map_err(|error| failed("read", path, &error))?;
    file.take(LONGEST_FILE).read_to_string(&mut text).map_err(|error| failed("read", path, &error))?;
    let unusable = |why: String| StoreError::new(format!("{} {why}", path.display()));
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    let version: Version =
        serde_json::from_str(&text).map_err(|_| unusable("is not a credential file".to_owned()))?;
    if version.version != VERSION {
        return Err(unusable(format!("has version {}, which this program does not know", version.version)));
    }
    // The error of serde_json could show a part of the file.
    serde_json::from_str(&text).map(Some).map_err(|_| unusable("cannot be read".to_owned()))
}

/// Writes a file so that either the old or the new content survives a crash.
// AU-C-55.
fn write(path: &Path, document: &Document) -> Result<(), StoreError> {
    prepare(path)?;
    let text = serde_json::to_string_pretty(document).map(Zeroizing::new);
    let text = text.map_err(|_| StoreError::new("the record cannot be written as JSON"))?;
    let random = pkce::random().map_err(|error| StoreError::new(error.to_string()))?;
    let new = path.with_extension(format!("{}.new", random.expose()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    private(&mut options);
    let written = options.open(&new).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)
    });
    if let Err(error) = written {
        let _absent = fs::remove_file(&new);
        return Err(failed("written", path, &error));
    }
    sync_folder(path);
    Ok(())
}

/// Creates the folder, for its owner only.
fn prepare(path: &Path) -> Result<(), StoreError> {
    let Some(folder) = path.parent() else { return Ok(()) };
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| failed("created", folder, &error))
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
}

#[cfg(not(unix))]
fn private(_: &mut OpenOptions) {}

/// A rename is on disk once its folder is.
#[cfg(unix)]
fn sync_folder(path: &Path) {
    if let Some(folder) = path.parent().and_then(|folder| File::open(folder).ok()) {
        let _unsupported = folder.sync_all();
    }
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) {}

/// Refuses files that other users own or can read, and links.
#[cfg(unix)]
fn check(path: &Path, file: &fs::Metadata) -> Result<(), StoreError> {
    use std::os::unix::fs::MetadataExt;

    let refused = |why: &str| Err(StoreError::new(format!("{} is not used: {why}", path.display())));
    if !file.is_file() {
        return refused("it is not a regular file");
    }
    if file.mode() & 0o077 != 0 {
        return refused("other users may read it; use `chmod 600`, and log in again");
    }
    let folder = path.parent().and_then(|folder| fs::metadata(folder).ok());
    match folder {
        Some(folder) if folder.uid() != file.uid() => refused("it belongs to another user than its folder"),
        Some(folder) if folder.mode() & 0o022 != 0 => refused("other users may write to its folder"),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn check(path: &Path, file: &fs::Metadata) -> Result<(), StoreError> {
    if file.is_file() {
        return Ok(());
    }
    Err(StoreError::new(format!("{} is not used: it is not a regular file", path.display())))
}
