//! MCP over a Unix socket that only its owner can use.
//!
//! A socket is a byte stream, for which `mcp-stdio` has the link. This crate adds a client and a listener, which decides
//! who may connect and how many peers, and removes stale socket files.
#![cfg(unix)]

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mcp_core::transport::{Accept, Connect, ConnectError, Envelope, Transport, async_trait};
use mcp_stdio::PeerCredentials;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

/// The number of peers that are served at the same time; further ones wait in the backlog of the socket.
const MAX_LINKS: usize = 64;

/// The pause after a failed accept. Usually the process is out of file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// The client: connects to a path.
#[derive(Clone, Debug)]
pub struct UnixClient {
    path: PathBuf,
}

impl UnixClient {
    /// A client for the socket at this path.
    pub fn new(path: impl Into<PathBuf>) -> UnixClient {
        UnixClient { path: path.into() }
    }
}

#[async_trait]
impl Connect for UnixClient {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        let stream = UnixStream::connect(&self.path).await;
        let stream = stream.map_err(|error| match error.kind() {
            // Waiting does not help if the path is too long, or does not lead to a socket.
            io::ErrorKind::InvalidInput => ConnectError::unusable(error),
            _ => ConnectError::unreachable(error),
        })?;
        Ok(Box::new(mcp_stdio::unix(stream)))
    }
}

/// The listener. Dropping it removes the socket file.
#[derive(Debug)]
pub struct UnixServer {
    listener: UnixListener,
    path: PathBuf,
    owner: u32,
}

impl UnixServer {
    /// Listens at this path, for the same user only. Replaces the socket file of a process that has died.
    ///
    /// # Errors
    ///
    /// If the path is another kind of file, or a process already listens there.
    pub fn bind(path: impl Into<PathBuf>) -> io::Result<UnixServer> {
        let path = path.into();
        remove_stale(&path)?;
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        let owner = std::fs::metadata(&path)?.uid();
        Ok(UnixServer { listener, path, owner })
    }

    /// Passes every link to `accept`, until the future is dropped; then the links are dropped too.
    pub async fn serve(self, accept: impl Accept) {
        let accept = Arc::new(accept);
        let mut links = JoinSet::new();
        loop {
            while links.len() >= MAX_LINKS {
                links.join_next().await;
            }
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        if let Some(peer) = self.credentials(&stream) {
                            let link = mcp_stdio::unix(stream).envelope(Envelope::default().with(peer));
                            links.spawn(accept.clone().accept(Box::new(link)));
                        }
                    }
                    Err(_) => tokio::time::sleep(PAUSE).await,
                },
                Some(_) = links.join_next() => {}
            }
        }
    }

    /// The credentials of the peer; `None` for another user, in case the permissions of the file were changed.
    fn credentials(&self, stream: &UnixStream) -> Option<PeerCredentials> {
        let peer = stream.peer_cred().ok()?;
        let peer = PeerCredentials::new(peer.uid(), peer.gid(), peer.pid());
        (peer.uid == self.owner).then_some(peer)
    }
}

impl Drop for UnixServer {
    fn drop(&mut self) {
        // The file may already have been removed.
        let _gone = std::fs::remove_file(&self.path);
    }
}

/// Removes the socket file of a process that has died.
fn remove_stale(path: &Path) -> io::Result<()> {
    let Ok(found) = std::fs::symlink_metadata(path) else { return Ok(()) };
    if !found.file_type().is_socket() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the path is not a socket"));
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "a process listens there")),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        Err(error) => Err(error),
    }
}
