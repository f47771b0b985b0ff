//! Browsers, other clients and malformed requests at the loopback listener.

use mcp_http::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::client::callback::Expected;

fn request(uri: &str) -> AuthorizationRequest {
    AuthorizationRequest {
        url: Secret::from("https://as.example/authorize"),
        expected: Expected { state: Secret::from("right"), issuer: None, iss_advertised: false },
        endpoint: String::new(),
        scopes: Vec::new(),
        redirect_uri: uri.to_owned(),
    }
}

async fn browse(uri: &str, line: &str, host: &str) -> String {
    let authority = uri.trim_start_matches("http://").split('/').next().unwrap();
    let mut stream = TcpStream::connect(authority).await.unwrap();
    let sent = format!("{line} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    stream.write_all(sent.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

// AU-C-60, AU-C-61.
#[tokio::test]
async fn only_the_answer_ends_the_wait() {
    let (uri, loopback) = Loopback::bind(&Redirect::default(), None).await.unwrap();
    let loopback = loopback.unwrap();
    let login = request(&uri);
    let waiting = tokio::spawn(async move { loopback.redirected(&login).await });
    for (line, host, status) in [
        ("GET /other?state=right", "127.0.0.1", "404"),
        ("POST /callback?state=right", "127.0.0.1", "405"),
        ("GET /callback?state=right&code=c", "evil.example", "404"),
        ("GET /callback?state=<script>&code=c", "127.0.0.1:1", "400"),
        ("GET /callback", "localhost", "400"),
    ] {
        let answer = browse(&uri, line, host).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{line}: {answer}");
        assert!(!answer.contains("<script>"), "{answer}");
    }
    assert!(!waiting.is_finished());
    let answer = browse(&uri, "GET /callback?code=c&state=right", "localhost").await.to_lowercase();
    for wanted in ["http/1.1 200", "default-src 'none'", "no-referrer", "no-store"] {
        assert!(answer.contains(wanted), "{wanted} is not in {answer}");
    }
    assert_eq!(waiting.await.unwrap().unwrap(), "code=c&state=right");
}

#[tokio::test]
async fn wrong_answers_are_counted() {
    let (uri, loopback) = Loopback::bind(&Redirect::default(), None).await.unwrap();
    let (loopback, login) = (loopback.unwrap(), request(&uri));
    let waiting = tokio::spawn(async move { loopback.redirected(&login).await });
    for _ in 0..MOST_WRONG {
        browse(&uri, "GET /callback?state=wrong", "localhost").await;
    }
    assert!(waiting.await.unwrap().unwrap_err().to_string().contains("too many answers"));
}

// AU-C-60: the registered port first, another one if it is taken.
#[tokio::test]
async fn ports_of_earlier_registrations() {
    // Reserved, so that no other process takes the port while nothing listens on it.
    let reserved = tokio::net::TcpSocket::new_v4().unwrap();
    reserved.set_reuseaddr(true).unwrap();
    reserved.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let first = format!("http://{}/callback", reserved.local_addr().unwrap());
    let (uri, held) = Loopback::bind(&Redirect::default(), Some(&first)).await.unwrap();
    assert_eq!(uri, first);
    let (second, other) = Loopback::bind(&Redirect::default(), Some(&first)).await.unwrap();
    assert_ne!(first, second, "the port is taken");
    drop((held, other));
    let (again, _held) = Loopback::bind(&Redirect::default(), Some(&first)).await.unwrap();
    assert_eq!(again, first);
    let fixed = Redirect::url("https://app.example/cb");
    assert_eq!(Loopback::bind(&fixed, None).await.unwrap().0, "https://app.example/cb");
    assert!(Loopback::bind(&Redirect::url("http://app.example/cb"), None).await.is_err());
}
