//! What can be written on a line of the shell: the commands of the program, without a server.

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::commands::{call, complete, list, listen, ping, prompt, read, request, tool, tools};
use crate::exit::Failure;
use crate::terminal::out;
use crate::text::shell_words;

/// One line.
#[derive(Debug, Parser)]
#[command(
    name = "mcp shell",
    no_binary_name = true,
    disable_help_flag = false,
    help_template = "{subcommands}\n\n`COMMAND --help` tells more. Arguments are written as in a shell: 'two words', \"it's\"."
)]
pub(super) struct Line {
    /// Print one JSON value
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Print one JSON value on each line
    #[arg(long, global = true, conflicts_with = "json")]
    pub(super) jsonl: bool,
    #[command(subcommand)]
    pub(super) verb: Verb,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Who the server is
    Info,
    /// Measure how long it takes to answer
    Ping(ping::Options),
    /// List the tools
    Tools(tools::Options),
    /// Show one tool
    Tool(tool::Options),
    /// Call a tool
    Call(call::Options),
    /// List the resources
    Resources(list::Options),
    /// List the resource templates
    Templates(list::Options),
    /// Read a resource
    Read(read::Options),
    /// List the prompts
    Prompts(list::Options),
    /// Get a prompt
    Prompt(prompt::Options),
    /// Complete an argument
    Complete(complete::Options),
    /// Send any request
    Request(request::Options),
    /// Print what changes (Ctrl-C ends it)
    Listen(listen::Options),
    /// End the shell
    #[command(alias = "quit")]
    Exit,
}

/// The names of the commands.
pub(super) const VERBS: &[&str] = &[
    "call",
    "complete",
    "exit",
    "help",
    "info",
    "listen",
    "ping",
    "prompt",
    "prompts",
    "quit",
    "read",
    "request",
    "resources",
    "templates",
    "tool",
    "tools",
];

/// Reads a line. `None` for one that says nothing, and for one that asked for help, which was given.
pub(super) fn parse(text: &str) -> Result<Option<Line>, Failure> {
    let words = shell_words::split(text).ok_or_else(|| Failure::usage("a quote is not closed"))?;
    if words.is_empty() || words.first().is_some_and(|word| word.starts_with('#')) {
        return Ok(None);
    }
    match Line::try_parse_from(words) {
        Ok(line) => Ok(Some(line)),
        Err(help) if help.kind() == ErrorKind::DisplayHelp => {
            out::write(help.to_string())?;
            Ok(None)
        }
        Err(error) => {
            let text = error.to_string();
            let text = text.strip_prefix("error: ").unwrap_or(&text);
            let line = text.lines().next().unwrap_or_default().to_owned();
            Err(Failure::usage(line).hint("`help` lists the commands"))
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_names_of_the_commands_are_all_there() {
        Line::command().debug_assert();
        let command = Line::command();
        let names = command.get_subcommands().flat_map(|verb| verb.get_name_and_visible_aliases());
        for name in names {
            assert!(VERBS.contains(&name), "{name}");
        }
        assert!(VERBS.is_sorted());
    }

    #[test]
    fn a_line_is_read_as_a_shell_would() {
        let line = parse("call echo 'text=two words' --json").unwrap().unwrap();
        let Verb::Call(call) = line.verb else { panic!("not a call") };
        assert_eq!((call.words, line.json), (vec!["echo".to_owned(), "text=two words".to_owned()], true));
        assert!(parse("  ").unwrap().is_none() && parse("# call x").unwrap().is_none());
        for bad in ["nonsense", "call 'x", "ping -c 0"] {
            assert_eq!(parse(bad).unwrap_err().exit(), 2, "{bad}");
        }
    }
}
