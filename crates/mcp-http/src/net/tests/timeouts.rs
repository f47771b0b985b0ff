//! Each limit in time, under a paused clock (FAULT A-B18: connect, first byte, idle and total are four things).

use std::time::Duration;

use tokio::join;
use tokio::time::{Instant, sleep};

use super::*;
use crate::TimeoutStep;
use crate::net::NetTimeouts;

const SECOND: Duration = Duration::from_secs(1);

fn with(change: impl FnOnce(&mut NetTimeouts)) -> Settings {
    let mut config = Settings::default();
    config.net.timeouts =
        NetTimeouts { connect: None, first_byte: None, idle: None, total: None, ..config.net.timeouts };
    change(&mut config.net.timeouts);
    config
}

fn is_timeout(error: &HttpError, expected: TimeoutStep, after: Duration) -> bool {
    matches!(error, HttpError::TimedOut { step, limit, .. } if *step == expected && *limit == after)
}

struct Never;

#[async_trait]
impl Dial for Never {
    async fn dial(&self) -> io::Result<Box<dyn Io>> {
        std::future::pending().await
    }
}

/// FAULT C-23: a connection that never comes is given up, and nothing was sent.
#[tokio::test(start_paused = true)]
async fn connecting_is_bounded() {
    let url = ENDPOINT.parse::<Uri>().unwrap();
    let net = over(&url, &with(|t| t.connect = Some(3 * SECOND)), Never);
    let started = Instant::now();
    let error = read(&net, post("a")).await.unwrap_err();
    assert!(is_timeout(&error, TimeoutStep::Connect, 3 * SECOND), "{error}");
    assert!(error.is_connect() && error.is_retryable() && !error.was_sent());
    assert_eq!(started.elapsed().as_secs(), 3);
}

/// The TLS handshake counts as connecting.
#[cfg(feature = "tls")]
#[tokio::test(start_paused = true)]
async fn a_silent_tls_peer_is_given_up_too() {
    let (dials, mut accepted) = mpsc::unbounded_channel();
    let url = "https://server.test/mcp".parse::<Uri>().unwrap();
    let config = settings(|c| {
        c.net = with(|t| t.connect = Some(3 * SECOND)).net;
        c.net.tls.insecure = true;
    });
    let net = over(&url, &config, Scripted(dials));
    let (result, peer) = join!(read(&net, post("a")), accepted.recv());
    assert!(is_timeout(&result.unwrap_err(), TimeoutStep::Connect, 3 * SECOND));
    drop(peer);
}

/// The head must come in time; after it, its limit is over.
#[tokio::test(start_paused = true)]
async fn the_first_byte_is_bounded_alone() {
    let (net, mut server) = scripted(&with(|t| t.first_byte = Some(2 * SECOND)));
    let client = async {
        assert_eq!(read(&net, post("a")).await.unwrap(), "slow body");
        let error = read(&net, post("b")).await.unwrap_err();
        assert!(is_timeout(&error, TimeoutStep::FirstByte, 2 * SECOND), "{error}");
        assert!(error.was_sent());
        assert_eq!(net.open_connections(), 0);
    };
    let server = async {
        let mut peer = server.accept().await;
        peer.request().await;
        sleep(SECOND).await;
        peer.say("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nslow ").await;
        sleep(20 * SECOND).await;
        peer.say("body").await;
        peer.request().await;
        peer.closed().await;
    };
    join!(client, server);
}

/// Silence in a body is bounded between two pieces, not over all of it (FAULT C-31).
#[tokio::test(start_paused = true)]
async fn silence_is_bounded_between_two_pieces() {
    let (net, mut server) = scripted(&with(|t| t.idle = Some(5 * SECOND)));
    let started = Instant::now();
    let client = async {
        let mut answer = net.send(post("a")).await.unwrap();
        for _ in 0..4 {
            assert_eq!(answer.body.chunk().await.unwrap().unwrap(), "x");
        }
        let error = answer.body.chunk().await.unwrap_err();
        assert!(is_timeout(&error, TimeoutStep::Idle, 5 * SECOND), "{error}");
        assert_eq!(started.elapsed().as_secs(), 16 + 5);
        assert_eq!(net.open_connections(), 0);
    };
    let server = async {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        for _ in 0..4 {
            sleep(4 * SECOND).await;
            peer.say("1\r\nx\r\n").await;
        }
        peer.closed().await;
    };
    join!(client, server);
}

/// A stream that owes no answer may be silent for hours.
#[tokio::test(start_paused = true)]
async fn a_stream_that_may_be_silent_is_not_bounded() {
    let (net, mut server) = scripted(&Settings::default());
    let client = async {
        let mut answer = net.send(Exchange { counted: false, ..post("a") }).await.unwrap();
        answer.body.may_be_silent();
        assert_eq!(answer.body.chunk().await.unwrap().unwrap(), "x");
    };
    let server = async {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        sleep(36_000 * SECOND).await;
        peer.say("1\r\nx\r\n").await;
        peer
    };
    join!(client, server);
}

/// The total bounds the exchange from asking to the last byte, however lively the body is.
#[tokio::test(start_paused = true)]
async fn the_whole_exchange_is_bounded() {
    let (net, mut server) = scripted(&with(|t| (t.total, t.idle) = (Some(10 * SECOND), Some(5 * SECOND))));
    let client = async {
        let started = Instant::now();
        let error = read(&net, post("a")).await.unwrap_err();
        assert!(is_timeout(&error, TimeoutStep::Total, 10 * SECOND), "{error}");
        assert_eq!(started.elapsed().as_secs(), 10);
        // One that stays open is not bounded by it.
        let started = Instant::now();
        let mut answer = net.send(Exchange { counted: false, ..post("a") }).await.unwrap();
        for _ in 0..5 {
            answer.body.chunk().await.unwrap().unwrap();
        }
        assert!(started.elapsed() > 12 * SECOND);
    };
    let server = async {
        for _ in 0..2 {
            let mut peer = server.accept().await;
            peer.request().await;
            peer.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
            for _ in 0..5 {
                sleep(3 * SECOND).await;
                let _ = peer.io.write_all(b"1\r\nx\r\n").await;
            }
        }
    };
    tokio::select! {
        () = client => {}
        () = async { server.await; std::future::pending::<()>().await } => {}
    }
}

/// Waiting for a permit is part of the whole.
#[tokio::test(start_paused = true)]
async fn the_total_covers_the_wait_for_a_permit() {
    let config = settings(|c| {
        c.net = with(|t| t.total = Some(4 * SECOND)).net;
        c.net.connections = 1;
    });
    let (net, mut server) = scripted(&config);
    let client = async {
        let _held = net.send(post("a")).await.unwrap();
        let started = Instant::now();
        assert!(is_timeout(&read(&net, post("b")).await.unwrap_err(), TimeoutStep::Total, 4 * SECOND));
        assert_eq!(started.elapsed().as_secs(), 4);
    };
    let server = async {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        peer.closed().await;
    };
    join!(client, server);
}
