//! `mcp read`: the content of a resource; what comes in base64 is decoded.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use base64ct::{Base64Unpadded, Encoding};
use clap::Args;
use mcp_core::client::Client;
use mcp_core::message::RawJson;

use crate::commands::list;
use crate::connect::{run, target};
use crate::exit::{Code, Failure};
use crate::global::{Global, assignment};
use crate::signals::Signals;
use crate::terminal::content::{self, Reader};
use crate::terminal::out;
use crate::text::{self, counted};

/// `mcp read`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server, unless a command follows `--`; the URI of the resource
    #[arg(value_name = "[SERVER] URI")]
    pub(crate) words: Vec<String>,
    /// Write the content to FILE, decoded (- is stdout)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
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
    if let ([], Some(uri)) = (words, server.filter(|word| target::is_url(word) && !word.starts_with("http")))
    {
        return Err(Failure::usage(format!("no server is named to read {uri:?} from"))
            .hint("`mcp read SERVER URI`, or `mcp read URI -- COMMAND`"));
    }
    let target = target::find(signals, global, server, &options.command).await?;
    uri(words)?;
    run::answering(signals, target, &options.input, async |client: &Client, global: &Global| {
        show(client, global, options, words).await
    })
    .await
}

fn uri(words: &[String]) -> Result<&str, Failure> {
    match words {
        [uri] => Ok(uri),
        [] => Err(target::incomplete("the resource's URI", "read URI")),
        [_, extra, ..] => Err(Failure::usage(format!("{extra:?} is one word too many"))),
    }
}

/// Reads the resource that `words` name.
pub(crate) async fn show(
    client: &Client,
    global: &Global,
    options: &Options,
    words: &[String],
) -> Result<(), Failure> {
    let params = RawJson::object([("uri", RawJson::string(uri(words)?))]);
    let call = client.call("resources/read", Some(params), run::call_options(global));
    let result = call.await?.into_raw();
    match &options.output {
        Some(path) => write_to(path, global, &result),
        None if global.json => out::json(&result.to_string()),
        None => print(&result),
    }
}

/// One content of a resource.
#[derive(Debug, PartialEq)]
enum Content {
    Text(String),
    Bytes(Vec<u8>),
}

impl Content {
    fn bytes(&self) -> &[u8] {
        match self {
            Content::Text(text) => text.as_bytes(),
            Content::Bytes(bytes) => bytes,
        }
    }
}

fn content(raw: &RawJson) -> Result<Content, Failure> {
    if let Some(text) = raw.member("text").and_then(|text| text.to_text()) {
        return Ok(Content::Text(text));
    }
    let wrong = |what: &str| {
        Failure::new(Code::Protocol, format!("the content of {:?} {what}", list::word(raw, "uri")))
    };
    let blob = raw.member("blob").and_then(|blob| blob.to_text());
    let blob = blob.ok_or_else(|| wrong("has neither a text nor a blob"))?;
    // Some servers break lines, as mail does; and they differ in whether they pad.
    let blob: String = blob.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let decoded = Base64Unpadded::decode_vec(blob.trim_end_matches('='));
    decoded.map(Content::Bytes).map_err(|error| wrong("is not base64").because(error))
}

fn list_of(result: &RawJson) -> Option<RawJson> {
    result.member("contents").filter(|list| list.as_bytes().starts_with(b"["))
}

fn contents(result: &RawJson) -> Result<Vec<(RawJson, Content)>, Failure> {
    let list = list_of(result)
        .ok_or_else(|| Failure::new(Code::Protocol, "the result has no array \"contents\""))?;
    list.elements().into_iter().map(|raw| content(&raw).map(|content| (raw, content))).collect()
}

/// To stdout: bytes only where no terminal would have to show them. What has another form is written as JSON.
fn print(result: &RawJson) -> Result<(), Failure> {
    let terminal = std::io::stdout().is_terminal();
    let reader = if terminal { Reader::Terminal } else { Reader::Pipe };
    let as_json =
        |raw: &RawJson| out::write_line(content::json(&raw.deserialize().unwrap_or_default(), reader));
    let Some(list) = list_of(result) else { return as_json(result) };
    for raw in list.elements() {
        let content = match content(&raw) {
            Ok(content) => content,
            Err(failure) => {
                out::note(format!("Warning: {}\n", text::safe_line(&failure.sentence())));
                as_json(&raw)?;
                continue;
            }
        };
        match content {
            Content::Text(text) if terminal => out::write_line(Reader::Terminal.show(&text))?,
            Content::Bytes(bytes) if terminal => {
                let (uri, kind) = (list::word(&raw, "uri"), list::word(&raw, "mimeType"));
                let line = format!("[{uri} {kind}, {}; -o FILE writes them]", counted(bytes.len(), "byte"));
                out::write_line(text::safe_line(&line).as_bytes())?;
            }
            content => out::write(content.bytes())?,
        }
    }
    Ok(())
}

fn write_to(path: &Path, global: &Global, result: &RawJson) -> Result<(), Failure> {
    let contents = contents(result)?;
    let [(raw, content)] = contents.as_slice() else {
        let uris: Vec<String> = contents.iter().map(|(raw, _)| list::word(raw, "uri")).collect();
        return Err(Failure::usage(format!(
            "the resource has {} contents, and -o takes one",
            contents.len()
        ))
        .because(uris.join("\n"))
        .hint("read one of them by its own URI, or all with --json"));
    };
    if path.as_os_str() == "-" {
        return out::write(content.bytes());
    }
    std::fs::write(path, content.bytes())
        .map_err(|error| Failure::new(Code::Io, format!("cannot write {}", path.display())).because(error))?;
    if !global.json {
        return Ok(());
    }
    let bytes = i64::try_from(content.bytes().len()).unwrap_or(i64::MAX);
    let mut members =
        vec![("file", RawJson::string(&path.display().to_string())), ("bytes", RawJson::integer(bytes))];
    members.extend(["uri", "mimeType"].into_iter().filter_map(|key| Some((key, raw.member(key)?))));
    out::json(&RawJson::object(members).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> Result<Content, Failure> {
        content(&RawJson::parse(json.to_owned()).unwrap())
    }

    #[test]
    fn blobs_are_decoded_with_and_without_padding_and_line_breaks() {
        for blob in ["AAH/", "AA\\nH/", "YQ==", "YQ"] {
            assert!(of(&format!("{{\"blob\":\"{blob}\"}}")).is_ok(), "{blob}");
        }
        assert_eq!(of(r#"{"blob":"AAH/"}"#).unwrap(), Content::Bytes(vec![0, 1, 255]));
        assert_eq!(of(r#"{"text":""}"#).unwrap(), Content::Text(String::new()));
    }

    #[test]
    fn a_broken_content_is_the_servers_fault() {
        for json in [r#"{"uri":"a:b","blob":"*"}"#, r#"{"uri":"a:b"}"#] {
            let failure = of(json).unwrap_err();
            assert_eq!(failure.exit(), 6);
            assert!(failure.message.contains("a:b"), "{}", failure.message);
        }
    }
}
