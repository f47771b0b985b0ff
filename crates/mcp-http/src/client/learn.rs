//! What a client knows of the tools it may call: which of their arguments go into headers too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mcp_core::message::{Payload, Response};

use crate::param::{Annotation, valid_tools};

/// The most tools whose annotations are kept. A call of one beyond goes out without its headers, and the server says
/// so.
const MAX_TOOLS: usize = 16 << 10;

/// The annotations of the tool lists that passed by, of all links of one client, by the name of the tool.
#[derive(Debug, Default)]
pub(super) struct Tools(Mutex<HashMap<String, Arc<[Annotation]>>>);

impl Tools {
    fn map(&self) -> MutexGuard<'_, HashMap<String, Arc<[Annotation]>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The annotations of a tool, if it is known to have any.
    pub(super) fn annotations(&self, tool: &str) -> Option<Arc<[Annotation]>> {
        self.map().get(tool).cloned()
    }

    /// Learns from the answer to `tools/list`, and takes out of it the tools whose annotations are invalid, with a
    /// warning.
    // HDR-C-018.
    pub(super) fn learn(&self, mut response: Response) -> Response {
        let Ok(result) = &mut response.outcome else { return response };
        let (kept, learned, dropped) = valid_tools(result.raw());
        let mut map = self.map();
        for (tool, reason) in &dropped {
            tracing::warn!(tool, reason, "a tool was dropped: its x-mcp-header annotations are invalid");
            map.remove(tool);
        }
        for (tool, annotations) in learned {
            if annotations.is_empty() {
                map.remove(&tool);
            } else if map.len() < MAX_TOOLS || map.contains_key(&tool) {
                map.insert(tool, annotations.into());
            } else {
                tracing::debug!(tool, limit = MAX_TOOLS, "too many annotated tools; not learned");
            }
        }
        if !dropped.is_empty() {
            *result = Payload::new(kept);
        }
        response
    }
}
