//! `mcp bridge`: a server in front of clients, over another transport or in another era.

mod along;
mod eras;
mod listen;
mod upstream;

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, ValueEnum};
use mcp_bridge::{Bridge, BridgeBuilder, Policy, Upstream};
use mcp_core::message::ProtocolVersion;

use super::serve_http;
use crate::connect::many::{self, Entry};
use crate::connect::target::{self, Link, Target};
use crate::connect::trace;
use crate::exit::{Code, Failure};
use crate::global::{Global, duration};
use crate::signals::Signals;
use crate::terminal::out;

use along::Along;
use listen::{Access, Sharing};
use upstream::Filters;

/// How long calls in flight may continue after a signal.
const DRAIN: Duration = Duration::from_secs(10);

/// The name of the one server.
const ONE: &str = "server";

/// `mcp bridge`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server's URL or its name in a config file; left out where a command follows `--`
    #[arg(value_name = "SERVER")]
    target: Option<String>,
    /// Serve every server of the config file, each at /servers/NAME/mcp: of the file that --config names, or else of ~/.config/mcp/mcp.json
    #[arg(long, requires = "listen", conflicts_with_all = ["target", "command"])]
    all: bool,
    /// With --all: only the servers of these names
    #[arg(long, requires = "all", value_name = "NAMES", value_delimiter = ',')]
    only: Vec<String>,
    /// Who shares the server: a process or a connection for each session, for each caller, for all, or for each request
    #[arg(long, value_name = "POLICY", default_value = "per-session")]
    child: Child,
    /// Which eras clients may use: modern, legacy, or both (--era says how the server is spoken to)
    #[arg(long, value_name = "ERAS", value_delimiter = ',', default_value = "modern,legacy")]
    eras: Vec<Eras>,
    /// The most sessions with the server at once
    #[arg(long, value_name = "N", default_value_t = 100)]
    max_upstreams: usize,
    /// How long a session that belongs to a caller may be idle before it is closed
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "10m")]
    idle_ttl: Duration,
    /// How often a server that fails is started again: `on-failure:N` leaves it alone for 5 min after N consecutive failures,
    /// `never` for good after the first one
    #[arg(long, value_name = "WHEN", value_parser = restart, default_value = "on-failure:5")]
    restart: Restart,
    /// The most starts of a server in a second; further ones wait
    #[arg(long, value_name = "N", default_value_t = 10)]
    max_starts: u32,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    listen: Access,
    #[command(flatten)]
    along: Along,
    /// The command that starts the server, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Who shares a server.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Child {
    /// One for each legacy session and each byte stream; requests of 2026-07-28 share one for each caller.
    PerSession,
    /// One for each caller.
    PerCaller,
    /// One for all.
    Shared,
    /// One for each request of 2026-07-28, and for each legacy session.
    PerRequest,
}

impl Child {
    /// What callers without an identity share: they are one caller.
    fn sharing(self) -> Sharing {
        match self {
            Child::PerCaller | Child::Shared => Sharing::OneServer,
            Child::PerSession | Child::PerRequest => Sharing::None,
        }
    }
}

impl From<Child> for Policy {
    fn from(child: Child) -> Policy {
        match child {
            Child::PerSession => Policy::PerSession,
            Child::PerCaller => Policy::PerCaller,
            Child::Shared => Policy::Shared,
            Child::PerRequest => Policy::PerRequest,
        }
    }
}

/// An era of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Eras {
    /// 2026-07-28.
    Modern,
    /// The revisions before.
    Legacy,
}

/// How often a server is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Restart {
    /// Until this number of consecutive failures; then not for 5 min.
    OnFailure(u32),
    /// Not once it has failed.
    Never,
}

fn restart(text: &str) -> Result<Restart, String> {
    let count = |count: &str| count.parse().ok().filter(|count| *count > 0);
    match text.strip_prefix("on-failure:").map(count) {
        Some(Some(count)) => Ok(Restart::OnFailure(count)),
        None if text == "never" => Ok(Restart::Never),
        _ => Err("it is `never`, or `on-failure:` and a number".to_owned()),
    }
}

