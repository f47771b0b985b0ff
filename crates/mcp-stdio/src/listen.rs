//! Listening on sockets: each link goes to an [`Accept`].

use std::future::{Future, poll_fn};
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use mcp_core::transport::Accept;
#[cfg(unix)]
use mcp_core::transport::Identity;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::limits::Limits;
use crate::silence::{SilenceLimits, SilentLinks};
use crate::stream::{self, StreamTransport};

/// The pauses after an accept that failed because file descriptors or memory ran out.
// FAULT C-46.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The peer of a Unix socket, as the kernel reports it. In the [`Envelope`] of every message.
///
/// [`Envelope`]: mcp_core::transport::Envelope
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerCredentials {
    /// The user id.
    pub uid: u32,
    /// The group id.
    pub gid: u32,
    /// The process id, where the system reports it.
    pub pid: Option<i32>,
}

impl PeerCredentials {
    /// Creates credentials, for listeners that accept the sockets themselves.
    pub fn new(uid: u32, gid: u32, pid: Option<i32>) -> PeerCredentials {
        PeerCredentials { uid, gid, pid }
    }
}

/// Serves every TCP peer until the listener fails or the future is dropped; open links continue in their own tasks.
/// There is no authentication: bind to a loopback address. [`Limits`] bound the number of links, the time for the
/// first message, and silence.
///
/// # Errors
///
/// A permanent error of the listener.
pub async fn serve_tcp(listener: TcpListener, limits: Limits, accept: impl Accept) -> io::Result<()> {
    let next = |context: &mut Context<'_>| {
        listener.poll_accept(context).map_ok(|(socket, _)| stream::tcp(socket).limits(limits))
    };
    serve(limits, accept, next).await
}

/// Serves every peer of a Unix socket like [`serve_tcp`], with its [`PeerCredentials`] and, from them, its
/// [`Identity`]: the issuer is `unix` and the subject `uid:` with the user id, such as `uid:1000`. The permissions of the
/// socket file decide who may connect.
///
/// # Errors
///
/// A permanent error of the listener.
#[cfg(unix)]
pub async fn serve_unix(
    listener: tokio::net::UnixListener,
    limits: Limits,
    accept: impl Accept,
) -> io::Result<()> {
    let next = |context: &mut Context<'_>| {
        listener.poll_accept(context).map_ok(|(socket, _)| {
            let mut envelope = mcp_core::transport::Envelope::default();
            if let Ok(peer) = socket.peer_cred() {
                let peer = PeerCredentials::new(peer.uid(), peer.gid(), peer.pid());
                let identity = Identity::new(format!("uid:{}", peer.uid)).with_issuer("unix");
                envelope = envelope.with(peer).with(identity);
            }
            stream::unix(socket).limits(limits).envelope(envelope)
        })
    };
    serve(limits, accept, next).await
}

/// The accept loop.
async fn serve<R, W, F>(limits: Limits, accept: impl Accept, mut next: F) -> io::Result<()>
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
    F: FnMut(&mut Context<'_>) -> Poll<io::Result<StreamTransport<R, W>>>,
{
    let accept: Arc<dyn Accept> = Arc::new(accept);
    let permits = Arc::new(Semaphore::new(limits.max_links.clamp(1, Semaphore::MAX_PERMITS)));
    let silent = SilentLinks::default();
    let mut pause = FIRST_PAUSE;
    loop {
        match poll_fn(&mut next).await {
            Ok(link) => {
                pause = FIRST_PAUSE;
                let permit = match Arc::clone(&permits).try_acquire_owned() {
                    Ok(permit) => Some(permit),
                    Err(_) => {
                        silent.evict();
                        // Never closed, so it always yields a permit.
                        Arc::clone(&permits).acquire_owned().await.ok()
                    }
                };
                let link = link.silence(SilenceLimits::new(limits, silent.add()));
                let served = Arc::clone(&accept).accept(Box::new(link));
                spawn(served, permit);
            }
            Err(error) => match error_kind(&error) {
                AcceptError::Peer => {}
                AcceptError::Exhausted => {
                    if pause == FIRST_PAUSE {
                        tracing::warn!(%error, "cannot accept; retrying");
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                AcceptError::Listener => return Err(error),
            },
        }
    }
}

fn spawn(served: impl Future<Output = ()> + Send + 'static, permit: Option<impl Send + 'static>) {
    tokio::spawn(async move {
        served.await;
        drop(permit);
    });
}

/// What a failed accept is about.
enum AcceptError {
    /// One peer that is gone already.
    Peer,
    /// The process or the system has run out of something, for now.
    Exhausted,
    /// The listener.
    Listener,
}

fn error_kind(error: &io::Error) -> AcceptError {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, OutOfMemory, WouldBlock};
    match error.kind() {
        ConnectionAborted | ConnectionReset | Interrupted | WouldBlock => AcceptError::Peer,
        OutOfMemory => AcceptError::Exhausted,
        _ if crate::sys::is_exhausted(error) => AcceptError::Exhausted,
        _ => AcceptError::Listener,
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
