//! Connections that turn out dead, and requests that are never sent twice.

use std::time::Duration;

use tokio::join;

use super::multiplex::{h2, serve, whole};
use super::*;

/// The server closed a kept connection: nothing was written to it, so another one is as good.
#[tokio::test]
async fn a_kept_connection_that_died_is_replaced_silently() {
    let (was_read, one_read) = tokio::sync::oneshot::channel();
    let (closed, was_closed) = tokio::sync::oneshot::channel();
    let (net, mut server) = scripted(&Settings::default());
    let client = async {
        assert_eq!(read(&net, post("a")).await.unwrap(), "one");
        was_read.send(()).unwrap();
        was_closed.await.unwrap();
        assert_eq!(net.open_connections(), 1);
        assert_eq!(read(&net, post("b")).await.unwrap(), "two");
        assert_eq!(net.open_connections(), 1);
    };
    let server = async {
        let mut first = server.accept().await;
        first.answer("one").await;
        one_read.await.unwrap();
        drop(first);
        closed.send(()).unwrap();
        let mut second = server.accept().await;
        let request = second.answer("two").await;
        assert!(request.ends_with("\r\n\r\nb"), "{request}");
        second
    };
    join!(client, server);
}

/// All kept connections died, as when a server restarts: the request still goes out once, over a new one.
#[tokio::test]
async fn many_dead_connections_do_not_fail_the_next_request() {
    let (read_all, were_read) = tokio::sync::oneshot::channel();
    let (restarted, was_restarted) = tokio::sync::oneshot::channel();
    let (net, mut server) = scripted(&Settings::default());
    let client = async {
        let three = join!(read(&net, post("a")), read(&net, post("b")), read(&net, post("c")));
        assert!(three.0.is_ok() && three.1.is_ok() && three.2.is_ok());
        assert_eq!(net.open_connections(), 3);
        read_all.send(()).unwrap();
        was_restarted.await.unwrap();
        assert_eq!(read(&net, post("d")).await.unwrap(), "alive");
        assert_eq!(net.open_connections(), 1);
    };
    let server = async {
        let mut peers = [server.accept().await, server.accept().await, server.accept().await];
        for peer in &mut peers {
            peer.answer("x").await;
        }
        were_read.await.unwrap();
        drop(peers);
        restarted.send(()).unwrap();
        let mut fresh = server.accept().await;
        fresh.answer("alive").await;
        fresh
    };
    join!(client, server);
}

/// The server read the request and closed: it may have been executed, so it is not sent again.
#[tokio::test]
async fn a_request_that_was_written_is_never_sent_twice() {
    let (net, mut server) = scripted(&Settings::default());
    let client = async {
        assert_eq!(read(&net, post("a")).await.unwrap(), "one");
        let error = read(&net, post("b")).await.unwrap_err();
        assert!(matches!(error, HttpError::Cut { .. }), "{error}");
        assert!(error.was_sent() && error.is_retryable());
        assert_eq!(net.open_connections(), 0);
    };
    let played = async {
        let mut peer = server.accept().await;
        peer.answer("one").await;
        peer.request().await;
    };
    join!(client, played);
    assert!(!server.was_dialled());
}

/// A body cut in the middle is an error, not a short body.
#[tokio::test]
async fn a_body_cut_in_the_middle_is_an_error() {
    for cut in [
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nhalf",
    ] {
        let (net, mut server) = scripted(&Settings::default());
        let client = async {
            let mut answer = net.send(post("a")).await.unwrap();
            let mut result = answer.body.chunk().await;
            while let Ok(Some(_)) = result {
                result = answer.body.chunk().await;
            }
            assert!(matches!(result, Err(HttpError::Cut { .. })), "{cut:?}: {result:?}");
            assert_eq!(answer.body.chunk().await.unwrap(), None);
            assert_eq!(net.open_connections(), 0);
        };
        let server = async {
            let mut peer = server.accept().await;
            peer.request().await;
            peer.say(cut).await;
        };
        join!(client, server);
    }
}

/// Unused connections are closed after a while, and the client opens new ones.
#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_after_a_while() {
    let (net, mut server) = scripted(&Settings::default());
    let client = async {
        assert_eq!(read(&net, post("a")).await.unwrap(), "one");
        pass(Duration::from_secs(60)).await;
        assert_eq!(read(&net, post("b")).await.unwrap(), "two");
        pass(Duration::from_secs(89)).await;
        assert_eq!(net.open_connections(), 1);
        pass(Duration::from_secs(2)).await;
        assert_eq!(net.open_connections(), 0);
        assert_eq!(read(&net, post("c")).await.unwrap(), "three");
        pass(Duration::from_secs(91)).await;
        assert_eq!(net.open_connections(), 0);
    };
    let server = async {
        let mut first = server.accept().await;
        first.answer("one").await;
        first.answer("two").await;
        first.closed().await;
        server.accept().await.answer("three").await;
    };
    join!(client, server);
}

