//! The bridge: upstream servers by name, and what they share.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mcp_core::Error;
use mcp_core::message::{ErrorObject, ProtocolVersion, RawJson};
use mcp_core::server::seal::{Key, Sealer};
use mcp_core::server::{Context, Handler, Reply, Server};
use mcp_core::transport::Accept;

use crate::front::{Front, unavailable};
use crate::limits::Limits;
use crate::observer::Observer;
use crate::pool::Pool;
use crate::status::Status;
use crate::upstream::Upstream;

/// Sets up a [`Bridge`].
#[must_use = "nothing happens before `build`"]
pub struct BridgeBuilder {
    upstreams: Vec<(String, Upstream)>,
    versions: Vec<ProtocolVersion>,
    limits: Limits,
    sealer: Option<Sealer>,
    observer: Option<Arc<dyn Observer>>,
}

impl BridgeBuilder {
    /// Adds an upstream server under a name.
    pub fn upstream(mut self, name: impl Into<String>, upstream: Upstream) -> BridgeBuilder {
        self.upstreams.push((name.into(), upstream));
        self
    }

    /// Sets the revisions that clients may use, newest first. Default: all. What the upstream servers speak does not
    /// matter here.
    pub fn versions(mut self, versions: impl Into<Vec<ProtocolVersion>>) -> BridgeBuilder {
        self.versions = versions.into();
        self
    }

    /// Changes the bounds.
    pub fn limits(mut self, change: impl FnOnce(&mut Limits)) -> BridgeBuilder {
        change(&mut self.limits);
        self
    }

    /// Sets what seals the states that clients bring back with their answers. Default: a random key of this process. The
    /// calls that wait for answers are kept in this process in any case.
    pub fn sealer(mut self, sealer: Sealer) -> BridgeBuilder {
        self.sealer = Some(sealer);
        self
    }

    /// Sets the receiver of reports about what the bridge does. Default: none.
    pub fn observer(mut self, observer: impl Observer) -> BridgeBuilder {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Builds the bridge. Nothing is started: an upstream server is, when a client needs it.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] if two upstream servers have one name, or if the operating system returns no random bytes.
    pub fn build(self) -> Result<Bridge, Error> {
        let BridgeBuilder { upstreams, versions, limits, sealer, observer } = self;
        let sealer = match sealer {
            Some(sealer) => sealer,
            None => Sealer::new(Key::generate().map_err(|error| Error::Misuse(error.to_string()))?),
        };
        let sealer = sealer.lifetime(limits.parked_for);
        let offline = Server::builder("mcp-bridge", env!("CARGO_PKG_VERSION"));
        let offline = offline.versions(versions.clone()).build(Offline)?;
        let mut fronts: Vec<Entry> = Vec::with_capacity(upstreams.len());
        for (name, upstream) in upstreams {
            if fronts.iter().any(|entry| entry.pool.name == name) {
                return Err(Error::Misuse(format!("two upstream servers are named {name:?}")));
            }
            let pool = Arc::new(Pool::new(name, upstream, limits.clone(), sealer.clone(), observer.clone()));
            let front = Front::new(pool.clone(), versions.clone(), offline.clone());
            fronts.push(Entry { pool, front });
        }
        Ok(Bridge { entries: fronts.into() })
    }
}

impl fmt::Debug for BridgeBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BridgeBuilder").field("upstreams", &self.upstreams).finish_non_exhaustive()
    }
}

struct Entry {
    pool: Arc<Pool>,
    front: Front,
}

/// Puts MCP servers in front of MCP clients, whatever transport and era either side has. Clones are cheap and are the
/// same bridge.
///
/// ```
/// use mcp_bridge::{Bridge, Upstream};
/// use mcp_core::client::Client;
/// use mcp_core::server::{Router, Server};
/// use mcp_core::transport::{Binding, memory};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), mcp_core::Error> {
/// // A server, and how it is reached.
/// let router = Router::new().tool("hello", |_, _| async { Ok("world") });
/// let server = Server::builder("example", "1.0.0").build(router)?;
/// let (connector, listener) = memory::connector(Binding::STREAM);
/// tokio::spawn(listener.serve(server));
///
/// let bridge = Bridge::builder().upstream("hello", Upstream::new(move |_| connector.clone())).build()?;
/// let front = bridge.front("hello").expect("it was added");
///
/// // Any listener takes the front, as it would take a server.
/// let (connector, listener) = memory::connector(Binding::STREAM);
/// tokio::spawn(listener.serve(front));
/// let client = Client::builder("example", "1.0.0").connect(connector).await?;
/// assert_eq!(client.list_tools().await?[0].name, "hello");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Bridge {
    entries: Arc<[Entry]>,
}

impl Bridge {
    /// Sets up a bridge.
    pub fn builder() -> BridgeBuilder {
        BridgeBuilder {
            upstreams: Vec::new(),
            versions: ProtocolVersion::ALL.to_vec(),
            limits: Limits::default(),
            sealer: None,
            observer: None,
        }
    }

    /// The clients' side of the upstream server of this name.
    pub fn front(&self, name: &str) -> Option<Front> {
        self.entries.iter().find(|entry| entry.pool.name == name).map(|entry| entry.front.clone())
    }

    /// The names of the upstream servers, in the order in which they were added.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.pool.name.as_str())
    }

    /// What the bridge is doing. The counts belong to one moment for each upstream server.
    pub fn status(&self) -> Status {
        Status { upstreams: self.entries.iter().map(|entry| entry.pool.status()).collect() }
    }

    /// Ends: takes no new work, waits until what is under way is answered, then closes all upstream sessions and waits
    /// until their servers have ended. After `deadline` what is under way is given up. Returns whether everything
    /// was answered in time. If the future is dropped, nothing is closed before the last clone is dropped.
    pub async fn drain(&self, deadline: Duration) -> bool {
        for entry in self.entries.iter() {
            entry.front.drain();
        }
        let idle = async {
            while self.status().upstreams.iter().any(|upstream| upstream.calls > upstream.parked) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let in_time = tokio::time::timeout(deadline, idle).await.is_ok();
        for entry in self.entries.iter() {
            entry.pool.close().await;
        }
        in_time
    }
}

impl fmt::Debug for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bridge").field("status", &self.status()).finish_non_exhaustive()
    }
}

/// The handler of links that need no upstream server.
struct Offline;

#[async_trait]
impl Handler for Offline {
    async fn handle(&self, _: Context) -> Result<Reply, ErrorObject> {
        Ok(Reply::Busy(unavailable()))
    }

    fn capabilities(&self) -> RawJson {
        RawJson::EMPTY_OBJECT
    }
}
