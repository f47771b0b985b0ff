//! The command line: its commands, and their syntax.

use clap::{Parser, Subcommand};

use crate::commands::{
    bridge, call, check, complete, completion, config, discover, info, list, listen, login, logout, man,
    ping, prompt, read, request, serve_demo, shell, token, tool, tools, whoami,
};
use crate::global::Global;

const TARGETS: &str =
    "The server is a URL, which comes first (http for this machine and https elsewhere, if it has no
scheme):

  mcp tools https://example.com/mcp
  mcp call localhost:8080/mcp add a=2 b=3

Or a command that talks over its stdin and stdout. It comes last, after `--`; everything behind
`--` is the server's own:

  mcp tools -- npx -y @modelcontextprotocol/server-everything
  mcp call add a=2 b=3 -- mcp serve-demo

Or a name from a config file (.mcp.json, .vscode/mcp.json, ~/.config/mcp/mcp.json), which comes
first:

  mcp tools github
  mcp call github create_issue title=Hello

Exit codes: 0 ok, 1 the server answered with an error, 2 usage or config, 3 not authorized,
4 no answer (cannot start or reach it, closed, timed out), 5 the tool failed or is unknown,
6 protocol violation or no common version, 7 a limit was hit, 130/143 interrupted.";

/// Reach any MCP server from a terminal.
#[derive(Debug, Parser)]
#[command(name = "mcp", version, about, after_help = TARGETS, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// See it work: talks to a built-in server over stdio and HTTP, in three protocol revisions
    Demo,
    /// Serve a few demo tools over stdio or HTTP, or misbehave on purpose
    ServeDemo(serve_demo::Options),
    /// Put a server in front of clients: over stdio, or with --listen over HTTP; in either era
    Bridge(bridge::Options),
    /// Find the endpoint of a server behind a URL, and what it speaks
    Discover(discover::Options),
    /// Diagnose a server: which rules of the protocol it breaks, and what to do
    Check(check::Options),
    /// Who a server is, which revisions it speaks, what it can do
    Info(info::Options),
    /// List a server's tools
    Tools(tools::Options),
    /// Show one tool: its schema, and how it is called
    Tool(tool::Options),
    /// Call a tool
    Call(call::Options),
    /// List a server's resources
    Resources(list::Options),
    /// List a server's resource templates
    Templates(list::Options),
    /// Read a resource
    Read(read::Options),
    /// List a server's prompts
    Prompts(list::Options),
    /// Get a prompt
    Prompt(prompt::Options),
    /// Ask a server to complete an argument of a prompt or of a template
    Complete(complete::Options),
    /// Measure how long a server takes to answer
    Ping(ping::Options),
    /// Send any request, or any notification, and print the whole answer
    Request(request::Options),
    /// Print what changes, until it is interrupted
    Listen(listen::Options),
    /// Talk to one server line by line, with history and completion
    Shell(shell::Options),
    /// Log in to a server (OAuth), and keep the tokens for all commands
    Login(login::Options),
    /// Revoke and remove what is kept for a server
    Logout(logout::Options),
    /// Which logins are kept, with which scopes, and until when
    Whoami(whoami::Options),
    /// Print an access token for a server, refreshed if need be
    Token(token::Options),
    /// Look at config files, and write entries for them
    Config(config::Options),
    /// Print the completion script of a shell
    Completion(completion::Options),
    /// Print the manual page
    Man(man::Options),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    /// What comes after `--` is the server's own, options of ours included.
    #[test]
    fn everything_after_the_dashes_is_the_servers() {
        let line = ["mcp", "call", "add", "a=1", "--json", "--", "srv", "--json", "--", "-q"];
        let cli = Cli::try_parse_from(line).unwrap();
        let Command::Call(call) = cli.command else { panic!("not a call") };
        assert!(cli.global.json && !cli.global.quiet);
        assert_eq!(call.words, ["add", "a=1"]);
        assert_eq!(call.command, ["srv", "--json", "--", "-q"]);
    }
}
