//! `mcp listen`: what changes on a server, a JSON line for each event, until it is interrupted.

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;
use mcp_core::client::{Client, Reconnect, SubscriptionEvent};
use mcp_core::message::RawJson;
use mcp_core::session::SubscriptionFilter;

use crate::connect::run;
use crate::connect::target::{self, Target};
use crate::exit::Failure;
use crate::global::Global;
use crate::signals::Signals;
use crate::terminal::out;
use crate::text;

/// The wait before a subscription that the server ended is opened again; doubled each time.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// `mcp listen`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server's URL or its name in a config file; left out where a command follows `--`
    #[arg(value_name = "SERVER")]
    pub(crate) target: Option<String>,
    /// Changes of the list of tools (without any of these options: of all three lists)
    #[arg(long)]
    tools: bool,
    /// Changes of the list of prompts
    #[arg(long)]
    prompts: bool,
    /// Changes of the list of resources
    #[arg(long)]
    resources: bool,
    /// Changes of this resource; may be given more than once
    #[arg(long, value_name = "URI")]
    uri: Vec<String>,
    /// End after this number of changes
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    count: Option<u32>,
    /// The command that starts the server, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// Runs the command.
pub(crate) async fn run(signals: &Signals, global: &Global, options: &Options) -> Result<(), Failure> {
    let Target { global, link } =
        target::find(signals, global, options.target.as_deref(), &options.command).await?;
    // A server that dies is started again: a listener is meant to last.
    let builder = run::builder(&global).reconnect(Reconnect::default());
    run::with_client(signals, &global, builder, link, async |client: &Client| show(client, options).await)
        .await
}

/// Prints events until there were enough.
pub(crate) async fn show(client: &Client, options: &Options) -> Result<(), Failure> {
    let mut left = options.count;
    let mut wait = FIRST_WAIT;
    loop {
        let mut listen = client.listen(filter(options));
        while let Some(item) = listen.next().await {
            if let SubscriptionEvent::Started { honoured, .. } = &item {
                warn_of_silence(&filter(options), honoured);
            }
            if !event(&item)? {
                // As in `mcp listen … | head -1`.
                return Ok(());
            }
            match item {
                SubscriptionEvent::Changed(_) => {
                    wait = FIRST_WAIT;
                    left = left.map(|left| left.saturating_sub(1));
                    if left == Some(0) {
                        return Ok(());
                    }
                }
                SubscriptionEvent::Ended(Err(error)) => return Err(error.into()),
                _ => {}
            }
        }
        // The server ended it in order, as one does that is about to be replaced.
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

fn filter(options: &Options) -> SubscriptionFilter {
    let all = !(options.tools || options.prompts || options.resources) && options.uri.is_empty();
    let mut filter = SubscriptionFilter::new();
    filter.tools_list_changed = options.tools || all;
    filter.prompts_list_changed = options.prompts || all;
    filter.resources_list_changed = options.resources || all;
    filter.resource_subscriptions = options.uri.clone();
    filter
}

/// Says of which changes the server will tell nothing.
fn warn_of_silence(asked: &SubscriptionFilter, honoured: &SubscriptionFilter) {
    let flags = [
        ("the tools", asked.tools_list_changed && !honoured.tools_list_changed),
        ("the prompts", asked.prompts_list_changed && !honoured.prompts_list_changed),
        ("the resources", asked.resources_list_changed && !honoured.resources_list_changed),
    ];
    let flags = flags.iter().filter(|row| row.1).map(|row| row.0.to_owned());
    let uris =
        asked.resource_subscriptions.iter().filter(|uri| !honoured.resource_subscriptions.contains(uri));
    let silent: Vec<String> = flags.chain(uris.map(|uri| text::safe_line(uri).into_owned())).collect();
    if !silent.is_empty() {
        out::note(format!("mcp: warning: the server does not report changes of {}\n", silent.join(", ")));
    }
}

/// Prints an event. `false` if stdout is closed.
fn event(item: &SubscriptionEvent) -> Result<bool, Failure> {
    let name = |name| ("event", RawJson::string(name));
    let members = match item {
        SubscriptionEvent::Started { honoured, gap } => {
            let honoured = RawJson::serialize(honoured).unwrap_or_default();
            let gap = if *gap { Some(("gap", RawJson::TRUE)) } else { None };
            [name("started"), ("honoured", honoured)].into_iter().chain(gap).collect()
        }
        SubscriptionEvent::Changed(notification) => {
            let params = notification.params.as_ref().map(|params| ("params", params.raw().clone()));
            let method = ("method", RawJson::string(notification.method.as_str()));
            [name("changed"), method].into_iter().chain(params).collect()
        }
        SubscriptionEvent::Lost => vec![name("lost")],
        SubscriptionEvent::Missed { items } => {
            vec![name("missed"), ("items", RawJson::integer(i64::try_from(*items).unwrap_or(i64::MAX)))]
        }
        SubscriptionEvent::Ended(Ok(())) => vec![name("ended")],
        // The error line says it; and the enum may grow.
        SubscriptionEvent::Ended(Err(_)) | _ => return Ok(true),
    };
    out::stream_json(&RawJson::object(members).to_string())
}
