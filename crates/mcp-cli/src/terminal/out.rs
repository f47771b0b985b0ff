//! Writing to stdout and stderr without a panic when they are closed.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use crate::exit::{Code, Failure};
use crate::text;

/// Writes to stdout and flushes. A closed stdout (`mcp tools … | head`) is not an error: the run continues to its
/// end, closes its server, and exits with 0.
// FAULT C-19.
pub(crate) fn write(bytes: impl AsRef<[u8]>) -> Result<(), Failure> {
    stream(bytes).map(|_| ())
}

/// Like [`write()`], for endless output: `false` if stdout is closed.
pub(crate) fn stream(bytes: impl AsRef<[u8]>) -> Result<bool, Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes.as_ref()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::new(Code::Io, "cannot write to stdout").because(error)),
    }
}

/// Writes to stdout, and a newline after it where there was none.
pub(crate) fn write_line(bytes: impl AsRef<[u8]>) -> Result<(), Failure> {
    let mut line = bytes.as_ref().to_vec();
    if line.last() != Some(&b'\n') {
        line.push(b'\n');
    }
    write(line)
}

/// Writes JSON to stdout, and a newline after it. On a terminal it is made safe; the value stays the same.
pub(crate) fn json(json: &str) -> Result<(), Failure> {
    // A list without items has no lines.
    if json.is_empty() { Ok(()) } else { write_line(for_reader(json, &io::stdout()).as_bytes()) }
}

/// Like [`json()`], for output without an end, see [`stream`].
pub(crate) fn stream_json(json: &str) -> Result<bool, Failure> {
    stream(format!("{}\n", for_reader(json, &io::stdout())))
}

/// Writes JSON to stderr, like [`json()`].
pub(crate) fn note_json(json: &str) {
    note(format!("{}\n", for_reader(json, &io::stderr())));
}

/// Prints a failure on stderr; with `json` as one JSON value.
pub(crate) fn failure(failure: &Failure, json: bool) {
    let text = failure.render(json);
    if json { note_json(text.trim_end()) } else { note(text) }
}

fn for_reader<'a>(json: &'a str, stream: &impl IsTerminal) -> Cow<'a, str> {
    if stream.is_terminal() { text::safe_json(json) } else { json.into() }
}

/// Writes to stderr. A failure is ignored.
pub(crate) fn note(text: impl AsRef<[u8]>) {
    let mut stderr = io::stderr().lock();
    let _ignored = stderr.write_all(text.as_ref()).and_then(|()| stderr.flush());
}
