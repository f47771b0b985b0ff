//! `mcp prompt`: the messages of a prompt, with its arguments filled in.

use std::ffi::OsString;
use std::io::IsTerminal;

use clap::Args;
use mcp_core::client::Client;
use mcp_core::message::RawJson;
use serde_json::Value;

use crate::connect::{run, target};
use crate::exit::Failure;
use crate::global::{Global, assignment};
use crate::signals::Signals;
use crate::terminal::content::{self, Reader};
use crate::terminal::out;
use crate::terminal::style::Style;
use crate::text;

/// `mcp prompt`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server, unless a command follows `--`; the prompt's name; its arguments
    #[arg(value_name = "[SERVER] PROMPT [KEY=VALUE]")]
    pub(crate) words: Vec<String>,
    /// Answer a question of the server: its key, and the answer
    #[arg(long, value_name = "KEY=JSON", value_parser = assignment)]
    pub(crate) input: Vec<(String, String)>,
    /// The command that starts the server, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// Runs the command.
pub(crate) async fn run(signals: &Signals, global: &Global, options: &Options) -> Result<(), Failure> {
    let (server, words) = target::split(&options.words, &options.command);
    let target = target::find(signals, global, server, &options.command).await?;
    params(words)?;
    run::answering(signals, target, &options.input, async |client: &Client, global: &Global| {
        show(client, global, words).await
    })
    .await
}

/// Gets the prompt that `words` name.
pub(crate) async fn show(client: &Client, global: &Global, words: &[String]) -> Result<(), Failure> {
    let call = client.call("prompts/get", Some(params(words)?), run::call_options(global));
    let result = call.await?.into_raw();
    if global.json {
        return out::json(&result.to_string());
    }
    let reader = if std::io::stdout().is_terminal() { Reader::Terminal } else { Reader::Pipe };
    out::write(render(&result, reader, Style::for_stream(global.color, &std::io::stdout())))
}

/// The arguments of a prompt are strings, all of them.
fn params(words: &[String]) -> Result<RawJson, Failure> {
    let Some((name, words)) = words.split_first() else {
        return Err(target::incomplete("the prompt's name", "prompt PROMPT KEY=VALUE"));
    };
    let arguments = pairs(words)?;
    let name = ("name", RawJson::string(name));
    if arguments.members().is_empty() {
        return Ok(RawJson::object([name]));
    }
    Ok(RawJson::object([name, ("arguments", arguments)]))
}

/// An object of strings.
pub(crate) fn pairs(words: &[String]) -> Result<RawJson, Failure> {
    let mut pairs: Vec<(&str, RawJson)> = Vec::new();
    for word in words {
        let (key, value) = word.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or_else(|| {
            Failure::usage(format!("{word:?} is not an argument")).hint("arguments are written key=value")
        })?;
        if pairs.iter().any(|(known, _)| *known == key) {
            return Err(Failure::usage(format!("the argument {key:?} is given twice")));
        }
        pairs.push((key, RawJson::string(value)));
    }
    Ok(RawJson::object(pairs))
}

/// The messages. A result or a message of another form is shown as JSON.
fn render(result: &RawJson, reader: Reader, style: Style) -> String {
    let as_json = |raw: &RawJson| content::json(&raw.deserialize().unwrap_or_default(), reader) + "\n";
    let messages = result.member("messages").filter(|messages| messages.kind_name() == "an array");
    let Some(messages) = messages else { return as_json(result) };
    let mut out = String::new();
    for raw in messages.elements() {
        let message: Value = raw.deserialize().unwrap_or_default();
        let (role, said) = (message.get("role").and_then(Value::as_str), message.get("content"));
        match (role, said) {
            (Some(role), Some(said)) => {
                let shown = content::block(said, reader);
                let role = style.bold(&format!("{}:", text::safe_line(role)));
                out.push_str(&format!("{role}\n{}\n", shown.trim_end()));
            }
            _ => out.push_str(&as_json(&raw)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_strings_and_named_once() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let params = |given: &[&str]| params(&words(given)).map(|params| params.to_string());
        assert_eq!(params(&["p"]).unwrap(), r#"{"name":"p"}"#);
        assert_eq!(params(&["p", "n=7", "t="]).unwrap(), r#"{"name":"p","arguments":{"n":"7","t":""}}"#);
        for bad in [&[][..], &["p", "x"], &["p", "=x"], &["p", "a=1", "a=2"]] {
            assert_eq!(params(bad).unwrap_err().exit(), 2, "{bad:?}");
        }
    }

    #[test]
    fn messages_are_shown_with_their_roles() {
        let result = r#"{"messages":[{"role":"user","content":{"type":"text","text":"Hi\u001b"}}]}"#;
        let shown = render(&RawJson::parse(result).unwrap(), Reader::Terminal, Style::plain());
        assert_eq!(shown, "user:\nHi\\x1b\n");
    }

    // FAULT F-C7: a message of another form hides nothing.
    #[test]
    fn what_has_another_form_is_shown_as_json() {
        let shown =
            |text: &str| render(&RawJson::parse(text.to_owned()).unwrap(), Reader::Pipe, Style::plain());
        let rows = [
            (r#"{"messages":["hi",{"role":"user","content":"ho"}]}"#, "\"hi\"\nuser:\n\"ho\"\n"),
            (r#"{"messages":[7,{"content":8}]}"#, "7\n{\n  \"content\": 8\n}\n"),
            (r#"{"messages":null}"#, "{\n  \"messages\": null\n}\n"),
            (r#"{"text":"x"}"#, "{\n  \"text\": \"x\"\n}\n"),
            (r#"{"messages":[]}"#, ""),
        ];
        for (result, wanted) in rows {
            assert_eq!(shown(result), wanted, "{result}");
        }
    }
}
