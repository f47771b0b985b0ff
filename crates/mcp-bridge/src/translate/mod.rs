//! What one era says, in the words of the other. Pure functions over JSON text, tested row by row.
//!
//! The sessions of `mcp-core` already add and remove what every message of an era has: `resultType`, cache hints,
//! `serverInfo`, protocol keys of `_meta`, request ids, progress tokens. Here is what only a bridge has to change.

mod capabilities;
mod error;
mod request;

#[cfg(test)]
mod tests;

pub(crate) use capabilities::{client_capabilities, server_capabilities, usable};
pub(crate) use error::{error, url_elicitations};
pub(crate) use request::{Request, bare_change, request, with_progress_token, with_subscription};

use mcp_core::message::ProtocolVersion;

/// Which of the two protocol eras a side speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Era {
    Legacy,
    Modern,
}

impl Era {
    pub(crate) fn of(version: ProtocolVersion) -> Era {
        if version.is_modern() { Era::Modern } else { Era::Legacy }
    }
}
