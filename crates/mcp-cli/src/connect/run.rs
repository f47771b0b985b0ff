//! One run against one server: opens it, uses it, and always closes it.

use std::io::IsTerminal;
use std::time::Duration;

use mcp_core::client::{CallOptions, Client, ClientBuilder, Reconnect};
use mcp_core::transport::Connect;
use mcp_core::transport::trace::Tracer;
use mcp_stdio::{ChildCommand, StderrLines};

use crate::connect::clues::Clues;
#[cfg(unix)]
use crate::connect::guard;
use crate::connect::target::{Link, Target};
use crate::connect::trace;
use crate::exit::Failure;
use crate::global::Global;
use crate::signals::Signals;
use crate::terminal::input::Answers;
use crate::terminal::out;
use crate::text;

/// The client name that servers receive.
pub(crate) const NAME: &str = "mcp-cli";

/// A client builder with the settings of the options.
pub(crate) fn builder(global: &Global) -> ClientBuilder {
    // Every command declares the same, since servers show different tools to clients that cannot be asked.
    let answers = Answers::at_terminal(on_terminal());
    let builder = Client::builder(NAME, env!("CARGO_PKG_VERSION"));
    // A server that dies during a run is an error: it is not restarted.
    answers
        .declare(builder)
        .input_handler(answers.clone())
        .era(global.era)
        .start_timeout(global.start_timeout)
        .reconnect(Reconnect::Never)
        .configure(|config| config.probe_timeout = global.probe_timeout.unwrap_or(PROBE))
}

/// How long the server may leave the first request unanswered.
const PROBE: Duration = Duration::from_secs(10);

/// The limits of one request.
pub(crate) fn call_options(global: &Global) -> CallOptions {
    match global.timeout {
        Some(limit) => CallOptions::new().timeout(limit).maximum(limit),
        // Without a limit from the user, a call goes on as long as there is progress, up to the maximum.
        None => CallOptions::new().reset_on_progress(),
    }
}

/// Opens the server, runs `work` with it, and closes it in every case. A signal ends the work; a second signal
/// ends the closing too.
pub(crate) async fn with_client<T>(
    signals: &Signals,
    global: &Global,
    builder: ClientBuilder,
    link: Link,
    work: impl AsyncFnOnce(&Client) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let clues = Clues::of(global, &link);
    let client = open(global, builder, link, None)?;
    let outcome = use_and_close(signals, &client, work).await;
    outcome.map_err(|failure| clues.explain(failure))
}

/// Like [`with_client`], for commands during which the server may ask questions: `given` are the answers of
/// `--input`, and the user at the terminal answers the rest.
pub(crate) async fn answering<T>(
    signals: &Signals,
    target: Target,
    given: &[(String, String)],
    work: impl AsyncFnOnce(&Client, &Global) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let Target { global, link } = target;
    let answers = Answers::new(given, on_terminal())?;
    let builder = answers.declare(builder(&global)).input_handler(answers.clone());
    with_client(signals, &global, builder, link, async |client: &Client| {
        let result = work(client, &global).await;
        answers.missing().map_or(result, Err)
    })
    .await
}

/// Whether the user can be asked.
pub(crate) fn on_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Starts a client. `tap` traces its messages.
pub(crate) fn open(
    global: &Global,
    builder: ClientBuilder,
    link: Link,
    tap: Option<Tracer>,
) -> Result<Client, Failure> {
    let limit = global.timeout.unwrap_or(Duration::from_secs(60));
    let mut connector = connector(global, link)?;
    for tracer in [tap, global.trace.as_deref().map(trace::tracer).transpose()?].into_iter().flatten() {
        connector = Box::new(tracer.connect(connector));
    }
    Ok(builder.call_timeout(limit).start(connector)?)
}

/// What makes links to the server. With `--verbose` its stderr is shown.
pub(crate) fn connector(global: &Global, link: Link) -> Result<Box<dyn Connect>, Failure> {
    Ok(match link {
        Link::Child(child) => {
            if global.verbose > 0 {
                tokio::spawn(forward(child.stderr_lines()));
            }
            guarded(child)
        }
        Link::Http(remote) => Box::new(remote.client()?),
    })
}

/// The child, which also ends if this program is killed.
fn guarded(child: ChildCommand) -> Box<dyn Connect> {
    #[cfg(unix)]
    return Box::new(guard::Guarded::new(child));
    #[cfg(not(unix))]
    return Box::new(child);
}

/// Waits until the client is ready, lets `work` use it, and closes it.
pub(crate) async fn use_and_close<T>(
    signals: &Signals,
    client: &Client,
    work: impl AsyncFnOnce(&Client) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let outcome = tokio::select! {
        outcome = async {
            client.ready().await?;
            work(client).await
        } => outcome,
        signal = signals.first() => Err(Failure::signal(signal)),
    };
    tokio::select! {
        _reason = client.close() => {}
        _signal = signals.second() => {}
    }
    outcome
}

/// Shows the server's stderr, with control characters spelled out.
async fn forward(mut lines: StderrLines) {
    while let Some(line) = lines.next().await {
        out::note(format!("server: {}\n", text::safe_line(&line)));
    }
}
