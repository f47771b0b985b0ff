//! The promises of the contract, and whole conversations, with both of this crate's ends over every kind of connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mcp_core::message::ProtocolVersion as V;
use mcp_core::transport::{Accept, Connect, ConnectError, Transport, async_trait};
use mcp_http::net::HttpVersions;
use mcp_http::server::{BoundServer, Listener};
use mcp_http::{HttpClient, HttpServer};
use mcp_testkit::compliance::{self, Dialect, Failure, Fixture};
use mcp_testkit::conversation;
use tokio::task::JoinHandle;

/// What carries the bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Carrier {
    Http1,
    Http2,
    #[cfg(feature = "tls")]
    Tls,
    #[cfg(unix)]
    Unix,
}

/// One server for each check, which ends with its connector.
struct Loopback {
    name: String,
    carrier: Carrier,
    dialect: Dialect,
    /// Whether the server keeps events, so that broken streams can be resumed.
    store: bool,
}

fn over(carrier: Carrier, dialect: Dialect, store: bool) -> Loopback {
    let events = if store { "keeping" } else { "without" };
    Loopback { name: format!("{carrier:?}, {dialect:?}, {events} events"), carrier, dialect, store }
}

struct Connector {
    client: HttpClient,
    server: JoinHandle<()>,
    /// A socket's file, removed in the end.
    file: Option<std::path::PathBuf>,
}

impl Drop for Connector {
    fn drop(&mut self) {
        self.server.abort();
        if let Some(file) = &self.file {
            let _ = std::fs::remove_file(file);
        }
    }
}

#[async_trait]
impl Connect for Connector {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        self.client.connect().await
    }
}

fn serve<L: Listener>(bound: BoundServer<L>) -> JoinHandle<()> {
    tokio::spawn(async move {
        bound.serve().await;
    })
}

impl Loopback {
    #[cfg(unix)]
    fn unix(&self, server: HttpServer) -> Result<Connector, Failure> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let file = std::env::temp_dir().join(format!("mcp-http-{}-{count}.sock", std::process::id()));
        let server = serve(server.over(tokio::net::UnixListener::bind(&file)?)?);
        let client = HttpClient::unix(&file, "http://localhost/mcp")?;
        Ok(Connector { client, server, file: Some(file) })
    }

    async fn tcp(&self, server: HttpServer, versions: HttpVersions) -> Result<Connector, Failure> {
        let bound = server.bind("127.0.0.1:0").await?;
        let client = HttpClient::new(&bound.url()?)?.configure(|config| {
            config.net.versions = versions;
            config.net.tls.insecure = true;
        });
        Ok(Connector { client, server: serve(bound), file: None })
    }
}

#[cfg(feature = "tls")]
fn certified(server: HttpServer) -> Result<HttpServer, Failure> {
    let key = rcgen::KeyPair::generate()?;
    let certificate = rcgen::CertificateParams::new(["127.0.0.1".to_owned()])?.self_signed(&key)?;
    Ok(server.tls(certificate.pem().as_bytes(), key.serialize_pem().as_bytes())?)
}

#[async_trait]
impl Fixture for Loopback {
    fn name(&self) -> &str {
        &self.name
    }

    async fn start(&self, server: Arc<dyn Accept>) -> Result<Box<dyn Connect>, Failure> {
        let server = HttpServer::new(server).configure(|config| {
            if !self.store {
                config.event_store = None;
            }
        });
        let connector = match self.carrier {
            Carrier::Http1 => self.tcp(server, HttpVersions::Http1).await?,
            Carrier::Http2 => self.tcp(server, HttpVersions::Http2).await?,
            #[cfg(feature = "tls")]
            Carrier::Tls => self.tcp(certified(server)?, HttpVersions::Auto).await?,
            #[cfg(unix)]
            Carrier::Unix => self.unix(server)?,
        };
        Ok(Box::new(connector))
    }

    fn dialect(&self) -> Dialect {
        self.dialect
    }

    fn carries_notifications(&self) -> bool {
        self.dialect != Dialect::Modern
    }
}

async fn keeps_its_promises(fixture: &Loopback) {
    let report = compliance::run(fixture).await;
    println!("{report}");
    report.assert_passed();
}

/// Every promise of the contract, in the modern era.
#[tokio::test]
async fn the_modern_binding_keeps_its_promises() {
    keeps_its_promises(&over(Carrier::Http1, Dialect::Modern, true)).await;
}

/// Every promise of the contract, at each revision of Streamable HTTP, with and without an event store.
#[tokio::test]
async fn the_legacy_binding_keeps_its_promises() {
    for (version, store) in
        [(V::V2025_11_25, true), (V::V2025_11_25, false), (V::V2025_06_18, true), (V::V2025_03_26, false)]
    {
        keeps_its_promises(&over(Carrier::Http1, Dialect::Legacy(version), store)).await;
    }
}

/// Every promise of the contract, over one HTTP/2 connection.
#[tokio::test]
async fn http2_keeps_its_promises() {
    for dialect in [Dialect::Modern, Dialect::Legacy(V::V2025_11_25)] {
        keeps_its_promises(&over(Carrier::Http2, dialect, true)).await;
    }
}

/// Every promise of the contract, encrypted.
#[cfg(feature = "tls")]
#[tokio::test]
async fn tls_keeps_its_promises() {
    for dialect in [Dialect::Modern, Dialect::Legacy(V::V2025_11_25)] {
        keeps_its_promises(&over(Carrier::Tls, dialect, true)).await;
    }
}

/// Every promise of the contract, over a Unix socket.
#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_keeps_its_promises() {
    for dialect in [Dialect::Modern, Dialect::Legacy(V::V2025_11_25)] {
        keeps_its_promises(&over(Carrier::Unix, dialect, true)).await;
    }
}

/// What applications do, in both eras, over everything that can carry it.
#[tokio::test]
async fn a_client_and_a_server_talk_over_every_kind_of_connection() {
    let carriers = [
        Carrier::Http1,
        Carrier::Http2,
        #[cfg(feature = "tls")]
        Carrier::Tls,
        #[cfg(unix)]
        Carrier::Unix,
    ];
    for carrier in carriers {
        let report = conversation::run(&over(carrier, Dialect::Modern, true)).await;
        println!("{report}");
        report.assert_passed();
    }
}
