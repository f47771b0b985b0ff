//! What all connections and services of one server share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mcp_core::message::ProtocolVersion;
use mcp_core::transport::{Accept, Owner};

use super::budgets::Budgets;
use super::legacy::{Legacy, SessionCounters, SessionTotals};
use super::{HttpServerConfig, paths};
use crate::HttpError;
use crate::server::security::cors;
use crate::server::security::host::HostPolicy;
use crate::server::security::origin::OriginList;

/// What all connections and services of one server share.
pub(crate) struct ServerState {
    pub(crate) accept: Arc<dyn Accept>,
    pub(crate) config: HttpServerConfig,
    /// Sessions and streams of the legacy era; `None` if no legacy revision is served.
    pub(crate) legacy: Option<Legacy>,
    /// Hosts and origins that requests may name.
    pub(crate) hosts: HostPolicy,
    /// What is held for clients.
    pub(crate) budgets: Arc<Budgets>,
    draining: AtomicBool,
    /// Health probes are answered 503.
    announced: AtomicBool,
    /// The other endpoints behind the same connections.
    beside: Vec<Arc<ServerState>>,
}

impl ServerState {
    /// Creates the state of a server that is bound to a loopback address or not.
    ///
    /// # Errors
    ///
    /// [`HttpError::Setting`]: a setting is invalid.
    pub(crate) fn new(
        accept: Arc<dyn Accept>,
        config: HttpServerConfig,
        loopback: bool,
    ) -> Result<ServerState, HttpError> {
        let authenticated = config.bearer.is_some() || config.authenticate.is_some();
        let origins = OriginList::new(&config.origins, authenticated)?;
        config.timeouts.check()?;
        paths::check(&config)?;
        cors::check(&config.cors, origins.is_any())?;
        let hosts = HostPolicy::new(loopback, &config.hosts, origins)?;
        let serves_legacy = accept.versions().iter().any(|version| version.is_legacy());
        let budgets = Arc::new(Budgets::new(&config));
        let legacy = serves_legacy.then(|| Legacy::new(accept.clone(), &config, budgets.clone()));
        Ok(ServerState {
            accept,
            config,
            legacy,
            hosts,
            budgets,
            draining: AtomicBool::new(false),
            announced: AtomicBool::new(false),
            beside: Vec::new(),
        })
    }

    /// Adds other endpoints behind the same connections.
    ///
    /// # Errors
    ///
    /// [`HttpError::Setting`]: two of them have the same path.
    pub(crate) fn with_beside(mut self, others: Vec<ServerState>) -> Result<ServerState, HttpError> {
        self.beside = others.into_iter().map(Arc::new).collect();
        let mut paths: Vec<&str> =
            self.beside.iter().flat_map(|other| other.paths()).chain(self.paths()).collect();
        paths.sort_unstable();
        match paths.windows(2).find(|pair| matches!(pair, [one, other] if one == other)) {
            Some([path, ..]) => {
                let what = format!("path {path:?}");
                Err(HttpError::Setting { what, why: "two endpoints have it".to_owned() })
            }
            _ => Ok(self),
        }
    }

    /// The paths that it answers.
    fn paths(&self) -> impl Iterator<Item = &str> {
        let config = &self.config;
        let sse = [config.sse_path.as_str(), config.messages_path.as_str()];
        let sse = sse.into_iter().filter(|_| config.http_sse && self.legacy.is_some());
        let documents = config.documents.iter().map(|document| document.path.as_str());
        let pages = config.pages.iter().map(|page| page.path.as_str());
        let own = [config.path.as_str()].into_iter().chain(config.health.as_deref());
        own.chain(sse).chain(documents).chain(pages)
    }

    /// The endpoint that a path belongs to: the first one if no other has it.
    pub(crate) fn at<'a>(self: &'a Arc<Self>, path: &str) -> &'a Arc<ServerState> {
        let has = |server: &&Arc<ServerState>| {
            let slash = path.strip_suffix('/').filter(|_| server.config.trailing_slash);
            server.paths().any(|own| own == path || slash == Some(own))
        };
        self.beside.iter().find(has).unwrap_or(self)
    }

    /// The revisions that are served, newest first.
    pub(crate) fn versions(&self) -> &[ProtocolVersion] {
        self.accept.versions()
    }

    /// Whether the server is draining: it refuses new requests and answers those in flight.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Whether the end of the server was announced.
    pub(crate) fn is_leaving(&self) -> bool {
        self.announced.load(Ordering::Relaxed) || self.is_draining()
    }

    /// Announces the end: health probes are answered 503, and kept HTTP/1 connections end with their next answer.
    pub(crate) fn announce_drain(&self) {
        self.announced.store(true, Ordering::Relaxed);
        self.beside.iter().for_each(|other| other.announce_drain());
    }

    /// Starts draining: new requests are refused, subscriptions and idle sessions end. Idempotent.
    pub(crate) fn drain(&self) {
        if !self.draining.swap(true, Ordering::SeqCst) {
            self.accept.drain();
            if let Some(legacy) = &self.legacy {
                legacy.drain();
            }
            self.beside.iter().for_each(|other| other.drain());
        }
    }

    /// Ends all sessions now.
    pub(crate) fn close(&self) {
        if let Some(legacy) = &self.legacy {
            legacy.close();
        }
        self.beside.iter().for_each(|other| other.close());
    }

    /// Ends the sessions of an owner. Returns how many there were.
    pub(crate) fn end_sessions(&self, owner: &Owner) -> usize {
        let others: usize = self.beside.iter().map(|other| other.end_sessions(owner)).sum();
        others + self.legacy.as_ref().map_or(0, |legacy| legacy.end_sessions(owner))
    }

    /// Counts of open sessions and streams of the legacy era.
    pub(crate) fn sessions(&self) -> SessionCounters {
        let own = self.legacy.as_ref().map(Legacy::counters).unwrap_or_default();
        self.beside.iter().fold(own, |sum, other| sum.and(other.sessions()))
    }

    /// What has become of the sessions since the start.
    pub(crate) fn session_totals(&self) -> SessionTotals {
        let own = self.legacy.as_ref().map(Legacy::totals).unwrap_or_default();
        self.beside.iter().fold(own, |sum, other| sum.and(other.session_totals()))
    }
}
