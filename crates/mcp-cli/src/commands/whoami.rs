//! `mcp whoami`: which credentials are stored. Never a token.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use mcp_auth::client::Status;
use mcp_core::message::RawJson;
use mcp_http::client::HttpClientConfig;

use crate::connect::auth::{self, OAuthSettings};
use crate::connect::remote::Remote;
use crate::connect::servers::redact;
use crate::connect::target::{self, Link, Target};
use crate::exit::{Code, Failure};
use crate::global::Global;
use crate::signals::Signals;
use crate::terminal::out;
use crate::terminal::style::Style;
use crate::terminal::table::Table;
use crate::text;

/// `mcp whoami`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server's URL, or its name in a config file; without it, all servers
    #[arg(value_name = "SERVER")]
    target: Option<String>,
}

/// The server behind a URL that a command about credentials names.
pub(crate) async fn remote(
    signals: &Signals,
    global: &Global,
    target: &str,
) -> Result<(Global, Remote), Failure> {
    match target::find(signals, global, Some(target), &[]).await? {
        Target { global, link: Link::Http(remote) } => Ok((global, remote)),
        Target { link: Link::Child(_), .. } => {
            Err(Failure::usage(format!("{target:?} is started here, and needs no login"))
                .hint("credentials of such a server are variables: --env NAME=VALUE"))
        }
    }
}

/// Runs the command.
pub(crate) async fn run(signals: &Signals, global: &Global, options: &Options) -> Result<(), Failure> {
    let Some(target) = &options.target else { return all(global).await };
    let (global, remote) = remote(signals, global, target).await?;
    let oauth = auth::provider(&global, &remote.config, &remote.oauth)?.build();
    let found = oauth.status(&remote.endpoint()?).await.map_err(|error| auth::failure(&error))?;
    let missing = || Failure::new(Code::AuthRequired, "not logged in").needs_login().at(Some(&remote.shown));
    let status = found.ok_or_else(missing)?;
    if global.json {
        out::json(&json(&status).to_string())?;
    } else {
        out::write(table(&global, &status))?;
    }
    if status.valid || status.refreshable { Ok(()) } else { Err(expired().at(Some(&remote.shown))) }
}

fn expired() -> Failure {
    Failure::new(Code::AuthRequired, "the tokens can no longer be used").needs_login()
}

async fn all(global: &Global) -> Result<(), Failure> {
    let oauth = auth::provider(global, &HttpClientConfig::default(), &OAuthSettings::default())?.build();
    let found = oauth.all().await.map_err(|error| auth::failure(&error))?;
    if global.json {
        out::json(&RawJson::array(found.iter().map(json)).to_string())?;
    } else if !found.is_empty() {
        let mut table = Table::new(["server", "profile", "issuer", "scopes", "expires"]);
        for status in &found {
            let (server, scopes) = (redact::url(&status.endpoint), status.scopes.join(" "));
            let cells = [&server, &status.profile, &status.issuer, &scopes, &expiry(status)];
            table.row(cells.map(|cell| text::safe_line(cell)).each_ref().map(|cell| cell.as_ref()));
        }
        out::write(table.render(Style::for_stream(global.color, &std::io::stdout())))?;
    }
    let usable = found.iter().any(|status| status.valid || status.refreshable);
    if usable { Ok(()) } else { Err(Failure::new(Code::AuthRequired, "not logged in to any server")) }
}

/// One status as a table without a head.
pub(crate) fn table(global: &Global, status: &Status) -> String {
    let mut table = Table::new([""; 0]);
    let scopes = if status.scopes.is_empty() { "(none named)".to_owned() } else { status.scopes.join(" ") };
    let mut row = |name: &str, value: &str| table.row([name, &text::safe_line(value)]);
    row("server", &redact::url(&status.endpoint));
    row("profile", &status.profile);
    row("issuer", &status.issuer);
    row("client", &format!("{} ({})", status.client_id, status.grant));
    row("scopes", &scopes);
    row("expires", &expiry(status));
    row("refresh", if status.refreshable { "yes" } else { "no" });
    if let Some(place) = &status.location {
        row("kept in", place);
    }
    table.render(Style::for_stream(global.color, &std::io::stdout()))
}

fn expiry(status: &Status) -> String {
    let left = status.expires.map(|at| at.duration_since(SystemTime::now()).unwrap_or(Duration::ZERO));
    match (status.valid, left) {
        (false, _) => "expired".to_owned(),
        (true, None) => "unknown".to_owned(),
        (true, Some(left)) => format!("in {}", text::span(left)),
    }
}

/// One status as JSON.
pub(crate) fn json(status: &Status) -> RawJson {
    let flag = |on: bool| RawJson::serialize(&on).unwrap_or(RawJson::NULL);
    let expires = status.expires.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let expires = expires.and_then(|since| i64::try_from(since.as_secs()).ok());
    RawJson::object([
        ("endpoint", RawJson::string(&redact::url(&status.endpoint))),
        ("profile", RawJson::string(&status.profile)),
        ("issuer", RawJson::string(&status.issuer)),
        ("clientId", RawJson::string(&status.client_id)),
        ("grant", RawJson::string(&status.grant)),
        ("scopes", RawJson::array(status.scopes.iter().map(|scope| RawJson::string(scope)))),
        ("expires", expires.map_or(RawJson::NULL, RawJson::integer)),
        ("valid", flag(status.valid)),
        ("refreshable", flag(status.refreshable)),
        ("location", status.location.as_deref().map_or(RawJson::NULL, RawJson::string)),
    ])
}
