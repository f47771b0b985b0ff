//! The demo server's tools.

use std::io::Write;
use std::time::Duration;

use mcp_core::message::{ErrorObject, RawJson};
use mcp_core::model::{ElicitAction, ElicitForm, ElicitResult, Model};
use mcp_core::server::{Context, HandlerError, Router, ToolDef, ToolReply};
use mcp_core::session::{Change, InputRequired, LogLevel};
use serde::Deserialize;

use super::notes::Notes;

const MAX_STEPS: u64 = 10_000;
const MAX_DELAY_MS: u64 = 60_000;
/// The most that `big` returns, in bytes: a reply stays below the default limit of a line.
const MAX_BIG: u64 = 15 << 20;

#[derive(Deserialize)]
struct Echo {
    text: String,
}

#[derive(Deserialize)]
struct Add {
    a: f64,
    b: f64,
}

#[derive(Deserialize)]
#[serde(default)]
struct Slow {
    steps: u64,
    delay_ms: u64,
}

impl Default for Slow {
    fn default() -> Slow {
        Slow { steps: 5, delay_ms: 200 }
    }
}

#[derive(Deserialize)]
struct Log {
    text: String,
    level: Option<String>,
}

#[derive(Deserialize)]
struct Big {
    #[serde(default)]
    bytes: u64,
}

/// Adds the tools to a router.
pub(super) fn register(router: Router, notes: &Notes) -> Router {
    let notes = notes.clone();
    router
        .tool_with(
            tool("echo", "Returns its text", r#"{"text":{"type":"string"}}"#, &["text"]),
            |echo: Echo, _| async move { Ok(echo.text) },
        )
        .tool_with(
            tool("add", "Adds two numbers", r#"{"a":{"type":"number"},"b":{"type":"number"}}"#, &["a", "b"]),
            |add: Add, _| async move { Ok((add.a + add.b).to_string()) },
        )
        .tool_with(
            tool(
                "slow",
                "Counts, telling its progress; can be cancelled",
                r#"{"steps":{"type":"integer","default":5},"delay_ms":{"type":"integer","default":200}}"#,
                &[],
            ),
            |slow: Slow, context| async move { count(slow, &context).await },
        )
        .tool(
            tool("ask", "Asks for a name, and greets", "{}", &[]),
            |_, context| async move { ask(&context) },
        )
        .tool_with(
            tool(
                "log",
                "Logs its text at a level",
                r#"{"text":{"type":"string"},"level":{"type":"string","default":"info"}}"#,
                &["text"],
            ),
            |log: Log, context| async move { write_log(log, &context).await },
        )
        .tool(tool("fail", "Always fails, as a tool does", "{}", &[]), |_, _| async move {
            Err::<ToolReply, HandlerError>(HandlerError::from("this tool always fails"))
        })
        .tool_with(
            tool("big", "Returns a text of this many bytes", r#"{"bytes":{"type":"integer"}}"#, &["bytes"]),
            |big: Big, _| async move {
                up_to("bytes", big.bytes, MAX_BIG)?;
                Ok("x".repeat(usize::try_from(big.bytes).unwrap_or(0)))
            },
        )
        .tool(
            tool("print", "Prints to stdout, which must not reach the wire", "{}", &[]),
            |_, _| async move { print() },
        )
        .tool(tool("panic", "Panics", "{}", &[]), |_, _| async move { fall_over() })
        .tool(tool("touch", "Adds a resource, which subscribers hear of", "{}", &[]), move |_, context| {
            let uri = Notes::uri(notes.add());
            async move {
                context.publish(Change::ResourcesList);
                Ok(format!("added {uri}"))
            }
        })
}

fn tool(name: &str, about: &str, properties: &str, required: &[&str]) -> ToolDef {
    let required = RawJson::array(required.iter().map(|key| RawJson::string(key)));
    let schema = format!(r#"{{"type":"object","properties":{properties},"required":{required}}}"#);
    ToolDef::new(name).description(about).input(schema)
}

fn up_to(key: &str, number: u64, max: u64) -> Result<(), ErrorObject> {
    if number <= max {
        return Ok(());
    }
    Err(ErrorObject::invalid_params(format!("the argument {key:?} has to be a number from 0 to {max}")))
}

async fn count(Slow { steps, delay_ms }: Slow, context: &Context) -> Result<String, HandlerError> {
    up_to("steps", steps, MAX_STEPS)?;
    up_to("delay_ms", delay_ms, MAX_DELAY_MS)?;
    let delay = Duration::from_millis(delay_ms);
    for step in 1..=steps {
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = context.cancelled() => {
                tracing::info!(step, "a call of `slow` was cancelled");
                return Err("cancelled".into());
            }
        }
        let message = format!("step {step} of {steps}");
        context.progress(step as f64, Some(steps as f64), Some(&message)).await;
    }
    Ok(format!("counted to {steps}"))
}

/// Asks on the first round, greets on the second; the same code in both eras.
fn ask(context: &Context) -> Result<ToolReply, HandlerError> {
    let Some(answer) = context.answer::<ElicitResult>("name")? else {
        let schema = r#"{"type":"object","properties":{"name":{"type":"string","title":"Your name"}},"required":["name"]}"#;
        let schema = RawJson::parse(schema).map_err(|error| error.to_string())?;
        let form = ElicitForm::new("What is your name?", schema);
        return Ok(InputRequired::ask("name", "elicitation/create", Some(form.to_raw())).into());
    };
    let name = answer.content.and_then(|content| content.member("name")).and_then(|name| name.to_text());
    match (answer.action, name) {
        (ElicitAction::Accept, Some(name)) => Ok(ToolReply::text(&format!("Hello, {name}!"))),
        (ElicitAction::Accept, None) => Err("the answer has no name in it".into()),
        (ElicitAction::Decline, _) => Ok(ToolReply::text("Hello, stranger!")),
        _ => Err("the question was not answered".into()),
    }
}

async fn write_log(Log { text, level }: Log, context: &Context) -> Result<&'static str, HandlerError> {
    let level = match level {
        None => LogLevel::Info,
        Some(level) => LogLevel::parse(&level).ok_or_else(|| ErrorObject::invalid_params("unknown level"))?,
    };
    context.log(level, Some("demo"), RawJson::string(&text)).await;
    Ok("logged")
}

// FAULT C-14: on an unprotected server this line would break the protocol.
fn print() -> Result<ToolReply, HandlerError> {
    let line = b"a stray line on stdout\n";
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(line).and_then(|()| stdout.flush()).map_err(|error| error.to_string())?;
    Ok(ToolReply::text("printed to stdout"))
}

// FAULT C-50.
#[expect(clippy::panic, reason = "the tool shows what a panic of a handler does")]
fn fall_over() -> Result<ToolReply, HandlerError> {
    panic!("the demo tool `panic` was called")
}
