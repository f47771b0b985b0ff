//! `mcp call`: one call of one tool.

use std::io::{IsTerminal, Read};

use futures::FutureExt;
use mcp_core::client::{CallOptions, Client};
use mcp_core::message::{Payload, RawJson, code};
use serde_json::Value;

use crate::cli::{Call, Global};
use crate::content::{self, Reader};
use crate::exit::{Code, Failure};
use crate::input::Answers;
use crate::progress::Display;
use crate::signals::Signals;
use crate::{arguments, aside, out, session, target, tools};

/// The most that `--args` reads from a file or from stdin, in bytes.
const MAX_ARGS: u64 = 16 << 20;

/// Runs the command.
pub(crate) async fn run(signals: &Signals, global: &Global, options: &Call) -> Result<(), Failure> {
    let (name, words) = match options.words.split_first() {
        Some((first, rest)) if !target::is_url(first) => (first, rest),
        other => return Err(target::missing(other.map(|(url, _)| url.as_str()))),
    };
    let child = target::command(global, None, &options.command)?;
    let base = match options.args.clone() {
        Some(source) => Some(arguments_from(signals, source).await?),
        None => None,
    };
    let on_terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let answers = Answers::new(&options.input, on_terminal && options.args.as_deref() != Some("-"))?;
    let builder = answers.declare(session::builder(global)).input_handler(answers.clone());
    let result = session::run(signals, global, builder, child, async |client: &Client| {
        let arguments = typed(client, name, words, base).await?;
        let result = call(client, global, options, name, arguments).await;
        match answers.missing() {
            Some(failure) => Err(failure),
            None => result,
        }
    })
    .await?;
    show(global, name, &result)
}

/// The arguments. The tool's schema is asked for only where there is something to type by it.
async fn typed(
    client: &Client,
    name: &str,
    words: &[String],
    base: Option<RawJson>,
) -> Result<RawJson, Failure> {
    if words.is_empty() {
        return Ok(base.unwrap_or_default());
    }
    let list = tools::list(client).await?;
    let tool = list.iter().find(|tool| tools::name(tool) == name).ok_or_else(|| unknown(name, &list))?;
    let schema: Option<Value> = tool.member("inputSchema").and_then(|schema| schema.deserialize().ok());
    arguments::build(base, words, schema.as_ref())
}

/// Calls the tool and shows what it tells meanwhile.
async fn call(
    client: &Client,
    global: &Global,
    options: &Call,
    name: &str,
    arguments: RawJson,
) -> Result<Payload, Failure> {
    let mut call_options: CallOptions = session::call_options(global);
    call_options.progress = !global.quiet;
    if let Some(level) = options.log {
        let legacy = client.negotiated().is_some_and(|negotiated| negotiated.version.is_legacy());
        if legacy {
            let level = RawJson::object([("level", RawJson::string(level.as_str()))]);
            client.request("logging/setLevel", Some(level)).await?;
        }
        call_options.log_level = Some(level);
    }
    let display = Display::new(global);
    // Legacy log messages belong to no call.
    let mut rest = client.notifications();
    let params = RawJson::object([("name", RawJson::string(name)), ("arguments", arguments)]);
    let mut call = client.call("tools/call", Some(params), call_options);
    let shown = display.follow(call.notifications());
    let outcome = {
        let waiting = async { tokio::join!(&mut call, shown).0 };
        let others = async {
            while let Some(notification) = rest.next().await {
                display.show(&notification);
            }
            std::future::pending().await
        };
        tokio::select! {
            outcome = waiting => outcome,
            outcome = others => outcome,
        }
    };
    // What came before the outcome is still shown.
    while let Some(Some(notification)) = rest.next().now_or_never() {
        display.show(&notification);
    }
    match outcome.map_err(Failure::from) {
        Err(failure) if may_be_unknown(&failure) => {
            // Only the list tells an unknown tool from other invalid parameters.
            let list = tools::list(client).await.unwrap_or_default();
            if list.is_empty() || list.iter().any(|tool| tools::name(tool) == name) {
                return Err(failure);
            }
            Err(unknown(name, &list))
        }
        other => other,
    }
}

fn may_be_unknown(failure: &Failure) -> bool {
    failure.rpc().is_some_and(|rpc| matches!(rpc.code, code::INVALID_PARAMS | code::METHOD_NOT_FOUND))
}

fn unknown(name: &str, list: &[RawJson]) -> Failure {
    let names: Vec<String> = list.iter().map(tools::name).collect();
    let shown = names.iter().take(20).map(String::as_str).collect::<Vec<_>>().join(", ");
    Failure::new(Code::ToolNotFound, format!("the server has no tool {name:?}")).hint(if names.is_empty() {
        "it has none at all".to_owned()
    } else {
        format!("it has {shown}")
    })
}

/// Shows the result. A tool's own failure is shown like any result, and gives its exit code.
fn show(global: &Global, name: &str, result: &Payload) -> Result<(), Failure> {
    let value: Value = result.raw().deserialize().unwrap_or_default();
    if global.json {
        out::write_line(result.raw().as_bytes())?;
    } else {
        let terminal = std::io::stdout().is_terminal();
        let text = content::tool_result(&value, if terminal { Reader::Terminal } else { Reader::Pipe });
        if !text.is_empty() {
            out::write_line(text)?;
        }
    }
    if value.get("isError") == Some(&Value::Bool(true)) {
        let text = content::tool_result(&value, Reader::Pipe);
        return Err(Failure::new(Code::ToolError, format!("the tool {name} failed")).because(text).silent());
    }
    Ok(())
}

/// The object of `--args`. A signal ends the waiting for it: a terminal or a pipe may never come to its end.
async fn arguments_from(signals: &Signals, source: String) -> Result<RawJson, Failure> {
    tokio::select! {
        read = aside::run(move || read_args(&source)) => {
            read.unwrap_or_else(|| Err(Failure::new(Code::Io, "--args could not be read")))
        }
        signal = signals.first() => Err(Failure::signal(signal)),
    }
}

/// The object of `--args`: as it is, from a file, or from stdin.
fn read_args(source: &str) -> Result<RawJson, Failure> {
    let text = match (source, source.strip_prefix('@')) {
        ("-", _) => bounded(std::io::stdin().lock(), "stdin")?,
        (_, Some(path)) => {
            let file = std::fs::File::open(path)
                .map_err(|error| Failure::usage(format!("cannot read {path}")).because(error))?;
            bounded(file, path)?
        }
        (json, None) => json.as_bytes().to_vec(),
    };
    let json = RawJson::parse(text).map_err(|error| Failure::usage("--args is not JSON").because(error))?;
    if json.is_object() {
        return Ok(json);
    }
    Err(Failure::usage(format!("--args is {}, and arguments are an object", json.kind_name())))
}

fn bounded(source: impl Read, name: &str) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    source
        .take(MAX_ARGS + 1)
        .read_to_end(&mut text)
        .map_err(|error| Failure::usage(format!("cannot read {name}")).because(error))?;
    if text.len() as u64 > MAX_ARGS {
        return Err(Failure::new(
            Code::Limit,
            format!("{name} holds more than {MAX_ARGS} bytes of arguments"),
        ));
    }
    Ok(text)
}
