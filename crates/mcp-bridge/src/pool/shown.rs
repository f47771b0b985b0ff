//! What clients are shown of an upstream server, until it is replaced by another one.

use std::sync::Arc;

use mcp_core::client::Negotiated;
use mcp_core::message::{ProtocolVersion, RawJson};
use mcp_core::server::{Server, ServerConfig};
use mcp_core::session::LogLevel;

use crate::translate::{self, Era};

#[derive(Default)]
pub(super) struct Shown {
    negotiated: Option<Arc<Negotiated>>,
    /// For legacy clients, and for modern ones.
    configs: [Option<Arc<ServerConfig>>; 2],
    /// The server of all single requests.
    server: Option<Arc<Server>>,
    /// Those of single requests that came before the upstream server was replaced.
    earlier: Vec<Arc<Server>>,
}

impl Shown {
    /// What was negotiated with the server that is there, or was there last.
    pub(super) fn negotiated(&self) -> Option<&Arc<Negotiated>> {
        self.negotiated.as_ref()
    }

    pub(super) fn version(&self) -> Option<ProtocolVersion> {
        self.negotiated().map(|negotiated| negotiated.version)
    }

    /// Notes what was negotiated. If it differs, clients are shown it from now on.
    pub(super) fn set(&mut self, negotiated: Negotiated) {
        if self.negotiated.as_deref() == Some(&negotiated) {
            return;
        }
        self.earlier.retain(|server| Arc::strong_count(server) > 1 || server.links() > 0);
        self.earlier.extend(self.server.take());
        (self.negotiated, self.configs) = (Some(Arc::new(negotiated)), Default::default());
    }

    /// What a server for clients of this era is set up with: the upstream server's identity, capabilities and instructions.
    /// Under the bridge's name for it, if it has not named itself.
    #[expect(clippy::indexing_slicing, reason = "there is one entry for each of the two eras")]
    pub(super) fn config(
        &mut self,
        downstream: Era,
        versions: &[ProtocolVersion],
        name: impl FnOnce() -> String,
    ) -> Arc<ServerConfig> {
        let made = &mut self.configs[usize::from(downstream == Era::Modern)];
        let make = || {
            let (mut info, mut capabilities, mut instructions) = (None, RawJson::EMPTY_OBJECT, None);
            if let Some(known) = &self.negotiated {
                let upstream = Era::of(known.version);
                info.clone_from(&known.server_info);
                capabilities = translate::server_capabilities(upstream, downstream, &known.capabilities);
                instructions.clone_from(&known.instructions);
            }
            let unnamed = || RawJson::object([("name", RawJson::string(&name()))]);
            let mut config = ServerConfig::new(info.unwrap_or_else(unnamed), capabilities);
            config.instructions = instructions;
            config.versions = versions.to_vec();
            config.pass_through = true;
            // The upstream server filters by the level that its client set.
            config.log_level = LogLevel::Debug;
            Arc::new(config)
        };
        made.get_or_insert_with(make).clone()
    }

    /// The server of single requests, if it was made.
    pub(super) fn server(&self) -> Option<Arc<Server>> {
        self.server.clone()
    }

    /// Keeps a server of single requests, unless there is one.
    pub(super) fn keep_server(&mut self, made: Arc<Server>) -> Arc<Server> {
        self.server.get_or_insert(made).clone()
    }

    /// All servers of single requests.
    pub(super) fn servers(&self) -> Vec<Server> {
        self.earlier.iter().chain(&self.server).map(|server| (**server).clone()).collect()
    }
}
