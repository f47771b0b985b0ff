//! The promises of the contract over HTTP, legacy, with both of this crate's ends.

use std::sync::Arc;

use mcp_core::message::ProtocolVersion;
use mcp_core::testkit::compliance::{self, Dialect, Failure, Fixture};
use mcp_core::transport::{Accept, Connect, ConnectError, Transport, async_trait};
use mcp_http::{HttpClient, HttpServer};
use tokio::task::JoinHandle;

/// One server for each check, which ends with its connector.
struct Legacy {
    version: ProtocolVersion,
    store: bool,
    name: String,
}

struct Connector {
    client: HttpClient,
    server: JoinHandle<()>,
}

impl Drop for Connector {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[async_trait]
impl Connect for Connector {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        self.client.connect().await
    }
}

#[async_trait]
impl Fixture for Legacy {
    fn name(&self) -> &str {
        &self.name
    }

    async fn start(&self, server: Arc<dyn Accept>) -> Result<Box<dyn Connect>, Failure> {
        let server = HttpServer::new(server).configure(|config| {
            if !self.store {
                config.event_store = None;
            }
        });
        let bound = server.bind("127.0.0.1:0").await?;
        let client = HttpClient::new(&bound.url()?)?;
        let server = tokio::spawn(async move {
            bound.serve().await;
        });
        Ok(Box::new(Connector { client, server }))
    }

    fn dialect(&self) -> Dialect {
        Dialect::Legacy(self.version)
    }
}

/// Every promise of the contract, at each revision of Streamable HTTP, with and without an event store.
#[tokio::test]
async fn the_legacy_binding_keeps_its_promises() {
    use ProtocolVersion as V;
    for (version, store) in
        [(V::V2025_11_25, true), (V::V2025_11_25, false), (V::V2025_06_18, true), (V::V2025_03_26, false)]
    {
        let name = format!("http, {version}, {} events", if store { "keeping" } else { "without" });
        let report = compliance::run(&Legacy { version, store, name }).await;
        println!("{report}");
        report.assert_passed();
    }
}
