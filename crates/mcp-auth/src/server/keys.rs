//! The keys and the metadata of one issuer: fetched when they are first needed, one request at a time.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL};
use http::{HeaderMap, Request};
use mcp_http::net::{Fetch, FetchLimits};
use tokio::time::Instant;

use super::cache::{BACKOFF, KeyCache, Lookup};
use crate::jose::KeySet;
use crate::lock::Lock;
use crate::metadata::ServerMetadata;
use crate::urls::{self, WebUrl};

/// How long a token waits for a request that another one has made.
const WAIT: Duration = Duration::from_secs(5);
/// The limits of one document.
const LIMITS: FetchLimits = FetchLimits::new(256 << 10, Duration::from_secs(10));
/// For how long metadata is used.
const METADATA: Duration = Duration::from_secs(24 * 3600);

/// Nothing can be said about a token before this time has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unavailable(pub(super) Duration);

/// What is known of an issuer.
#[derive(Debug)]
pub(super) struct Authority {
    issuer: WebUrl,
    /// The URL of the keys, where it was configured.
    jwks: Option<WebUrl>,
    fetch: Fetch,
    keys: Lock<KeyCache>,
    metadata: Lock<Option<(Arc<ServerMetadata>, Instant)>>,
    /// Held while a document is fetched.
    flight: tokio::sync::Mutex<()>,
}

impl Authority {
    pub(super) fn new(issuer: WebUrl, jwks: Option<WebUrl>, fetch: Fetch) -> Authority {
        Authority {
            issuer,
            jwks,
            fetch: fetch.with_limits(LIMITS),
            keys: Lock::default(),
            metadata: Lock::default(),
            flight: tokio::sync::Mutex::new(()),
        }
    }

    /// The keys for a token with this key id. `missed`: those that are known do not verify it.
    // AU-S-07.
    pub(super) async fn keys(&self, kid: Option<&str>, missed: bool) -> Result<Arc<KeySet>, Unavailable> {
        let asked = Instant::now();
        match self.keys.lock().look(kid, missed, asked) {
            Lookup::Use(keys) => return Ok(keys),
            Lookup::Unavailable(after) => return Err(Unavailable(after)),
            Lookup::Fetch => {}
        }
        let Ok(_flight) = tokio::time::timeout(WAIT, self.flight.lock()).await else {
            return self.keys.lock().any(Instant::now()).ok_or(Unavailable(BACKOFF));
        };
        // Another request may have brought them in the meantime.
        match self.keys.lock().look(kid, missed, Instant::now()) {
            Lookup::Use(keys) => return Ok(keys),
            Lookup::Unavailable(after) => return Err(Unavailable(after)),
            Lookup::Fetch => {}
        }
        self.keys.lock().begin(Instant::now());
        let fetched = self.fetch_keys().await;
        let now = Instant::now();
        let mut cache = self.keys.lock();
        match fetched {
            Ok((keys, max_age)) => cache.got(keys, max_age, now),
            Err(why) => {
                cache.failed();
                tracing::warn!(issuer = self.issuer.shown(), why, "the keys of an issuer cannot be fetched");
                // They may have moved.
                *self.metadata.lock() = None;
            }
        }
        cache.any(now).ok_or(Unavailable(BACKOFF))
    }

    async fn fetch_keys(&self) -> Result<(KeySet, Option<Duration>), String> {
        let url = match &self.jwks {
            Some(url) => url.clone(),
            None => {
                let metadata = self.discover().await?;
                self.endpoint(metadata.jwks_uri.as_deref(), "jwks_uri")?
            }
        };
        let (headers, body) = self.get(&url).await?.ok_or("the keys are not found")?;
        let keys = KeySet::parse(&body).map_err(|error| error.to_string())?;
        Ok((keys, max_age(&headers)))
    }

    /// The metadata of the issuer, kept for a day.
    ///
    /// # Errors
    ///
    /// What is wrong, for a log.
    async fn discover(&self) -> Result<Arc<ServerMetadata>, String> {
        if let Some((metadata, until)) = &*self.metadata.lock()
            && Instant::now() < *until
        {
            return Ok(metadata.clone());
        }
        for url in urls::authorization_server(&self.issuer) {
            let url = WebUrl::parse(&url).map_err(str::to_owned)?;
            let Some((_, body)) = self.get(&url).await? else { continue };
            let metadata = ServerMetadata::parse(&body)?;
            if metadata.issuer != self.issuer.as_str() {
                return Err(format!("{} is the document of another issuer", url.shown()));
            }
            let metadata = Arc::new(metadata);
            *self.metadata.lock() = Some((metadata.clone(), Instant::now() + METADATA));
            return Ok(metadata);
        }
        Err("no metadata document is found".to_owned())
    }

    /// The introspection endpoint, from the metadata.
    pub(super) async fn introspection(&self) -> Result<WebUrl, Unavailable> {
        let Ok(_flight) = tokio::time::timeout(WAIT, self.flight.lock()).await else {
            return Err(Unavailable(BACKOFF));
        };
        let found = match self.discover().await {
            Ok(metadata) => {
                self.endpoint(metadata.introspection_endpoint.as_deref(), "introspection_endpoint")
            }
            Err(why) => Err(why),
        };
        found.map_err(|why| {
            tracing::warn!(issuer = self.issuer.shown(), why, "an issuer cannot be asked about tokens");
            Unavailable(BACKOFF)
        })
    }

    /// A URL that the metadata names.
    // AU-C-70: an https issuer never leads to http.
    fn endpoint(&self, named: Option<&str>, member: &str) -> Result<WebUrl, String> {
        let named = named.ok_or_else(|| format!("the metadata has no {member}"))?;
        let url = WebUrl::parse(named).map_err(|why| format!("{member}: {why}"))?;
        if self.issuer.is_https() && !url.is_https() {
            return Err(format!("{member}: http, although the issuer is reached over https"));
        }
        Ok(url)
    }

    /// The document at this URL; `None` if there is none.
    async fn get(&self, url: &WebUrl) -> Result<Option<(HeaderMap, Bytes)>, String> {
        let request = Request::get(url.uri()).header(ACCEPT, "application/json").body(Bytes::new());
        let request = request.map_err(|_| "not a URL")?;
        let response = self
            .fetch
            .fetch(request)
            .await
            .map_err(|error| urls::clipped(&mcp_core::transport::ErrorChain::new(&error).to_string()))?;
        let status = response.status();
        let (head, body) = response.into_parts();
        match status.as_u16() {
            200 => Ok(Some((head.headers, body))),
            408 | 425 | 429 => Err(format!("{}: status {status}", url.shown())),
            400..=499 => Ok(None),
            _ => Err(format!("{}: status {status}", url.shown())),
        }
    }
}

/// `max-age` of `Cache-Control`.
pub(super) fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let fields = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut directives = fields.flat_map(|field| field.split(','));
    directives.find_map(|directive| {
        let (name, value) = directive.split_once('=')?;
        let seconds = value.trim().trim_matches('"').parse().ok()?;
        name.trim().eq_ignore_ascii_case("max-age").then(|| Duration::from_secs(seconds))
    })
}
