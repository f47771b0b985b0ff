//! An upstream server as the builder takes it: how it is reached, and who shares it.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mcp_core::client::{EraMode, KnownEra};
use mcp_core::message::ProtocolVersion;
use mcp_core::transport::{Connect, ConnectError, Envelope, Identity, Owner, Transport, TransportError};

use crate::Filter;

/// On whose behalf an upstream server is reached.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Caller {
    /// The verified caller; `None` if the transport does not verify its peers.
    pub identity: Option<Identity>,
    /// The key of what belongs to the caller.
    pub owner: Owner,
    /// What is [forwarded](Upstream::forward) of the message that made the session necessary. A session that is not its
    /// client's own serves only messages of which the same is forwarded.
    pub forwarded: Envelope,
    /// Tells apart callers who must not share a session though they have the same owner.
    pub(crate) apart: Vec<u8>,
}

impl Caller {
    /// The caller of messages with this envelope.
    pub(crate) fn of(envelope: &Envelope, forwarded: Forwarded) -> Caller {
        let identity = envelope.get::<Identity>().cloned();
        let Forwarded { envelope: along, key } = forwarded;
        Caller { identity, owner: Owner::of_envelope(envelope), forwarded: along, apart: key }
    }
}

/// Who shares an upstream server, which is a child process or a connection.
///
/// A legacy session has state: log levels, subscriptions, whatever its server keeps. Clients that share an upstream
/// server share that state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// Each legacy session and each byte stream has its own. Requests of 2026-07-28 over HTTP, which have no session,
    /// share one for each caller.
    #[default]
    PerSession,
    /// One for each caller. Callers without a verified identity are one caller.
    PerCaller,
    /// One for all.
    Shared,
    /// Each request of 2026-07-28 over HTTP has its own, and so has each legacy session.
    PerRequest,
}

/// What of a client's message goes along with what the bridge sends for it. Nothing does by default: credentials of clients
/// are not the bridge's to pass on.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Forwarded {
    /// Accompanies the call upstream, for its transport.
    pub envelope: Envelope,
    /// Tells apart what must not share an upstream session.
    pub key: Vec<u8>,
}

impl Forwarded {
    /// This envelope. Messages with different keys share no upstream session, so that what one caller sent is not used for another.
    pub fn new(envelope: Envelope, key: impl Into<Vec<u8>>) -> Forwarded {
        Forwarded { envelope, key: key.into() }
    }
}

/// Keeps what was found out about the era of an upstream server beyond the life of a bridge, so that the next one need not find
/// out again. What proves wrong is found out anew and replaced.
///
/// ```
/// use std::sync::Mutex;
///
/// use mcp_bridge::EraStore;
/// use mcp_core::client::KnownEra;
/// use mcp_core::message::ProtocolVersion;
///
/// /// Remembers what modern clients get.
/// #[derive(Default)]
/// struct Memory(Mutex<Option<KnownEra>>);
///
/// impl EraStore for Memory {
///     fn known(&self, client: ProtocolVersion) -> Option<KnownEra> {
///         self.0.lock().ok()?.filter(|_| client.is_modern())
///     }
///
///     fn found(&self, client: ProtocolVersion, server: KnownEra) {
///         if let (true, Ok(mut known)) = (client.is_modern(), self.0.lock()) {
///             *known = Some(server);
///         }
///     }
/// }
/// # let store = Memory::default();
/// # store.found(ProtocolVersion::LATEST_MODERN, KnownEra::new(ProtocolVersion::LATEST_LEGACY));
/// # assert!(store.known(ProtocolVersion::LATEST_MODERN).is_some());
/// ```
pub trait EraStore: Send + Sync + 'static {
    /// The era that the server was found to speak with clients of this revision's era. Called once for each of the two eras,
    /// when the bridge is built.
    fn known(&self, client: ProtocolVersion) -> Option<KnownEra>;

    /// The server was found to speak this era with such clients, for the first time or other than known. Called on a task of
    /// the runtime; it must not block.
    fn found(&self, client: ProtocolVersion, server: KnownEra);
}

pub(crate) type Factory = dyn Fn(&Caller) -> Box<dyn Connect> + Send + Sync;
pub(crate) type Pick = dyn Fn(&Envelope) -> Forwarded + Send + Sync;

