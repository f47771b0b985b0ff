//! `mcp call`: one call of one tool.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::time::Duration;

use clap::Args;
use futures::FutureExt;
use mcp_core::client::{CallOptions, Client};
use mcp_core::message::{Notification, Payload, RawJson, code};
use mcp_core::session::LogLevel;
use serde_json::Value;

use crate::commands::{list, tools};
use crate::connect::run;
use crate::connect::target::{self, Target};
use crate::exit::{Code, Failure};
use crate::global::{Global, assignment, log_level};
use crate::signals::Signals;
use crate::terminal::content::{self, Reader};
use crate::terminal::input::Answers;
use crate::terminal::progress::Display;
use crate::terminal::{arguments, json_source, out};

/// How long a call without arguments waits for the list that tells whether it needs any.
const LISTING: Duration = Duration::from_secs(2);

/// `mcp call`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server, unless a command follows `--`; the tool; its arguments: key=value, typed by the tool's
    /// schema, or key:=JSON
    #[arg(value_name = "[SERVER] TOOL [KEY=VALUE]")]
    pub(crate) words: Vec<String>,
    /// The arguments as one JSON object, from a file (@FILE), or from stdin (-)
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    pub(crate) args: Option<String>,
    /// Answer a question of the tool: its key, and the answer
    #[arg(long, value_name = "KEY=JSON", value_parser = assignment)]
    pub(crate) input: Vec<(String, String)>,
    /// Show log messages of the server from this level on (debug, info, warning, error, ...)
    #[arg(long, value_name = "LEVEL", value_parser = log_level)]
    pub(crate) log: Option<LogLevel>,
    /// The command that starts the server, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// Runs the command.
pub(crate) async fn run(signals: &Signals, global: &Global, options: &Options) -> Result<(), Failure> {
    let (server, words) = target::split(&options.words, &options.command);
    if server.is_none() && options.command.is_empty() {
        return Err(target::missing(None));
    }
    let Target { global, link } = target::find(signals, global, server, &options.command).await?;
    let answers = Answers::new(&options.input, run::on_terminal() && options.args.as_deref() != Some("-"))?;
    let builder = answers.declare(run::builder(&global)).input_handler(answers.clone());
    let call = Prepared::new(signals, options, words).await?;
    run::with_client(signals, &global, builder, link, async |client: &Client| {
        call.make(client, &global, &answers).await
    })
    .await
}

/// A call that is ready to be made.
#[derive(Debug)]
pub(crate) struct Prepared<'a> {
    options: &'a Options,
    name: &'a str,
    words: &'a [String],
    base: Option<RawJson>,
}

impl<'a> Prepared<'a> {
    /// Reads the operands, and what `--args` names.
    pub(crate) async fn new(
        signals: &Signals,
        options: &'a Options,
        words: &'a [String],
    ) -> Result<Prepared<'a>, Failure> {
        let Some((name, words)) = words.split_first() else {
            return Err(target::incomplete("the tool's name", "call TOOL KEY=VALUE"));
        };
        let base = match &options.args {
            Some(source) => Some(json_source::object(signals, source, "--args").await?),
            None => None,
        };
        Ok(Prepared { options, name, words, base })
    }

    /// Makes the call and shows its result.
    pub(crate) async fn make(
        &self,
        client: &Client,
        global: &Global,
        answers: &Answers,
    ) -> Result<(), Failure> {
        let arguments = typed(client, self.name, self.words, self.base.clone()).await?;
        let result = call(client, global, self.options, self.name, arguments).await;
        let result = answers.missing().map_or(result, Err)?;
        show(global, self.name, &result)
    }
}

/// The arguments, typed and checked by the tool's schema unless they are given as JSON.
async fn typed(
    client: &Client,
    name: &str,
    words: &[String],
    base: Option<RawJson>,
) -> Result<RawJson, Failure> {
    if words.is_empty()
        && let Some(base) = base
    {
        // Written as JSON, it is sent as it is.
        return Ok(base);
    }
    let list = if words.is_empty() {
        // Only to check what is required: the call may work without the list.
        match tokio::time::timeout(LISTING, list::whole(client, list::TOOLS)).await {
            Ok(Ok(list)) => list,
            Ok(Err(_)) | Err(_) => return Ok(RawJson::EMPTY_OBJECT),
        }
    } else {
        match list::whole(client, list::TOOLS).await {
            // The call may work all the same; without a schema, arguments are text unless they are given as JSON.
            Err(failure) if failure.rpc().is_some() => return arguments::build(base, words, None),
            list => list?,
        }
    };
    let tool = list.iter().find(|tool| tools::name(tool) == name);
    if tool.is_none() && list.incomplete.is_none() {
        return Err(unknown(name, &list));
    }
    let tool = tool.cloned().unwrap_or_default();
    let schema: Option<Value> = tool.member("inputSchema").and_then(|schema| schema.deserialize().ok());
    let arguments = arguments::build(base, words, schema.as_ref())?;
    arguments::check_required(&arguments, schema.as_ref())?;
    Ok(arguments)
}

/// Calls the tool and shows what it tells meanwhile.
async fn call(
    client: &Client,
    global: &Global,
    options: &Options,
    name: &str,
    arguments: RawJson,
) -> Result<Payload, Failure> {
    let mut call_options: CallOptions = run::call_options(global);
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
    // Legacy log messages belong to no call, and may come unasked.
    let asked = options.log.is_some() || global.verbose > 0;
    let wanted = |notification: &Notification| asked || notification.method != "notifications/message";
    let mut rest = client.notifications();
    let params = RawJson::object([("name", RawJson::string(name)), ("arguments", arguments)]);
    let mut call = client.call("tools/call", Some(params), call_options);
    let shown = display.follow(call.notifications());
    let outcome = {
        let waiting = async { tokio::join!(&mut call, shown).0 };
        let others = async {
            while let Some(notification) = rest.next().await {
                if wanted(&notification) {
                    display.show(&notification);
                }
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
        if wanted(&notification) {
            display.show(&notification);
        }
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

/// The error for a tool that is not in the list.
pub(crate) fn unknown(name: &str, list: &[RawJson]) -> Failure {
    let names: Vec<String> = list.iter().map(tools::name).collect();
    let shown = names.iter().take(20).map(String::as_str).collect::<Vec<_>>().join(", ");
    Failure::new(Code::ToolNotFound, format!("the server has no tool {name:?}")).hint(if names.is_empty() {
        "it has none at all".to_owned()
    } else {
        format!(
            "it has {shown}; some servers show a tool only to clients that answer their questions: \
             --input sampling=JSON, --input roots=JSON"
        )
    })
}

/// Shows the result. A tool's own failure is shown like any result, and gives its exit code.
fn show(global: &Global, name: &str, result: &Payload) -> Result<(), Failure> {
    let value: Value = result.raw().deserialize().unwrap_or_default();
    if global.json {
        out::json(&result.raw().to_string())?;
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