/// More connections than are worth keeping are closed when their exchanges end.
#[tokio::test]
async fn the_number_of_kept_connections_is_bounded() {
    let config = settings(|c| c.net.connections = 0);
    let (net, mut server) = scripted(&config);
    let client = async {
        let all = (0..70).map(|_| read(&net, post("a")));
        assert!(futures::future::join_all(all).await.iter().all(Result::is_ok));
        assert_eq!(net.open_connections(), 64);
    };
    let server = async {
        let mut peers = Vec::new();
        for _ in 0..70 {
            peers.push(server.accept().await);
        }
        for peer in &mut peers {
            peer.answer("x").await;
        }
        peers
    };
    join!(client, server);
}

/// Nothing outlives the last handle.
#[tokio::test]
async fn dropping_the_client_closes_its_connections() {
    let (net, mut server) = scripted(&Settings::default());
    let server = async {
        let mut peer = server.accept().await;
        peer.answer("one").await;
        peer.closed().await;
    };
    let client = async move {
        assert_eq!(read(&net, post("a")).await.unwrap(), "one");
        drop(net);
    };
    join!(client, server);
}

/// A call given up while it waits for the head leaves nothing behind.
#[tokio::test]
async fn a_dropped_send_closes_its_connection_and_returns_its_permit() {
    let config = settings(|c| c.net.connections = 1);
    let (net, mut server) = scripted(&config);
    let (sent, was_sent) = tokio::sync::oneshot::channel();
    let client = async {
        tokio::select! {
            _ = net.send(post("a")) => panic!("nobody answers"),
            _ = was_sent => {}
        }
        assert_eq!(net.open_connections(), 0);
        assert_eq!(read(&net, post("b")).await.unwrap(), "done");
    };
    let server = async {
        let mut first = server.accept().await;
        first.request().await;
        sent.send(()).unwrap();
        first.closed().await;
        server.accept().await.answer("done").await;
    };
    join!(client, server);
}

/// FAULT F-C4: a server that closes kept connections without a word gets a request once more that is safe to repeat, and no
/// other one; nor does one that said a single byte.
#[tokio::test(start_paused = true)]
async fn only_a_repeatable_request_is_sent_again_after_silence() {
    for (repeatable, said, answered) in [(true, "", true), (false, "", false), (true, "H", false)] {
        let (net, mut server) = scripted(&Settings::default());
        let client = async {
            assert_eq!(read(&net, post("a")).await.unwrap(), "one");
            read(&net, Exchange { repeatable, ..post("b") }).await
        };
        let played = async {
            let mut first = server.accept().await;
            first.answer("one").await;
            first.request().await;
            first.say(said).await;
            drop(first);
            if answered {
                let mut second = server.accept().await;
                assert!(second.answer("two").await.ends_with("\r\n\r\nb"));
            }
        };
        let (result, ()) = soon(async { join!(client, played) }).await;
        match answered {
            true => assert_eq!(result.unwrap(), "two"),
            false => assert!(matches!(result, Err(HttpError::Cut { .. })), "{result:?}"),
        }
        assert!(!server.was_dialled());
    }
}

/// A new connection that ends without a word is a broken server, and so is a second one.
#[tokio::test(start_paused = true)]
async fn silence_on_a_new_connection_is_final() {
    for kept in [true, false] {
        let (net, mut server) = scripted(&Settings::default());
        let client = async {
            if kept {
                assert_eq!(read(&net, post("a")).await.unwrap(), "one");
            }
            let error = read(&net, Exchange { repeatable: true, ..post("b") }).await.unwrap_err();
            assert!(matches!(error, HttpError::Cut { .. }), "{error}");
        };
        let played = async {
            if kept {
                let mut first = server.accept().await;
                first.answer("one").await;
                first.request().await;
            }
            server.accept().await.request().await;
        };
        soon(async { join!(client, played) }).await;
        assert!(!server.was_dialled());
    }
}

/// An HTTP/2 connection without a stream is closed after a while.
#[tokio::test(start_paused = true)]
async fn an_idle_http2_connection_is_closed() {
    let (net, mut server) = scripted(&h2());
    let client = async {
        assert_eq!(read(&net, post("a")).await.unwrap(), "hello");
        pass(Duration::from_secs(80)).await;
        assert_eq!(net.open_connections(), 1);
        pass(Duration::from_secs(20)).await;
        assert_eq!(net.open_connections(), 0);
    };
    let played = async { serve(server.accept().await, 10, |_| async { whole("hello") }).await };
    join!(client, played);
    drop(net);
}
