//! Steps of `cargo xtask ci` that run a third-party tool over the whole workspace.

use crate::Outcome;
use crate::shell::run as run_command;
use crate::tools::Tools;

/// Checks spelling. Exceptions are in `typos.toml`.
pub(crate) fn typos() -> Outcome {
    let Some(tools) = Tools::install("spelling")? else { return Ok(()) };
    run_command(tools.command("typos").args(["--format", "brief"]))
}

/// Checks links between Markdown files of the repository, and their anchors. Nothing is fetched.
pub(crate) fn links() -> Outcome {
    let Some(tools) = Tools::install("links in Markdown")? else { return Ok(()) };
    // A folder is walked without what `.gitignore` names; a glob would include it.
    let arguments =
        ["--offline", "--include-fragments", "--no-progress", "--hidden", "--extensions", "md", "."];
    run_command(tools.command("lychee").args(arguments))
}

/// Checks licences, sources and bans of all dependencies. Advisories would need a database that no registry has.
pub(crate) fn deny() -> Outcome {
    let Some(tools) = Tools::install("dependencies")? else { return Ok(()) };
    let arguments = ["--locked", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"];
    run_command(tools.cargo("deny").args(arguments))
}
