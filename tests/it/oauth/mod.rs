//! OAuth with a third-party authorization server: `oidc-provider`, which is certified, and an MCP endpoint beside it.

mod bridge;
mod canary;
mod crowd;
mod inspector;
mod life;
mod processes;
mod program;
mod resource_server;
mod strangers;
mod terminal;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use mcp_auth::client::{AuthorizationRequest, OAuth, OAuthBuilder, Person};
use mcp_core::client::{Client, EraMode};
use mcp_core::message::{ProtocolVersion, RawJson};
use mcp_core::transport::async_trait;
use mcp_http::HttpClient;
use mcp_http::http::header::{COOKIE, LOCATION, SET_COOKIE};
use mcp_http::http::{Request, Response, Uri};
use mcp_http::net::{AddressPolicy, Fetch, NetConfig};
use serde_json::Value;

use crate::fixtures;
use crate::interop::process::Process;

/// The running authorization server.
struct Server {
    _process: Process,
    /// The MCP endpoint.
    url: String,
    fetch: Fetch,
}

impl Server {
    /// `None` if the packages from npm are missing.
    async fn start(variables: &[(&str, &str)]) -> Option<Server> {
        let program = fixtures::node_script("servers/authorization_1.mjs")?;
        let (process, url) = Process::start(&program, variables, "listening ").await;
        Some(Server { _process: process, url, fetch: fetch() })
    }

    /// Its issuer identifier.
    fn issuer(&self) -> &str {
        self.url.trim_end_matches("/mcp")
    }

    /// Changes it: `rotate=1`, `down=1`, `down=0`.
    async fn control(&self, what: &str) {
        let request = Request::post(format!("{}/control?{what}", self.issuer()));
        self.fetch.fetch(request.body(Default::default()).unwrap()).await.unwrap();
    }

    /// What the server has counted.
    async fn stats(&self) -> Value {
        let url = self.url.replace("/mcp", "/stats");
        let request = Request::get(url).body(Default::default()).unwrap();
        serde_json::from_slice(self.fetch.fetch(request).await.unwrap().body()).unwrap()
    }

    /// How often this grant was used with success.
    async fn granted(&self, grant: &str) -> u64 {
        self.stats().await["grants"][grant].as_u64().unwrap_or(0)
    }
}

fn fetch() -> Fetch {
    Fetch::new(&NetConfig::default(), AddressPolicy::Any)
}

/// A browser whose user agrees to everything: it follows redirects, with cookies, up to the loopback listener.
#[derive(Clone)]
struct Browser {
    fetch: Fetch,
    opened: Arc<AtomicUsize>,
    /// The queries that it saw, in which codes and states are.
    seen: Arc<Mutex<Vec<String>>>,
}

impl Browser {
    fn new() -> Browser {
        Browser { fetch: fetch(), opened: Arc::default(), seen: Arc::default() }
    }

    fn opened(&self) -> usize {
        self.opened.load(Ordering::SeqCst)
    }

    /// Opens a page and follows it. The last page.
    async fn browse(&self, url: &str) -> Response<bytes::Bytes> {
        self.follow(url, |_| false).await.unwrap_or_else(|url| panic!("stopped at {url}"))
    }

    /// Opens a page and follows it. The URL of the program's listener, which is not opened.
    async fn browse_to_the_callback(&self, url: &str) -> String {
        let end = self.follow(url, |url| url.path() == "/callback").await;
        end.map(|page| page.status()).unwrap_err()
    }

    /// Follows a page up to the last one, or to a URL at which it stops.
    async fn follow(
        &self,
        url: &str,
        stops: impl Fn(&Uri) -> bool,
    ) -> Result<Response<bytes::Bytes>, String> {
        let mut cookies: BTreeMap<String, String> = BTreeMap::new();
        let mut url: Uri = url.parse().unwrap();
        loop {
            self.seen.lock().unwrap().extend(url.query().map(str::to_owned));
            let jar: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let request = Request::get(&url).header(COOKIE, jar.join("; ")).body(Default::default()).unwrap();
            let response = self.fetch.fetch(request).await.unwrap();
            for cookie in response.headers().get_all(SET_COOKIE) {
                let pair = cookie.to_str().unwrap().split(';').next().unwrap();
                let (name, value) = pair.split_once('=').unwrap();
                cookies.insert(name.to_owned(), value.to_owned());
            }
            let Some(location) = response.headers().get(LOCATION) else {
                let status = response.status();
                assert!(status == 200, "{url}: {status}: {}", String::from_utf8_lossy(response.body()));
                return Ok(response);
            };
            let location = location.to_str().unwrap();
            let next = match location.starts_with('/') {
                true => format!("http://{}{location}", url.authority().unwrap()),
                false => location.to_owned(),
            };
            url = next.parse().unwrap();
            if stops(&url) {
                return Err(next);
            }
        }
    }
}

#[async_trait]
impl Person for Browser {
    async fn open(&self, request: &AuthorizationRequest) -> Result<(), String> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        let (browser, url) = (self.clone(), request.url().to_owned());
        tokio::spawn(async move { browser.browse(&url).await });
        Ok(())
    }
}

fn provider() -> OAuthBuilder {
    OAuth::builder().client_name("mcp tests").software("mcp-tests", "1")
}

async fn connect(oauth: &OAuth, url: &str) -> Result<Client, mcp_core::Error> {
    connect_as(oauth, url, EraMode::Legacy(ProtocolVersion::V2025_11_25)).await
}

async fn connect_as(oauth: &OAuth, url: &str, era: EraMode) -> Result<Client, mcp_core::Error> {
    let server = HttpClient::new(url).unwrap().authorize(oauth.resource(url).unwrap());
    Client::builder("oauth-tests", "1").era(era).connect(server).await
}

/// Calls a tool, whose text is returned.
async fn call(client: &Client, tool: &str) -> Result<String, mcp_core::Error> {
    let result = client.call_tool(tool, Some(RawJson::EMPTY_OBJECT)).await?;
    Ok(result.texts().collect())
}
