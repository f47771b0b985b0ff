//! `mcp ping`: how long a server takes to start, and to answer.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use clap::Args;
use mcp_core::client::Client;
use mcp_core::message::RawJson;

use crate::commands::info;
use crate::connect::run;
use crate::connect::target::{self, Target};
use crate::exit::{Code, Failure};
use crate::global::{Global, duration};
use crate::signals::Signals;
use crate::terminal::out;
use crate::text::{self, counted};

/// `mcp ping`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server's URL or its name in a config file; left out where a command follows `--`
    #[arg(value_name = "SERVER")]
    pub(crate) target: Option<String>,
    /// How often
    #[arg(short, long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// How long to wait in between
    #[arg(short, long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    interval: Duration,
    /// The command that starts the server, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// Runs the command.
pub(crate) async fn run(signals: &Signals, global: &Global, options: &Options) -> Result<(), Failure> {
    let Target { global, link } =
        target::find(signals, global, options.target.as_deref(), &options.command).await?;
    let begin = Instant::now();
    run::with_client(signals, &global, run::builder(&global), link, async |client: &Client| {
        show(client, &global, options, Some(begin.elapsed())).await
    })
    .await
}

/// Pings. `start` is how long it took until the server was ready, if it was started for this.
pub(crate) async fn show(
    client: &Client,
    global: &Global,
    options: &Options,
    start: Option<Duration>,
) -> Result<(), Failure> {
    let negotiated = client.ready().await?;
    let method = if negotiated.version.is_modern() { "server/discover" } else { "ping" };
    let who = text::safe_line(&info::identity(negotiated.server_info.as_ref())).into_owned();
    if let (Some(start), false) = (start, global.json) {
        out::write(format!("{who}: ready in {}\n", shown(start)))?;
    }
    let mut times = Vec::new();
    for number in 1..=options.count {
        if number > 1 {
            tokio::time::sleep(options.interval).await;
        }
        let sent = Instant::now();
        let outcome = client.call(method, None, run::call_options(global)).await;
        let took = sent.elapsed();
        match outcome {
            Ok(_) => {}
            // An answer all the same: some servers know no ping.
            Err(mcp_core::Error::Rpc(error)) if error.code == mcp_core::message::code::METHOD_NOT_FOUND => {}
            Err(error) => {
                return Err(Failure::from(error).hint(format!(
                    "answered: {} of {}",
                    times.len(),
                    counted(usize::try_from(number).unwrap_or(usize::MAX), "ping")
                )));
            }
        }
        times.push(took);
        let line = if global.jsonl {
            let number = RawJson::integer(number.into());
            let line = [("ping", number), ("method", RawJson::string(method)), ("ms", millis(took))];
            RawJson::object(line).to_string()
        } else if global.json {
            continue;
        } else {
            format!("{who}: {method} {number} of {}: {}", options.count, shown(took))
        };
        if !out::stream(format!("{line}\n"))? {
            return Ok(());
        }
    }
    if global.jsonl {
        return Ok(());
    }
    summary(global, method, start, &times)
}

fn summary(
    global: &Global,
    method: &str,
    start: Option<Duration>,
    times: &[Duration],
) -> Result<(), Failure> {
    let (Some(least), Some(most)) = (times.iter().min(), times.iter().max()) else {
        return Err(Failure::new(Code::Timeout, "nothing was answered"));
    };
    let mean = times.iter().sum::<Duration>() / u32::try_from(times.len()).unwrap_or(u32::MAX);
    if !global.json {
        if times.len() == 1 {
            return Ok(());
        }
        return out::write(format!("least {}, mean {}, most {}\n", shown(*least), shown(mean), shown(*most)));
    }
    let mut members = vec![("method", RawJson::string(method))];
    members.extend(start.map(|start| ("start_ms", millis(start))));
    members.push(("times_ms", RawJson::array(times.iter().copied().map(millis))));
    members.extend([("least_ms", millis(*least)), ("mean_ms", millis(mean)), ("most_ms", millis(*most))]);
    out::json(&RawJson::object(members).to_string())
}

fn millis(time: Duration) -> RawJson {
    let rounded = (time.as_secs_f64() * 1e6).round() / 1e3;
    RawJson::serialize(&rounded).unwrap_or(RawJson::NULL)
}

fn shown(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}
