//! The arguments that all programs understand.

use crate::Outcome;

/// The era that is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// After `initialize`, at 2025-11-25.
    Legacy,
    /// 2026-07-28: each request carries version and capabilities.
    Modern,
}

/// The text that is echoed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// Letters of ASCII: no character needs an escape.
    Plain,
    /// What people write: a line feed, quotation marks and letters beyond ASCII now and then.
    Ordinary,
}

/// How a client makes its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallStyle {
    /// `Client::request` with prepared params.
    Raw,
    /// `Client::call_tool` with arguments, and its result read.
    Typed,
}

/// `[--calls N] [--bytes N] [--depth N] [--threads N] [--era legacy|modern] [--text plain|ordinary]
/// [--style raw|typed] [-- PROGRAM ARGS]`
#[derive(Clone, Debug)]
pub struct Arguments {
    /// How many calls a load generator makes.
    pub calls: usize,
    /// The length of the text that is echoed.
    pub bytes: usize,
    /// How many calls are in flight; 1 is sequential.
    pub depth: usize,
    /// Worker threads of the runtime; 1 is the runtime without workers, more is that of `#[tokio::main]`.
    pub threads: usize,
    /// The era that a load generator speaks.
    pub era: Era,
    /// The text that is echoed.
    pub text: Text,
    /// How our client makes its calls.
    pub style: CallStyle,
    /// The server that a load generator starts.
    pub server: Vec<String>,
}

impl Arguments {
    /// Reads the arguments of this process.
    ///
    /// # Errors
    ///
    /// What is not understood.
    pub fn read() -> Outcome<Arguments> {
        let mut arguments = Arguments {
            calls: 1000,
            bytes: 100,
            depth: 64,
            threads: 1,
            era: Era::Modern,
            text: Text::Plain,
            style: CallStyle::Raw,
            server: Vec::new(),
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            if word == "--" {
                arguments.server = words.collect();
                break;
            }
            let value = words.next().ok_or_else(|| format!("{word} wants a value"))?;
            match word.as_str() {
                "--calls" => arguments.calls = value.parse()?,
                "--bytes" => arguments.bytes = value.parse()?,
                "--depth" => arguments.depth = value.parse::<usize>()?.max(1),
                "--threads" => arguments.threads = value.parse::<usize>()?.max(1),
                "--era" if value == "legacy" => arguments.era = Era::Legacy,
                "--era" if value == "modern" => arguments.era = Era::Modern,
                "--text" if value == "plain" => arguments.text = Text::Plain,
                "--text" if value == "ordinary" => arguments.text = Text::Ordinary,
                "--style" if value == "raw" => arguments.style = CallStyle::Raw,
                "--style" if value == "typed" => arguments.style = CallStyle::Typed,
                _ => return Err(format!("{word} {value} is not understood").into()),
            }
        }
        Ok(arguments)
    }

    /// The server's program and its arguments.
    ///
    /// # Errors
    ///
    /// No server was named.
    pub fn server(&self) -> Outcome<(&str, &[String])> {
        let (program, rest) = self.server.split_first().ok_or("name a server after --")?;
        Ok((program, rest))
    }
}
