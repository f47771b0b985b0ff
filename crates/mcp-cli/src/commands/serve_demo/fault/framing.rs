//! Faults of lines and bytes.

use std::io;
use std::thread::sleep;
use std::time::Duration;

use super::script::{Ask, each, each_call, say, write};

/// More than the default limit of a line, 16 MiB.
const LONG_LINE: usize = 17 << 20;

/// The last line has no newline.
// FAULT C-4.
pub(super) fn partial_last_line() -> io::Result<()> {
    each_call(|ask| {
        let text = ask.params.pointer("/arguments/text").and_then(|text| text.as_str()).unwrap_or("");
        write(ask.echoed(text).to_string().as_bytes())?;
        std::process::exit(0)
    })
}

/// One byte per write.
// FAULT C-5.
pub(super) fn one_byte_writes() -> io::Result<()> {
    each(|ask| {
        let line = format!("{}\n", ask.answer());
        line.as_bytes().chunks(1).try_for_each(write)
    })
}

/// Writes end inside a character, and the reader gets time to see it.
// FAULT C-6.
pub(super) fn split_utf8() -> io::Result<()> {
    each_call(|ask| {
        let line = format!("{}\n", ask.echoed("naïve 日本語 🦀"));
        // No character of the text is longer than three bytes but the last, and none is aligned to this.
        for piece in line.as_bytes().chunks(3) {
            if !piece.is_ascii() {
                sleep(Duration::from_millis(1));
            }
            write(piece)?;
        }
        Ok(())
    })
}

/// A line that no client has to take.
// FAULT C-7.
pub(super) fn long_line() -> io::Result<()> {
    each_call(|ask| say(&ask.echoed(&"x".repeat(LONG_LINE))))
}

/// Bytes that are not UTF-8.
// FAULT C-8.
pub(super) fn invalid_utf8() -> io::Result<()> {
    each(|ask| {
        write(b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/\xff\xfe\"}\n")?;
        write(b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/\\ud800\"}\n")?;
        say(&ask.answer())
    })
}

/// What Windows tools and careless prints leave around a message.
// FAULT C-9.
pub(super) fn bom_crlf_blank() -> io::Result<()> {
    let mut start = "\u{feff}";
    each(move |ask: &Ask| {
        write(format!("{start}{} \t\r\n\r\n\n", ask.answer()).as_bytes())?;
        start = "";
        Ok(())
    })
}

/// A banner on stdout.
// FAULT C-10.
pub(super) fn banner() -> io::Result<()> {
    write("Demo server v1.0\n================\nlistening on stdio ✓\n\n".as_bytes())?;
    each(|ask| say(&ask.answer()))
}
