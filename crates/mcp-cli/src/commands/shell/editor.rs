//! Where the shell's lines come from: an editor with history and completion, or plain stdin.

use std::io::{self, BufRead};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc as blocking;
use std::time::Duration;

use mcp_core::client::Client;
use mcp_core::message::RawJson;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Config, Editor, Helper, Highlighter, Hinter, Validator};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::commands::complete;
use crate::exit::{Code, Failure};

use super::words::Words;

/// How long the server may take to propose something while a person waits for it.
const PATIENCE: Duration = Duration::from_secs(2);
const HISTORY: usize = 1000;

/// What came.
#[derive(Debug)]
pub(super) enum Read {
    Line(String),
    /// Ctrl-C while typing: the line is dropped.
    Interrupted,
    /// Ctrl-D, or the end of the file.
    End,
}

/// Reads lines on a separate thread, one per request: while a command runs, stdin is free for the questions of
/// the command.
#[derive(Debug)]
pub(super) struct Lines {
    wanted: blocking::Sender<()>,
    lines: mpsc::Receiver<io::Result<Read>>,
    asked: bool,
}

impl Lines {
    /// Needs a tokio runtime. `editor`: at the terminal.
    pub(super) fn new(
        editor: Option<LineEditor>,
        words: Arc<Words>,
        client: Client,
    ) -> Result<Lines, Failure> {
        let (wanted, wants) = blocking::channel();
        let (sender, lines) = mpsc::channel(1);
        let handle = Handle::current();
        let body = move || {
            let mut source = Source::new(editor, Proposer { words, client, handle });
            while wants.recv().is_ok() {
                if sender.blocking_send(source.read()).is_err() {
                    return;
                }
            }
        };
        // Nobody waits for this thread: it may sit in a read that never returns.
        std::thread::Builder::new()
            .name("mcp-lines".to_owned())
            .spawn(body)
            .map_err(|error| Failure::new(Code::Io, "no thread can be started").because(error))?;
        Ok(Lines { wanted, lines, asked: false })
    }

    /// The next line. Cancel-safe: a requested line is returned by the next call.
    pub(super) async fn next(&mut self) -> Result<Read, Failure> {
        if !self.asked {
            self.asked = self.wanted.send(()).is_ok();
        }
        let read = self.lines.recv().await;
        self.asked = false;
        let failed = |error: io::Error| Failure::new(Code::Io, "the line cannot be read").because(error);
        read.unwrap_or(Ok(Read::End)).map_err(failed)
    }
}

/// An editor that has read no line yet.
///
/// It takes SIGINT over when it is made, and passes nothing on; what takes the signal over after it, gets the signal
/// too. So it is made before the signals are watched, and lives until the end: then Ctrl-C is for the command that runs,
/// and what was typed or pasted beyond a line is kept for the next one.
pub(crate) struct LineEditor(Box<Editor<Proposer, FileHistory>>);

impl LineEditor {
    pub(crate) fn new() -> io::Result<LineEditor> {
        Ok(LineEditor(Box::new(Editor::with_config(config()?).map_err(io::Error::other)?)))
    }
}

enum Source {
    Edited { editor: Box<Editor<Proposer, FileHistory>>, file: Option<PathBuf> },
    Plain,
}

impl Source {
    fn new(editor: Option<LineEditor>, proposer: Proposer) -> Source {
        let Some(LineEditor(mut editor)) = editor else { return Source::Plain };
        editor.set_helper(Some(proposer));
        let file = history_file();
        if let Some(file) = &file {
            // The first time there is none.
            let _none_yet = editor.load_history(file);
        }
        Source::Edited { editor, file }
    }

    fn read(&mut self) -> io::Result<Read> {
        let Source::Edited { editor, file } = self else {
            let line = io::stdin().lock().lines().next().transpose()?;
            return Ok(line.map_or(Read::End, Read::Line));
        };
        let read = editor.readline("mcp> ");
        if let (Ok(_), Some(file)) = (&read, file) {
            // A history that cannot be kept is no reason to stop.
            let _not_kept = editor.append_history(file);
        }
        match read {
            Ok(line) => Ok(Read::Line(line)),
            Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => Ok(Read::Interrupted),
            Err(ReadlineError::Eof) => Ok(Read::End),
            Err(ReadlineError::Io(error)) => Err(error),
            Err(error) => Err(io::Error::other(error)),
        }
    }
}

/// A line that begins with a blank is not kept: that is how a secret is typed. A line break in pasted text ends a line
/// like a typed one, so that each pasted line is run.
fn config() -> io::Result<Config> {
    let config = Config::builder().max_history_size(HISTORY).map_err(io::Error::other)?;
    Ok(config.history_ignore_space(true).auto_add_history(true).bracketed_paste(false).build())
}

/// `$XDG_STATE_HOME/mcp/history`; its folder is made.
fn history_file() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("XDG_STATE_HOME").filter(|path| path.is_absolute());
    let folder = folder
        .or_else(|| {
            if cfg!(windows) { set("LOCALAPPDATA") } else { Some(set("HOME")?.join(".local").join("state")) }
        })?
        .join("mcp");
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history"))
}

/// Completes from what is known, and asks the server for the rest.
#[derive(Clone, Helper, Highlighter, Hinter, Validator)]
struct Proposer {
    words: Arc<Words>,
    client: Client,
    handle: Handle,
}

impl Completer for Proposer {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &rustyline::Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let proposal = self.words.propose(line.get(..position).unwrap_or(line));
        let words = match proposal.ask {
            Some((prompt, argument, typed)) => self.ask(&prompt, &argument, &typed),
            None => proposal.words,
        };
        Ok((proposal.start, words))
    }
}

impl Proposer {
    /// What the server proposes; nothing if it does not, or takes too long.
    fn ask(&self, prompt: &str, argument: &str, typed: &str) -> Vec<String> {
        let reference = [("type", RawJson::string("ref/prompt")), ("name", RawJson::string(prompt))];
        let params = complete::request(RawJson::object(reference), argument, typed, &RawJson::EMPTY_OBJECT);
        let call = self.client.request("completion/complete", Some(params));
        let answer = self.handle.block_on(async { tokio::time::timeout(PATIENCE, call).await });
        let Ok(Ok(result)) = answer else { return Vec::new() };
        let values = complete::values(result.raw()).into_iter();
        values.filter(|value| crate::text::shell_words::quote(value) == *value).collect()
    }
}
