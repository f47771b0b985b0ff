//! An MCP server as one route of an axum application, which checks the caller.
//!
//! ```text
//! mounted 127.0.0.1:8080
//! curl http://127.0.0.1:8080/version
//! MCP_TOKEN=t0ken host http://127.0.0.1:8080/mcp
//! ```

use axum::routing::get;
use mcp_core::server::{Context, Router, Server};
use mcp_core::transport::{Identity, async_trait};
use mcp_http::HttpServer;
use mcp_http::server::{Authenticate, Denied, RequestHead};

/// Says who called
#[mcp_core::tool(read_only)]
async fn whoami(context: Context) -> String {
    context.identity().map_or("an anonymous caller".to_owned(), |caller| caller.subject.clone())
}

/// Looks tokens up. A real one asks an issuer, or verifies a signature.
struct Callers;

#[async_trait]
impl Authenticate for Callers {
    async fn authenticate(&self, head: RequestHead<'_>) -> Result<Identity, Denied> {
        match head.headers.get("authorization").map(|value| value.as_bytes()) {
            Some(b"Bearer t0ken") => Ok(Identity::new("ada")),
            _ => Err(Denied::unauthorized(r#"Bearer realm="mounted""#)),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::builder("mounted", "1.0.0").build(Router::new().tools::<whoami>())?;
    let mcp = HttpServer::new(server).authenticate(Callers).service()?;
    let app = axum::Router::new()
        .route("/version", get(|| async { env!("CARGO_PKG_VERSION") }))
        // Not `nest_service`, which removes the path that the service checks.
        .route_service("/mcp", mcp.clone());
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    eprintln!("listening on http://{}/mcp", listener.local_addr()?);
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            let _ended = tokio::signal::ctrl_c().await;
            mcp.drain();
        })
        .await?;
    Ok(())
}
