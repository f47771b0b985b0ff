//! What our client does with each server: a table, in which a step is either described or declined with a reason.

use mcp_core::message::ProtocolVersion;
use mcp_core::session::SubscriptionFilter;

use super::nginx::Front;
use super::servers::{Server, Way};

/// A step's description, or why there is none.
pub(super) enum Can<T> {
    /// The peer can, and this is how.
    Do(T),
    /// The peer cannot, because of this.
    Not(&'static str),
}

use Can::{Do, Not};

/// A tool call and what its text has to contain. In both, `{folder}` is a temporary folder, `{large}` 1 MiB.
pub(super) struct Exchange {
    pub(super) tool: &'static str,
    pub(super) arguments: &'static str,
    pub(super) want: &'static str,
}

/// A long call that is given up, and the tool that tells how many were.
pub(super) struct Cancel {
    pub(super) tool: &'static str,
    pub(super) arguments: &'static str,
    pub(super) counter: Option<&'static str>,
}

/// A prompt with one argument, by name and value, and what its text contains.
pub(super) struct Prompt {
    pub(super) name: &'static str,
    pub(super) argument: (&'static str, &'static str),
    pub(super) want: &'static str,
}

/// A change: what to listen for, what causes it, what is heard.
pub(super) struct Change {
    pub(super) filter: fn() -> SubscriptionFilter,
    pub(super) cause: Exchange,
    pub(super) method: &'static str,
}

/// The whole conversation with one server.
pub(super) struct Script {
    pub(super) row: &'static str,
    pub(super) server: Server,
    pub(super) way: Way,
    /// What the server writes when it learns that the client is gone, if it writes anything.
    pub(super) farewell: Option<&'static str>,
    /// The era is found out, unless it is given by a legacy version.
    pub(super) legacy: Option<ProtocolVersion>,
    pub(super) version: ProtocolVersion,
    pub(super) call: Exchange,
    /// The call tells three steps.
    pub(super) progress: Can<Exchange>,
    pub(super) cancel: Can<Cancel>,
    /// A tool that fails, and what it says.
    pub(super) error: Exchange,
    /// The code that answers an unknown method.
    pub(super) unknown: i64,
    pub(super) large: &'static [Exchange],
    /// A URI, and what its text contains.
    pub(super) resource: Can<(&'static str, &'static str)>,
    pub(super) prompt: Can<Prompt>,
    pub(super) input: Can<Exchange>,
    pub(super) listen: Can<Change>,
}

const fn exchange(tool: &'static str, arguments: &'static str, want: &'static str) -> Exchange {
    Exchange { tool, arguments, want }
}

fn tools() -> SubscriptionFilter {
    SubscriptionFilter::new().tools_list_changed()
}

fn resources() -> SubscriptionFilter {
    SubscriptionFilter::new().resources_list_changed()
}

fn knowledge_graph() -> SubscriptionFilter {
    SubscriptionFilter::new().resource("memory://knowledge-graph")
}

const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;
const TOOLS_CHANGED: &str = "notifications/tools/list_changed";
const NO_LONG_CALLS: &str = "none of its tools takes long";
const NO_PROMPTS: &str = "it has no prompts";

const EVERYTHING: Script = Script {
    row: "our client / server-everything",
    server: Server::Everything,
    way: Way::Stdio,
    farewell: None,
    legacy: None,
    version: ProtocolVersion::V2025_11_25,
    call: exchange("echo", r#"{"message":"hé\n\u2028llo"}"#, "Echo: hé\n\u{2028}llo"),
    progress: Do(exchange("trigger-long-running-operation", r#"{"duration":0.3,"steps":3}"#, "Steps: 3")),
    cancel: Do(Cancel {
        tool: "trigger-long-running-operation",
        arguments: r#"{"duration":60,"steps":600}"#,
        counter: None,
    }),
    error: exchange("get-sum", r#"{"a":"not a number"}"#, "Input validation error"),
    unknown: METHOD_NOT_FOUND,
    large: &[exchange("echo", r#"{"message":"{large}"}"#, "Echo: {large}")],
    resource: Do(("demo://resource/dynamic/text/7", "Resource 7")),
    prompt: Do(Prompt { name: "args-prompt", argument: ("city", "Lima"), want: "What's weather in Lima?" }),
    input: Do(exchange("trigger-elicitation-request", "{}", "- Name: Ada")),
    listen: Do(Change {
        filter: resources,
        cause: exchange(
            "gzip-file-as-resource",
            r#"{"name":"a.gz","data":"data:text/plain,hello","outputType":"resourceLink"}"#,
            "",
        ),
        method: "notifications/resources/list_changed",
    }),
};

const FILESYSTEM: Script = Script {
    row: "our client / server-filesystem",
    server: Server::Filesystem,
    way: Way::Stdio,
    farewell: None,
    legacy: None,
    version: ProtocolVersion::V2025_11_25,
    call: exchange("create_directory", r#"{"path":"{folder}/root/new"}"#, "Successfully created"),
    progress: Not(NO_LONG_CALLS),
    cancel: Not(NO_LONG_CALLS),
    error: exchange("read_text_file", r#"{"path":"/etc/hostname"}"#, "Access denied"),
    unknown: METHOD_NOT_FOUND,
    large: &[
        exchange("write_file", r#"{"path":"{folder}/root/large","content":"{large}"}"#, "Successfully wrote"),
        exchange("read_text_file", r#"{"path":"{folder}/root/large"}"#, "{large}"),
    ],
    resource: Not("it has no resources"),
    prompt: Not(NO_PROMPTS),
    // It asks for the roots after the handshake, and serves those instead of its arguments.
    input: Do(exchange("list_allowed_directories", "{}", "{folder}/root")),
    listen: Not("nothing that it declares ever changes"),
};

const MEMORY: Script = Script {
    row: "our client / server-memory",
    server: Server::Memory,
    way: Way::Stdio,
    farewell: None,
    legacy: None,
    version: ProtocolVersion::V2025_11_25,
    call: exchange(
        "create_entities",
        r#"{"entities":[{"name":"Ada","entityType":"person","observations":["hé\u2028llo"]}]}"#,
        "hé\u{2028}llo",
    ),
    progress: Not(NO_LONG_CALLS),
    cancel: Not(NO_LONG_CALLS),
    error: exchange(
        "add_observations",
        r#"{"observations":[{"entityName":"nobody","contents":["x"]}]}"#,
        "not found",
    ),
    unknown: METHOD_NOT_FOUND,
    large: &[
        exchange(
            "create_entities",
            r#"{"entities":[{"name":"large","entityType":"text","observations":["{large}"]}]}"#,
            "{large}",
        ),
        exchange("read_graph", "{}", "{large}"),
    ],
    resource: Do(("memory://knowledge-graph", "Ada")),
    prompt: Not(NO_PROMPTS),
    input: Not("it asks nothing"),
    listen: Do(Change {
        filter: knowledge_graph,
        cause: exchange(
            "create_entities",
            r#"{"entities":[{"name":"Bob","entityType":"person","observations":[]}]}"#,
            "Bob",
        ),
        method: "notifications/resources/updated",
    }),
};

/// The fixture on the Python SDK's second version. The other fixtures have the same tools.
const PYTHON_2: Script = Script {
    row: "our client / python 2",
    server: Server::Python2,
    way: Way::Stdio,
    farewell: None,
    legacy: None,
    version: ProtocolVersion::V2026_07_28,
    call: exchange("echo", r#"{"text":"hé\n\u2028llo"}"#, "hé\n\u{2028}llo"),
    progress: Do(exchange("slow", r#"{"steps":3}"#, "3 steps")),
    cancel: Do(Cancel { tool: "slow", arguments: r#"{"steps":10000}"#, counter: Some("cancelled") }),
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
    cancel: Do(Cancel { tool: "slow", arguments: r#"{"steps":1000,"delay_ms":20}"#, counter: None }),
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
        listen: Not("to a legacy client it declares that nothing changes"),
        ..PYTHON_2
    },
    Script {
        row: "our client / server-everything (http)",
        way: Way::Http,
        farewell: Some("Received session termination request"),
        ..EVERYTHING
    },
    Script {
        row: "our client / server-everything (http+sse)",
        way: Way::HttpSse,
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
        listen: Not("to a legacy client it declares that nothing changes"),
        ..PYTHON_2
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
