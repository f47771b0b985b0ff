//! Real sockets: what failed when no connection comes about (FAULT C-23), both families, Unix sockets, proxies.

use hyper::header::HeaderValue;
use tokio::join;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::*;
use crate::error::ConnectFailure;
use crate::net::{HttpVersions, Proxy};

fn direct() -> Settings {
    settings(|c| c.net.proxy = Proxy::None)
}

fn new(url: &str, config: &Settings) -> Result<Net, HttpError> {
    Net::new(&url.parse::<Uri>().unwrap(), &config.net, &config.credentials)
}

fn at(url: &str, config: &Settings) -> Net {
    new(url, config).unwrap()
}

fn failure(error: &HttpError) -> ConnectFailure {
    match error {
        HttpError::Connect { kind, .. } => *kind,
        other => panic!("{other}"),
    }
}

async fn accept(listener: &TcpListener) -> Peer<TcpStream> {
    Peer::new(listener.accept().await.unwrap().0)
}

/// A closed port of loopback, reserved as long as the socket lives.
fn closed_port() -> (TcpSocket, u16) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

/// FAULT C-23: the port is closed.
#[tokio::test]
async fn a_refused_connection_is_named() {
    let (_socket, port) = closed_port();
    let error = read(&at(&format!("http://127.0.0.1:{port}/"), &direct()), post("a")).await.unwrap_err();
    assert_eq!(failure(&error), ConnectFailure::Refused);
    assert!(error.is_retryable() && error.is_connect() && !error.was_sent());
    assert!(error.to_string().contains(&format!("127.0.0.1:{port}")), "{error}");
}

/// FAULT C-23: no such name. A label of 64 letters is none, which needs no name server to say.
#[tokio::test]
async fn a_name_without_an_address_is_named() {
    let host = format!("{}.invalid", "x".repeat(64));
    let error = read(&at(&format!("http://{host}/"), &direct()), post("a")).await.unwrap_err();
    assert_eq!(failure(&error), ConnectFailure::Name);
    assert!(error.to_string().contains(&format!("{host}:80")), "{error}");
}

/// A server on one family only is found under a name that has both: the other family fails first.
#[tokio::test]
async fn localhost_is_tried_in_both_families() {
    let mut tried = 0;
    for bind in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(listener) = TcpListener::bind(bind).await else { continue };
        // Some machines know the name in one family only.
        let address = listener.local_addr().unwrap();
        let mut known = tokio::net::lookup_host(("localhost", address.port())).await.unwrap();
        if !known.any(|found| found == address) {
            continue;
        }
        let net = at(&format!("http://localhost:{}/", listener.local_addr().unwrap().port()), &direct());
        let server = async {
            let mut peer = accept(&listener).await;
            peer.answer("found").await;
            peer
        };
        assert_eq!(join!(read(&net, post("a")), server).0.unwrap(), "found");
        tried += 1;
    }
    assert!(tried > 0, "this machine knows localhost in neither family");
}

/// A policy for public addresses holds for literals and for names.
#[tokio::test]
async fn a_forbidden_address_is_not_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut config = direct();
    config.net.addresses = crate::net::AddressPolicy::Public;
    for host in ["127.0.0.1", "localhost"] {
        let error = read(&at(&format!("http://{host}:{port}/"), &config), post("a")).await.unwrap_err();
        assert_eq!(failure(&error), ConnectFailure::ForbiddenAddress);
        assert!(!error.is_retryable() && !error.was_sent());
    }
    assert!(futures::FutureExt::now_or_never(listener.accept()).is_none());
}

