//! Discovery (2026-07-28).

use super::object::object;
use super::page::CacheScope;
use super::{Implementation, Model, Number, ServerCapabilities};
use crate::message::{RawJson, meta};

object! {
    /// The result of `server/discover` (ledger DISC-S-003).
    pub struct DiscoverResult {
        required {
            /// The versions that the server speaks, as it says them.
            supported_versions: Vec<String> = "supportedVersions";
            /// What the server can do.
            capabilities: ServerCapabilities = "capabilities";
        }
        optional {
            /// How to use the server, for the model.
            instructions: Option<String> = opt "instructions", with_instructions(String);
            /// For how many milliseconds it is fresh. Absent, 0 and less: not at all.
            ttl_ms: Option<Number> = opt "ttlMs", with_ttl_ms(Number);
            /// Who may share a cached copy.
            cache_scope: Option<CacheScope> = opt "cacheScope", with_cache_scope(CacheScope);
            /// `_meta`: the server's identity is here.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

impl DiscoverResult {
    /// Who the server says it is: from `_meta`, the only place (ledger DISC-S-003). `None` too where it is
    /// not readable: it is for display only.
    pub fn server_info(&self) -> Option<Implementation> {
        let info = self.meta.as_ref()?.member(meta::SERVER_INFO)?;
        Implementation::from_raw(&info).ok()
    }
}
