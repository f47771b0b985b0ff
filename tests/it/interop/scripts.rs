//! What our client does with each server: a table, in which a step is either described or declined with a reason.

use mcp_core::message::ProtocolVersion;

use super::nginx::Front;
use super::published::*;
use super::script::Can::{self, Do, Not};
use super::script::*;
use super::servers::{Bridge, BridgeName, Server, Way};

/// The fixture on the Python SDK's second version. The other fixtures have the same tools.
pub(super) const PYTHON_2: Script = Script {
    row: "our client / python 2",
    server: Server::Python2,
    way: Way::Stdio,
    farewell: None,
    legacy: None,
    version: ProtocolVersion::V2026_07_28,
    call: exchange("echo", r#"{"text":"hé\n\u2028llo"}"#, "hé\n\u{2028}llo"),
    progress: Do(exchange("slow", r#"{"steps":3}"#, "3 steps")),
    cancel: Do(Cancel {
        tool: "slow",
        arguments: r#"{"steps":10000}"#,
        counter: Counter::Tool("cancelled"),
        begins: Begins::Progress,
    }),
    error: exchange("fail", "{}", "fail"),
    unknown: METHOD_NOT_FOUND,
    large: &[exchange("echo", r#"{"text":"{large}"}"#, "{large}")],
    resource: Do(("fixture://greeting", "hello")),
    prompt: Do(Prompt { name: "introduce", argument: ("name", "Ada"), want: "Introduce yourself to Ada." }),
    input: Do(exchange("ask", "{}", "Hello, Ada")),
    listen: Do(Change { filter: tools, cause: exchange("touch", "{}", "touched"), method: TOOLS_CHANGED }),
};

/// The demo server, from the other side.
const DEMO: Script = Script {
    row: "our client / our server (nginx)",
    server: Server::Demo,
    way: Way::Nginx(Front::AsTheGuideSays),
    progress: Do(exchange("slow", r#"{"steps":3,"delay_ms":20}"#, "counted to 3")),
    cancel: Do(Cancel {
        tool: "slow",
        arguments: r#"{"steps":1000,"delay_ms":20}"#,
        counter: Counter::Log("was cancelled"),
        begins: Begins::Progress,
    }),
    error: exchange("fail", "{}", "always fails"),
    large: &[
        exchange("echo", r#"{"text":"{large}"}"#, "{large}"),
        exchange("big", r#"{"bytes":2097152}"#, "{large}"),
    ],
    resource: Do(("demo://readme", "A server")),
    prompt: Do(Prompt { name: "greet", argument: ("city", "Lima"), want: "Lima" }),
    listen: Do(Change {
        filter: resources,
        cause: exchange("touch", "{}", "added"),
        method: "notifications/resources/list_changed",
    }),
    ..PYTHON_2
};

const NO_SUBSCRIPTIONS: Can<Change> = Not("it serves no subscriptions in the modern era");

/// The demo server behind a bridge, which is a legacy one.
const BRIDGED: Script = Script { farewell: None, version: ProtocolVersion::V2025_11_25, ..DEMO };

/// What the fixtures write when a session is ended by the client.
const DELETED: Option<&str> = Some("DELETE /mcp");

/// Every row of our client.
pub(super) const SCRIPTS: &[Script] = &[
    EVERYTHING,
    FILESYSTEM,
    MEMORY,
    Script { row: "our client / typescript 2", server: Server::TypeScript2, ..PYTHON_2 },
    Script {
        row: "our client / typescript 2, legacy",
        server: Server::TypeScript2,
        legacy: Some(ProtocolVersion::V2025_11_25),
        version: ProtocolVersion::V2025_11_25,
        ..PYTHON_2
    },
    Script {
        row: "our client / python 1",
        server: Server::Python1,
        // A request that is none of its types fails its validation.
        unknown: INVALID_PARAMS,
        version: ProtocolVersion::V2025_11_25,
        ..PYTHON_2
    },
    PYTHON_2,
    Script {
        row: "our client / python 2, legacy",
        legacy: Some(ProtocolVersion::V2025_06_18),
        version: ProtocolVersion::V2025_06_18,
        ..PYTHON_2
    },
    Script {
        row: "our client / server-everything (http)",
        way: Way::Http,
        cancel: EVERYTHING_CANCEL_HTTP,
        farewell: Some("Received session termination request"),
        ..EVERYTHING
    },
    Script {
        row: "our client / server-everything (http+sse)",
        way: Way::HttpSse,
        cancel: EVERYTHING_CANCEL_HTTP,
        farewell: Some("Client Disconnected"),
        ..EVERYTHING
    },
    Script {
        row: "our client / typescript 2 (http)",
        server: Server::TypeScript2,
        way: Way::Http,
        ..PYTHON_2
    },
    Script {
        row: "our client / typescript 2, legacy (http)",
        server: Server::TypeScript2,
        way: Way::Http,
        farewell: DELETED,
        legacy: Some(ProtocolVersion::V2025_11_25),
        version: ProtocolVersion::V2025_11_25,
        ..PYTHON_2
    },
    Script {
        row: "our client / python 1 (http)",
        server: Server::Python1,
        way: Way::Http,
        farewell: DELETED,
        unknown: INVALID_PARAMS,
        version: ProtocolVersion::V2025_11_25,
        ..PYTHON_2
    },
    Script { row: "our client / python 2 (http)", way: Way::Http, ..PYTHON_2 },
    Script {
        row: "our client / python 2, legacy (http)",
        way: Way::Http,
        farewell: DELETED,
        legacy: Some(ProtocolVersion::V2025_06_18),
        version: ProtocolVersion::V2025_06_18,
        ..PYTHON_2
    },
    Script {
        row: "our client / typescript 1",
        server: Server::TypeScript1,
        version: ProtocolVersion::V2025_11_25,
        ..PYTHON_2
    },
    Script {
        row: "our client / typescript 1 (http, event store)",
        server: Server::TypeScript1,
        way: Way::Http,
        farewell: DELETED,
        version: ProtocolVersion::V2025_11_25,
        ..PYTHON_2
    },
    Script {
        row: "our client / typescript 1 (http, polling)",
        server: Server::TypeScript1,
        way: Way::Polling,
        farewell: DELETED,
        version: ProtocolVersion::V2025_11_25,
        ..PYTHON_2
    },
    Script {
        row: "our client / python 1 (http+sse)",
        server: Server::Python1,
        way: Way::HttpSse,
        unknown: INVALID_PARAMS,
        version: ProtocolVersion::V2025_11_25,
        ..PYTHON_2
    },
    Script { row: "our client / fastmcp 4", server: Server::FastMcp4, listen: NO_SUBSCRIPTIONS, ..PYTHON_2 },
    Script {
        row: "our client / fastmcp 4 (http)",
        server: Server::FastMcp4,
        way: Way::Http,
        listen: NO_SUBSCRIPTIONS,
        ..PYTHON_2
    },
    Script {
        row: "our client / fastmcp 4, legacy (http)",
        server: Server::FastMcp4,
        way: Way::Http,
        farewell: DELETED,
        legacy: Some(ProtocolVersion::V2025_11_25),
        version: ProtocolVersion::V2025_11_25,
        ..PYTHON_2
    },
    KUBERNETES,
    Script {
        row: "our client / kubernetes-mcp-server, legacy",
        legacy: Some(ProtocolVersion::V2025_11_25),
        version: ProtocolVersion::V2025_11_25,
        ..KUBERNETES
    },
    // Over HTTP it has sessions, and no modern era with them.
    Script {
        row: "our client / kubernetes-mcp-server (http)",
        way: Way::Http,
        cancel: KUBERNETES_CANCEL_HTTP,
        unknown: REFUSED,
        version: ProtocolVersion::V2025_11_25,
        ..KUBERNETES
    },
    Script { row: "our client / rmcp 3", server: Server::Rmcp3, ..PYTHON_2 },
    Script {
        row: "our client / rmcp 3, legacy",
        server: Server::Rmcp3,
        legacy: Some(ProtocolVersion::V2025_11_25),
        version: ProtocolVersion::V2025_11_25,
        ..PYTHON_2
    },
    Script { row: "our client / rmcp 3 (http)", server: Server::Rmcp3, way: Way::Http, ..PYTHON_2 },
    Script {
        row: "our client / rmcp 3, legacy (http)",
        server: Server::Rmcp3,
        way: Way::Http,
        farewell: DELETED,
        legacy: Some(ProtocolVersion::V2025_11_25),
        version: ProtocolVersion::V2025_11_25,
        ..PYTHON_2
    },
    Script {
        row: "our client / supergateway / our server (http)",
        way: Way::Bridge(Bridge { name: BridgeName::Supergateway, stdio: false }),
        legacy: Some(ProtocolVersion::V2025_11_25),
        // It does not accept a body of 1 MiB.
        large: &[exchange("big", r#"{"bytes":2097152}"#, "{large}")],
        input: Not("this bridge forwards no questions"),
        listen: Not("this bridge forwards no changes"),
        ..BRIDGED
    },
    Script {
        row: "our client / supergateway (stdio) / our server",
        way: Way::Bridge(Bridge { name: BridgeName::Supergateway, stdio: true }),
        progress: Not("this bridge forwards no progress"),
        cancel: Not(
            "this bridge forwards cancellations under the ids of its client, and requests under others",
        ),
        input: Not("this bridge answers questions itself"),
        listen: Not("this bridge forwards no changes"),
        ..BRIDGED
    },
    Script {
        row: "our client / mcp-proxy / our server (http)",
        way: Way::Bridge(Bridge { name: BridgeName::McpProxy, stdio: false }),
        unknown: INVALID_PARAMS,
        progress: Not("this bridge forwards no progress"),
        cancel: Not("this bridge does not forward cancellations"),
        input: Not("this bridge declares no capabilities for questions"),
        listen: Not("this bridge forwards no changes"),
        ..BRIDGED
    },
    Script {
        row: "our client / mcp-proxy (stdio) / our server",
        way: Way::Bridge(Bridge { name: BridgeName::McpProxy, stdio: true }),
        unknown: INVALID_PARAMS,
        cancel: Not("this bridge does not forward cancellations"),
        input: Not("this bridge declares no capabilities for questions"),
        listen: Not("this bridge forwards no changes"),
        ..BRIDGED
    },
    Script {
        row: "our client / our bridge / server-everything (http)",
        way: Way::OurBridge { stdio: false },
        version: ProtocolVersion::V2026_07_28,
        ..EVERYTHING
    },
    Script {
        row: "our client / our bridge (stdio) / server-everything",
        way: Way::OurBridge { stdio: true },
        version: ProtocolVersion::V2026_07_28,
        cancel: Not("over HTTP it does not tell of cancellations"),
        farewell: Some("Received session termination request"),
        ..EVERYTHING
    },
    DEMO,
    Script { row: "our client / our server (nginx, buffering)", way: Way::Nginx(Front::Buffering), ..DEMO },
    Script { row: "our client / our server (nginx, http/2)", way: Way::Nginx(Front::Http2), ..DEMO },
    Script {
        row: "our client / our server, legacy (nginx)",
        farewell: DELETED,
        legacy: Some(ProtocolVersion::V2025_11_25),
        version: ProtocolVersion::V2025_11_25,
        ..DEMO
    },
    Script {
        row: "our client / our server, legacy (nginx, 2 replicas)",
        way: Way::Nginx(Front::Replicas),
        farewell: DELETED,
        legacy: Some(ProtocolVersion::V2025_11_25),
        version: ProtocolVersion::V2025_11_25,
        ..DEMO
    },
    Script {
        row: "our client / our server, legacy (haproxy, 2 replicas)",
        way: Way::Haproxy,
        farewell: DELETED,
        legacy: Some(ProtocolVersion::V2025_11_25),
        version: ProtocolVersion::V2025_11_25,
        ..DEMO
    },
];
