//! The client side: one POST for each message, on any server of any revision.

mod authorize;
mod config;
pub(crate) mod net;

use mcp_core::transport::{Connect, ConnectError, Transport, TransportError, async_trait};
use url::Url;

pub use authorize::{Authorize, Challenge};
pub use config::{ClientConfig, ClientLimits, HttpVersions, Proxy, ReconnectStreams, Timeouts};
#[cfg(unix)]
pub use net::UnixDial;
pub use net::{Dial, Io};

use crate::{HttpError, Secret};

/// Reaches one MCP endpoint over HTTP. A [`Connect`]: hand it to a client.
pub struct HttpClient {
    url: Url,
    config: ClientConfig,
}

impl HttpClient {
    /// A client of the endpoint at this URL. Without a scheme, `localhost` and loopback addresses mean `http`, all else
    /// `https`. The URL is used as it is given.
    ///
    /// # Errors
    ///
    /// [`HttpError::Url`], before anything is sent.
    pub fn new(url: &str) -> Result<HttpClient, HttpError> {
        HttpClient::with_config(url, ClientConfig::default())
    }

    /// The same with these settings.
    ///
    /// # Errors
    ///
    /// [`HttpError::Url`].
    pub fn with_config(url: &str, config: ClientConfig) -> Result<HttpClient, HttpError> {
        let parsed = Url::parse(url)
            .map_err(|error| HttpError::Url { url: url.to_owned(), why: error.to_string() })?;
        Ok(HttpClient { url: parsed, config })
    }

    /// Sends `Authorization: Bearer` with this token.
    #[must_use]
    pub fn bearer(mut self, token: impl Into<Secret>) -> HttpClient {
        self.config.bearer = Some(token.into());
        self
    }

    /// The endpoint.
    pub fn url(&self) -> &Url {
        &self.url
    }
}

#[async_trait]
impl Connect for HttpClient {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        Err(ConnectError::Unusable(TransportError::new("not written yet")))
    }
}
