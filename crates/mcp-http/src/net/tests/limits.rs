//! What is read at most (FAULT A-B33, FAULT C-45, and the row of unbounded memory in FAULTS B).

use tokio::join;

use super::*;

/// One exchange against a server that says this and closes.
async fn against(said: String, config: &Settings, limit: usize) -> Result<Bytes, HttpError> {
    let (net, mut server) = scripted(config);
    let client = async {
        let result = match net.send(post("a")).await {
            Ok(mut answer) => answer.body.collect("body", limit).await,
            Err(error) => Err(error),
        };
        (result, net.open_connections())
    };
    let server = async {
        let mut peer = server.accept().await;
        peer.request().await;
        let _ = peer.io.write_all(said.as_bytes()).await;
        let _ = peer.io.read_to_end(&mut Vec::new()).await;
    };
    let (result, server) = (client, server);
    let ((result, open), ()) = tokio::select! {
        both = async { join!(result, async {}) } => both,
        () = async { server.await; std::future::pending::<()>().await } => unreachable!(),
    };
    if result.is_err() {
        assert_eq!(open, 0, "the connection of a failed exchange is closed");
    }
    result
}

fn is_limit(result: Result<Bytes, HttpError>, name: &str, value: usize) -> bool {
    matches!(result, Err(HttpError::TooLarge { limit_name, limit }) if limit_name == name && limit == value)
}

/// The announced length is enough to refuse: not a byte of the body is waited for.
#[tokio::test]
async fn an_announced_length_beyond_the_limit_is_refused_at_once() {
    let said = "HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n".to_owned();
    assert!(is_limit(against(said, &Settings::default(), 1000).await, "body", 1000));
}

/// FAULT A-B33: a body without an end, and without a length, is counted.
#[tokio::test]
async fn a_body_without_an_end_is_cut_off_at_the_limit() {
    let chunk = format!("{:x}\r\n{}\r\n", 600, "x".repeat(600));
    let said = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}", chunk.repeat(3));
    assert!(is_limit(against(said, &Settings::default(), 1000).await, "body", 1000));
    let said = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(3000));
    assert!(is_limit(against(said, &Settings::default(), 1000).await, "body", 1000));
}

/// A body exactly at the limit is read, in one piece and in many.
#[tokio::test]
async fn a_body_at_the_limit_is_read() {
    let config = Settings::default();
    assert_eq!(against(ok(&"x".repeat(1000)), &config, 1000).await.unwrap().len(), 1000);
    let chunk = format!("{:x}\r\n{}\r\n", 500, "x".repeat(500));
    let said = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}0\r\n\r\n", chunk.repeat(2));
    assert_eq!(against(said, &config, 1000).await.unwrap().len(), 1000);
}

/// FAULT C-45: headers that are too long name their limit; so do too many.
#[tokio::test]
async fn headers_beyond_the_limit_are_refused() {
    let mut config = Settings::default();
    config.net.response_headers = 2000;
    let said = format!("HTTP/1.1 200 OK\r\nx-long: {}\r\ncontent-length: 0\r\n\r\n", "x".repeat(2000));
    assert!(is_limit(against(said.clone(), &config, 1000).await, "response headers", 2000));
    assert!(against(said, &Settings::default(), 1000).await.is_ok());
    let endless = format!("HTTP/1.1 200 OK\r\nx-long: {}", "x".repeat(60_000));
    assert!(is_limit(against(endless, &config, 1000).await, "response headers", 2000));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(101));
    let result = against(many, &Settings::default(), 1000).await;
    assert!(matches!(result, Err(HttpError::TooLarge { .. })), "{result:?}");
}

/// Nothing is decompressed, so there is no bomb; the error names the encoding.
#[tokio::test]
async fn an_encoded_body_is_refused_by_name() {
    for encoding in ["gzip", "BR", "gzip, identity"] {
        let said = format!("HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ncontent-length: 3\r\n\r\nabc");
        let error = against(said, &Settings::default(), 1000).await.unwrap_err();
        assert!(matches!(error, HttpError::Encoded { .. }));
        assert!(error.to_string().contains(&encoding.to_ascii_lowercase()), "{error}");
    }
    let said = "HTTP/1.1 200 OK\r\ncontent-encoding: identity\r\ncontent-length: 3\r\n\r\nabc".to_owned();
    assert_eq!(against(said, &Settings::default(), 1000).await.unwrap(), "abc");
}

/// The body of an error is shortened, and shown without control characters.
#[tokio::test]
async fn an_error_body_is_clipped_and_printable() {
    let (net, mut server) = scripted(&Settings::default());
    let client = async {
        let refused = net.send(post("a")).await.unwrap().refused(12).await;
        assert_eq!(refused.body, "bad [31mre");
        assert_eq!(refused.status, 429);
        assert_eq!(refused.retry_after.map(|wait| wait.as_secs()), Some(7));
        assert_eq!(refused.challenge.as_deref(), Some("Basic, Bearer"));
        let refused = net.send(post("a")).await.unwrap().refused(12).await;
        assert_eq!(refused.body, "(a body encoded as gzip)");
    };
    let server = async {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.say("HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\nwww-authenticate: Basic\r\n").await;
        peer.say("www-authenticate: Bearer\r\ncontent-length: 99\r\n\r\nbad\0 \x1b[31mred text and more")
            .await;
        let mut peer = server.accept().await;
        peer.request().await;
        peer.say("HTTP/1.1 502 Bad Gateway\r\ncontent-encoding: gzip\r\ncontent-length: 9\r\n\r\n").await;
        peer.closed().await;
    };
    join!(client, server);
}

/// The error's body is waited for only shortly: it makes the error more telling, no more.
#[tokio::test(start_paused = true)]
async fn an_error_body_that_never_ends_is_not_waited_for() {
    let (net, mut server) = scripted(&Settings::default());
    let client = async {
        let started = tokio::time::Instant::now();
        let refused = net.send(post("a")).await.unwrap().refused(100).await;
        assert_eq!(refused.body, "part");
        assert!(started.elapsed().as_secs() < 5);
    };
    let server = async {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.say("HTTP/1.1 500 Oops\r\ncontent-length: 99\r\n\r\npart").await;
        peer.closed().await;
    };
    join!(client, server);
}
