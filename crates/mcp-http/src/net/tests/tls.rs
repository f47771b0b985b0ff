//! TLS: who is trusted, what is agreed on, and how failures are named.

use std::net::SocketAddr;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::error::ConnectFailure;
use crate::net::{HttpVersions, Proxy};

/// A certificate for these names by a new authority: the authority in PEM, and the server's side.
fn authority(names: &[&str], alpn: &[&[u8]]) -> (Vec<u8>, TlsAcceptor) {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &ca).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(certificate.der().to_vec())],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    (ca.pem().into_bytes(), TlsAcceptor::from(Arc::new(config)))
}

/// Answers each connection's first request, over whichever version was agreed on. Reports the versions.
async fn serve(listener: TcpListener, acceptor: TlsAcceptor) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service =
                hyper::service::service_fn(|request: hyper::Request<hyper::body::Incoming>| async move {
                    let text = format!("{:?} {}", request.version(), request.uri());
                    Ok::<_, std::convert::Infallible>(hyper::Response::new(http_body_util::Full::new(
                        Bytes::from(text),
                    )))
                });
            let io = hyper_util::rt::TokioIo::new(stream);
            let builder = hyper_util::server::conn::auto::Builder::new(hyper_util::rt::TokioExecutor::new());
            let _ = builder.serve_connection(io, service).await;
        });
    }
}

async fn started(names: &[&str], alpn: &[&[u8]]) -> (SocketAddr, Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (ca, acceptor) = authority(names, alpn);
    tokio::spawn(serve(listener, acceptor));
    (address, ca)
}

const BOTH: &[&[u8]] = &[b"h2", b"http/1.1"];

fn trusting(ca: Vec<u8>, versions: HttpVersions) -> Settings {
    settings(|c| {
        c.net.tls.extra_roots = vec![ca];
        c.net.versions = versions;
        c.net.proxy = Proxy::None;
    })
}

async fn ask(host: &str, address: SocketAddr, config: &Settings) -> Result<String, HttpError> {
    let url = format!("https://{host}:{}/mcp", address.port()).parse::<Uri>().unwrap();
    read(&Net::new(&url, &config.net, &config.credentials)?, post("a")).await
}

/// An extra root is trusted beside the system's; names and addresses are checked against the certificate.
#[tokio::test]
async fn an_extra_root_is_trusted_for_its_names() {
    let (address, ca) = started(&["localhost", "127.0.0.1"], BOTH).await;
    let config = trusting(ca, HttpVersions::Auto);
    assert!(ask("localhost", address, &config).await.unwrap().starts_with("HTTP/2.0 https://localhost:"));
    assert!(ask("127.0.0.1", address, &config).await.unwrap().starts_with("HTTP/2.0"));
}

/// ALPN chooses the version, within what the settings allow.
#[tokio::test]
async fn the_version_is_agreed_on() {
    let (address, ca) = started(&["localhost"], BOTH).await;
    assert_eq!(ask("localhost", address, &trusting(ca, HttpVersions::Http1)).await.unwrap(), "HTTP/1.1 /mcp");
    for alpn in [&[b"http/1.1".as_slice()][..], &[]] {
        let (address, ca) = started(&["localhost"], alpn).await;
        let auto = trusting(ca.clone(), HttpVersions::Auto);
        assert_eq!(ask("localhost", address, &auto).await.unwrap(), "HTTP/1.1 /mcp");
        let error = ask("localhost", address, &trusting(ca, HttpVersions::Http2)).await.unwrap_err();
        assert!(matches!(error, HttpError::Connect { kind: ConnectFailure::Tls, .. }), "{error}");
    }
}

/// FAULT C-23: a certificate that is not trusted, or for another name, is a failure of TLS and not worth a retry.
#[tokio::test]
async fn a_certificate_that_does_not_fit_is_named() {
    let (address, ca) = started(&["elsewhere.test"], BOTH).await;
    let (_, other) = started(&["localhost"], BOTH).await;
    use ConnectFailure::{CertificateName, UntrustedCertificate};
    let rows = [(ca, CertificateName, "localhost"), (other, UntrustedCertificate, "certificate")];
    for (ca, failure, expected) in rows {
        let error = ask("localhost", address, &trusting(ca, HttpVersions::Auto)).await.unwrap_err();
        assert!(matches!(error, HttpError::Connect { kind, .. } if kind == failure), "{error}");
        assert!(mcp_core::transport::ErrorChain::new(&error).to_string().contains(expected), "{error}");
        assert!(!error.is_retryable() && !error.was_sent());
    }
}

