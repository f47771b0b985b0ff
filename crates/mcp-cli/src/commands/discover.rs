//! `mcp discover`: where the endpoint of a server is, which era and revisions it speaks, and what was tried.

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;
use mcp_core::client::Client;
use mcp_core::message::RawJson;
use mcp_http::discover::{DiscoverOptions, DiscoveryReport, Found, discover};
use mcp_http::net::AuthScheme;

use crate::commands::info;
use crate::connect::remote::Remote;
use crate::connect::run;
use crate::connect::servers::redact;
use crate::connect::target::{self, Link, Target};
use crate::exit::{self, Code, Failure};
use crate::global::Global;
use crate::signals::Signals;
use crate::terminal::out;
use crate::terminal::style::Style;
use crate::terminal::table::Table;
use crate::text;

/// How wide the column of reasons may be.
const WHY: usize = 72;

/// `mcp discover`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server's URL or its name in a config file; left out where a command follows `--`
    #[arg(value_name = "SERVER")]
    target: Option<String>,
    /// Try these paths instead of /mcp, /, /tools, /api/mcp, /v1/mcp and /sse; one in the URL comes first
    #[arg(long, value_name = "PATHS", value_delimiter = ',')]
    paths: Vec<String>,
    /// Try all paths, also behind one that is found or refused
    #[arg(long)]
    exhaustive: bool,
    /// The command that starts the server, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Runs the command.
pub(crate) async fn run(signals: &Signals, global: &Global, options: &Options) -> Result<(), Failure> {
    let Target { global, link } =
        target::find(signals, global, options.target.as_deref(), &options.command).await?;
    match link {
        Link::Http(remote) => tokio::select! {
            outcome = search(&global, &remote, options) => outcome,
            signal = signals.first() => Err(Failure::signal(signal)),
        },
        Link::Child(_) if options.exhaustive || !options.paths.is_empty() => {
            Err(Failure::usage("--paths and --exhaustive are for servers behind a URL"))
        }
        // The answer of a server that is started here is the same as that of `info`.
        link => {
            run::with_client(signals, &global, run::builder(&global), link, async |client: &Client| {
                info::show(client, &global).await
            })
            .await
        }
    }
}

