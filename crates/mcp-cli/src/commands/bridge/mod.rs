//! `mcp bridge`: a server in front of clients, over another transport or in another era.

mod listen;
mod upstream;

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, ValueEnum};
use mcp_bridge::{Bridge, BridgeBuilder, Front, Policy};
use mcp_core::message::ProtocolVersion;

use crate::connect::target;
use crate::connect::trace;
use crate::exit::{Code, Failure};
use crate::global::{Global, duration};
use crate::signals::Signals;

use listen::Access;
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
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    listen: Access,
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

/// Serves until the client is gone, or over HTTP until a signal.
pub(crate) async fn run(signals: &Signals, global: &Global, options: &Options) -> Result<(), Failure> {
    let target = target::find(signals, global, options.target.as_deref(), &options.command).await?;
    let (front_trace, back_trace) = match global.trace.as_deref() {
        Some(path) => trace::both_sides(path).map(|(front, back)| (Some(front), Some(back)))?,
        None => (None, None),
    };
    let upstream = upstream::upstream(&target.global, target.link, back_trace);
    let upstream = upstream.policy(options.child.into()).filter(options.filters.filter());
    let bridge = builder(&target.global, options).upstream(ONE, upstream).build()?;
    let front =
        bridge.front(ONE).ok_or_else(|| Failure::new(Code::Io, "the bridge serves no such server"))?;
    let served = match &options.listen.http.listen {
        Some(address) => listen::run(signals, global, &options.listen, address, front, front_trace).await,
        None => stdio(signals, &bridge, front, front_trace).await,
    };
    tokio::select! {
        _in_time = bridge.drain(DRAIN) => {}
        _signal = signals.second() => {}
    }
    served
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
        if let Some(time) = global.timeout {
            limits.call = time;
        }
    })
}

/// Serves this process's own standard streams until their end or a signal.
async fn stdio(
    signals: &Signals,
    bridge: &Bridge,
    front: Front,
    trace: Option<mcp_core::transport::trace::Tracer>,
) -> Result<(), Failure> {
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
