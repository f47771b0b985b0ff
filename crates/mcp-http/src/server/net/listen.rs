//! Sources of connections, and what follows a failed `accept`.

use std::io;
use std::time::Duration;

use mcp_core::transport::async_trait;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

use super::super::caller::Peer;

// FAULT C-31.
/// The silence of a TCP connection after which the kernel probes the peer, and the interval of its probes.
const KEEPALIVE: Duration = Duration::from_secs(60);
const PROBES: Duration = Duration::from_secs(15);

/// A source of connections.
#[async_trait]
pub trait Listener: Send + 'static {
    /// The byte stream of a connection.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Accepts the next connection. **Cancel-safe**: a dropped future has accepted none.
    ///
    /// # Errors
    ///
    /// Not fatal: the server calls it again, at once or after a pause.
    async fn accept(&mut self) -> io::Result<(Self::Io, Peer)>;

    /// Whether only processes of this machine can connect. Then loopback origins are allowed, and `hosts` may be empty.
    fn is_loopback(&self) -> bool;
}

#[async_trait]
impl Listener for TcpListener {
    type Io = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, Peer)> {
        let (stream, address) = TcpListener::accept(self).await?;
        let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(PROBES);
        let tuned =
            stream.set_nodelay(true).and_then(|()| SockRef::from(&stream).set_tcp_keepalive(&keepalive));
        if let Err(error) = tuned {
            // The connection works without it.
            tracing::debug!(%error, "a socket option was refused");
        }
        Ok((stream, Peer::Tcp(address)))
    }

    fn is_loopback(&self) -> bool {
        self.local_addr().is_ok_and(|address| address.ip().to_canonical().is_loopback())
    }
}

#[cfg(unix)]
#[async_trait]
impl Listener for tokio::net::UnixListener {
    type Io = tokio::net::UnixStream;

    async fn accept(&mut self) -> io::Result<(tokio::net::UnixStream, Peer)> {
        let (stream, _) = tokio::net::UnixListener::accept(self).await?;
        let peer = match stream.peer_cred() {
            Ok(cred) => Peer::Unix { uid: cred.uid(), gid: cred.gid(), pid: cred.pid() },
            Err(_) => Peer::Unknown,
        };
        Ok((stream, peer))
    }

    fn is_loopback(&self) -> bool {
        true
    }
}

/// What to do after `accept` failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AfterError {
    /// The connection failed: accept the next one.
    Next,
    /// The server is at a limit, for example of file descriptors: pause, so that it does not spin.
    Pause(Duration),
}

const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

// FAULT C-46.
/// What to do after the `nth` consecutive failure, counted from 1. An unknown error counts as a limit, because a pause
/// does no harm.
pub(super) fn after_error(error: &io::Error, nth: u32) -> AfterError {
    match error.kind() {
        io::ErrorKind::ConnectionAborted
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionRefused
        | io::ErrorKind::Interrupted => AfterError::Next,
        _ => AfterError::Pause(LONGEST.min(SHORTEST * 2_u32.saturating_pow(nth.saturating_sub(1)).min(64))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FAULT C-46: out of file descriptors, the server pauses, ever longer and never for long.
    #[test]
    fn a_server_at_its_limit_pauses_and_does_not_spin() {
        let pause = |nth| after_error(&io::Error::from_raw_os_error(24), nth);
        assert_eq!(pause(1), AfterError::Pause(Duration::from_millis(50)));
        assert_eq!(pause(2), AfterError::Pause(Duration::from_millis(100)));
        assert_eq!(pause(5), AfterError::Pause(Duration::from_millis(800)));
        for nth in 6..100 {
            assert_eq!(pause(nth), AfterError::Pause(LONGEST));
        }
        assert_eq!(pause(u32::MAX), AfterError::Pause(LONGEST));
    }

    #[test]
    fn a_connection_that_broke_costs_no_pause() {
        for kind in
            [io::ErrorKind::ConnectionAborted, io::ErrorKind::ConnectionReset, io::ErrorKind::Interrupted]
        {
            assert_eq!(after_error(&kind.into(), 9), AfterError::Next);
        }
    }
}
