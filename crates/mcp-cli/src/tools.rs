//! `mcp tools`: a server's tools, all pages of them.

use mcp_core::client::{Client, PageLimits};
use mcp_core::message::RawJson;
use serde_json::Value;

use crate::cli::{Global, Tools};
use crate::exit::Failure;
use crate::signals::Signals;
use crate::style::Style;
use crate::table::Table;
use crate::{out, session, target, text};

/// How wide a description may be in the table.
const ABOUT: usize = 72;

/// Runs the command.
pub(crate) async fn run(signals: &Signals, global: &Global, options: &Tools) -> Result<(), Failure> {
    let child = target::command(global, options.target.as_deref(), &options.command)?;
    session::run(signals, global, session::builder(global), child, async |client: &Client| {
        let mut tools = list(client).await?;
        if let Some(pattern) = &options.grep {
            let pattern = pattern.to_lowercase();
            tools.retain(|tool| matches(tool, &pattern));
        }
        if global.json {
            return out::write_line(RawJson::object([("tools", RawJson::array(tools))]).to_string());
        }
        out::write(render(&tools, options.schema, Style::for_stream(global.color, &std::io::stdout())))
    })
    .await
}

/// All tools of a server.
pub(crate) async fn list(client: &Client) -> Result<Vec<RawJson>, Failure> {
    Ok(client.list_all("tools/list", "tools", PageLimits::default()).await?)
}

/// The name of a tool in a list.
pub(crate) fn name(tool: &RawJson) -> String {
    tool.member("name").and_then(|name| name.to_text()).unwrap_or_default()
}

fn matches(tool: &RawJson, pattern: &str) -> bool {
    let texts = ["name", "title", "description"].map(|key| tool.member(key).and_then(|text| text.to_text()));
    texts.iter().flatten().any(|text| text.to_lowercase().contains(pattern))
}

fn render(tools: &[RawJson], schema: bool, style: Style) -> String {
    if tools.is_empty() {
        return "no tools\n".to_owned();
    }
    let tools: Vec<Value> = tools.iter().filter_map(|tool| tool.deserialize().ok()).collect();
    if schema {
        return tools.iter().map(|tool| with_schema(tool, style)).collect::<Vec<_>>().join("\n");
    }
    let mut table = Table::new(["tool", "what it does"]);
    for tool in &tools {
        table.row([signature(tool), about(tool)]);
    }
    table.render(style)
}

fn about(tool: &Value) -> String {
    let text = tool.get("description").or(tool.get("title")).and_then(Value::as_str).unwrap_or("");
    text::headline(text, ABOUT)
}

fn with_schema(tool: &Value, style: Style) -> String {
    let title = style.bold(&text::safe_line(&signature(tool)));
    let about = tool.get("description").and_then(Value::as_str).unwrap_or("");
    let schema = tool.get("inputSchema").unwrap_or(&Value::Null);
    let schema = serde_json::to_string_pretty(schema).unwrap_or_default();
    format!("{title}\n{}\n{}\n", text::safe_block(about.trim_end()), text::safe_block(&schema))
}

/// `add(a: number, b: number, [round: boolean])`: the arguments in brackets may be left out.
pub(crate) fn signature(tool: &Value) -> String {
    let name = tool.get("name").and_then(Value::as_str).unwrap_or("?");
    let schema = tool.get("inputSchema").unwrap_or(&Value::Null);
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let properties = schema.get("properties").and_then(Value::as_object);
    let (needed, optional): (Vec<_>, Vec<_>) =
        properties.into_iter().flatten().partition(|(key, _)| required.contains(&key.as_str()));
    let shown = |(key, field): (&String, &Value)| format!("{key}: {}", kind(field));
    let arguments: Vec<String> = needed
        .into_iter()
        .map(shown)
        .chain(optional.into_iter().map(|argument| format!("[{}]", shown(argument))))
        .collect();
    format!("{name}({})", arguments.join(", "))
}

/// The type of an argument in a word or two.
fn kind(field: &Value) -> String {
    if let Some(choices) = field.get("enum").and_then(Value::as_array) {
        let choices: Vec<String> = choices.iter().take(4).map(Value::to_string).collect();
        return choices.join("|");
    }
    match field.get("type") {
        Some(Value::String(name)) if name == "array" => {
            field.get("items").map_or("array".to_owned(), |items| format!("{}[]", kind(items)))
        }
        Some(Value::String(name)) => name.clone(),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("|"),
        _ => "any".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_signature_names_arguments_types_and_what_may_be_left_out() {
        let tool = json!({"name": "find", "inputSchema": {"type": "object", "required": ["text"], "properties": {
            "text": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}},
            "order": {"enum": ["up", "down"]}, "limit": {"type": ["integer", "null"]}, "x": {}}}});
        assert_eq!(
            signature(&tool),
            r#"find(text: string, [limit: integer|null], [order: "up"|"down"], [tags: string[]], [x: any])"#
        );
        assert_eq!(signature(&json!({"name": "bare"})), "bare()");
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

    #[test]
    fn grep_looks_at_names_and_descriptions() {
        let tool = RawJson::parse(r#"{"name":"Read_File","description":"gives CONTENT"}"#).unwrap();
        assert!(matches(&tool, "file") && matches(&tool, "content") && !matches(&tool, "write"));
    }
}
