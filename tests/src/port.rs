//! Ports that are reserved for one test.

use std::io;

use tokio::net::TcpSocket;

/// A port of 127.0.0.1 without a listener, so that a connection to it is refused.
///
/// While this value lives, the system gives the port to no other program. A program that names it may listen there, any number
/// of times in turn, if it sets `SO_REUSEADDR` as tokio, Node.js, Python's asyncio and Go do.
#[derive(Debug)]
pub struct Port {
    _bound: TcpSocket,
    number: u16,
}

impl Port {
    /// Reserves a port that the system selects.
    ///
    /// # Errors
    ///
    /// No port is free.
    pub fn reserve() -> io::Result<Port> {
        let bound = TcpSocket::new_v4()?;
        bound.set_reuseaddr(true)?;
        bound.bind(([127, 0, 0, 1], 0).into())?;
        let number = bound.local_addr()?.port();
        Ok(Port { _bound: bound, number })
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::{TcpListener, TcpStream};

    #[tokio::test]
    async fn a_port_is_closed_and_can_be_listened_at_in_turn() {
        let port = Port::reserve().unwrap();
        let address = ("127.0.0.1", port.number());
        for _ in 0..2 {
            let refused = TcpStream::connect(address).await.unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
            let listener = TcpListener::bind(address).await.unwrap();
            let (_theirs, _ours) = tokio::try_join!(TcpStream::connect(address), listener.accept()).unwrap();
        }
        // Others must name it.
        let other = TcpSocket::new_v4().unwrap();
        assert_eq!(
            other.bind(([127, 0, 0, 1], port.number()).into()).unwrap_err().kind(),
            io::ErrorKind::AddrInUse
        );
    }
}
