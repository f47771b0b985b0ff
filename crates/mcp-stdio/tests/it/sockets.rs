//! Links over sockets (STDIO-B-014, STDIO-B-015).

use std::sync::Arc;

use mcp_core::message::{Message, ProtocolVersion};
use mcp_core::transport::{Accept, Identity, Inbound, Transport, async_trait};
use mcp_stdio::{Limits, PeerCredentials, serve_tcp, serve_unix, tcp, unix};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::common::{link, outbound, request};

/// Sends every message back, and for Unix sockets checks who sent it.
struct Mirror {
    credentials: bool,
}

#[async_trait]
impl Accept for Mirror {
    async fn accept(self: Arc<Self>, link: Box<dyn Transport>) {
        let (mut sender, mut receiver) = link.split();
        while let Ok(Some(Inbound::Message { message, envelope, .. })) = receiver.recv().await {
            let peer = envelope.get::<PeerCredentials>();
            let me = rustix::process::geteuid().as_raw();
            assert_eq!(peer.map(|peer| peer.uid), self.credentials.then_some(me));
            let expected = self.credentials.then(|| Identity::new(format!("uid:{me}")).with_issuer("unix"));
            assert_eq!(envelope.get::<Identity>(), expected.as_ref());
            sender.send(outbound(message)).await.unwrap();
            sender.flush().await.unwrap();
        }
        sender.close().await.unwrap();
    }

    fn versions(&self) -> &[ProtocolVersion] {
        &[]
    }
}

async fn talk(transport: impl Transport) {
    let mut client = link(transport);
    for id in 0..3 {
        client.echo(id, "x").await;
    }
    client.sender.close().await.unwrap();
    assert!(client.recv().await.is_none());
    let gone = client.sender.send(outbound(request(1, "x"))).await;
    assert!(gone.is_err() || client.sender.flush().await.is_err());
}

#[tokio::test]
async fn links_over_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accept = Arc::new(Mirror { credentials: false });
    let server = tokio::spawn(serve_tcp(listener, Limits::default(), accept));
    for _ in 0..3 {
        let socket = TcpStream::connect(address).await.unwrap();
        talk(tcp(socket)).await;
    }
    server.abort();
}

#[tokio::test]
async fn links_over_a_unix_socket_know_their_peer() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let accept = Arc::new(Mirror { credentials: true });
    let server = tokio::spawn(serve_unix(listener, Limits::default(), accept));
    talk(unix(UnixStream::connect(&path).await.unwrap())).await;
    server.abort();
}

/// One link that breaks the rules does not end the others.
#[tokio::test]
async fn a_peer_that_hangs_up_does_not_affect_others() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accept = Arc::new(Mirror { credentials: false });
    let server = tokio::spawn(serve_tcp(listener, Limits::default(), accept));
    let mut first = link(tcp(TcpStream::connect(address).await.unwrap()));
    first.echo(1, "x").await;
    drop(TcpStream::connect(address).await.unwrap());
    first.echo(2, "x").await;
    assert!(matches!(request(3, "x"), Message::Request(_)));
    server.abort();
}
