//! Which redirects are followed (FAULT A-B20, FAULT C-30, and the redirect row of FAULTS B: a redirect to another
//! origin carried secrets along).

use hyper::header::{HeaderName, HeaderValue};
use tokio::join;

use super::*;

fn moved(status: u16, location: &str) -> String {
    format!("HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 4\r\n\r\ngone")
}

fn keyed() -> Settings {
    let mut config = settings(|c| c.credentials.bearer = Some("token".into()));
    config.credentials.headers.push((HeaderName::from_static("x-api-key"), HeaderValue::from_static("key")));
    config
}

/// Method, body, headers and connection stay; the target may be relative.
#[tokio::test]
async fn a_307_and_a_308_within_the_origin_are_followed() {
    for (status, location, path) in [
        (307, "/mcp/", "/mcp/"),
        (308, "http://server.test:80/other?x=1#part", "/other?x=1"),
        (308, "deeper", "/deeper"),
        (307, "?key=2", "/mcp?key=2"),
    ] {
        let (net, mut server) = scripted(&keyed());
        let client = async { assert_eq!(read(&net, post("payload")).await.unwrap(), "found") };
        let server = async {
            let mut peer = server.accept().await;
            let first = peer.request().await;
            peer.say(&moved(status, location)).await;
            let second = peer.answer("found").await;
            assert!(second.starts_with(&format!("POST {path} HTTP/1.1\r\n")), "{second}");
            assert_eq!(first.split_once("\r\n").unwrap().1, second.split_once("\r\n").unwrap().1);
            peer
        };
        join!(client, server);
    }
}

/// The next request starts at the endpoint again.
#[tokio::test]
async fn a_redirect_is_followed_for_its_own_exchange_only() {
    let (net, mut server) = scripted(&Settings::default());
    let client = async {
        read(&net, post("a")).await.unwrap();
        read(&net, post("b")).await.unwrap();
    };
    let server = async {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.say(&moved(308, "/there")).await;
        peer.answer("found").await;
        assert!(peer.answer("found").await.starts_with("POST /mcp?key=1 "));
        peer
    };
    join!(client, server);
}

/// 301, 302 and 303 would turn a POST into a GET; another scheme, host or port would get our headers.
#[tokio::test]
async fn any_other_redirect_is_an_error_and_sends_nothing_on() {
    for (status, location, shown) in [
        (301, "/mcp/", "http://server.test/mcp/"),
        (302, "/login?state=secret", "http://server.test/login"),
        (303, "/mcp/", "http://server.test/mcp/"),
        (307, "https://server.test/mcp", "https://server.test/mcp"),
        (307, "http://server.test:8080/mcp", "http://server.test:8080/mcp"),
        (308, "http://evil.test/mcp?token=secret", "http://evil.test/mcp"),
        (308, "//evil.test/", "http://evil.test/"),
        (308, "http://user:secret@server.test/mcp", "http://server.test/mcp"),
        (307, "file:///etc/passwd", "file:///etc/passwd"),
        (307, "data:secret", "data:"),
        (307, "http://[", "nowhere"),
    ] {
        let (net, mut server) = scripted(&keyed());
        let client = async {
            let error = read(&net, post("payload")).await.unwrap_err();
            assert_eq!(error.status().map(|s| s.as_u16()), Some(status));
            let HttpError::Redirect { to, .. } = &error else { panic!("{error}") };
            assert_eq!(to, shown);
            assert!(!format!("{error} {error:?}").contains("secret"));
        };
        let played = async {
            let mut peer = server.accept().await;
            peer.request().await;
            peer.say(&moved(status, location)).await;
        };
        join!(client, played);
        assert!(!server.was_dialled());
    }
}

/// Without a target there is nothing to follow.
#[tokio::test]
async fn a_redirect_to_nowhere_is_an_error() {
    let (net, mut server) = scripted(&Settings::default());
    let client = async {
        let error = read(&net, post("a")).await.unwrap_err();
        assert!(matches!(&error, HttpError::Redirect { to, .. } if to == "nowhere"), "{error}");
    };
    let server = async {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.say("HTTP/1.1 308 Moved\r\ncontent-length: 0\r\n\r\n").await;
    };
    join!(client, server);
}

/// A loop ends after three.
#[tokio::test]
async fn at_most_three_redirects_are_followed_in_a_row() {
    let (net, mut server) = scripted(&Settings::default());
    let client = async {
        let error = read(&net, post("a")).await.unwrap_err();
        assert!(matches!(error, HttpError::Redirect { .. }), "{error}");
    };
    let server = async {
        let mut peer = server.accept().await;
        for _ in 0..4 {
            peer.request().await;
            peer.say(&moved(307, "/mcp?key=1")).await;
        }
        peer.closed().await;
    };
    join!(client, server);
}

/// An exchange names another URL of the origin, and no other origin's: T-32, an `endpoint` event may point elsewhere.
#[tokio::test]
async fn an_exchange_stays_within_the_origin() {
    let (net, mut server) = scripted(&keyed());
    let to = |url: &str| Exchange { url: Some(Arc::new(url.parse::<Uri>().unwrap())), ..post("a") };
    let client = async {
        read(&net, to("http://server.test/messages?session=1")).await.unwrap();
        for elsewhere in ["http://evil.test/mcp", "https://server.test/mcp", "http://u:secret@server.test/"] {
            let error = read(&net, to(elsewhere)).await.unwrap_err();
            assert!(matches!(error, HttpError::Url { .. }), "{error}");
            assert!(!error.to_string().contains("secret"));
        }
    };
    let played = async {
        let mut peer = server.accept().await;
        let request = peer.answer("ok").await;
        assert!(request.starts_with("POST /messages?session=1 "), "{request}");
        peer
    };
    join!(client, played);
    assert!(!server.was_dialled());
}
