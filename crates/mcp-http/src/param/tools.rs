//! What a client keeps of a tool list: the tools whose annotations are valid.
// HDR-C-018.

use mcp_core::message::RawJson;

use super::{Annotation, annotations};

/// The annotations of tools, by the tools' names.
pub(crate) type Learned = Vec<(String, Vec<Annotation>)>;

/// Reads a `tools/list` result: the result without the tools whose annotations are invalid, the annotations
/// of each tool that stays (most have none), and the name of each that was dropped with the reason.
///
/// Where nothing is dropped the result is the very same; else the tools that stay keep their bytes. What is
/// no list of tools is left as it is.
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
