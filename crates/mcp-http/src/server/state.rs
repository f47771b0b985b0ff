//! What all connections and services of one server share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mcp_core::message::ProtocolVersion;
use mcp_core::transport::{Accept, Owner};

use super::budgets::Budgets;
use super::legacy::{Legacy, SessionCounters, SessionTotals};
use super::{HttpServerConfig, document};
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
        document::check(&config)?;
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
        })
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
    }

    /// Starts draining: new requests are refused, subscriptions and idle sessions end. Idempotent.
    pub(crate) fn drain(&self) {
        if !self.draining.swap(true, Ordering::SeqCst) {
            self.accept.drain();
            if let Some(legacy) = &self.legacy {
                legacy.drain();
            }
        }
    }

    /// Ends all sessions now.
    pub(crate) fn close(&self) {
        if let Some(legacy) = &self.legacy {
            legacy.close();
        }
    }

    /// Ends the sessions of an owner. Returns how many there were.
    pub(crate) fn end_sessions(&self, owner: &Owner) -> usize {
        self.legacy.as_ref().map_or(0, |legacy| legacy.end_sessions(owner))
    }

    /// Counts of open sessions and streams of the legacy era.
    pub(crate) fn sessions(&self) -> SessionCounters {
        self.legacy.as_ref().map(Legacy::counters).unwrap_or_default()
    }

    /// What has become of the sessions since the start.
    pub(crate) fn session_totals(&self) -> SessionTotals {
        self.legacy.as_ref().map(Legacy::totals).unwrap_or_default()
    }
}