async fn search(global: &Global, remote: &Remote, options: &Options) -> Result<(), Failure> {
    let mut how = DiscoverOptions::default();
    how.paths = (!options.paths.is_empty()).then(|| options.paths.clone());
    how.exhaustive = options.exhaustive;
    // `--timeout 0` is no limit, and a search without an end is none.
    how.deadline = global.timeout.filter(|time| *time != Duration::MAX).unwrap_or(how.deadline);
    how.client = (run::NAME.to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    let report = discover(&remote.url, &how, &remote.config).await.map_err(exit::unusable)?;
    if global.json {
        out::json(&json(&report).to_string())?;
    } else {
        out::write(render(&report, Style::for_stream(global.color, &std::io::stdout())))?;
    }
    match &report.found {
        Some(_) => Ok(()),
        None => Err(failure(&report, &remote.shown)),
    }
}

/// Why there is no endpoint.
fn failure(report: &DiscoveryReport, url: &str) -> Failure {
    if let Some(refusal) = &report.refusal {
        return exit::of_refusal(&refusal.refused).at(Some(&refusal.url));
    }
    let failure = match &report.failure {
        Some(error) => exit::of_http(error),
        None if report.out_of_time || report.attempts.iter().all(|attempt| attempt.status.is_none()) => {
            Failure::new(Code::Timeout, "no endpoint answered in time")
                .hint("--timeout gives the search more time")
        }
        None => Failure::new(Code::Unreachable, format!("no MCP endpoint is found at {url}"))
            .hint("--paths tries other paths; a path in the URL is tried alone"),
    };
    failure.at(Some(url))
}

/// The table, and on the last line what was found.
fn render(report: &DiscoveryReport, style: Style) -> String {
    let mut table = Table::new(["request", "era", "status", "ms", "what it is"]);
    for attempt in &report.attempts {
        let request = format!("{} {}", attempt.method, attempt.url);
        let status = attempt.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
        let millis = attempt.elapsed.as_millis().to_string();
        let why = text::headline(&attempt.why, WHY);
        table.row([request.as_str(), &attempt.era.to_string(), &status, &millis, &why]);
    }
    let mut out = table.render(style);
    if let Some(found) = &report.found {
        let mut about = Table::new([""; 0]);
        about.row(["server", &identity(found)]);
        about.row(["speaks", &spoken(found)]);
        out.push_str(&format!("\n{}{}\n", about.render(style), style.green(&address(found))));
    }
    out
}

fn identity(found: &Found) -> String {
    match (&found.server_name, &found.server_version) {
        (Some(name), Some(version)) => format!("{name} {version}"),
        (Some(name), None) => name.clone(),
        (None, _) => "(does not say who it is)".to_owned(),
    }
}

fn spoken(found: &Found) -> String {
    let versions = match (found.versions.as_slice(), found.via_sse) {
        ([], true) => "HTTP+SSE, as of 2024-11-05".to_owned(),
        ([], false) => "(does not say)".to_owned(),
        (versions, _) => versions.join(", "),
    };
    format!("{versions} ({})", found.era)
}

/// The URL to use, without the query, which may be a secret.
fn address(found: &Found) -> String {
    redact::url(&found.url)
}

fn challenge(challenge: &AuthScheme) -> RawJson {
    let mut members = vec![("scheme", RawJson::string(&challenge.scheme))];
    members.extend(challenge.token68.as_ref().map(|data| ("token68", RawJson::string(data))));
    // Of several with one name the first counts.
    let params = challenge.params.iter().filter(|(name, value)| challenge.param(name) == Some(value));
    let params = params.map(|(name, value)| (name.as_str(), RawJson::string(value)));
    members.push(("params", RawJson::object(params)));
    RawJson::object(members)
}

fn json(report: &DiscoveryReport) -> RawJson {
    let text = |text: &str| RawJson::string(text);
    let flag = |on: bool| RawJson::serialize(&on).unwrap_or(RawJson::NULL);
    let integer = |number: u128| RawJson::integer(i64::try_from(number).unwrap_or(i64::MAX));
    let attempts = report.attempts.iter().map(|attempt| {
        let challenges = RawJson::array(attempt.challenges.iter().map(challenge));
        RawJson::object([
            ("url", text(&attempt.url)),
            ("method", text(attempt.method)),
            ("era", text(&attempt.era.to_string())),
            ("status", attempt.status.map_or(RawJson::NULL, |status| integer(status.into()))),
            ("ms", integer(attempt.elapsed.as_millis())),
            ("why", text(&attempt.why)),
            ("challenges", challenges),
        ])
    });
    let found = report.found.as_ref().map(|found| {
        let mut members = vec![
            ("url", text(&address(found))),
            ("era", text(&found.era.to_string())),
            ("versions", RawJson::array(found.versions.iter().map(|version| text(version)))),
            ("transport", text(if found.via_sse { "sse" } else { "streamable-http" })),
        ];
        if let Some(name) = &found.server_name {
            let version = found.server_version.as_ref().map(|version| ("version", text(version)));
            members.push(("serverInfo", RawJson::object([("name", text(name))].into_iter().chain(version))));
        }
        RawJson::object(members)
    });
    let refusal = report.refusal.as_ref().map(|refusal| {
        let refused = &refusal.refused;
        let mut members =
            vec![("url", text(&refusal.url)), ("status", integer(refused.status.as_u16().into()))];
        members.extend(refused.challenge.as_ref().map(|challenge| ("challenge", text(challenge))));
        members.extend(refused.retry_after.map(|after| ("retry_after_s", integer(after.as_secs().into()))));
        RawJson::object(members)
    });
    RawJson::object([
        ("found", found.unwrap_or(RawJson::NULL)),
        ("refusal", refusal.unwrap_or(RawJson::NULL)),
        ("failure", report.failure.as_ref().map_or(RawJson::NULL, |failure| text(&failure.to_string()))),
        ("out_of_time", flag(report.out_of_time)),
        ("attempts", RawJson::array(attempts)),
    ])
}
