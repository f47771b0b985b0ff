//! Addresses, sockets and TLS: where a server listens, and how it is mounted elsewhere.

use std::io::ErrorKind;
use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::service::Service;
use hyper::{Request, StatusCode, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use mcp_core::server::{HandlerError, Router, Server, ToolDef};
use mcp_http::HttpServer;
use mcp_http::server::{HttpRequest, Listener, Peer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::server_kit::{Running, body, call, soon};
use super::server_modern::server;

fn http_server() -> HttpServer {
    HttpServer::new(server())
}

/// A server with a tool that tells the peer.
fn peer_server() -> HttpServer {
    let router = Router::new().tool(ToolDef::new("peer"), |_, context| async move {
        let request = context.envelope().get::<HttpRequest>().ok_or("no HTTP request")?;
        Ok::<_, HandlerError>(format!("{:?}", request.peer()))
    });
    HttpServer::new(Server::builder("test", "1").build(router).unwrap())
}

async fn ask_once(mut io: impl AsyncRead + AsyncWrite + Unpin, request: String) -> String {
    let request = request.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    io.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    io.read_to_string(&mut answer).await.unwrap();
    answer
}

/// FAULT C-47: port 0 chooses a port and tells it; a port in use is an error that names the address.
#[tokio::test]
async fn the_address_is_told() {
    let bound = http_server().bind("127.0.0.1:0").await.unwrap();
    let address = bound.local_addr().unwrap();
    assert_ne!(address.port(), 0);
    assert_eq!(bound.url().unwrap(), format!("http://{address}/mcp"));
    let error = http_server().bind(address).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    let error = http_server().bind("127.0.0.1:http:0").await.unwrap_err();
    assert!(error.to_string().contains("127.0.0.1:http:0"), "{error}");
}

/// SEC-S-003: a bind that others can reach needs a list of hosts, and the error says so.
#[tokio::test]
async fn an_open_bind_needs_hosts() {
    for address in ["0.0.0.0:0", "[::]:0"] {
        let error = http_server().bind(address).await.unwrap_err();
        assert!(error.to_string().contains("`hosts`"), "{error}");
    }
    let error = http_server().allow_host("mcp.example/path").bind("127.0.0.1:0").await.unwrap_err();
    assert!(error.to_string().contains("hosts"), "{error}");
    assert!(http_server().allow_host("mcp.example").bind("0.0.0.0:0").await.is_ok());
}

/// FAULT F-S5: an open bind answers the hosts of its list, and those of the loopback.
#[tokio::test]
async fn an_open_bind_answers_its_hosts_and_loopback_ones() {
    let bound = http_server().allow_host("mcp.example").bind("0.0.0.0:0").await.unwrap();
    let port = bound.local_addr().unwrap().port();
    let running = tokio::spawn(bound.serve());
    for (host, status) in [("mcp.example", "200"), ("localhost", "200"), ("evil.example", "403")] {
        let io = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let answer = ask_once(io, call("1", "echo", "{}").replace("localhost", host)).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
    running.abort();
}

/// Over TCP a handler learns the address of its caller.
#[tokio::test]
async fn the_peer_of_a_tcp_connection_is_known() {
    let bound = peer_server().bind("127.0.0.1:0").await.unwrap();
    let io = TcpStream::connect(bound.local_addr().unwrap()).await.unwrap();
    let own = io.local_addr().unwrap();
    let running = tokio::spawn(bound.serve());
    let answer = ask_once(io, call("1", "peer", "{}")).await;
    assert!(answer.contains(&format!("Tcp({own})")), "{answer}");
    running.abort();
}

/// Over a Unix socket it learns the user, as the kernel tells it.
#[cfg(unix)]
#[tokio::test]
async fn the_peer_of_a_unix_socket_is_known() {
    let folder = std::env::temp_dir().join(format!("mcp-http-{}", std::process::id()));
    let listener = tokio::net::UnixListener::bind(&folder).unwrap();
    let running = tokio::spawn(peer_server().over(listener).unwrap().serve());
    let io = tokio::net::UnixStream::connect(&folder).await.unwrap();
    let own = io.peer_cred().unwrap().uid();
    let answer = ask_once(io, call("1", "peer", "{}")).await;
    assert!(answer.contains(&format!("Unix {{ uid: {own},")), "{answer}");
    std::fs::remove_file(&folder).unwrap();
    running.abort();
}

fn request(uri: &str, tool: &str) -> Request<Full<Bytes>> {
    let members = format!(r#""name":"{tool}","arguments":{{}}"#);
    Request::post(uri)
        .header("content-type", "application/json")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "tools/call")
        .header("mcp-name", tool)
        .body(Full::new(body("1", "tools/call", &members).into()))
        .unwrap()
}

/// HTTP-S-001, FAULT B: HTTP/2 without TLS, with its own way to name the host.
#[tokio::test]
async fn http2_is_spoken_to_those_who_begin_with_it() {
    let running = Running::serve(http_server());
    let io = TokioIo::new(running.open_pipe(64 * 1024));
    let (mut client, connection) =
        hyper::client::conn::http2::handshake::<_, _, Full<Bytes>>(TokioExecutor::new(), io).await.unwrap();
    let connection = tokio::spawn(connection);
    for (uri, status) in [
        ("http://localhost/mcp", StatusCode::OK),
        ("http://evil.example/mcp", StatusCode::FORBIDDEN),
        ("http://localhost/", StatusCode::NOT_FOUND),
    ] {
        let answer = client.send_request(request(uri, "echo")).await.unwrap();
        assert_eq!((answer.status(), answer.version()), (status, Version::HTTP_2), "{uri}");
        assert_eq!(answer.headers().get("connection"), None);
        let _body = answer.into_body().collect().await.unwrap();
    }
    let two = futures::future::join(
        client.clone().send_request(request("http://localhost/mcp", "echo")),
        client.clone().send_request(request("http://localhost/mcp", "notes")),
    );
    let (one, other) = two.await;
    assert_eq!((one.unwrap().status(), other.unwrap().status()), (StatusCode::OK, StatusCode::OK));
    drop(client);
    connection.abort();
}

/// TLS offers HTTP/2 and HTTP/1.1; a handshake that never comes ends.
#[cfg(feature = "tls")]
#[tokio::test]
async fn tls_offers_both_versions_of_http() {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate =
        rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let (pem, key) = (certificate.pem(), key.serialize_pem());
    assert!(http_server().tls(b"nonsense", key.as_bytes()).is_err());
    assert!(http_server().tls(pem.as_bytes(), b"nonsense").is_err());
    let server = http_server().tls(pem.as_bytes(), key.as_bytes()).unwrap();
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    assert!(bound.url().unwrap().starts_with("https://127.0.0.1:"));
    let address = bound.local_addr().unwrap();
    let running = tokio::spawn(bound.serve());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    for (offer, version) in [("h2", Version::HTTP_2), ("http/1.1", Version::HTTP_11)] {
        let mut config = config.clone();
        config.alpn_protocols = vec![offer.into()];
        let io = TcpStream::connect(address).await.unwrap();
        let name = "localhost".try_into().unwrap();
        let io = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, io).await.unwrap();
        assert_eq!(io.get_ref().1.alpn_protocol(), Some(offer.as_bytes()));
        if version == Version::HTTP_11 {
            let answer = ask_once(io, call("1", "echo", "{}")).await;
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
            continue;
        }
        let (mut client, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(io)).await.unwrap();
        let connection = tokio::spawn(connection);
        let answer = client.send_request(request("https://localhost/mcp", "echo")).await.unwrap();
        assert_eq!((answer.status(), answer.version()), (StatusCode::OK, version));
        connection.abort();
    }
    running.abort();
}

/// The certificate of a client reaches the hook of the application and the handlers.
#[cfg(feature = "tls")]
#[tokio::test]
async fn a_client_certificate_reaches_the_application() {
    use mcp_core::transport::{Identity, async_trait};
    use mcp_http::server::{Authenticate, Denied, RequestHead};

    struct ByCertificate(Vec<u8>);

    #[async_trait]
    impl Authenticate for ByCertificate {
        async fn authenticate(&self, head: RequestHead<'_>) -> Result<Identity, Denied> {
            assert!(matches!(head.peer, Peer::Tcp(_)));
            match head.client_certificate {
                Some(der) if der == self.0 => Ok(Identity::new("ada")),
                _ => Err(Denied::malformed()),
            }
        }
    }

    let own = |name: &str| {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate =
            rcgen::CertificateParams::new([name.to_owned()]).unwrap().self_signed(&key).unwrap();
        (certificate.der().clone(), rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap())
    };
    let ((server_der, server_key), (client_der, client_key)) = (own("localhost"), own("client"));
    let roots = |der: &rustls::pki_types::CertificateDer<'static>| {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(der.clone()).unwrap();
        Arc::new(roots)
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier =
        rustls::server::WebPkiClientVerifier::builder_with_provider(roots(&client_der), provider.clone())
            .build()
            .unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![server_der.clone()], server_key)
        .unwrap();
    let server = http_server().tls_config(config).authenticate(ByCertificate(client_der.to_vec()));
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let address = bound.local_addr().unwrap();
    let running = tokio::spawn(bound.serve());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots(&server_der))
        .with_client_auth_cert(vec![client_der], client_key)
        .unwrap();
    let io = TcpStream::connect(address).await.unwrap();
    let name = "localhost".try_into().unwrap();
    let io = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, io).await.unwrap();
    let answer = ask_once(io, call("1", "echo", "{}")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    running.abort();
}

