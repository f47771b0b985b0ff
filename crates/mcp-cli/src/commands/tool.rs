//! `mcp tool`: one tool, its schemas, and a call of it to start from.

use std::ffi::OsString;

use clap::Args;
use mcp_core::client::Client;
use mcp_core::message::RawJson;
use serde_json::Value;

use crate::commands::{call, list, tools};
use crate::connect::run;
use crate::connect::servers::redact;
use crate::connect::target::{self, Target};
use crate::exit::Failure;
use crate::global::Global;
use crate::signals::Signals;
use crate::terminal::out;
use crate::terminal::pretty::pretty;
use crate::terminal::style::Style;
use crate::text::{self, schema, shell_words};

/// `mcp tool`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server, unless a command follows `--`; the tool's name
    #[arg(value_name = "[SERVER] TOOL")]
    pub(crate) words: Vec<String>,
    /// The command that starts the server, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// Runs the command.
pub(crate) async fn run(signals: &Signals, global: &Global, options: &Options) -> Result<(), Failure> {
    let (server, words) = target::split(&options.words, &options.command);
    let Target { global, link } = target::find(signals, global, server, &options.command).await?;
    let invocation = Invocation { server, command: &options.command };
    name(words)?;
    run::with_client(signals, &global, run::builder(&global), link, async |client: &Client| {
        show(client, &global, words, &invocation).await
    })
    .await
}

fn name(words: &[String]) -> Result<&str, Failure> {
    match words {
        [name] => Ok(name),
        [] => Err(target::incomplete("the tool's name", "tool TOOL")),
        [_, extra, ..] => Err(Failure::usage(format!("{extra:?} is one word too many"))),
    }
}

/// How the user named the server.
#[derive(Debug, Default)]
pub(crate) struct Invocation<'a> {
    pub(crate) server: Option<&'a str>,
    pub(crate) command: &'a [OsString],
}

/// Shows the tool that `words` name.
pub(crate) async fn show(
    client: &Client,
    global: &Global,
    words: &[String],
    invocation: &Invocation<'_>,
) -> Result<(), Failure> {
    let name = name(words)?;
    let list = tools::list(client).await?;
    let tool =
        list.iter().find(|tool| tools::name(tool) == name).ok_or_else(|| call::unknown(name, &list))?;
    if global.json {
        return out::json(&tool.to_string());
    }
    out::write(render(tool, invocation, Style::for_stream(global.color, &std::io::stdout())))
}

fn render(tool: &RawJson, invocation: &Invocation<'_>, style: Style) -> String {
    let mut out = format!("{}\n", style.bold(&text::safe_line(&tools::signature(tool))));
    let about = list::about(tool);
    if !about.trim().is_empty() {
        out.push_str(&format!("{}\n", text::safe_block(about.trim_end())));
    }
    let parts = [("arguments", "inputSchema"), ("result", "outputSchema"), ("annotations", "annotations")];
    for (title, key) in parts {
        if let Some(value) = tool.member(key) {
            out.push_str(&format!("\n{}\n{}\n", style.bold(title), text::safe_json(&pretty(&value))));
        }
    }
    out.push_str(&format!("\n{}\n{}\n", style.bold("example"), text::safe_line(&example(tool, invocation))));
    out
}

/// A command line that calls the tool with what it needs.
fn example(tool: &RawJson, invocation: &Invocation<'_>) -> String {
    let schema: Value =
        tool.member("inputSchema").and_then(|schema| schema.deserialize().ok()).unwrap_or_default();
    let mut words = vec!["mcp".to_owned(), "call".to_owned()];
    words.extend(invocation.server.map(redact::url));
    words.push(tools::name(tool));
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    for key in required.filter_map(Value::as_str) {
        let field = schema.pointer("/properties").and_then(|fields| fields.get(key)).unwrap_or(&Value::Null);
        words.push(match schema::sample(&schema, field, key) {
            Value::String(text) => format!("{key}={text}"),
            value @ (Value::Array(_) | Value::Object(_)) => format!("{key}:={value}"),
            value => format!("{key}={value}"),
        });
    }
    if !invocation.command.is_empty() {
        words.push("--".to_owned());
        words.extend(invocation.command.iter().map(|word| word.to_string_lossy().into_owned()));
    }
    words.iter().map(|word| shell_words::quote(word)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_has_what_the_tool_needs_and_can_be_pasted() {
        let tool = r##"{"name":"find","inputSchema":{"required":["text","n","mode","tags","unit","any"],"properties":{
            "text":{"type":"string","examples":["it's here"]},"n":{"type":["integer","null"],"minimum":3},
            "mode":{"enum":["fast","slow"]},"tags":{"type":"array"},"unit":{"$ref":"#/$defs/Unit"},
            "opt":{"type":"string"}},"$defs":{"Unit":{"type":"string","enum":["km"]}}}}"##;
        let tool = RawJson::parse(tool).unwrap();
        let command = ["my server", "-x"].map(OsString::from);
        let line = example(&tool, &Invocation { server: None, command: &command });
        assert_eq!(
            line,
            r#"mcp call find "text=it's here" n=3 mode=fast 'tags:=[]' unit=km any=ANY -- 'my server' -x"#
        );
        let line = example(&tool, &Invocation { server: Some("git"), command: &[] });
        assert!(line.starts_with("mcp call git find "), "{line}");
    }
}