/// A server without TLS on the port is a failure of TLS.
#[tokio::test]
async fn a_server_without_tls_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = async {
        let mut stream: TcpStream = listener.accept().await.unwrap().0;
        let _ = stream.read(&mut [0; 1024]).await;
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    };
    let (_, ca) = started(&["localhost"], BOTH).await;
    let config = trusting(ca, HttpVersions::Auto);
    let (result, ()) = tokio::join!(ask("localhost", address, &config), server);
    let error = result.unwrap_err();
    assert!(matches!(error, HttpError::Connect { kind: ConnectFailure::NotTls, .. }), "{error}");
}

/// For tests, any certificate will do.
#[tokio::test]
async fn an_insecure_client_trusts_anyone() {
    let (address, _) = started(&["elsewhere.test"], BOTH).await;
    let config = settings(|c| {
        c.net.tls.insecure = true;
        c.net.proxy = Proxy::None;
    });
    assert!(ask("localhost", address, &config).await.unwrap().starts_with("HTTP/2.0"));
}

/// Roots that are none are refused before anything is sent.
#[tokio::test]
async fn roots_that_cannot_be_read_are_refused() {
    let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec();
    for root in [b"no PEM".to_vec(), Vec::new(), broken] {
        let error = ask("localhost", ([127, 0, 0, 1], 1).into(), &trusting(root, HttpVersions::Auto))
            .await
            .unwrap_err();
        assert!(matches!(error, HttpError::Setting { .. }), "{error}");
    }
}

/// Calls that start together share the one HTTP/2 connection that the first of them opens.
#[tokio::test]
async fn calls_that_start_together_open_one_connection() {
    let (address, ca) = started(&["localhost"], BOTH).await;
    let url = format!("https://localhost:{}/mcp", address.port()).parse::<Uri>().unwrap();
    let net = Net::new(&url, &trusting(ca, HttpVersions::Auto).net, &Credentials::default()).unwrap();
    let calls = futures::future::join_all((0..8).map(|_| read(&net, post("a")))).await;
    assert!(calls.iter().all(Result::is_ok));
    assert_eq!(net.open_connections(), 1);
}

/// TLS runs inside the tunnel: the proxy sees CONNECT and then only ciphertext.
#[tokio::test]
async fn https_goes_through_a_tunnel() {
    let (address, ca) = started(&["server.test"], BOTH).await;
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = trusting(ca, HttpVersions::Auto);
    config.net.proxy = Proxy::Url(format!("http://{}", proxy.local_addr().unwrap()));
    config.credentials.bearer = Some("canary-7f3a".into());
    tokio::spawn(async move {
        let mut peer = Peer::new(proxy.accept().await.unwrap().0);
        let request = peer.request().await;
        assert!(request.starts_with("CONNECT server.test:") && !request.contains("canary"), "{request}");
        peer.say("HTTP/1.1 200 OK\r\n\r\n").await;
        let mut target = TcpStream::connect(address).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut peer.io, &mut target).await;
    });
    assert!(ask("server.test", address, &config).await.unwrap().starts_with("HTTP/2.0 https://server.test:"));
}

/// Opens streams: the first at once, the next ones only when both are requested.
struct Together(Arc<tokio::sync::Barrier>, AtomicUsize, TlsAcceptor);

#[async_trait]
impl Dial for Together {
    async fn dial(&self) -> io::Result<Box<dyn Io>> {
        if self.1.fetch_add(1, Ordering::Relaxed) > 0 {
            self.0.wait().await;
        }
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        let acceptor = self.2.clone();
        tokio::spawn(async move {
            let mut peer = Peer::new(acceptor.accept(theirs).await.unwrap());
            peer.answer("ok").await;
            peer.closed().await;
        });
        Ok(Box::new(ours))
    }
}

