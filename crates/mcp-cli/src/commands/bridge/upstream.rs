//! The server's side: how it is reached, and what of it exists for clients.

use clap::Args;
use mcp_bridge::{Filter, Upstream};
use mcp_core::transport::Connect;
use mcp_core::transport::trace::Tracer;
use mcp_http::http::header::HeaderName;

use super::{along, eras};
use crate::connect::run;
use crate::connect::target::Link;
use crate::exit::Failure;
use crate::global::Global;

/// Which tools, prompts and resources exist for clients.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options for filters")]
pub(super) struct Filters {
    /// Show these tools and no others; `*` stands for any text; may be given more than once
    #[arg(long, value_name = "PATTERN")]
    allow_tool: Vec<String>,
    /// Hide these tools
    #[arg(long, value_name = "PATTERN")]
    deny_tool: Vec<String>,
    /// Show these prompts and no others
    #[arg(long, value_name = "PATTERN")]
    allow_prompt: Vec<String>,
    /// Hide these prompts
    #[arg(long, value_name = "PATTERN")]
    deny_prompt: Vec<String>,
    /// Show the resources with these URIs and no others
    #[arg(long, value_name = "PATTERN")]
    allow_resource: Vec<String>,
    /// Hide the resources with these URIs
    #[arg(long, value_name = "PATTERN")]
    deny_resource: Vec<String>,
}

impl Filters {
    pub(super) fn filter(&self) -> Filter {
        let filter = self.allow_tool.iter().fold(Filter::new(), Filter::allow_tool);
        let filter = self.deny_tool.iter().fold(filter, Filter::deny_tool);
        let filter = self.allow_prompt.iter().fold(filter, Filter::allow_prompt);
        let filter = self.deny_prompt.iter().fold(filter, Filter::deny_prompt);
        let filter = self.allow_resource.iter().fold(filter, Filter::allow_resource);
        self.deny_resource.iter().fold(filter, Filter::deny_resource)
    }
}

/// The server, reached anew for each session. Headers of clients with these names go along.
pub(super) fn upstream(
    global: &Global,
    link: Link,
    trace: Option<Tracer>,
    along: Vec<HeaderName>,
) -> Upstream {
    let settings = global.clone();
    let eras = eras::Eras::of(&link);
    let upstream = Upstream::try_new(move |caller| {
        let link = match &link {
            Link::Child(child) => Link::Child(child.another()),
            Link::Http(remote) => {
                let mut remote = remote.clone();
                along::open_with(&mut remote.config, &caller.forwarded);
                Link::Http(remote)
            }
        };
        let connector = run::connector(&settings, link).map_err(|failure: Failure| failure.message)?;
        Ok::<Box<dyn Connect>, String>(match &trace {
            Some(trace) => Box::new(trace.connect(connector)),
            None => connector,
        })
    });
    let upstream = upstream.era(global.era);
    let upstream = match eras {
        Some(eras) => upstream.era_store(eras),
        None => upstream,
    };
    // An entry of a config file may have its own.
    let upstream = match global.timeout {
        Some(limit) => upstream.call_limit(limit),
        None => upstream,
    };
    if along.is_empty() { upstream } else { upstream.forward(move |envelope| along::pick(&along, envelope)) }
}
