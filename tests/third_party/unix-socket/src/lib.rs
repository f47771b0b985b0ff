//! MCP over a Unix socket that only its owner can use.
//!
//! A socket is a byte stream, so there is nothing to write but the two ends: `mcp-stdio` has the link. What is
//! left to a listener is what is left to any listener: who may connect, how many, and what remains of it.
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

/// Peers that are served at the same time; one more waits in the backlog of the socket.
const MAX_LINKS: usize = 64;

/// The pause after an accept that failed: mostly the process has no file descriptor left.
const PAUSE: Duration = Duration::from_millis(100);

/// The client: connects to a path, again and again.
#[derive(Clone, Debug)]
pub struct UnixClient {
    path: PathBuf,
}

impl UnixClient {
    /// Will connect to this path.
    pub fn new(path: impl Into<PathBuf>) -> UnixClient {
        UnixClient { path: path.into() }
    }
}

#[async_trait]
impl Connect for UnixClient {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        let stream = UnixStream::connect(&self.path).await;
        let stream = stream.map_err(|error| match error.kind() {
            // A path that is too long, or that leads to no socket, does not get better by waiting.
            io::ErrorKind::InvalidInput => ConnectError::Unusable(error.into()),
            _ => ConnectError::Unreachable(error.into()),
        })?;
        Ok(Box::new(mcp_stdio::unix(stream)))
    }
}

/// The listener. Its socket file goes with it.
#[derive(Debug)]
pub struct UnixServer {
    listener: UnixListener,
    path: PathBuf,
    owner: u32,
}

impl UnixServer {
    /// Listens at this path, for the same user only. A socket that a dead process has left is taken over.
    ///
    /// # Errors
    ///
    /// If something else is there, or somebody listens already.
    pub fn bind(path: impl Into<PathBuf>) -> io::Result<UnixServer> {
        let path = path.into();
        remove_stale(&path)?;
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        let owner = std::fs::metadata(&path)?.uid();
        Ok(UnixServer { listener, path, owner })
    }

    /// Hands every link to `accept`, until the future is dropped; then the links are dropped too.
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

    /// Who connected; `None` if it is somebody else, whatever the permissions of the file said meanwhile.
    fn credentials(&self, stream: &UnixStream) -> Option<PeerCredentials> {
        let peer = stream.peer_cred().ok()?;
        let peer = PeerCredentials { uid: peer.uid(), gid: peer.gid(), pid: peer.pid() };
        (peer.uid == self.owner).then_some(peer)
    }
}

impl Drop for UnixServer {
    fn drop(&mut self) {
        // Somebody may have removed it already.
        let _gone = std::fs::remove_file(&self.path);
    }
}

/// Removes a socket that nobody listens on.
fn remove_stale(path: &Path) -> io::Result<()> {
    let Ok(found) = std::fs::symlink_metadata(path) else { return Ok(()) };
    if !found.file_type().is_socket() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is something that is no socket"));
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "somebody listens there")),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        Err(error) => Err(error),
    }
}
