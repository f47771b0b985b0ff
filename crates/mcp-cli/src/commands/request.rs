//! `mcp request`: any method with any parameters, and the whole answer unchanged.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use mcp_core::client::Client;
use mcp_core::message::RawJson;
use mcp_core::transport::trace::{Direction, Record, RecordKind, Redaction, Tracer};

use crate::connect::clues::Clues;
use crate::connect::run;
use crate::connect::target::{self, Target};
use crate::exit::Failure;
use crate::global::{Global, assignment};
use crate::lock::Lock;
use crate::signals::Signals;
use crate::terminal::input::Answers;
use crate::terminal::pretty::pretty;
use crate::terminal::{json_source, out};

/// `mcp request`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server, unless a command follows `--`; the method; its parameters, a JSON object (@FILE: from a
    /// file, -: from stdin)
    #[arg(value_name = "[SERVER] METHOD [JSON]")]
    pub(crate) words: Vec<String>,
    /// Send a notification: there is no answer
    #[arg(long)]
    notify: bool,
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
    let Target { global, link } = target::find(signals, global, server, &options.command).await?;
    let request = Prepared::new(signals, options, words).await?;
    let answers = Answers::new(&options.input, run::on_terminal())?;
    let builder = answers.declare(run::builder(&global)).input_handler(answers.clone());
    let (tap, clues) = (Tap::default(), Clues::of(&global, &link));
    let client = run::open(&global, builder, link, Some(tap.tracer()))?;
    run::use_and_close(signals, &client, async |client: &Client| {
        let outcome = request.send(client, &global, &tap).await;
        answers.missing().map_or(outcome, Err)
    })
    .await
    .map_err(|failure| clues.explain(failure))
}

/// A request that is ready to be sent.
#[derive(Debug)]
pub(crate) struct Prepared {
    method: String,
    params: Option<RawJson>,
    notify: bool,
}

impl Prepared {
    /// Reads the operands.
    pub(crate) async fn new(
        signals: &Signals,
        options: &Options,
        words: &[String],
    ) -> Result<Prepared, Failure> {
        let (method, params) = match words {
            [method] => (method, None),
            [method, params] => (method, Some(json_source::object(signals, params, "the parameters").await?)),
            [] => return Err(target::incomplete("the method", "request METHOD")),
            [_, _, extra, ..] => return Err(Failure::usage(format!("{extra:?} is one word too many"))),
        };
        Ok(Prepared { method: method.clone(), params, notify: options.notify })
    }

    /// Sends it and shows the answer. An error of the server is an answer, and gives its exit code.
    pub(crate) async fn send(&self, client: &Client, global: &Global, tap: &Tap) -> Result<(), Failure> {
        if self.notify {
            client.notify(self.method.clone(), self.params.clone()).await?;
            return Ok(());
        }
        tap.watch(&self.method);
        let call = client.call(self.method.clone(), self.params.clone(), run::call_options(global));
        let outcome = call.await;
        let envelope = tap.answer();
        if let Some(envelope) = &envelope {
            out::json(&if global.json { envelope.to_string() } else { pretty(envelope) })?;
        }
        match outcome {
            Ok(_) => Ok(()),
            Err(error @ mcp_core::Error::Rpc(_)) if envelope.is_some() => Err(Failure::from(error).silent()),
            Err(mcp_core::Error::Misuse(what)) => Err(Failure::usage(what)
                .hint("a method of another revision is sent with --era, as in `--era legacy=2025-11-25`")),
            Err(error) => Err(error.into()),
        }
    }
}

/// Sees what crosses the link, and keeps the answer to one method.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tap(Arc<Lock<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    method: Option<String>,
    id: Option<RawJson>,
    answer: Option<RawJson>,
}

impl Tap {
    /// What has to be put around the link.
    pub(crate) fn tracer(&self) -> Tracer {
        let seen = self.0.clone();
        let sink = move |record: &Record| {
            if let RecordKind::Message { json, .. } = &record.kind {
                seen.lock().message(record.direction, json);
            }
        };
        Tracer::with(sink, Redaction::none(), Instant::now)
    }

    /// Waits for this method from now on.
    fn watch(&self, method: &str) {
        let seen = Seen { method: Some(method.to_owned()), ..Seen::default() };
        *self.0.lock() = seen;
    }

    /// The last answer. A request that was sent again, with the requested input, has more than one.
    fn answer(&self) -> Option<RawJson> {
        let mut seen = self.0.lock();
        std::mem::take(&mut *seen).answer
    }
}

impl Seen {
    fn message(&mut self, direction: Direction, json: &RawJson) {
        let Some(wanted) = &self.method else { return };
        let method = json.member("method").and_then(|method| method.to_text());
        match (direction, method) {
            (Direction::Out, Some(method)) if method == *wanted => self.id = json.member("id"),
            (Direction::In, None) if self.id.is_some() && json.member("id") == self.id => {
                self.answer = Some(json.detach());
            }
            _ => {}
        }
    }
}
