//! `mcp demo`: one client, one server, three protocol revisions side by side, over stdio and over HTTP.

mod host;
mod report;
mod steps;

use std::time::Instant;

use mcp_core::client::{Client, EraMode, InputContext};
use mcp_core::message::{ErrorObject, ProtocolVersion, RawJson};
use mcp_core::session::InputRequest;

use crate::connect::run;
use crate::exit::{Code, Failure};
use crate::global::Global;
use crate::signals::Signals;
use crate::terminal::out;
use crate::terminal::progress::Display;
use crate::text::counted;

use host::{Carrier, Host};
use report::Column;
use steps::{STOP, Step};

/// What the demo's own input handler answers.
const NAME: &str = "Ada";

/// Found out by asking the server; the last revision with a handshake; the oldest revision.
const ERAS: [EraMode; 3] = [
    EraMode::Auto,
    EraMode::Legacy(ProtocolVersion::V2025_11_25),
    EraMode::Legacy(ProtocolVersion::V2024_11_05),
];

/// Runs the command.
pub(crate) async fn run(signals: &Signals, global: &Global) -> Result<(), Failure> {
    let eras = if global.era == EraMode::Auto { &ERAS[..] } else { std::slice::from_ref(&global.era) };
    let mut columns = Vec::new();
    for carrier in [Carrier::Stdio, Carrier::Http] {
        for era in eras {
            let column = talk(signals, global, carrier, *era).await;
            if let Some(failure) = column.interrupted {
                return Err(failure);
            }
            columns.push(column);
        }
    }
    if global.json {
        out::json(&report::json(&columns).to_string())?;
    } else {
        out::write(report::render(&columns, global))?;
    }
    let failed = columns.iter().map(Column::failed).sum::<usize>();
    if failed == 0 {
        return Ok(());
    }
    Err(Failure::new(Code::CheckFailed, format!("the demo failed in {}", counted(failed, "step"))))
}

/// One server, started and used in one era.
async fn talk(signals: &Signals, global: &Global, carrier: Carrier, era: EraMode) -> Column {
    let mut column = Column::new(carrier, era);
    let started = Instant::now();
    let (host, link) = match Host::start(carrier, era).await {
        Ok(started) => started,
        Err(why) => {
            column.steps.push(Step::failed("start", why));
            return column;
        }
    };
    let builder = run::builder(global)
        .era(era)
        .capability("elicitation", RawJson::object([("form", RawJson::EMPTY_OBJECT)]))
        .input_handler(answer);
    let display = Display::new(global);
    let outcome = run::with_client(signals, global, builder, link, async |client: &Client| {
        column.steps = steps::all(client, era, started, display).await?;
        Ok((client.negotiated(), Instant::now()))
    })
    .await;
    let stopped = host.stop().await;
    match outcome {
        Ok((negotiated, stopping)) => {
            column.negotiated = negotiated;
            let took = stopped.saturating_duration_since(stopping);
            column.steps.push(Step::done(STOP, took, "ended".to_owned()));
        }
        Err(failure) if failure.code == Code::Cancelled => column.interrupted = Some(failure),
        Err(failure) => column.steps.push(Step::failed("start", failure.message)),
    }
    column
}

/// Answers the question of the tool `ask`: the same handler in every era.
async fn answer(request: InputRequest, _: InputContext) -> Result<RawJson, ErrorObject> {
    if request.method != "elicitation/create" {
        return Err(ErrorObject::method_not_found(request.method.as_str()));
    }
    let content = RawJson::object([("name", RawJson::string(NAME))]);
    Ok(RawJson::object([("action", RawJson::string("accept")), ("content", content)]))
}
