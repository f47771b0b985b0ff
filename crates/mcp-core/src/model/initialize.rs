//! The handshake of the revisions before 2026-07-28.
//!
//! See [lifecycle](https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle).

use super::object::object;
use super::{ClientCapabilities, Implementation, ServerCapabilities};
use crate::message::RawJson;

object! {
    /// The parameters of `initialize`.
    pub struct InitializeParams {
        required {
            /// The label of the protocol version that the client asks for.
            protocol_version: String = "protocolVersion";
            /// The capabilities of the client.
            capabilities: ClientCapabilities = "capabilities";
            /// The name and version that the client claims.
            client_info: Implementation = "clientInfo";
        }
        optional {
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// The result of `initialize`.
    pub struct InitializeResult {
        required {
            /// The label of the protocol version that the server chose.
            protocol_version: String = "protocolVersion";
            /// The capabilities of the server.
            capabilities: ServerCapabilities = "capabilities";
            /// The name and version that the server claims.
            server_info: Implementation = "serverInfo";
        }
        optional {
            /// Instructions for the model on how to use the server.
            instructions: Option<String> = opt "instructions", with_instructions(String);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}
