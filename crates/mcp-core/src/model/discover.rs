//! The result of `server/discover` (2026-07-28).

use super::object::object;
use super::page::CacheScope;
use super::{Implementation, Model, Number, ServerCapabilities};
use crate::message::{RawJson, meta};

object! {
    /// The result of `server/discover`.
    pub struct DiscoverResult {
        required {
            /// The labels of the protocol versions that the server supports.
            supported_versions: Vec<String> = "supportedVersions";
            /// The capabilities of the server.
            capabilities: ServerCapabilities = "capabilities";
        }
        optional {
            /// Instructions for the model on how to use the server.
            instructions: Option<String> = opt "instructions", with_instructions(String);
            /// For how many milliseconds the result may be cached. Not at all if absent, 0 or negative.
            ttl_ms: Option<Number> = opt "ttlMs", with_ttl_ms(Number);
            /// Who may share a cached copy.
            cache_scope: Option<CacheScope> = opt "cacheScope", with_cache_scope(CacheScope);
            /// `_meta`, which has the identity of the server.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

impl DiscoverResult {
    /// The name and version that the server claims, read from `_meta`. `None` if they are absent or
    /// malformed: they are for display only.
    // DISC-S-003.
    pub fn server_info(&self) -> Option<Implementation> {
        let info = self.meta.as_ref()?.member(meta::SERVER_INFO)?;
        Implementation::from_raw(&info).ok()
    }
}
