//! How many calls run at once.

use tokio::join;

use super::*;

fn two() -> Settings {
    settings(|c| c.net.connections = 2)
}

/// The third call waits until a body is at its end; the order is the order of asking.
#[tokio::test]
async fn calls_beyond_the_limit_wait_in_order() {
    let (net, mut server) = scripted(&two());
    let client = async {
        let calls = ["a", "b", "c", "d"].map(|body| read(&net, post(body)));
        let texts = futures::future::join_all(calls).await;
        assert!(texts.iter().all(Result::is_ok));
        assert_eq!(net.open_connections(), 2);
    };
    let server = async {
        let (mut a, mut b) = (server.accept().await, server.accept().await);
        assert!(a.request().await.ends_with("a"));
        assert!(b.request().await.ends_with("b"));
        assert!(!server.was_dialled());
        b.say(&ok("x")).await;
        assert!(b.answer("x").await.ends_with("c"));
        assert!(b.answer("x").await.ends_with("d"));
        a.say(&ok("x")).await;
        (a, b)
    };
    join!(client, server);
}

/// What others wait for, and what stays open, is never held up by calls.
#[tokio::test]
async fn an_uncounted_exchange_never_waits() {
    let (net, mut server) = scripted(&two());
    let client = async {
        let calls = ["a", "b"].map(|body| read(&net, post(body)));
        let urgent = Exchange { counted: false, ..post("urgent") };
        let (calls, urgent) = join!(futures::future::join_all(calls), read(&net, urgent));
        assert!(calls.iter().all(Result::is_ok));
        assert_eq!(urgent.unwrap(), "u");
    };
    let server = async {
        let (mut a, mut b) = (server.accept().await, server.accept().await);
        let mut c = server.accept().await;
        assert!(c.answer("u").await.ends_with("urgent"));
        a.answer("x").await;
        b.answer("x").await;
    };
    join!(client, server);
}

/// A permit is held as long as the body runs, and comes back when it is dropped.
#[tokio::test]
async fn a_permit_is_held_until_the_body_ends_or_is_dropped() {
    let config = settings(|c| c.net.connections = 1);
    let (net, mut server) = scripted(&config);
    let client = async {
        let answer = net.send(post("a")).await.unwrap();
        let mut next = std::pin::pin!(read(&net, post("b")));
        tokio::select! {
            biased;
            _ = &mut next => panic!("the first body still runs"),
            () = tokio::task::yield_now() => {}
        }
        drop(answer);
        assert_eq!(next.await.unwrap(), "done");
    };
    let server = async {
        let mut first = server.accept().await;
        first.request().await;
        first.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        first.closed().await;
        server.accept().await.answer("done").await;
    };
    join!(client, server);
}
