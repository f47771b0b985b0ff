//! One run against one server: opened, used, and always closed.

use std::time::Duration;

use mcp_core::client::{CallOptions, Client, ClientBuilder, Reconnect};
use mcp_stdio::{ChildCommand, StderrLines};

use crate::cli::Global;
use crate::exit::Failure;
use crate::out;
use crate::signals::Signals;
use crate::text;
use crate::trace;

/// A client that is set up as the options say, but does not know its server yet.
pub(crate) fn builder(global: &Global) -> ClientBuilder {
    // A run makes few calls, and a server that dies in between is worth an error: nothing is started again.
    Client::builder("mcp-cli", env!("CARGO_PKG_VERSION"))
        .era(global.era)
        .start_timeout(global.start_timeout)
        .reconnect(Reconnect::Never)
        .configure(|config| config.probe_timeout = global.probe_timeout)
}

/// The limits of one request.
pub(crate) fn call_options(global: &Global) -> CallOptions {
    CallOptions {
        timeout: global.timeout,
        maximum: global.timeout,
        // Without a limit of his own, a user waits as long as there is progress, up to the hard maximum.
        reset_on_progress: global.timeout.is_none(),
        ..CallOptions::default()
    }
}

/// Opens the server, lets `work` use it, and closes it, whatever happened. A signal ends the work; a second
/// one ends the closing too.
pub(crate) async fn run<T>(
    signals: &Signals,
    global: &Global,
    builder: ClientBuilder,
    child: ChildCommand,
    work: impl AsyncFnOnce(&Client) -> Result<T, Failure>,
) -> Result<T, Failure> {
    if global.verbose > 0 {
        tokio::spawn(forward(child.stderr_lines()));
    }
    let limit = global.timeout.unwrap_or(Duration::from_secs(60));
    let builder = builder.call_timeout(limit);
    let client = match &global.trace {
        Some(path) => builder.start(trace::tracer(path)?.connect(child))?,
        None => builder.start(child)?,
    };
    let outcome = tokio::select! {
        outcome = async {
            client.ready().await?;
            work(&client).await
        } => outcome,
        signal = signals.first() => Err(Failure::signal(signal)),
    };
    tokio::select! {
        _reason = client.close() => {}
        _signal = signals.second() => {}
    }
    outcome
}

/// Shows what the server writes to stderr. It may write anything, so a terminal gets it made safe.
async fn forward(mut lines: StderrLines) {
    while let Some(line) = lines.next().await {
        out::note(format!("server: {}\n", text::safe_line(&line)));
    }
}
