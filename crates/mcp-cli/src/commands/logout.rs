//! `mcp logout`: revokes what is stored for a server, and removes it.

use clap::Args;
use mcp_auth::client::{LogoutReport, OAuth};
use mcp_core::message::RawJson;
use mcp_http::client::HttpClientConfig;

use crate::commands::whoami;
use crate::connect::auth::{self, OAuthSettings};
use crate::exit::Failure;
use crate::global::Global;
use crate::signals::Signals;
use crate::terminal::out;
use crate::text;

/// `mcp logout`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server's URL, or its name in a config file
    #[arg(value_name = "SERVER", required_unless_present = "all")]
    target: Option<String>,
    /// Log out of all servers, in all profiles
    #[arg(long, conflicts_with = "target")]
    all: bool,
    /// Also remove the client that was registered at the authorization server
    #[arg(long)]
    forget_client: bool,
}

/// Runs the command.
pub(crate) async fn run(signals: &Signals, global: &Global, options: &Options) -> Result<(), Failure> {
    let work = async {
        let Some(target) = &options.target else { return everything(global, options).await };
        let (global, remote) = whoami::remote(signals, global, target).await?;
        let oauth = auth::provider(&global, &remote.config, &remote.oauth)?.build();
        let url = remote.endpoint()?;
        let report = leave(&oauth, &url, options).await?;
        Ok(vec![(url, report)])
    };
    let reports = tokio::select! {
        reports = work => reports?,
        signal = signals.first() => return Err(Failure::signal(signal)),
    };
    for (url, report) in &reports {
        if let Some(why) = &report.revocation_error {
            let why = text::safe_line(why);
            out::note(format!(
                "mcp: the tokens for {} are removed here, and not revoked: {why}\n",
                shown(url)
            ));
        }
    }
    if global.json {
        return out::json(&RawJson::array(reports.iter().map(json)).to_string());
    }
    let line = |(url, report): &(String, LogoutReport)| match (report.removed, report.revoked) {
        (true, true) => format!("{}: revoked and removed\n", shown(url)),
        (true, false) => format!("{}: removed\n", shown(url)),
        (false, _) => format!("{}: nothing was stored\n", shown(url)),
    };
    out::write(reports.iter().map(line).collect::<String>())
}

fn shown(url: &str) -> String {
    crate::connect::servers::redact::url(url)
}

async fn everything(global: &Global, options: &Options) -> Result<Vec<(String, LogoutReport)>, Failure> {
    let (config, settings) = (HttpClientConfig::default(), OAuthSettings::default());
    let all = auth::provider(global, &config, &settings)?.build().all().await;
    let mut reports = Vec::new();
    for status in all.map_err(|error| auth::failure(&error))? {
        let oauth = auth::provider(global, &config, &settings)?.profile(&status.profile).build();
        let report = leave(&oauth, &status.endpoint, options).await?;
        reports.push((status.endpoint, report));
    }
    Ok(reports)
}

async fn leave(oauth: &OAuth, url: &str, options: &Options) -> Result<LogoutReport, Failure> {
    oauth.logout(url, options.forget_client).await.map_err(|error| auth::failure(&error))
}

fn json((url, report): &(String, LogoutReport)) -> RawJson {
    let flag = |on: bool| RawJson::serialize(&on).unwrap_or(RawJson::NULL);
    RawJson::object([
        ("endpoint", RawJson::string(&shown(url))),
        ("removed", flag(report.removed)),
        ("revoked", flag(report.revoked)),
        ("clientRemoved", flag(report.client_removed)),
    ])
}
