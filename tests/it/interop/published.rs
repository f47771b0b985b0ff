//! What our client does with servers that others have published.

use mcp_core::message::ProtocolVersion;

use super::script::Can::{self, Do, Not};
use super::script::*;
use super::scripts::PYTHON_2;
use super::servers::{Server, Way};

pub(super) const EVERYTHING: Script = Script {
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
        counter: Counter::Input,
        begins: Begins::Progress,
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

/// Over HTTP its input cannot be copied.
pub(super) const EVERYTHING_CANCEL_HTTP: Can<Cancel> = Do(Cancel {
    tool: "trigger-long-running-operation",
    arguments: r#"{"duration":60,"steps":600}"#,
    counter: Counter::Accepted,
    begins: Begins::Progress,
});

pub(super) const FILESYSTEM: Script = Script {
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

pub(super) const MEMORY: Script = Script {
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

/// A server in Go, with a cluster that does not answer.
pub(super) const KUBERNETES: Script = Script {
    row: "our client / kubernetes-mcp-server",
    server: Server::Kubernetes,
    call: exchange("configuration_view", "{}", "current-context: fixture"),
    progress: Not(NO_PROGRESS),
    cancel: Do(Cancel {
        tool: "namespaces_list",
        arguments: "{}",
        counter: Counter::Input,
        begins: Begins::Cluster,
    }),
    error: exchange("pods_get", "{}", "name parameter required"),
    large: &[exchange("configuration_view", "{}", "{large}")],
    resource: Not("it has no resources"),
    prompt: Not("its prompts ask the cluster"),
    input: Not("it asks nothing"),
    listen: Not("none of its tools changes its lists"),
    ..PYTHON_2
};

/// Over HTTP its input cannot be copied.
pub(super) const KUBERNETES_CANCEL_HTTP: Can<Cancel> = Do(Cancel {
    tool: "namespaces_list",
    arguments: "{}",
    counter: Counter::Accepted,
    begins: Begins::Cluster,
});
