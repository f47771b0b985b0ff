//! The client side: one POST for each message, on any server of any revision.
//!
//! [`HttpClient`] is a [`Connect`]: pass it to a client, which detects the revision of the server.
//!
//! - 2026-07-28: a POST is one exchange. Its headers mirror the body, its stream belongs to the call, and dropping it
//!   cancels the call.
//! - 2025-03-26 to 2025-11-25: a session with an id, the standalone stream by GET, resumption of broken streams, and
//!   DELETE at the end.
//! - 2024-11-05: HTTP+SSE, detected when `initialize` is refused.

mod answer;
mod call_headers;
mod came;
mod close;
mod config;
mod departure;
mod exchange;
mod header_cache;
mod http_sse;
mod learn;
mod link;
mod link_state;
mod post;
mod reopen;
mod resume;
mod standalone;
pub(crate) mod stream;
mod unreadable;

use std::fmt;
use std::sync::Arc;

use hyper::Uri;
use hyper::header::{HeaderName, HeaderValue};
use mcp_core::transport::{Connect, ConnectError, Transport, async_trait};

pub use call_headers::CallHeaders;
pub use config::{ClientLimits, HttpClientConfig, ReconnectStreams};

#[cfg(unix)]
use crate::net::UnixDial;
use crate::net::uri;
use crate::net::{Authorize, Dial, Net};
use crate::{HttpError, Secret};
use learn::Tools;
use link::HttpLink;
use link_state::LinkState;

/// Reaches one MCP endpoint over HTTP. A [`Connect`]: hand it to a client.
///
/// ```
/// use mcp_http::HttpClient;
///
/// let client = HttpClient::new("localhost:8080/mcp")?.bearer("a token");
/// assert_eq!(client.url().to_string(), "http://localhost:8080/mcp");
/// // Shown without secrets.
/// assert_eq!(format!("{client:?}"), r#"HttpClient { url: "http://localhost:8080/mcp", .. }"#);
/// # Ok::<(), mcp_http::HttpError>(())
/// ```
pub struct HttpClient {
    url: Uri,
    config: Arc<HttpClientConfig>,
    dial: Option<Arc<dyn Dial>>,
    /// Made when it is first needed. Links share its connections.
    net: Option<Net>,
    /// Links share what was learned of the tools.
    tools: Arc<Tools>,
}

impl HttpClient {
    /// A client of the endpoint at this URL. Without a scheme, `localhost` and loopback addresses mean `http`, all else
    /// `https`. The URL is used as it is given.
    ///
    /// # Errors
    ///
    /// [`HttpError::Url`], before anything is sent.
    pub fn new(url: &str) -> Result<HttpClient, HttpError> {
        HttpClient::with_config(url, HttpClientConfig::default())
    }

    /// The same with these settings. Those that cannot be used are found by [`Connect::connect`], as
    /// [`ConnectError::Unusable`].
    ///
    /// # Errors
    ///
    /// [`HttpError::Url`].
    pub fn with_config(url: &str, config: HttpClientConfig) -> Result<HttpClient, HttpError> {
        let url = uri::parse(url)?;
        Ok(HttpClient { url, config: Arc::new(config), dial: None, net: None, tools: Arc::default() })
    }

    /// A client whose connections are opened by `dial`: over pipes, tunnels, anything. The URL says what `Host` and
    /// path are, and whether there is TLS.
    ///
    /// # Errors
    ///
    /// [`HttpError::Url`].
    pub fn over(url: &str, dial: impl Dial) -> Result<HttpClient, HttpError> {
        Ok(HttpClient { dial: Some(Arc::new(dial)), ..HttpClient::new(url)? })
    }

    /// A client of an endpoint behind a Unix socket. The URL says what `Host` and path are: `http://localhost/mcp`.
    ///
    /// # Errors
    ///
    /// [`HttpError::Url`].
    #[cfg(unix)]
    pub fn unix(path: impl Into<std::path::PathBuf>, url: &str) -> Result<HttpClient, HttpError> {
        HttpClient::over(url, UnixDial::new(path))
    }

    /// Sends `Authorization: Bearer` with this token.
    #[must_use]
    pub fn bearer(self, token: impl Into<Secret>) -> HttpClient {
        let token = token.into();
        self.configure(|config| config.credentials.bearer = Some(token))
    }

    /// Asks this for credentials, and lets it answer challenges.
    #[must_use]
    pub fn authorize(self, authorize: impl Authorize) -> HttpClient {
        self.configure(|config| config.credentials.authorize = Some(Arc::new(authorize)))
    }

    /// Sends this header with every request. The transport's own headers cannot be set; that is found by
    /// [`Connect::connect`], as [`ConnectError::Unusable`].
    #[must_use]
    pub fn header(self, name: HeaderName, value: HeaderValue) -> HttpClient {
        self.configure(|config| config.credentials.headers.push((name, value)))
    }

    /// Changes any of the settings. Links that exist keep theirs.
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(&mut HttpClientConfig)) -> HttpClient {
        let mut config = HttpClientConfig::clone(&self.config);
        change(&mut config);
        self.config = Arc::new(config);
        self.net = None;
        self
    }

    /// The endpoint.
    pub fn url(&self) -> &Uri {
        &self.url
    }

    /// Host and port of the proxy that requests go through, if the settings choose one.
    pub fn proxy(&self) -> Option<String> {
        if self.dial.is_some() {
            return None;
        }
        let net = Net::new(&self.url, &self.config.net, &self.config.credentials).ok()?;
        net.proxy().map(str::to_owned)
    }

    fn net(&mut self) -> Result<Net, HttpError> {
        if let Some(net) = &self.net {
            return Ok(net.clone());
        }
        let config = &self.config;
        let net = match &self.dial {
            Some(dial) => Net::over(&self.url, &config.net, &config.credentials, dial.clone())?,
            None => Net::new(&self.url, &config.net, &config.credentials)?,
        };
        Ok(self.net.insert(net).clone())
    }
}

/// Shows neither query nor settings: both may hold secrets.
impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("url", &uri::shown(&self.url)).finish_non_exhaustive()
    }
}

#[async_trait]
impl Connect for HttpClient {
    /// Makes a link. HTTP has no handshake: nothing is sent before the first message, and an unreachable server shows
    /// there.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Unusable`]: a setting cannot be used. The source is an [`HttpError`].
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        let net = self.net().map_err(ConnectError::unusable)?;
        let link = LinkState::new(net, self.config.clone(), self.url.clone(), self.tools.clone());
        Ok(Box::new(HttpLink::new(link)))
    }
}