/// Once TLS has agreed on HTTP/1.1, those who waited for a shared connection open theirs side by side: else the last
/// of many runs out of time.
#[tokio::test(start_paused = true)]
async fn connections_of_their_own_are_opened_side_by_side() {
    let (ca, acceptor) = authority(&["server.test"], &[b"http/1.1"]);
    let dial = Together(Arc::new(tokio::sync::Barrier::new(2)), 0.into(), acceptor);
    let url = "https://server.test/mcp".parse().unwrap();
    let net = over(&url, &trusting(ca, HttpVersions::Auto), dial);
    let calls = futures::future::join_all(["a", "b", "c"].map(|body| net.send(post(body)))).await;
    for call in calls {
        assert_eq!(text(call.unwrap()).await.unwrap(), "ok");
    }
}

/// A server's side with this self-signed certificate, and the certificate in PEM.
fn self_signed(change: impl FnOnce(&mut CertificateParams)) -> (Vec<u8>, rustls::ServerConfig) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    change(&mut params);
    let certificate = params.self_signed(&key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(certificate.der().to_vec())],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    (certificate.pem().into_bytes(), config)
}

async fn listening(config: rustls::ServerConfig) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(config))));
    address
}

/// FAULT F-C15: a self-signed certificate that was given is trusted for itself, whether it is marked as an authority or
/// not, for its names and in its time only.
#[tokio::test]
async fn a_given_self_signed_certificate_is_trusted_for_itself() {
    for is_ca in [IsCa::NoCa, IsCa::ExplicitNoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        let (pem, server) = self_signed(|params| params.is_ca = is_ca);
        let address = listening(server).await;
        let config = trusting(pem, HttpVersions::Auto);
        assert!(ask("localhost", address, &config).await.is_ok(), "{is_ca:?}");
        let error = ask("127.0.0.1", address, &config).await.unwrap_err();
        assert!(matches!(error, HttpError::Connect { kind: ConnectFailure::CertificateName, .. }), "{error}");
        let (other, _) = self_signed(|params| params.is_ca = is_ca);
        let error = ask("localhost", address, &trusting(other, HttpVersions::Auto)).await.unwrap_err();
        assert!(matches!(error, HttpError::Connect { kind, .. } if kind.is_tls()), "{error}");
        let (old, server) = self_signed(|params| {
            params.is_ca = is_ca;
            params.not_after = rcgen::date_time_ymd(2001, 1, 1);
        });
        let address = listening(server).await;
        let error = ask("localhost", address, &trusting(old, HttpVersions::Auto)).await.unwrap_err();
        assert!(
            matches!(error, HttpError::Connect { kind: ConnectFailure::ExpiredCertificate, .. }),
            "{error}"
        );
    }
}

/// A server that asks for a certificate gets the client's; a user's own configuration of rustls is used as it is.
#[tokio::test]
async fn a_client_shows_its_certificate() {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["client".to_owned()]).unwrap().self_signed(&key).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from(certificate.der().to_vec())).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier =
        rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .unwrap();
    let server_key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&server_key).unwrap();
    let server = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![CertificateDer::from(own.der().to_vec())],
            PrivateKeyDer::try_from(server_key.serialize_der()).unwrap(),
        )
        .unwrap();
    let address = listening(server).await;
    let mut config = trusting(own.pem().into_bytes(), HttpVersions::Http1);
    assert!(ask("localhost", address, &config).await.is_err());
    let identity = crate::net::ClientIdentity::new(certificate.pem(), key.serialize_pem());
    assert!(!format!("{identity:?} {config:?}", config = config.net).contains("PRIVATE KEY"));
    config.net.tls.identity = Some(identity);
    assert_eq!(ask("localhost", address, &config).await.unwrap(), "HTTP/1.1 /mcp");
    for (certificates, key) in [("", key.serialize_pem()), (certificate.pem().as_str(), String::new())] {
        config.net.tls.identity = Some(crate::net::ClientIdentity::new(certificates, key));
        let error = ask("localhost", address, &config).await.unwrap_err();
        assert!(matches!(error, HttpError::Setting { .. }), "{error}");
    }
    let mut trusted = rustls::RootCertStore::empty();
    trusted.add(CertificateDer::from(own.der().to_vec())).unwrap();
    let custom = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(trusted)
        .with_client_auth_cert(
            vec![CertificateDer::from(certificate.der().to_vec())],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let mut config = trusting(b"not looked at".to_vec(), HttpVersions::Http1);
    config.net.tls.custom = Some(Arc::new(custom));
    assert_eq!(ask("localhost", address, &config).await.unwrap(), "HTTP/1.1 /mcp");
}
