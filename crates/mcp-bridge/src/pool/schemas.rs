//! The input schemas of an upstream server's tools, which the transport of a client may compare with headers of a call.

use std::sync::Arc;
use std::time::Duration;

use mcp_core::client::{Client, PageLimits};
use mcp_core::message::RawJson;
use mcp_core::transport::ErrorChain;
use rustc_hash::FxHashMap;
use tokio::time::Instant;

use crate::lock::Lock;

/// How long a call waits for the list of tools. Shorter than what a listener allows for it.
pub(super) const WAIT: Duration = Duration::from_secs(5);

/// How long a list that could not be read is not requested again.
pub(super) const REST: Duration = Duration::from_secs(60);

/// The most bytes of a list.
const BYTES: usize = 16 << 20;

/// The schemas that copy arguments, by the names of their tools: most have nothing to compare. A server that makes the names collide slows only its own calls down.
type Tools = FxHashMap<String, RawJson>;

/// What is known of the tools of one upstream session.
#[derive(Default)]
pub(super) struct Schemas {
    known: Lock<Known>,
    reading: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    /// `Some(None)`: the list could not be read.
    tools: Option<Option<Arc<Tools>>>,
    /// When a list that could not be read is requested again.
    again: Option<Instant>,
    /// How often the tools may have changed.
    changes: u64,
}

impl Known {
    fn tools(&self) -> Option<Option<Arc<Tools>>> {
        let is_over = self.again.is_some_and(|again| again <= Instant::now());
        self.tools.clone().filter(|_| !is_over)
    }

    fn failed(&mut self) {
        (self.tools, self.again) = (Some(None), Instant::now().checked_add(REST));
    }
}

impl Schemas {
    /// The schema of a tool, from a list that is read once. `None` if the list cannot be read: calls do not fail or wait
    /// for ever because of it.
    pub(super) async fn of(&self, client: &Client, tool: &str) -> Option<RawJson> {
        let known = self.known.lock().tools();
        let tools = match known {
            Some(tools) => tools?,
            None => Box::pin(self.read_in_time(client)).await?,
        };
        tools.get(tool).cloned()
    }

    /// The tools may have changed.
    pub(super) fn forget(&self) {
        let mut known = self.known.lock();
        *known = Known { changes: known.changes + 1, ..Known::default() };
    }

    /// A client has read a part of the list. What is known must not be older than what clients know.
    pub(super) fn learn(&self, page: &RawJson) {
        let known = self.known.lock().tools.clone().flatten();
        let Some(known) = known else { return };
        let page = page.member("tools").unwrap_or_default().elements();
        let differs = |(name, schema)| known.get(&name) != Some(&schema).filter(|schema| may_copy(schema));
        if page.iter().filter_map(named).any(differs) {
            self.forget();
        }
    }

    async fn read_in_time(&self, client: &Client) -> Option<Arc<Tools>> {
        let read = tokio::time::timeout(WAIT, self.read(client)).await;
        read.unwrap_or_else(|_| {
            tracing::warn!(limit = ?WAIT, "the list of tools takes too long: headers are not compared with it");
            self.known.lock().failed();
            None
        })
    }

    async fn read(&self, client: &Client) -> Option<Arc<Tools>> {
        // One list for all that wait for it.
        let _reading = self.reading.lock().await;
        let changes = {
            let known = self.known.lock();
            if let Some(tools) = known.tools() {
                return tools;
            }
            known.changes
        };
        let listed = client.list_all("tools/list", "tools", PageLimits::new().bytes(BYTES)).await;
        let listed = listed.inspect_err(|error| {
            let error = ErrorChain::new(error);
            tracing::warn!(%error, "the list of tools cannot be read: headers are not compared with it");
        });
        let kept = |(name, schema): (String, RawJson)| may_copy(&schema).then(|| (name, schema.detach()));
        let tools =
            listed.ok().map(|listed| Arc::new(listed.iter().filter_map(named).filter_map(kept).collect()));
        let mut known = self.known.lock();
        // A list that was read while the tools changed is not kept.
        if known.changes == changes {
            match &tools {
                Some(_) => (known.tools, known.again) = (Some(tools.clone()), None),
                None => known.failed(),
            }
        }
        tools
    }
}

/// The name of a tool, and its schema.
fn named(tool: &RawJson) -> Option<(String, RawJson)> {
    Some((tool.member("name")?.to_text()?, tool.member("inputSchema")?))
}

/// Whether a schema may have annotations that copy arguments. An escape may hide their name.
fn may_copy(schema: &RawJson) -> bool {
    let has = |part: &[u8]| schema.as_bytes().windows(part.len()).any(|found| found == part);
    has(b"x-mcp-header") || has(br"\")
}
