//! The legacy handshake (before 2026-07-28).

use super::object::object;
use super::{ClientCapabilities, Implementation, ServerCapabilities};
use crate::message::RawJson;

object! {
    /// The parameters of `initialize`.
    pub struct InitializeParams {
        required {
            /// The version that the client asks for, as it says it.
            protocol_version: String = "protocolVersion";
            /// What the client can do.
            capabilities: ClientCapabilities = "capabilities";
            /// Who the client says it is.
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
            /// The version that the server chose, as it says it.
            protocol_version: String = "protocolVersion";
            /// What the server can do.
            capabilities: ServerCapabilities = "capabilities";
            /// Who the server says it is.
            server_info: Implementation = "serverInfo";
        }
        optional {
            /// How to use the server, for the model.
            instructions: Option<String> = opt "instructions", with_instructions(String);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}
