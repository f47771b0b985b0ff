//! The promises of the contract, over loopback HTTP, with both of this crate's ends.

use std::sync::Arc;

use mcp_core::testkit::compliance::{self, Dialect, Failure, Fixture};
use mcp_core::transport::{Accept, Connect, ConnectError, Transport, async_trait};
use mcp_http::{HttpClient, HttpServer};
use tokio::task::JoinHandle;

/// One server for each check, which ends with its connector.
struct Modern;

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
impl Fixture for Modern {
    fn name(&self) -> &str {
        "http, modern"
    }

    async fn start(&self, server: Arc<dyn Accept>) -> Result<Box<dyn Connect>, Failure> {
        let bound = HttpServer::new(server).bind("127.0.0.1:0").await?;
        let client = HttpClient::new(&bound.url()?)?;
        let server = tokio::spawn(async move {
            bound.serve().await;
        });
        Ok(Box::new(Connector { client, server }))
    }

    fn dialect(&self) -> Dialect {
        Dialect::Modern
    }

    fn carries_notifications(&self) -> bool {
        false
    }
}

/// Every promise of the contract.
#[tokio::test]
async fn the_modern_binding_keeps_its_promises() {
    let report = compliance::run(&Modern).await;
    println!("{report}");
    report.assert_passed();
}
