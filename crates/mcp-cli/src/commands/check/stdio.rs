//! The rules for a server that is started: both eras, and how it ends.

use std::time::Duration;

use mcp_stdio::ChildCommand;
use serde_json::{Value, json};

use super::common::{self, BATCHES, Dialogue, FUTURE, LEGACY, MODERN};
use super::reply::{Reply, code};
use super::report::{Outcome, Report};
use super::rules;
use super::wire_stdio::Process;
use crate::exit::{Code, Failure};

/// A conversation with a process.
struct Talk<'a> {
    process: &'a mut Process,
    spoken: &'static str,
}

impl Dialogue for Talk<'_> {
    fn spoken(&self) -> &str {
        self.spoken
    }

    fn ask(&mut self, id: Value, method: &str, params: Value) -> Reply {
        self.process.ask(&common::request(id, method, self.form(params)))
    }
}

impl Talk<'_> {
    fn form(&self, params: Value) -> Value {
        if self.spoken != MODERN {
            return params;
        }
        let version = if params.get("mcp-check").is_some() { FUTURE } else { MODERN };
        common::with_meta(params, version)
    }

    /// A request that is harmless, as a fence.
    fn fence(&self) -> impl Fn(&str) -> Value + use<> {
        let spoken = self.spoken;
        move |id| {
            let params = json!({});
            match spoken {
                MODERN => common::request(json!(id), "server/discover", common::with_meta(params, MODERN)),
                _ => common::request(json!(id), "ping", params),
            }
        }
    }

    fn fenced(&mut self, text: &str, wanted: bool) -> (Reply, bool) {
        let fence = self.fence();
        self.process.fenced(text, fence, wanted)
    }
}

/// Checks a server that this command starts.
pub(crate) fn check(
    command: &ChildCommand,
    limit: Duration,
    start: Duration,
    call: bool,
) -> Result<Report, Failure> {
    let mut report = Report::default();
    let mut any = false;
    for spoken in [MODERN, LEGACY] {
        let mut process = Process::start(command, start)?;
        let Some((agreed, capabilities)) = open(&mut process, spoken, &mut report) else {
            finish(&mut report, process, "");
            continue;
        };
        any = true;
        process.limit_to(limit);
        let mut talk = Talk { process: &mut process, spoken: agreed };
        common::messages(&mut report, &mut talk, &capabilities);
        if call {
            common::calls(&mut report, &mut talk, &capabilities);
        }
        lines(&mut report, &mut talk);
        finish(&mut report, process, agreed);
        if spoken == LEGACY {
            handshakes(&mut report, command, limit, start)?;
        }
    }
    report.judge(
        &rules::OPENS,
        "",
        (!any).then(|| "no answer to `server/discover` and to `initialize`".to_owned()),
    );
    if !any {
        let noise = report.findings.iter().find(|finding| finding.rule.id == rules::ONLY_MCP.id);
        let failure = Failure::new(Code::Protocol, "the server does not speak MCP on its standard streams");
        return match noise.map(|finding| finding.outcome.clone()) {
            Some(Outcome::Failed(seen)) => Err(failure.because(format!("its stdout has: {seen}"))),
            _ => Err(failure),
        };
    }
    Ok(report)
}

/// Opens a conversation, and returns its revision and what the server can do.
fn open(process: &mut Process, spoken: &'static str, report: &mut Report) -> Option<(&'static str, Value)> {
    let mut talk = Talk { process, spoken };
    let id = json!("open");
    if spoken == MODERN {
        let reply = talk.ask(id.clone(), "server/discover", json!({}));
        let answer =
            reply.answer(&id).filter(|answer| answer.pointer("/result/supportedVersions").is_some())?;
        report.judge(&rules::DISCOVERED, spoken, common::discovered(answer));
        return Some((spoken, answer.pointer("/result/capabilities").cloned().unwrap_or_default()));
    }
    let reply = talk.ask(id.clone(), "initialize", common::initialize(spoken));
    let answer = reply.answer(&id).filter(|answer| answer.get("result").is_some())?;
    let agreed = common::agreed(answer);
    report.judge(&rules::INITIALIZED, agreed, common::initialized(answer));
    let initialized = common::notification("notifications/initialized", json!({}));
    talk.process.send(&initialized.to_string());
    Some((agreed, answer.pointer("/result/capabilities").cloned().unwrap_or_default()))
}

