//! `mcp shell`: many commands to one server, over one session.
//!
//! At a terminal lines are edited, kept and completed, and the failure of a command is only printed. Otherwise
//! the lines come from stdin, and the first command that fails ends the run with its exit code, as in a script.

mod editor;
mod line;
mod words;

use std::ffi::OsString;
use std::sync::Arc;

use clap::Args;
use mcp_core::client::{Client, Reconnect};

use crate::commands::request::{self, Tap};
use crate::commands::{
    call, complete, info, list, listen, ping, prompt, prompts, read, resources, templates, tool, tools,
};
use crate::connect::clues::Clues;
use crate::connect::run;
use crate::connect::target::{self, Target};
use crate::exit::Failure;
use crate::global::Global;
use crate::signals::Signals;
use crate::terminal::input::Answers;
use crate::terminal::out;
use crate::text;

pub(crate) use editor::LineEditor;
use editor::{Lines, Read};
use line::Verb;
use words::Words;

const SIGINT: i32 = 2;

/// `mcp shell`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server's URL or its name in a config file; left out where a command follows `--`
    #[arg(value_name = "SERVER")]
    pub(crate) target: Option<String>,
    /// The command that starts the server, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// Runs the command.
pub(crate) async fn run(
    signals: &Signals,
    global: &Global,
    options: &Options,
    editor: Option<LineEditor>,
) -> Result<(), Failure> {
    let Target { global, link } =
        target::find(signals, global, options.target.as_deref(), &options.command).await?;
    let interactive = editor.is_some();
    let answers = Answers::new(&[], interactive)?;
    // A server that died is started again by the next command.
    let builder = run::builder(&global).reconnect(Reconnect::default());
    let builder = answers.declare(builder).input_handler(answers.clone());
    let tap = Tap::default();
    let clues = Clues::of(&global, &link);
    let client = run::open(&global, builder, link, Some(tap.tracer()))?;
    let shell = Shell {
        signals,
        global: &global,
        client: &client,
        answers,
        tap,
        words: Arc::default(),
        interactive,
        clues: clues.clone(),
    };
    // What a signal means is decided line by line, so none ends the session from outside.
    let outcome = shell.start(editor).await;
    let signals = signals.later();
    tokio::select! {
        _reason = client.close() => {}
        _signal = signals.first() => {}
    }
    outcome.map_err(|failure| clues.explain(failure))
}

struct Shell<'a> {
    signals: &'a Signals,
    global: &'a Global,
    client: &'a Client,
    answers: Answers,
    tap: Tap,
    clues: Clues,
    /// What can be completed.
    words: Arc<Words>,
    interactive: bool,
}

impl Shell<'_> {
    async fn start(&self, editor: Option<LineEditor>) -> Result<(), Failure> {
        tokio::select! {
            ready = self.client.ready() => { ready?; }
            signal = self.signals.first() => return Err(Failure::signal(signal)),
        }
        if self.interactive {
            self.words.learn(self.client).await;
            if !self.global.quiet {
                self.greet();
            }
        }
        let mut lines = Lines::new(editor, self.words.clone(), self.client.clone())?;
        loop {
            let signals = self.signals.later();
            let read = tokio::select! {
                read = lines.next() => read?,
                signal = signals.first() => return Err(Failure::signal(signal)),
            };
            let text = match read {
                Read::Line(text) => text,
                Read::Interrupted => continue,
                Read::End => return Ok(()),
            };
            match self.line(&text).await {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(failure) if self.interactive => {
                    out::failure(&self.clues.explain(failure), self.global.json);
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    fn greet(&self) {
        let negotiated = self.client.negotiated();
        let who = info::identity(negotiated.as_ref().and_then(|negotiated| negotiated.server_info.as_ref()));
        out::note(format!("{}. `help` lists the commands, Ctrl-D ends.\n", text::safe_line(&who)));
    }

    /// Does what a line says. `false` ends the shell.
    async fn line(&self, text: &str) -> Result<bool, Failure> {
        let Some(line) = line::parse(text)? else { return Ok(true) };
        let mut global = self.global.clone();
        global.json |= line.json || line.jsonl;
        global.jsonl |= line.jsonl;
        if let Verb::Exit = line.verb {
            return Ok(false);
        }
        let signals = self.signals.later();
        tokio::select! {
            done = self.verb(&signals, &global, &line.verb) => done.map(|()| true),
            // Ctrl-C ends the command, which cancels it on the server; other signals end the shell.
            signal = signals.first() => match signal {
                SIGINT if self.interactive => {
                    out::note("interrupted\n");
                    Ok(true)
                }
                signal => Err(Failure::signal(signal)),
            },
        }
    }

    async fn verb(&self, signals: &Signals, global: &Global, verb: &Verb) -> Result<(), Failure> {
        let client = self.client;
        match verb {
            Verb::Info => info::show(client, global).await,
            Verb::Ping(options) => ping::show(client, global, options, None).await,
            Verb::Tools(options) => {
                own(&options.list.target, &options.list.command)?;
                tools::show(client, global, options).await?;
                self.relearn().await
            }
            Verb::Tool(options) => {
                own(&None, &options.command)?;
                tool::show(client, global, &options.words, &tool::Invocation::default()).await
            }
            Verb::Call(options) => {
                own(&None, &options.command)?;
                self.answers.give(&options.input)?;
                let call = call::Prepared::new(signals, options, &options.words).await?;
                call.make(client, global, &self.answers).await
            }
            Verb::Resources(options) => {
                self.list(options)?;
                resources::show(client, global, options).await?;
                self.relearn().await
            }
            Verb::Templates(options) => {
                self.list(options)?;
                templates::show(client, global, options).await
            }
            Verb::Read(options) => {
                own(&None, &options.command)?;
                self.answers.give(&options.input)?;
                let shown = read::show(client, global, options, &options.words).await;
                self.answers.missing().map_or(shown, Err)
            }
            Verb::Prompts(options) => {
                self.list(options)?;
                prompts::show(client, global, options).await?;
                self.relearn().await
            }
            Verb::Prompt(options) => {
                own(&None, &options.command)?;
                self.answers.give(&options.input)?;
                let shown = prompt::show(client, global, &options.words).await;
                self.answers.missing().map_or(shown, Err)
            }
            Verb::Complete(options) => {
                own(&None, &options.command)?;
                complete::show(client, global, options, &options.words).await
            }
            Verb::Request(options) => {
                own(&None, &options.command)?;
                self.answers.give(&options.input)?;
                let request = request::Prepared::new(signals, options, &options.words).await?;
                let sent = request.send(client, global, &self.tap).await;
                self.answers.missing().map_or(sent, Err)
            }
            Verb::Listen(options) => {
                own(&options.target, &options.command)?;
                listen::show(client, options).await
            }
            Verb::Exit => Ok(()),
        }
    }

    fn list(&self, options: &list::Options) -> Result<(), Failure> {
        own(&options.target, &options.command)
    }

    /// A list was looked at, so it may have changed.
    async fn relearn(&self) -> Result<(), Failure> {
        if self.interactive {
            self.words.learn(self.client).await;
        }
        Ok(())
    }
}

/// The shell has its server.
fn own(server: &Option<String>, command: &[OsString]) -> Result<(), Failure> {
    match (server, command) {
        (None, []) => Ok(()),
        (Some(extra), _) => Err(Failure::usage(format!("{extra:?} is one word too many"))),
        (None, _) => Err(Failure::usage("the shell has its server already: nothing goes behind `--`")),
    }
}
