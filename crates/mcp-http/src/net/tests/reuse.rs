//! When a connection is used again, and when it is not.

use tokio::join;

use super::*;

/// The request line, `Host` and the length are ours; nothing hop-by-hop is sent.
#[tokio::test]
async fn one_connection_carries_many_exchanges() {
    let (net, mut server) = scripted(&Settings::default());
    let client = async {
        for body in ["one", "two", "three"] {
            assert_eq!(read(&net, post(body)).await.unwrap(), body);
        }
    };
    let server = async {
        let mut peer = server.accept().await;
        for body in ["one", "two", "three"] {
            let request = peer.answer(body).await;
            assert_eq!(
                request,
                format!(
                    "POST /mcp?key=1 HTTP/1.1\r\nhost: server.test\r\naccept-encoding: identity\r\nuser-agent: mcp-http/{}\r\ncontent-length: {}\r\n\r\n{body}",
                    env!("CARGO_PKG_VERSION"),
                    body.len()
                )
            );
        }
        assert_eq!(net.open_connections(), 1);
        assert!(!server.was_dialled());
    };
    join!(client, server);
}

/// SSE bodies come in chunks; the last chunk gives the connection back.
#[tokio::test]
async fn a_drained_stream_gives_its_connection_back() {
    let (net, mut server) = scripted(&Settings::default());
    let client = async {
        let mut answer = net.send(post("a")).await.unwrap();
        let mut seen = Vec::new();
        while let Some(piece) = answer.body.chunk().await.unwrap() {
            seen.extend_from_slice(&piece);
        }
        assert_eq!(seen, b"data: 1\n\ndata: 2\n\n");
        assert_eq!(answer.body.chunk().await.unwrap(), None);
        assert_eq!(read(&net, post("b")).await.unwrap(), "done");
    };
    let server = async {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n").await;
        tokio::task::yield_now().await;
        peer.say("9\r\ndata: 2\n\n\r\n").await;
        tokio::task::yield_now().await;
        peer.say("0\r\n\r\n").await;
        peer.answer("done").await;
    };
    join!(client, server);
}

/// An unread body may never end: its connection is closed.
#[tokio::test]
async fn an_unread_body_closes_its_connection() {
    let (net, mut server) = scripted(&Settings::default());
    let client = async {
        drop(net.send(post("a")).await.unwrap());
        assert_eq!(net.open_connections(), 0);
        assert_eq!(read(&net, post("b")).await.unwrap(), "done");
    };
    let server = async {
        let mut first = server.accept().await;
        first.request().await;
        first.say("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhal").await;
        first.closed().await;
        server.accept().await.answer("done").await;
    };
    join!(client, server);
}

/// An answer without a body is at its end with its head.
#[tokio::test]
async fn an_empty_answer_gives_its_connection_back_at_once() {
    let (net, mut server) = scripted(&Settings::default());
    let client = async {
        let first = net.send(post("a")).await.unwrap();
        assert_eq!(read(&net, post("b")).await.unwrap(), "done");
        drop(first);
    };
    let server = async {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.say("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").await;
        peer.answer("done").await;
    };
    join!(client, server);
}

/// Each needless wake costs a turn of the whole task: an answer that arrives at once wakes once, and reading it never.
#[tokio::test]
async fn an_answer_wakes_its_reader_once() {
    let (net, mut server) = scripted(&Settings::default());
    let mut kept = None;
    for _ in 0..3 {
        let wakes = Arc::new(Wakes::default());
        let waker = std::task::Waker::from(Arc::clone(&wakes));
        let mut cx = std::task::Context::from_waker(&waker);
        let count = || wakes.0.load(Ordering::Relaxed);
        let mut call = std::pin::pin!(read(&net, post("a")));
        assert!(call.as_mut().poll(&mut cx).is_pending());
        let mut peer = match kept.take() {
            Some(peer) => peer,
            None => server.accept().await,
        };
        peer.answer("hello").await;
        assert_eq!(count(), 1);
        assert!(call.as_mut().poll(&mut cx).is_ready());
        assert_eq!(count(), 1);
        kept = Some(peer);
    }
    assert!(!server.was_dialled());
}