/// What only lines can show.
fn lines(report: &mut Report, talk: &mut Talk<'_>) {
    let spoken = talk.spoken;
    let unknown = common::notification("notifications/mcp-check", json!({})).to_string();
    let (reply, _) = talk.fenced(&unknown, false);
    let answered = reply.responses().next().map(Value::to_string);
    report.judge(&rules::NOTIFICATIONS, spoken, answered);
    let cancel = json!({"requestId": "mcp-check-unknown"});
    let (reply, alive) =
        talk.fenced(&common::notification("notifications/cancelled", cancel).to_string(), false);
    let answered = reply.responses().next().map(Value::to_string);
    let dead = || "the server does not answer any more".to_owned();
    report.judge(&rules::CANCEL_UNKNOWN, spoken, if alive { answered } else { Some(dead()) });
    let (reply, alive) = talk.fenced("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":", true);
    let refused = reply.responses().any(|message| code(message) == Some(-32700));
    if !alive {
        report.note(&rules::PARSE_ERROR, spoken, Outcome::Failed(dead()));
        return;
    }
    report.judge(&rules::PARSE_ERROR, spoken, (!refused).then(|| reply.describe()));
    if spoken == BATCHES {
        // Arrays are checked below, in a handshake for themselves.
        return;
    }
    let (rule, method) = if spoken == MODERN {
        (&rules::BATCH_MODERN, "server/discover")
    } else {
        (&rules::BATCH_REFUSED, "ping")
    };
    let params = if spoken == MODERN { common::with_meta(json!({}), MODERN) } else { json!({}) };
    let (reply, alive) = talk.fenced(&common::batch(method, &params), true);
    if alive {
        common::refused_batch(report, rule, spoken, &reply);
    } else {
        report.note(rule, spoken, Outcome::Failed(dead()));
    }
}

/// What needs a separate handshake: an unknown revision, and arrays where they exist.
fn handshakes(
    report: &mut Report,
    command: &ChildCommand,
    limit: Duration,
    start: Duration,
) -> Result<(), Failure> {
    let mut process = Process::start(command, start)?;
    let reply = process.ask(&common::request(json!("future"), "initialize", common::initialize(FUTURE)));
    let answer = reply.answer(&json!("future"));
    let offered = answer.and_then(|answer| answer.pointer("/result/protocolVersion")).and_then(Value::as_str);
    let right = offered.is_some_and(|offered| offered != FUTURE);
    report.judge(&rules::COUNTER_OFFER, LEGACY, (!right).then(|| reply.describe()));
    drop(process);
    let mut process = Process::start(command, start)?;
    let reply = process.ask(&common::request(json!("open"), "initialize", common::initialize(BATCHES)));
    let agreed = reply.answer(&json!("open")).and_then(|answer| answer.pointer("/result/protocolVersion"));
    if agreed.and_then(Value::as_str) != Some(BATCHES) {
        let why = "the server does not speak this revision".to_owned();
        report.note(&rules::BATCH_TAKEN, BATCHES, Outcome::Skipped(why));
        return Ok(());
    }
    process.limit_to(limit);
    process.send(&common::notification("notifications/initialized", json!({})).to_string());
    let mut talk = Talk { process: &mut process, spoken: BATCHES };
    let (reply, _) = talk.fenced(&common::batch("ping", &json!({})), true);
    report.judge(&rules::BATCH_TAKEN, BATCHES, common::taken_batch(&reply));
    Ok(())
}

/// What its stdout has shown, and how it ends.
fn finish(report: &mut Report, process: Process, spoken: &str) {
    let (noise, broken) = (process.noise.first().cloned(), process.broken_frame.clone());
    let opened = !spoken.is_empty();
    if opened || noise.is_some() {
        report.judge(&rules::ONLY_MCP, spoken, noise);
    }
    if opened || broken.is_some() {
        report.judge(&rules::FRAMING, spoken, broken);
    }
    let ending = process.end();
    if !opened {
        return;
    }
    let forced = ending.forced.map(|how| format!("it took {how}"));
    report.judge(&rules::AT_END, spoken, forced);
    let orphans = &ending.orphans;
    if cfg!(target_os = "linux") {
        report.judge(&rules::ORPHANS, spoken, (!orphans.is_empty()).then(|| orphans.join(", ")));
    } else {
        report.note(&rules::ORPHANS, spoken, Outcome::Skipped("only Linux shows the processes".to_owned()));
    }
}
