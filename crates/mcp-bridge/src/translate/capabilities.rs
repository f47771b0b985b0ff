//! Capabilities: what a side declares, without what the other era does not have.

use mcp_core::message::{ProtocolVersion, RawJson};

use super::Era;

/// Tasks of 2025-11-25 and the extension of the same name in 2026-07-28 are different protocols.
const TASKS: &str = "tasks";

/// The capabilities of an upstream server, for clients of the other side.
pub(crate) fn server_capabilities(upstream: Era, downstream: Era, capabilities: &RawJson) -> RawJson {
    if upstream == downstream { capabilities.clone() } else { capabilities.without_members(&[TASKS]) }
}

/// The capabilities of a client, for an upstream server whose era is not known yet.
pub(crate) fn client_capabilities(downstream: Era, capabilities: &RawJson) -> RawJson {
    match downstream {
        Era::Legacy => capabilities.clone(),
        Era::Modern => capabilities.without_members(&[TASKS]),
    }
}

/// The capabilities of a client, for a server that receives them with each request: what the client's revision has of them.
pub(crate) fn usable(version: ProtocolVersion, capabilities: &RawJson) -> RawJson {
    // Pages to visit came with 2025-11-25.
    if version.as_str() >= ProtocolVersion::V2025_11_25.as_str() {
        return capabilities.clone();
    }
    let elicitation = capabilities.member("elicitation").filter(RawJson::is_object);
    match elicitation.filter(|elicitation| elicitation.member("url").is_some()) {
        Some(elicitation) => {
            capabilities.with_members(&[("elicitation", &elicitation.without_members(&["url"]))])
        }
        None => capabilities.clone(),
    }
}