/// Serves until the client is gone, or over HTTP until a signal.
pub(crate) async fn run(signals: &Signals, global: &Global, options: &Options) -> Result<(), Failure> {
    let along = options.along.names()?;
    if !along.is_empty() && matches!(options.child, Child::Shared) {
        return Err(Failure::usage("--forward-header and --child shared exclude each other")
            .hint("clients that share a session would act with the headers of one of them"));
    }
    let (front_trace, back_trace) = match global.trace.as_deref() {
        Some(path) => trace::both_sides(path).map(|(front, back)| (Some(front), Some(back)))?,
        None => (None, None),
    };
    let entries = entries(signals, global, options).await?;
    // What the entry of one server says goes for the bridge; of several servers, only the command line does.
    let one = entries.first().filter(|_| !options.all).and_then(|entry| entry.target.as_ref().ok());
    let mut builder = builder(one.map_or(global, |target| &target.global), options);
    for Entry { name, target } in entries {
        let target = match target {
            Ok(_) if !listen::is_segment(&name) => Err(Failure::usage("its name cannot be part of a URL")),
            target => target,
        };
        let upstream = match target {
            Ok(Target { global, link }) => {
                if !along.is_empty() && !options.all && matches!(link, Link::Child(_)) {
                    return Err(Failure::usage("--forward-header is for servers behind a URL"));
                }
                upstream::upstream(&global, link, back_trace.clone(), along.clone())
            }
            Err(failure) => {
                out::note(format!("mcp: {:?} cannot be used: {}\n", name, failure.sentence()));
                Upstream::unusable(failure.sentence())
            }
        };
        let upstream = upstream.policy(options.child.into()).filter(options.filters.filter());
        builder = builder.upstream(name, upstream);
    }
    let bridge = builder.build()?;
    let served = match &options.listen.http.listen {
        Some(address) => {
            let (access, trace) = (&options.listen, front_trace.as_ref());
            let bound = match options.all {
                true => access.all(global, address, &bridge, options.child.sharing(), trace).await,
                false => access.one(global, address, &bridge, options.child.sharing(), trace).await,
            };
            match bound {
                Ok(bound) => serve_http::serve(signals, bound).await,
                Err(failure) => Err(failure),
            }
        }
        None => stdio(signals, &bridge, front_trace).await,
    };
    tokio::select! {
        _in_time = bridge.drain(DRAIN) => {}
        _signal = signals.second() => {}
    }
    served
}

/// The servers of the bridge: one, or all of the config file.
async fn entries(signals: &Signals, global: &Global, options: &Options) -> Result<Vec<Entry>, Failure> {
    if options.all {
        return many::find(signals, global, &options.only).await;
    }
    let target = target::find(signals, global, options.target.as_deref(), &options.command).await?;
    Ok(vec![Entry { name: ONE.to_owned(), target: Ok(target) }])
}

fn builder(global: &Global, options: &Options) -> BridgeBuilder {
    let wanted = |version: &ProtocolVersion| {
        let era = if version.is_modern() { Eras::Modern } else { Eras::Legacy };
        options.eras.contains(&era)
    };
    let versions: Vec<ProtocolVersion> = ProtocolVersion::ALL.iter().copied().filter(wanted).collect();
    Bridge::builder().versions(versions).limits(|limits| {
        limits.upstreams = options.max_upstreams;
        limits.idle = options.idle_ttl;
        limits.start = global.start_timeout;
        limits.starts = options.max_starts;
        limits.probe = global.probe_timeout.unwrap_or(limits.probe);
        match options.restart {
            Restart::OnFailure(count) => limits.failures = count,
            Restart::Never => (limits.failures, limits.give_up) = (1, Duration::MAX),
        }
        if let Some(time) = global.timeout {
            limits.call = time;
        }
    })
}

/// Serves this process's own standard streams until their end or a signal.
async fn stdio(
    signals: &Signals,
    bridge: &Bridge,
    trace: Option<mcp_core::transport::trace::Tracer>,
) -> Result<(), Failure> {
    let front = bridge.names().next().and_then(|name| bridge.front(name));
    let front = front.ok_or_else(|| Failure::new(Code::Io, "the bridge has no server"))?;
    let link = mcp_stdio::stdio()
        .map_err(|error| Failure::new(Code::Io, "cannot serve on stdin and stdout").because(error))?;
    let serve = async {
        match trace {
            Some(trace) => front.serve(trace.transport(link)).await,
            None => front.serve(link).await,
        }
    };
    tokio::select! {
        () = serve => {}
        signal = signals.first() => return Err(Failure::signal(signal)),
    }
    // It never served, and the client may not have shown why.
    match bridge.status().upstreams.into_iter().find_map(|upstream| upstream.failure) {
        Some(why) => Err(Failure::new(Code::Unreachable, why)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_policy_is_a_count_or_never() {
        assert_eq!(restart("never"), Ok(Restart::Never));
        assert_eq!(restart("on-failure:3"), Ok(Restart::OnFailure(3)));
        for bad in ["", "always", "on-failure", "on-failure:", "on-failure:0", "on-failure:-1", "never:1"] {
            assert!(restart(bad).is_err(), "{bad}");
        }
    }
}
