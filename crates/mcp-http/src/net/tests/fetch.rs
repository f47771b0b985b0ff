//! Single requests to any origin: what is refused, what is bounded, and what goes out.

use std::time::Duration;

use hyper::{Request, Response, StatusCode};
use tokio::join;
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::error::ConnectFailure;
use crate::net::{AddressClass, AddressPolicy, Fetch, FetchLimits, NetConfig, Proxy};

fn fetch(addresses: AddressPolicy) -> Fetch {
    Fetch::new(&NetConfig { proxy: Proxy::None, ..NetConfig::default() }, addresses)
}

fn get(url: &str) -> Request<Bytes> {
    Request::get(url).body(Bytes::new()).unwrap()
}

struct Site(TcpListener);

impl Site {
    async fn new() -> Site {
        Site(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.0.local_addr().unwrap().port())
    }

    async fn accept(&self) -> Peer<TcpStream> {
        Peer::new(self.0.accept().await.unwrap().0)
    }

    fn was_dialled(&self) -> bool {
        futures::FutureExt::now_or_never(self.0.accept()).is_some()
    }

    /// One request over a new connection.
    async fn serve(&self, answer: impl AsRef<str>) -> (String, Peer<TcpStream>) {
        let mut peer = self.accept().await;
        let request = peer.request().await;
        peer.say(answer.as_ref()).await;
        (request, peer)
    }
}

fn text(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

/// One `Fetch` serves all origins, and every status is a response, a redirect too.
#[tokio::test]
async fn any_origin_and_any_status() {
    let fetch = fetch(AddressPolicy::Any);
    let (one, two) = (Site::new().await, Site::new().await);
    let rows = [(&one, "200 OK"), (&two, "404 Not Found"), (&one, "307 Moved\r\nlocation: /there")];
    for (site, status) in rows {
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi");
        let url = site.url("/a?b=c");
        let (response, (request, _peer)) = join!(fetch.fetch(get(&url)), site.serve(answer));
        let response = response.unwrap();
        assert!(status.starts_with(response.status().as_str()));
        assert_eq!(text(&response), "hi");
        assert!(request.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{request}");
        assert!(!request.contains("cookie"), "{request}");
    }
}

// AU-C-71: the policy holds after name lookup, for literals in any spelling, and connects to nothing.
#[tokio::test]
async fn forbidden_addresses_are_not_connected_to() {
    let site = Site::new().await;
    let port = site.0.local_addr().unwrap().port();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"] {
        let error =
            fetch(AddressPolicy::Public).fetch(get(&format!("http://{host}:{port}/"))).await.unwrap_err();
        let forbidden = matches!(error, HttpError::Connect { kind: ConnectFailure::ForbiddenAddress, .. });
        assert!(forbidden, "{host}: {error}");
        let private = AddressPolicy::PublicAnd(AddressClass::Private);
        assert!(fetch(private).fetch(get(&format!("http://{host}:{port}/"))).await.is_err());
    }
    assert!(!site.was_dialled());
    let loopback =
        fetch(AddressPolicy::Public).with_addresses(AddressPolicy::PublicAnd(AddressClass::Loopback));
    let url = site.url("/");
    let (response, _peer) = join!(loopback.fetch(get(&url)), site.serve(ok("hi")));
    assert_eq!(response.unwrap().status(), StatusCode::OK);
    for name in ["metadata.google.internal", "Metadata.Google.Internal."] {
        let error = loopback.fetch(get(&format!("https://{name}/"))).await.unwrap_err();
        assert!(error.to_string().contains("metadata.google.internal"), "{error}");
    }
}

// AU-C-70: what cannot be used is refused before anything is sent.
#[tokio::test]
async fn unsafe_requests_are_refused() {
    let fetch = fetch(AddressPolicy::Any);
    for url in
        ["http://192.0.2.1/", "http://server.test/", "ftp://localhost/", "http://user:pw@localhost/", "/path"]
    {
        let error = fetch.fetch(get(url)).await.unwrap_err();
        assert!(matches!(error, HttpError::Url { .. }), "{url}: {error}");
        assert!(!error.to_string().contains("pw"), "{error}");
    }
    for name in ["host", "content-length", "transfer-encoding", "mcp-session-id"] {
        let request = Request::get("http://localhost/").header(name, "x").body(Bytes::new()).unwrap();
        let error = fetch.fetch(request).await.unwrap_err();
        assert!(matches!(error, HttpError::Setting { .. }), "{name}: {error}");
    }
}

// AU-C-73: body and time are bounded.
#[tokio::test(start_paused = true)]
async fn body_and_time_are_bounded() {
    let site = Site::new().await;
    let small = fetch(AddressPolicy::Any).with_limits(FetchLimits::new(4, Duration::from_secs(7)));
    let url = site.url("/");
    let (response, _peer) = join!(small.fetch(get(&url)), site.serve(ok("12345")));
    assert!(matches!(response, Err(HttpError::TooLarge { limit: 4, .. })), "{response:?}");
    // The body never ends.
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let (response, _peer) = join!(small.fetch(get(&url)), site.serve(head));
    assert!(
        matches!(response, Err(HttpError::TimedOut { limit, .. }) if limit.as_secs() == 7),
        "{response:?}"
    );
}

/// A request that must not arrive twice never uses a connection that the server may be closing.
#[tokio::test]
async fn unsafe_methods_use_new_connections() {
    let site = Site::new().await;
    let fetch = fetch(AddressPolicy::Any);
    let url = site.url("/token");
    let form = || {
        let request = Request::post(&url).header("content-type", "application/x-www-form-urlencoded");
        let request = request.header("accept", "application/json").header("authorization", "Basic eA==");
        request.body(Bytes::from_static(b"a=b")).unwrap()
    };
    let mut peers = Vec::new();
    for _ in 0..2 {
        let (response, (request, peer)) = join!(fetch.fetch(form()), site.serve(ok("{}")));
        assert_eq!(text(&response.unwrap()), "{}");
        assert!(
            request.contains("authorization: Basic eA==\r\n") && request.ends_with("\r\n\r\na=b"),
            "{request}"
        );
        peers.push(peer);
    }
    let fetch = fetch.repeatable(true);
    let (response, (_, mut peer)) = join!(fetch.fetch(form()), site.serve(ok("1")));
    assert_eq!(text(&response.unwrap()), "1");
    let (response, _) = join!(fetch.fetch(form()), peer.answer("2"));
    assert_eq!(text(&response.unwrap()), "2");
}
