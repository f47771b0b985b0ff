//! The demo server's tools.

use std::io::Write;
use std::time::Duration;

use mcp_core::message::{ErrorObject, RawJson};
use mcp_core::server::{Context, Router, Tool, ToolError, ToolReply};
use mcp_core::session::{InputRequest, InputRequired, LogLevel};
use serde_json::Value;

use super::notes::Notes;

const MAX_STEPS: u64 = 10_000;
const MAX_DELAY_MS: u64 = 60_000;
/// The most that `big` returns, in bytes: a reply stays below the default limit of a line.
const MAX_BIG: u64 = 15 << 20;

/// Adds the tools to a router.
pub(super) fn register(router: Router, notes: &Notes) -> Router {
    let notes = notes.clone();
    router
        .tool(
            tool("echo", "Returns its text", r#"{"text":{"type":"string"}}"#, &["text"]),
            |arguments, _| async move { Ok::<_, ToolError>(text(&arguments, "text")?) },
        )
        .tool(
            tool("add", "Adds two numbers", r#"{"a":{"type":"number"},"b":{"type":"number"}}"#, &["a", "b"]),
            |arguments, _| async move { add(&arguments) },
        )
        .tool(
            tool(
                "slow",
                "Counts, telling its progress; can be cancelled",
                r#"{"steps":{"type":"integer","default":5},"delay_ms":{"type":"integer","default":200}}"#,
                &[],
            ),
            |arguments, context| async move { slow(&arguments, &context).await },
        )
        .tool(
            tool("ask", "Asks for a name, and greets", "{}", &[]),
            |_, context| async move { ask(&context) },
        )
        .tool(
            tool(
                "log",
                "Logs its text at a level",
                r#"{"text":{"type":"string"},"level":{"type":"string","default":"info"}}"#,
                &["text"],
            ),
            |arguments, context| async move { log(&arguments, &context).await },
        )
        .tool(tool("fail", "Always fails, as a tool does", "{}", &[]), |_, _| async move {
            Err::<ToolReply, ToolError>(ToolError::from("this tool always fails"))
        })
        .tool(
            tool("big", "Returns a text of this many bytes", r#"{"bytes":{"type":"integer"}}"#, &["bytes"]),
            |arguments, _| async move {
                let bytes = whole(&arguments, "bytes", 0, MAX_BIG)?;
                Ok::<_, ToolError>("x".repeat(usize::try_from(bytes).unwrap_or(0)))
            },
        )
        .tool(
            tool("print", "Prints to stdout, which must not reach the wire", "{}", &[]),
            |_, _| async move { print() },
        )
        .tool(tool("panic", "Panics", "{}", &[]), |_, _| async move { fall_over() })
        .tool(tool("touch", "Adds a resource, which subscribers hear of", "{}", &[]), move |_, _| {
            let uri = Notes::uri(notes.add());
            async move { Ok::<_, ToolError>(format!("added {uri}")) }
        })
}

fn tool(name: &str, about: &str, properties: &str, required: &[&str]) -> Tool {
    let required = RawJson::array(required.iter().map(|key| RawJson::string(key)));
    let schema = format!(r#"{{"type":"object","properties":{properties},"required":{required}}}"#);
    Tool::new(name).description(about).input(schema)
}

fn text(arguments: &RawJson, key: &str) -> Result<String, ErrorObject> {
    arguments
        .member(key)
        .and_then(|value| value.to_text())
        .ok_or_else(|| ErrorObject::invalid_params(format!("the argument {key:?} has to be a string")))
}

/// A whole number up to `max`, or the default where the argument is absent.
fn whole(arguments: &RawJson, key: &str, default: u64, max: u64) -> Result<u64, ErrorObject> {
    let bad =
        || ErrorObject::invalid_params(format!("the argument {key:?} has to be a number from 0 to {max}"));
    match arguments.member(key) {
        None => Ok(default),
        Some(value) => value.deserialize().ok().filter(|number| *number <= max).ok_or_else(bad),
    }
}

fn add(arguments: &RawJson) -> Result<ToolReply, ToolError> {
    let number = |key: &str| -> Result<f64, ErrorObject> {
        let value = arguments.member(key).and_then(|value| value.deserialize().ok());
        value.ok_or_else(|| ErrorObject::invalid_params(format!("the argument {key:?} has to be a number")))
    };
    Ok(ToolReply::text(&(number("a")? + number("b")?).to_string()))
}

async fn slow(arguments: &RawJson, context: &Context) -> Result<ToolReply, ToolError> {
    let steps = whole(arguments, "steps", 5, MAX_STEPS)?;
    let delay = Duration::from_millis(whole(arguments, "delay_ms", 200, MAX_DELAY_MS)?);
    for step in 1..=steps {
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = context.cancelled() => return Err("cancelled".into()),
        }
        let message = format!("step {step} of {steps}");
        context.progress(step as f64, Some(steps as f64), Some(&message)).await;
    }
    Ok(ToolReply::text(&format!("counted to {steps}")))
}

/// Asks on the first round, greets on the second; the same code in both eras.
fn ask(context: &Context) -> Result<ToolReply, ToolError> {
    let Some(answer) = context.input_responses().and_then(|answers| answers.member("name")) else {
        return Ok(question().into());
    };
    // It comes from the client: anything may be in it.
    let answer: Value = answer.deserialize().unwrap_or_default();
    match answer.get("action").and_then(Value::as_str) {
        Some("accept") => match answer.pointer("/content/name").and_then(Value::as_str) {
            Some(name) => Ok(ToolReply::text(&format!("Hello, {name}!"))),
            None => Err("the answer has no name in it".into()),
        },
        Some("decline") => Ok(ToolReply::text("Hello, whoever you are!")),
        _ => Err("nobody answered".into()),
    }
}

fn question() -> InputRequired {
    let field =
        RawJson::object([("type", RawJson::string("string")), ("title", RawJson::string("Your name"))]);
    let schema = RawJson::object([
        ("type", RawJson::string("object")),
        ("properties", RawJson::object([("name", field)])),
        ("required", RawJson::array([RawJson::string("name")])),
    ]);
    let params = RawJson::object([
        ("mode", RawJson::string("form")),
        ("message", RawJson::string("What is your name?")),
        ("requestedSchema", schema),
    ]);
    let request =
        InputRequest { key: "name".to_owned(), method: "elicitation/create".into(), params: Some(params) };
    InputRequired { requests: vec![request], state: None }
}

async fn log(arguments: &RawJson, context: &Context) -> Result<ToolReply, ToolError> {
    let message = text(arguments, "text")?;
    let level = match arguments.member("level") {
        None => LogLevel::Info,
        Some(level) => level
            .to_text()
            .and_then(|name| LogLevel::parse(&name))
            .ok_or_else(|| ErrorObject::invalid_params("unknown level"))?,
    };
    context.log(level, Some("demo"), RawJson::string(&message)).await;
    Ok(ToolReply::text("logged, if anybody listens"))
}

/// FAULT C-14: on an unprotected server this line would break the protocol.
fn print() -> Result<ToolReply, ToolError> {
    let line = b"a stray line on stdout\n";
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(line).and_then(|()| stdout.flush()).map_err(|error| error.to_string())?;
    Ok(ToolReply::text("printed to stdout"))
}

/// FAULT C-50.
#[allow(clippy::panic)]
fn fall_over() -> Result<ToolReply, ToolError> {
    panic!("the demo tool `panic` was called")
}