/// An upstream server: how it is reached, and who shares it.
///
/// ```
/// use mcp_bridge::{Policy, Upstream};
/// use mcp_core::transport::{Binding, memory};
///
/// let (connector, _listener) = memory::connector(Binding::STREAM);
/// // The closure is called for each link that is needed.
/// let upstream = Upstream::new(move |_caller| connector.clone()).policy(Policy::Shared);
/// # let _ = upstream;
/// ```
#[derive(Clone)]
pub struct Upstream {
    pub(crate) connect: Arc<Factory>,
    pub(crate) policy: Policy,
    pub(crate) era: EraMode,
    pub(crate) eras: Option<Arc<dyn EraStore>>,
    pub(crate) filter: Filter,
    pub(crate) pick: Option<Arc<Pick>>,
    pub(crate) call: Option<Duration>,
    /// Why it cannot be used at all.
    pub(crate) unusable: Option<String>,
}

impl Upstream {
    /// An upstream server that is reached by what this function returns. It is called for each upstream session that is
    /// opened: a connector over a single stream works only where one session is needed.
    pub fn new<C: Connect>(connect: impl Fn(&Caller) -> C + Send + Sync + 'static) -> Upstream {
        Upstream {
            connect: Arc::new(move |caller| Box::new(connect(caller))),
            policy: Policy::default(),
            era: EraMode::Auto,
            eras: None,
            filter: Filter::default(),
            pick: None,
            call: None,
            unusable: None,
        }
    }

    /// An upstream server that cannot be used, such as one whose settings are wrong. Its requests fail with this reason,
    /// and its [status](crate::UpstreamStatus) says so from the start; other upstream servers are not affected.
    pub fn unusable(why: impl Into<String>) -> Upstream {
        let why = why.into();
        let error = TransportError::new(why.clone());
        let mut upstream = Upstream::new(move |_caller| Unusable(error.clone()));
        upstream.unusable = Some(why);
        upstream
    }

    /// Like [`Upstream::new`], with a function that may fail: then the session cannot be opened, for this reason.
    pub fn try_new<C, E>(connect: impl Fn(&Caller) -> Result<C, E> + Send + Sync + 'static) -> Upstream
    where
        C: Connect,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        Upstream::new(move |caller| -> Box<dyn Connect> {
            match connect(caller) {
                Ok(connector) => Box::new(connector),
                Err(error) => Box::new(Unusable(TransportError::new(error))),
            }
        })
    }

    /// Sets who shares it. Default [`Policy::PerSession`].
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Upstream {
        self.policy = policy;
        self
    }

    /// Sets its era. By default each client gets the era that it speaks itself if the server speaks it too, and is
    /// translated otherwise.
    #[must_use]
    pub fn era(mut self, era: EraMode) -> Upstream {
        self.era = era;
        self
    }

    /// Sets where what is found out about its era is kept beyond the life of the bridge. Not used if the
    /// [era](Upstream::era) is set. Default: nowhere.
    #[must_use]
    pub fn era_store(mut self, store: impl EraStore) -> Upstream {
        self.eras = Some(Arc::new(store));
        self
    }

    /// Sets what of each message of a client goes along with what is sent for it, such as a header. Default: nothing.
    ///
    /// It is also what the upstream session is opened with ([`Caller::forwarded`]), so callers of whom different things are
    /// forwarded do not share one, except under [`Policy::Shared`]. Called for each message; it must not block.
    #[must_use]
    pub fn forward(mut self, pick: impl Fn(&Envelope) -> Forwarded + Send + Sync + 'static) -> Upstream {
        self.pick = Some(Arc::new(pick));
        self
    }

    /// Sets how long a call of this server may take. Default: [`Limits::call`](crate::Limits::call).
    #[must_use]
    pub fn call_limit(mut self, limit: Duration) -> Upstream {
        self.call = Some(limit);
        self
    }

    /// What goes along with what is sent for a message with this envelope.
    pub(crate) fn forwarded(&self, envelope: &Envelope) -> Forwarded {
        self.pick.as_ref().map(|pick| pick(envelope)).unwrap_or_default()
    }

    /// Sets which of its tools, prompts and resources exist for clients. Default: all.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Upstream {
        self.filter = filter;
        self
    }
}

/// There is nothing to connect to.
struct Unusable(TransportError);

#[async_trait]
impl Connect for Unusable {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        Err(ConnectError::Unusable(self.0.clone()))
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("policy", &self.policy)
            .field("era", &self.era)
            .field("filter", &self.filter)
            .finish_non_exhaustive()
    }
}