/// Addresses of the two families take turns, the resolver's first choice first.
#[test]
fn families_take_turns() {
    let parse =
        |list: &[&str]| list.iter().map(|a| a.parse().unwrap()).collect::<Vec<std::net::SocketAddr>>();
    let found = parse(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"]);
    let order = parse(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"]);
    assert_eq!(super::super::dial::interleave(found), order);
}

/// A name with very many addresses of one family is still tried in the other.
#[test]
fn many_addresses_of_one_family_do_not_hide_the_other() {
    let mut found: Vec<std::net::SocketAddr> =
        (1..40).map(|n| format!("[2001:db8::{n}]:1").parse().unwrap()).collect();
    found.push("1.1.1.1:1".parse().unwrap());
    let order = super::super::dial::interleave(found);
    assert_eq!((order.len(), order[1].is_ipv4()), (16, true));
}

/// HTTP over a Unix socket needs no port, and credentials may go over it.
#[cfg(unix)]
#[tokio::test]
async fn http_runs_over_a_unix_socket() {
    let path = std::env::temp_dir().join(format!("mcp-http-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let config = settings(|c| c.credentials.bearer = Some("token".into()));
    let dial = super::super::UnixDial::new(path.clone());
    let net = over(&ENDPOINT.parse::<Uri>().unwrap(), &config, dial);
    let server = async {
        let mut peer = Peer::new(listener.accept().await.unwrap().0);
        assert!(peer.answer("unix").await.contains("authorization: Bearer token"));
        peer
    };
    assert_eq!(join!(read(&net, post("a")), server).0.unwrap(), "unix");
    std::fs::remove_file(&path).unwrap();
    drop(listener);
    let dial = super::super::UnixDial::new(path.clone());
    let fresh = over(&ENDPOINT.parse::<Uri>().unwrap(), &config, dial);
    let error = read(&fresh, post("a")).await.unwrap_err();
    assert_eq!(failure(&error), ConnectFailure::Refused);
}

fn proxied(listener: &TcpListener, user: &str) -> Settings {
    let address = listener.local_addr().unwrap();
    settings(|c| c.net.proxy = Proxy::Url(format!("http://{user}{address}")))
}

/// For `http` the proxy gets the whole URL, and its credentials, which are not ours.
#[tokio::test]
async fn a_proxy_forwards_plain_requests() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = proxied(&listener, "me:pa%3Ass@");
    config.credentials.allow_plain = true;
    config.credentials.headers.push((hyper::header::AUTHORIZATION, HeaderValue::from_static("Basic ours")));
    let net = at("http://server.test/mcp?x=1#part", &config);
    let proxy = async {
        let mut peer = accept(&listener).await;
        for _ in 0..2 {
            let request = peer.answer("forwarded").await;
            assert!(request.starts_with("POST http://server.test/mcp?x=1 HTTP/1.1\r\n"), "{request}");
            assert!(request.contains("\r\nhost: server.test\r\n"), "{request}");
            assert!(request.contains("\r\nproxy-authorization: Basic bWU6cGE6c3M=\r\n"), "{request}");
            assert!(request.contains("\r\nauthorization: Basic ours\r\n"), "{request}");
        }
        peer
    };
    let client = async {
        assert_eq!(read(&net, post("a")).await.unwrap(), "forwarded");
        assert_eq!(read(&net, post("b")).await.unwrap(), "forwarded");
    };
    join!(client, proxy);
}

/// What needs a tunnel asks for it by CONNECT, exactly like this; only then it speaks to the server.
#[tokio::test]
async fn a_tunnel_is_opened_by_connect() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = proxied(&listener, "me:secret@");
    config.net.versions = HttpVersions::Http2;
    let net = at("http://server.test:8080/mcp", &config);
    let proxy = async {
        let mut peer = accept(&listener).await;
        let request = peer.request().await;
        assert_eq!(
            request,
            "CONNECT server.test:8080 HTTP/1.1\r\nHost: server.test:8080\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n\r\n"
        );
        peer.say("HTTP/1.1 200 Connection established\r\nvia: test\r\n\r\n").await;
        let mut preface = [0; 24];
        peer.io.read_exact(&mut preface).await.unwrap();
        assert_eq!(&preface, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    };
    let (result, ()) = join!(read(&net, post("a")), proxy);
    assert!(result.is_err());
}

/// A proxy that refuses the tunnel, says nonsense or hangs up is named; its credentials are not.
#[tokio::test]
async fn a_refused_tunnel_is_named() {
    for (said, expected) in [
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "407"),
        ("HTTP/1.0 502 Bad Gateway\r\n\r\n", "502"),
        ("HTTP/1.1 200 OK\r\n\r\nsurplus", "before the tunnel"),
        ("SSH-2.0-OpenSSH_9.6\r\n\r\n", "does not speak HTTP"),
        ("HTTP/1.1 2000 OK\r\n\r\n", "does not speak HTTP"),
        ("HTTP/1.1 200 OK\r\n", "closed the connection"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut config = proxied(&listener, "me:secret@");
        config.net.versions = HttpVersions::Http2;
        let net = at("http://server.test/mcp", &config);
        let proxy = async {
            let mut peer = accept(&listener).await;
            peer.request().await;
            peer.say(said).await;
        };
        let error = join!(read(&net, post("a")), proxy).0.unwrap_err();
        assert_eq!(failure(&error), ConnectFailure::Proxy, "{error}");
        assert!(mcp_core::transport::ErrorChain::new(&error).to_string().contains(expected), "{error}");
        assert!(!format!("{error} {error:?}").contains("secret"));
        assert_eq!(net.open_connections(), 0);
    }
}

/// A proxy that is not there is named as such.
#[tokio::test]
async fn a_proxy_that_is_down_is_named() {
    let (_socket, port) = closed_port();
    let config = settings(|c| c.net.proxy = Proxy::Url(format!("http://me:secret@127.0.0.1:{port}")));
    let error = read(&at("http://server.test/", &config), post("a")).await.unwrap_err();
    assert_eq!(failure(&error), ConnectFailure::Proxy);
    assert!(error.to_string().contains("the proxy 127.0.0.1"), "{error}");
    assert!(!format!("{error} {error:?}").contains("secret"));
}

/// Proxies that are not spoken to are an error before anything is sent, not a silent direct connection.
#[test]
fn other_kinds_of_proxies_are_refused() {
    for (url, expected) in [
        ("socks5://me:secret@127.0.0.1:1", "SOCKS"),
        ("https://me:secret@127.0.0.1:1", "https"),
        ("ftp://me:secret@127.0.0.1:1", "not the URL of a proxy"),
        ("", "not the URL of a proxy"),
    ] {
        let config = settings(|c| c.net.proxy = Proxy::Url(url.to_owned()));
        let error = new("http://server.test/", &config).err().unwrap();
        assert!(mcp_core::transport::ErrorChain::new(&error).to_string().contains(expected), "{error}");
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
}

/// Other schemes and URLs without a host are refused before anything is sent.
#[test]
fn other_schemes_are_refused() {
    for url in ["ws://server.test/", "ftp://server.test/", "server.test", "/mcp", "server.test:80"] {
        let error = new(url, &Settings::default()).err().unwrap();
        assert!(matches!(error, HttpError::Url { .. }), "{error}");
    }
}

/// The environment names a proxy for all hosts but loopback. A child process has a separate environment.
#[tokio::test]
async fn the_environment_names_a_proxy_but_never_for_loopback() {
    const CHILD: &str = "MCP_HTTP_TEST_CHILD";
    const NAME: &str = "the_environment_names_a_proxy_but_never_for_loopback";
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serve = async {
        let mut peer = accept(&listener).await;
        let request = peer.answer("served").await;
        (request, peer)
    };
    if std::env::var_os(CHILD).is_some() {
        let config = Settings::default();
        assert_eq!(read(&at("http://server.test/mcp", &config), post("a")).await.unwrap(), "served");
        let near = at(&format!("http://{address}/near"), &config);
        let (result, (request, _peer)) = join!(read(&near, post("a")), serve);
        assert_eq!(result.unwrap(), "served");
        assert!(request.starts_with("POST /near HTTP/1.1\r\n"), "{request}");
        return;
    }
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args([NAME, "--nocapture"]).env(CHILD, "1").env("HTTP_PROXY", format!("http://{address}"));
    for other in ["NO_PROXY", "no_proxy", "http_proxy", "ALL_PROXY", "all_proxy", "REQUEST_METHOD"] {
        child.env_remove(other);
    }
    child.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let child = tokio::task::spawn_blocking(move || child.status().unwrap());
    let ((request, _peer), status) = join!(serve, child);
    assert!(request.starts_with("POST http://server.test/mcp HTTP/1.1\r\n"), "{request}");
    assert!(status.unwrap().success());
}
