//! `mcp token`: prints an access token for other programs.

use std::time::Duration;

use clap::Args;

use crate::commands::whoami;
use crate::connect::auth;
use crate::exit::Failure;
use crate::global::Global;
use crate::signals::Signals;
use crate::terminal::out;

/// How long the token is valid at least.
const AT_LEAST: Duration = Duration::from_secs(60);

/// `mcp token`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server's URL, or its name in a config file
    #[arg(value_name = "SERVER")]
    target: String,
}

/// Runs the command.
pub(crate) async fn run(signals: &Signals, global: &Global, options: &Options) -> Result<(), Failure> {
    let (global, remote) = whoami::remote(signals, global, &options.target).await?;
    let oauth = auth::provider(&global, &remote.config, &remote.oauth)?.build();
    let url = remote.endpoint()?;
    let token = tokio::select! {
        token = oauth.access_token(&url, AT_LEAST) => token,
        signal = signals.first() => return Err(Failure::signal(signal)),
    };
    let token = token.map_err(|error| auth::failure(&error).at(Some(&remote.shown)))?;
    // The token is what the user asked for. It goes to standard output only.
    out::write_line(token.expose())
}