/// The service alone, as another server mounts it: hosts are checked there too, and the other server may name the peer.
#[tokio::test]
async fn a_mounted_service_checks_hosts_too() {
    let service = peer_server().service().unwrap();
    let answer = service.call(request("http://evil.example/mcp", "peer")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    let mut known = request("http://localhost/mcp", "peer");
    known.extensions_mut().insert(Peer::Tcp(([10, 0, 0, 1], 5).into()));
    let answer = service.call(known).await.unwrap();
    let text = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&text).contains("Tcp(10.0.0.1:5)"));
    service.drain();
    let answer = service.call(request("http://localhost/mcp", "peer")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()["retry-after"], "1");
}

/// A listener that is at its limit for a while.
struct Exhausted {
    failures: Arc<std::sync::atomic::AtomicU32>,
    then: Option<tokio::io::DuplexStream>,
}

#[mcp_core::transport::async_trait]
impl Listener for Exhausted {
    type Io = tokio::io::DuplexStream;

    async fn accept(&mut self) -> std::io::Result<(Self::Io, Peer)> {
        const EMFILE: i32 = 24;
        if self.failures.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 10 {
            return Err(std::io::Error::from_raw_os_error(EMFILE));
        }
        match self.then.take() {
            Some(io) => Ok((io, Peer::Unknown)),
            None => std::future::pending().await,
        }
    }

