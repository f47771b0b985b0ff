//! Filters a tool list: a client keeps the tools whose annotations are valid.
// HDR-C-018.

use mcp_core::message::RawJson;

use super::{Annotation, annotations};

/// The annotations of tools, by the tools' names.
pub(crate) type Learned = Vec<(String, Vec<Annotation>)>;

/// Reads a `tools/list` result. Returns the result without the tools whose annotations are invalid, the annotations
/// of each remaining tool (most have none), and the name and reason of each dropped tool.
///
/// If no tool is dropped, the result is returned unchanged; otherwise the remaining tools keep their bytes. A result
/// without a list of tools is returned unchanged.
pub(crate) fn valid_tools(result: &RawJson) -> (RawJson, Learned, Vec<(String, String)>) {
    let (mut kept, mut learned, mut dropped) = (Vec::new(), Vec::new(), Vec::new());
    for tool in result.member("tools").unwrap_or_default().elements() {
        let name = tool.member("name").and_then(|name| name.to_text()).unwrap_or_default();
        match tool.member("inputSchema").map_or(Ok(Vec::new()), |schema| annotations(&schema)) {
            Ok(annotations) => {
                learned.push((name, annotations));
                kept.push(tool);
            }
            Err(invalid) => dropped.push((name, invalid.to_string())),
        }
    }
    let result = if dropped.is_empty() {
        result.clone()
    } else {
        result.with_members(&[("tools", &RawJson::array(kept))])
    };
    (result, learned, dropped)
}
