//! What a client knows of the tools it may call: which of their arguments go into headers too.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard};

use mcp_core::message::{Payload, Response};

use crate::lock::Lock;
use crate::param::{Annotation, valid_tools};

/// The most tools whose annotations are kept. A call of one beyond goes out without its headers, and the server says
/// so.
const MAX_TOOLS: usize = 16 << 10;

/// The most memory that names and annotations may take, in bytes.
const MAX_BYTES: usize = 8 << 20;

/// The annotations of the tool lists that passed by, of all links of one client, by the name of the tool.
#[derive(Debug, Default)]
pub(super) struct Tools(Lock<Known>);

#[derive(Debug, Default)]
struct Known {
    tools: HashMap<String, Arc<[Annotation]>>,
    /// The memory that they take, in bytes.
    bytes: usize,
}

impl Known {
    fn remove(&mut self, tool: &str) {
        if let Some((name, annotations)) = self.tools.remove_entry(tool) {
            self.bytes -= size(&name, &annotations);
        }
    }

    /// Keeps the annotations of a tool instead of those it had. `false` if there are too many already.
    fn insert(&mut self, tool: String, annotations: Vec<Annotation>) -> bool {
        self.remove(&tool);
        let bytes = size(&tool, &annotations);
        let fits = self.tools.len() < MAX_TOOLS && self.bytes + bytes <= MAX_BYTES;
        if fits {
            self.bytes += bytes;
            self.tools.insert(tool, annotations.into());
        }
        fits
    }
}

/// The memory of an entry, in bytes.
fn size(tool: &str, annotations: &[Annotation]) -> usize {
    let of = |annotation: &Annotation| {
        let keys = annotation.path.iter().map(|key| key.len() + size_of::<String>()).sum::<usize>();
        size_of::<Annotation>() + keys + annotation.header.as_str().len()
    };
    tool.len() + size_of::<(String, Arc<[Annotation]>)>() + annotations.iter().map(of).sum::<usize>()
}

impl Tools {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock()
    }

    /// The annotations of a tool, if it is known to have any.
    pub(super) fn annotations(&self, tool: &str) -> Option<Arc<[Annotation]>> {
        self.known().tools.get(tool).cloned()
    }

    /// Learns from the answer to `tools/list`, and takes out of it the tools whose annotations are invalid, with a
    /// warning.
    // HDR-C-018.
    pub(super) fn learn(&self, mut response: Response) -> Response {
        let Ok(result) = &mut response.outcome else { return response };
        let (kept, learned, dropped) = valid_tools(result.raw());
        let mut known = self.known();
        for (tool, reason) in &dropped {
            tracing::warn!(tool, reason, "a tool was dropped: its x-mcp-header annotations are invalid");
            known.remove(tool);
        }
        for (tool, annotations) in learned {
            if annotations.is_empty() {
                known.remove(&tool);
            } else if !known.insert(tool, annotations) {
                tracing::debug!(
                    tools = MAX_TOOLS,
                    bytes = MAX_BYTES,
                    "too many annotated tools; one is not learned"
                );
            }
        }
        drop(known);
        if !dropped.is_empty() {
            *result = Payload::new(kept);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use mcp_core::message::RawJson;

    use super::*;

    /// A list of annotated tools with these names.
    fn list(names: impl Iterator<Item = String>) -> Response {
        let schema = r#"{"type":"object","properties":{"a":{"type":"string","x-mcp-header":"A"}}}"#;
        let tools = names.map(|name| {
            RawJson::object([
                ("name", RawJson::string(&name)),
                ("inputSchema", RawJson::parse(schema).unwrap()),
            ])
        });
        Response::result(1.into(), RawJson::object([("tools", RawJson::array(tools))]))
    }

    /// FAULT F-A14: a server fills a client neither with many tools nor with long names, nor by naming them again.
    #[test]
    fn what_is_learned_is_bounded() {
        let tools = Tools::default();
        for round in 0..3 {
            tools.learn(list((0..20).map(|n| format!("{n}{}", "x".repeat(1 << 20)))));
            tools.learn(list((0..20_000).map(|n| format!("{round} {n}"))));
            let known = tools.known();
            assert!(known.bytes <= MAX_BYTES && known.tools.len() <= MAX_TOOLS);
            let bytes: usize = known.tools.iter().map(|(name, annotations)| size(name, annotations)).sum();
            assert_eq!(known.bytes, bytes);
        }
        assert!(tools.annotations("0 1").is_some(), "what fits is learned");
    }
}