    fn is_loopback(&self) -> bool {
        true
    }
}

/// FAULT C-46: out of file descriptors, the server waits, does not spin, and goes on when it can.
#[tokio::test(start_paused = true)]
async fn a_server_out_of_descriptors_goes_on_when_it_can() {
    let failures = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let (near, far) = tokio::io::duplex(1024);
    let listener = Exhausted { failures: failures.clone(), then: Some(far) };
    let running = tokio::spawn(http_server().over(listener).unwrap().serve());
    let start = tokio::time::Instant::now();
    let answer = ask_once(near, call("1", "echo", "{}")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    // Once more for the connection, and for the one after it; and again after its end.
    assert!(failures.load(std::sync::atomic::Ordering::Relaxed) <= 13);
    // 50, 100, 200, 400, 800 ms, then a second each.
    assert_eq!(start.elapsed().as_millis(), 1550 + 5000);
    running.abort();
}

/// HTTP-S-012: on HTTP/2 a stream that is reset has hung up, and the connection goes on.
#[tokio::test]
async fn a_reset_stream_is_a_hang_up() {
    let (lives, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let router = Router::new()
        .tool(ToolDef::new("quiet"), move |_, context| {
            let lives = lives.clone();
            async move {
                let _ = lives.send("began");
                context.cancelled().await;
                let _ = lives.send("cancelled");
                Ok::<_, HandlerError>("never heard")
            }
        })
        .tool(ToolDef::new("echo"), |_, _| async move { Ok::<_, HandlerError>("echo") });
    let running = Running::start(Server::builder("test", "1").build(router).unwrap(), |_| {});
    let io = TokioIo::new(running.open_pipe(64 * 1024));
    let (mut client, connection) =
        hyper::client::conn::http2::handshake::<_, _, Full<Bytes>>(TokioExecutor::new(), io).await.unwrap();
    let connection = tokio::spawn(connection);
    let pending = tokio::spawn(client.send_request(request("http://localhost/mcp", "quiet")));
    assert_eq!(soon(seen.recv()).await, Some("began"));
    pending.abort();
    assert_eq!(soon(seen.recv()).await, Some("cancelled"));
    let answer = client.send_request(request("http://localhost/mcp", "echo")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    connection.abort();
}
