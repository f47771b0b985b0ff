//! `mcp tools`: a server's tools, all pages of them.

use clap::Args;
use mcp_core::client::Client;
use mcp_core::message::RawJson;
use serde_json::Value;

use crate::commands::list;
use crate::exit::Failure;
use crate::global::Global;
use crate::signals::Signals;
use crate::terminal::pretty::pretty;
use crate::terminal::style::Style;
use crate::terminal::table::Table;
use crate::text::{self, schema};

/// `mcp tools`
#[derive(Debug, Args)]
// `list::Options` below has a group of this name.
#[group(skip)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) list: list::Options,
    /// Show each tool's schema of arguments
    #[arg(long)]
    pub(crate) schema: bool,
}

/// How wide a description may be in the table.
const ABOUT: usize = 72;

/// Runs the command.
pub(crate) async fn run(signals: &Signals, global: &Global, options: &Options) -> Result<(), Failure> {
    list::run(signals, global, &options.list, async |client: &Client, global: &Global| {
        show(client, global, options).await
    })
    .await
}

/// Lists the tools of this server.
pub(crate) async fn show(client: &Client, global: &Global, options: &Options) -> Result<(), Failure> {
    let page = list::fetch(client, list::TOOLS, &options.list).await?;
    list::show(global, list::TOOLS, &page, |tools, style| render(tools, options.schema, style))
}

/// All tools of a server.
pub(crate) async fn list(client: &Client) -> Result<Vec<RawJson>, Failure> {
    list::all(client, list::TOOLS).await
}

/// The name of a tool in a list.
pub(crate) fn name(tool: &RawJson) -> String {
    tool.member("name").and_then(|name| name.to_text()).unwrap_or_default()
}

fn render(tools: &[RawJson], schema: bool, style: Style) -> String {
    if schema {
        return tools.iter().map(|tool| with_schema(tool, style)).collect::<Vec<_>>().join("\n");
    }
    let mut table = Table::new(["tool", "what it does"]);
    for tool in tools {
        let shown = if name(tool).is_empty() { list::as_it_came(tool) } else { signature(tool) };
        table.row([shown, text::headline(&list::about(tool), ABOUT)]);
    }
    table.render(style)
}

fn with_schema(tool: &RawJson, style: Style) -> String {
    let title = style.bold(&text::safe_line(&signature(tool)));
    let schema = pretty(&tool.member("inputSchema").unwrap_or_default());
    format!("{title}\n{}\n{}\n", text::safe_block(list::about(tool).trim_end()), text::safe_block(&schema))
}

/// `add(a: number, b: number, [round: boolean])`: the arguments in brackets may be left out. Each group in
/// the server's order.
pub(crate) fn signature(tool: &RawJson) -> String {
    let schema = tool.member("inputSchema").unwrap_or_default();
    let required: Vec<String> = schema
        .member("required")
        .unwrap_or_default()
        .elements()
        .iter()
        .filter_map(RawJson::to_text)
        .collect();
    let properties = schema.member("properties").unwrap_or_default().members();
    let (needed, optional): (Vec<_>, Vec<_>) =
        properties.into_iter().partition(|(key, _)| required.contains(key));
    let root: Value = schema.deserialize().unwrap_or_default();
    let shown = |(key, field): &(String, RawJson)| {
        format!("{key}: {}", kind(&root, &field.deserialize().unwrap_or_default(), MAX_DEPTH))
    };
    let needed = needed.iter().map(shown);
    let arguments: Vec<String> =
        needed.chain(optional.iter().map(|argument| format!("[{}]", shown(argument)))).collect();
    format!("{}({})", name(tool), arguments.join(", "))
}

/// How far local `$ref`s and nested types are followed. A loop ends here.
const MAX_DEPTH: usize = 8;

/// The type of an argument in a word or two.
fn kind(root: &Value, field: &Value, depth: usize) -> String {
    let any = || "any".to_owned();
    let Some(depth) = depth.checked_sub(1) else { return any() };
    if field.get("$ref").is_some() {
        return schema::target(root, field).map_or_else(any, |target| kind(root, target, depth));
    }
    if let Some(choices) = field.get("enum").and_then(Value::as_array) {
        return joined(choices.iter().map(Value::to_string));
    }
    if let Some(value) = field.get("const") {
        return value.to_string();
    }
    if let Some(branches) = ["anyOf", "oneOf"].iter().find_map(|union| field.get(union)?.as_array()) {
        return joined(branches.iter().map(|branch| kind(root, branch, depth)));
    }
    match field.get("type") {
        Some(Value::String(name)) if name == "array" => {
            field.get("items").map_or("array".to_owned(), |items| format!("{}[]", kind(root, items, depth)))
        }
        Some(Value::String(name)) => name.clone(),
        Some(Value::Array(names)) => joined(names.iter().filter_map(Value::as_str).map(str::to_owned)),
        _ => any(),
    }
}

/// The first of some alternatives.
fn joined(kinds: impl Iterator<Item = String>) -> String {
    kinds.take(4).collect::<Vec<_>>().join("|")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As schemars writes the types of Rust: enums and optional values behind a reference.
    #[test]
    fn a_signature_follows_references() {
        let tool = r##"{"name": "find", "inputSchema": {"required": ["unit"], "properties": {
            "unit": {"$ref": "#/$defs/Unit"}, "far": {"$ref": "https://example.com/far.json"},
            "order": {"anyOf": [{"$ref": "#/$defs/Order"}, {"type": "null"}]}, "loop": {"$ref": "#/$defs/Loop"}},
            "$defs": {"Unit": {"type": "string", "enum": ["c", "f"]}, "Loop": {"$ref": "#/$defs/Loop"},
            "Order": {"oneOf": [{"const": "up", "description": "first to last"}, {"const": "down"}]}}}}"##;
        assert_eq!(
            signature(&RawJson::parse(tool).unwrap()),
            r#"find(unit: "c"|"f", [far: any], [order: "up"|"down"|null], [loop: any])"#
        );
    }

    #[test]
    fn a_signature_names_arguments_types_and_what_may_be_left_out() {
        let tool = r#"{"name": "find", "inputSchema": {"type": "object", "required": ["text"], "properties": {
            "tags": {"type": "array", "items": {"type": "string"}}, "order": {"enum": ["up", "down"]},
            "text": {"type": "string"}, "limit": {"type": ["integer", "null"]}, "x": {}}}}"#;
        assert_eq!(
            signature(&RawJson::parse(tool).unwrap()),
            r#"find(text: string, [tags: string[]], [order: "up"|"down"], [limit: integer|null], [x: any])"#
        );
        assert_eq!(signature(&RawJson::parse(r#"{"name":"bare"}"#).unwrap()), "bare()");
    }

    // FAULT F-C7: what is not a tool is shown as it came.
    #[test]
    fn an_item_without_a_name_is_shown() {
        let items = [r#"{"title":"no name"}"#, "7", r#"{"name":5}"#];
        let items = items.map(|item| RawJson::parse(item.to_owned()).unwrap());
        let shown = render(&items, false, Style::plain());
        for item in items {
            assert!(shown.contains(&item.to_string()), "{shown}");
        }
    }

    /// FAULTS B, terminal escape injection: in a name and in a description.
    #[test]
    fn a_tool_cannot_write_to_the_terminal_by_its_name() {
        let tool = RawJson::parse(r#"{"name":"x\u001b[2J","description":"a\rb\nc"}"#).unwrap();
        for schema in [false, true] {
            let shown = render(std::slice::from_ref(&tool), schema, Style::plain());
            assert!(!shown.contains(['\u{1b}', '\r']), "{shown:?}");
        }
    }
}
