//! Answers that two readers could read in two ways (the row of request smuggling in FAULTS B, client side).

use tokio::join;

use super::*;

/// What the first exchange gives; then a second one is made, which must not see what the first left behind.
async fn first_of(said: &str, same_connection: bool) -> Result<String, HttpError> {
    let (net, mut server) = scripted(&Settings::default());
    let client = async {
        let first = read(&net, post("a")).await;
        assert_eq!(read(&net, post("b")).await.unwrap(), "second");
        first
    };
    let played = async {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.say(said).await;
        let mut next = match same_connection {
            true => peer,
            false => {
                peer.closed().await;
                server.accept().await
            }
        };
        assert!(next.answer("second").await.ends_with("b"));
        next
    };
    join!(client, played).0
}

/// Chunks win over a length, and the connection is not used again.
#[tokio::test]
async fn a_length_beside_chunks_ends_the_connection() {
    let said =
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    assert_eq!(first_of(said, false).await.unwrap(), "hello");
}

/// Two lengths that differ, and lengths that are none, are errors.
#[tokio::test]
async fn contradictory_lengths_are_errors() {
    for lengths in [
        "content-length: 5\r\ncontent-length: 6",
        "content-length: 5, 6",
        "content-length: -5",
        "content-length: +5",
        "content-length: 0x5",
        "content-length: 99999999999999999999",
    ] {
        let said = format!("HTTP/1.1 200 OK\r\n{lengths}\r\n\r\nhello");
        let error = first_of(&said, false).await.unwrap_err();
        assert!(matches!(error, HttpError::NotHttp { .. }), "{lengths}: {error}");
    }
}

/// Headers that parsers disagree on are errors: folded lines, spaces before the colon, bare line feeds in values, zero
/// bytes.
#[tokio::test]
async fn malformed_headers_are_errors() {
    for header in ["x: a\r\n b", "content-length : 5", "x: a\0b", "x y: a", ": a"] {
        let said = format!("HTTP/1.1 200 OK\r\n{header}\r\ncontent-length: 5\r\n\r\nhello");
        let error = first_of(&said, false).await.unwrap_err();
        assert!(matches!(error, HttpError::NotHttp { .. }), "{header:?}: {error}");
    }
}

/// Broken chunks are errors, not ends.
#[tokio::test]
async fn malformed_chunks_are_errors() {
    for chunks in ["x\r\nhello\r\n", "5\r\nhelloworld\r\n", "-5\r\nhello\r\n", "fffffffffffffffff\r\n"] {
        let said = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}");
        let error = first_of(&said, false).await.unwrap_err();
        assert!(matches!(error, HttpError::Cut { .. }), "{chunks:?}: {error}");
    }
}

/// Bytes after the answer belong to no request: the connection is closed.
#[tokio::test]
async fn bytes_after_an_answer_end_the_connection() {
    let said = format!("{}HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong", ok("right"));
    assert_eq!(first_of(&said, false).await.unwrap(), "right");
}

/// `Connection: close`, HTTP/1.0 and a body that ends with the connection end it too.
#[tokio::test]
async fn a_connection_that_the_server_ends_is_not_used_again() {
    let said = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nright";
    assert_eq!(first_of(said, false).await.unwrap(), "right");
    let said = "HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nright";
    assert_eq!(first_of(said, false).await.unwrap(), "right");
}

/// Equal lengths, interim answers, trailers and chunk extensions are legal, and do no harm.
#[tokio::test]
async fn what_is_legal_is_read() {
    for said in [
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\nright",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nright",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5;ext=1\r\nright\r\n0\r\nx-trailer: 1\r\n\r\n",
    ] {
        assert_eq!(first_of(said, true).await.unwrap(), "right", "{said}");
    }
}

/// The error of a peer that does not speak HTTP says so.
#[tokio::test]
async fn another_protocol_is_named_as_such() {
    for said in [
        "SSH-2.0-OpenSSH_9.6\r\n",
        "{\"jsonrpc\":\"2.0\"}\r\n\r\n",
        "HTTP/9.9 200 OK\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\n\r\n",
    ] {
        let error = first_of(said, false).await.unwrap_err();
        assert!(matches!(error, HttpError::NotHttp { .. }), "{said:?}: {error}");
        assert!(!error.is_retryable() && error.was_sent());
    }
}
