//! `mcp complete`: what a server proposes for an argument while it is typed.

use std::ffi::OsString;

use clap::Args;
use mcp_core::client::Client;
use mcp_core::message::RawJson;

use crate::commands::prompt;
use crate::connect::run;
use crate::connect::target::{self, Target};
use crate::exit::Failure;
use crate::global::Global;
use crate::signals::Signals;
use crate::terminal::out;
use crate::text;

/// `mcp complete`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("of").required(true))]
pub(crate) struct Options {
    /// The argument is one of this prompt
    #[arg(long, value_name = "NAME", group = "of")]
    prompt: Option<String>,
    /// The argument is one of this resource template
    #[arg(long, value_name = "URI", group = "of")]
    template: Option<String>,
    /// The server, unless a command follows `--`; the argument and its beginning; the other arguments
    #[arg(value_name = "[SERVER] ARGUMENT=START [KEY=VALUE]")]
    pub(crate) words: Vec<String>,
    /// The command that starts the server, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// Runs the command.
pub(crate) async fn run(signals: &Signals, global: &Global, options: &Options) -> Result<(), Failure> {
    let (server, words) = target::split(&options.words, &options.command);
    let Target { global, link } = target::find(signals, global, server, &options.command).await?;
    params(options, words)?;
    run::with_client(signals, &global, run::builder(&global), link, async |client: &Client| {
        show(client, &global, options, words).await
    })
    .await
}

/// Completes the argument that `words` name.
pub(crate) async fn show(
    client: &Client,
    global: &Global,
    options: &Options,
    words: &[String],
) -> Result<(), Failure> {
    let params = params(options, words)?;
    let call = client.call("completion/complete", Some(params), run::call_options(global));
    let result = call.await?.into_raw();
    if global.json {
        return out::json(&result.to_string());
    }
    let lines: String = values(&result).iter().map(|value| format!("{}\n", text::safe_line(value))).collect();
    out::write(lines)
}

/// The values of a result.
pub(crate) fn values(result: &RawJson) -> Vec<String> {
    let values = result.member("completion").and_then(|completion| completion.member("values"));
    values.unwrap_or_default().elements().iter().filter_map(RawJson::to_text).collect()
}

fn params(options: &Options, words: &[String]) -> Result<RawJson, Failure> {
    let reference = match (&options.prompt, &options.template) {
        (Some(prompt), _) => [("type", RawJson::string("ref/prompt")), ("name", RawJson::string(prompt))],
        (None, template) => {
            let uri = template.as_deref().unwrap_or_default();
            [("type", RawJson::string("ref/resource")), ("uri", RawJson::string(uri))]
        }
    };
    let Some((argument, others)) = words.split_first() else {
        return Err(target::incomplete("the argument", "complete ARGUMENT=START --prompt NAME"));
    };
    let (name, value) = argument.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(|| {
        Failure::usage(format!("{argument:?} is not an argument"))
            .hint("it is written NAME=START, START may be empty")
    })?;
    Ok(request(RawJson::object(reference), name, value, &prompt::pairs(others)?))
}

/// The parameters of `completion/complete`.
pub(crate) fn request(reference: RawJson, name: &str, value: &str, others: &RawJson) -> RawJson {
    let argument = RawJson::object([("name", RawJson::string(name)), ("value", RawJson::string(value))]);
    let mut members = vec![("ref", reference), ("argument", argument)];
    if !others.members().is_empty() {
        members.push(("context", RawJson::object([("arguments", others.clone())])));
    }
    RawJson::object(members)
}
