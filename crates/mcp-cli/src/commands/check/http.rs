//! The rules for a server behind a URL: both eras, sessions, and what protects it from web pages.

use serde_json::{Value, json};

use super::common::{self, BATCHES, Dialogue, FUTURE, LEGACY, MODERN};
use super::reply::{Reply, code};
use super::report::{Outcome, Report};
use super::rules;
use super::wire_http::Endpoint;
use crate::exit::{Code, Failure};
use crate::text::counted;

/// An origin that no server allows.
const FOREIGN: &str = "https://mcp-check.example";

/// A conversation with an endpoint.
struct Talk<'a> {
    endpoint: &'a Endpoint,
    spoken: &'static str,
    session: Option<String>,
    /// Why the connection gives no further answer.
    broken: Option<Failure>,
}

impl Dialogue for Talk<'_> {
    fn spoken(&self) -> &str {
        self.spoken
    }

    fn ask(&mut self, id: Value, method: &str, params: Value) -> Reply {
        let future = params.get("mcp-check").is_some();
        let version = if future { FUTURE } else { self.spoken };
        let params = if self.spoken == MODERN { common::with_meta(params, version) } else { params };
        let name =
            params.get("name").or_else(|| params.get("uri")).and_then(Value::as_str).map(str::to_owned);
        let mut headers = vec![("mcp-protocol-version", version)];
        if self.spoken == MODERN {
            headers.push(("mcp-method", method));
            headers.extend(name.as_deref().map(|name| ("mcp-name", name)));
        }
        let body = common::request(id, method, params).to_string();
        self.post(&headers, &body)
    }
}

impl Talk<'_> {
    /// A POST in the session.
    fn post(&mut self, headers: &[(&str, &str)], body: &str) -> Reply {
        let session = self.session.clone();
        let mut all = headers.to_vec();
        if let Some(id) = &session
            && !all.iter().any(|(name, _)| *name == "mcp-session-id")
        {
            all.push(("mcp-session-id", id));
        }
        match self.endpoint.send("POST", &all, Some(body)) {
            Ok(reply) => reply,
            Err(failure) => {
                let seen = failure.message.clone();
                self.broken.get_or_insert(failure);
                Reply { body: seen, ..Reply::default() }
            }
        }
    }

    /// Headers that a harmless request of the revision has.
    fn usual(&self) -> Vec<(&'static str, &'static str)> {
        match self.spoken {
            MODERN => vec![("mcp-protocol-version", MODERN), ("mcp-method", "server/discover")],
            spoken => vec![("mcp-protocol-version", spoken)],
        }
    }

    /// A harmless request.
    fn harmless(&self) -> String {
        match self.spoken {
            MODERN => common::request(json!("h"), "server/discover", common::with_meta(json!({}), MODERN))
                .to_string(),
            _ => common::request(json!("h"), "ping", json!({})).to_string(),
        }
    }
}

/// Checks the server at this endpoint.
pub(crate) fn check(endpoint: &Endpoint, call: bool) -> Result<Report, Failure> {
    let mut report = Report::default();
    let mut any = false;
    for spoken in [MODERN, LEGACY] {
        let mut talk = Talk { endpoint, spoken, session: None, broken: None };
        let Some(capabilities) = open(&mut talk, &mut report)? else { continue };
        any = true;
        common::messages(&mut report, &mut talk, &capabilities);
        if call {
            common::calls(&mut report, &mut talk, &capabilities);
        }
        bodies(&mut report, &mut talk);
        site(&mut report, &mut talk);
        match spoken {
            MODERN => mirrored(&mut report, &mut talk),
            _ => sessions(&mut report, &mut talk)?,
        }
        if let Some(failure) = talk.broken {
            return Err(failure);
        }
    }
    report.judge(
        &rules::OPENS,
        "",
        (!any).then(|| "no answer to `server/discover` and to `initialize`".to_owned()),
    );
    if any { Ok(report) } else { Err(Failure::new(Code::Unreachable, "no MCP endpoint at this URL")) }
}

/// Opens a conversation, and returns what the server can do.
fn open(talk: &mut Talk<'_>, report: &mut Report) -> Result<Option<Value>, Failure> {
    let id = json!("open");
    let spoken = talk.spoken;
    let method = if spoken == MODERN { "server/discover" } else { "initialize" };
    let reply = match spoken {
        MODERN => talk.ask(id.clone(), method, json!({})),
        // It names its revision in the body alone.
        _ => talk.post(&[], &common::request(id.clone(), method, common::initialize(spoken)).to_string()),
    };
    if let Some(failure) = talk.broken.take() {
        return Err(failure);
    }
    if matches!(reply.status, Some(401 | 403)) {
        return Err(Failure::new(Code::AuthRequired, format!("the server refuses: {}", reply.describe()))
            .hint("--bearer-env VAR sends the token that VAR holds, --header-env NAME=VAR any header"));
    }
    let Some(answer) = reply.answer(&id).filter(|answer| answer.get("result").is_some()).cloned() else {
        return Ok(None);
    };
    if spoken == MODERN {
        if answer.pointer("/result/supportedVersions").is_none() {
            return Ok(None);
        }
        report.judge(&rules::DISCOVERED, spoken, common::discovered(&answer));
    } else {
        talk.spoken = common::agreed(&answer);
        report.judge(&rules::INITIALIZED, talk.spoken, common::initialized(&answer));
        talk.session = reply.header("mcp-session-id").map(str::to_owned);
    }
    let spoken = talk.spoken;
    report.judge(&rules::CONTENT_TYPE, spoken, wrong_type(&reply));
    if spoken != MODERN {
        let initialized = common::notification("notifications/initialized", json!({})).to_string();
        let reply = talk.post(&[("mcp-protocol-version", spoken)], &initialized);
        let right = reply.status == Some(202) && reply.body.is_empty();
        report.judge(&rules::ACCEPTED, spoken, (!right).then(|| reply.describe()));
    }
    Ok(Some(answer.pointer("/result/capabilities").cloned().unwrap_or_default()))
}

/// What is wrong with the content type of an answer.
fn wrong_type(reply: &Reply) -> Option<String> {
    let json = reply.body.trim_start().starts_with(['{', '[']);
    let right = match reply.media_type().as_str() {
        "application/json" => json,
        "text/event-stream" => !json,
        _ => false,
    };
    (!right).then(|| reply.describe())
}

/// Bodies that are not a request.
fn bodies(report: &mut Report, talk: &mut Talk<'_>) {
    let spoken = talk.spoken;
    let usual = talk.usual();
    let version = [("mcp-protocol-version", spoken)];
    let unknown = common::notification("notifications/mcp-check", with_form(talk, json!({}))).to_string();
    let reply = talk.post(&version, &unknown);
    let answered = reply.responses().any(|message| message.get("result").is_some());
    report.judge(&rules::NOTIFICATIONS, spoken, answered.then(|| reply.describe()));
    let cancel = with_form(talk, json!({"requestId": "mcp-check-unknown"}));
    let reply = talk.post(&version, &common::notification("notifications/cancelled", cancel).to_string());
    let right = reply.status.is_some_and(|status| status < 300);
    report.judge(&rules::CANCEL_UNKNOWN, spoken, (!right && spoken != MODERN).then(|| reply.describe()));
    let reply = talk.post(&usual, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":");
    let refused = reply.status == Some(400) && reply.responses().any(|message| code(message) == Some(-32700));
    report.judge(&rules::PARSE_ERROR, spoken, (!refused).then(|| reply.describe()));
    if spoken != BATCHES {
        refused_batch(report, talk);
    }
    let harmless = talk.harmless();
    let mut plain = usual.clone();
    plain.push(("content-type", "text/plain"));
    let reply = talk.post(&plain, &harmless);
    let served = reply.responses().any(|message| message.get("result").is_some());
    report.judge(&rules::PLAIN_TEXT, spoken, served.then(|| reply.describe()));
}

/// An array where arrays do not exist.
fn refused_batch(report: &mut Report, talk: &mut Talk<'_>) {
    let (spoken, usual) = (talk.spoken, talk.usual());
    let (rule, method) = if spoken == MODERN {
        (&rules::BATCH_MODERN, "server/discover")
    } else {
        (&rules::BATCH_REFUSED, "ping")
    };
    let params = with_form(talk, json!({}));
    let reply = talk.post(&usual, &common::batch(method, &params));
    common::refused_batch(report, rule, spoken, &reply);
}

fn with_form(talk: &Talk<'_>, params: Value) -> Value {
    if talk.spoken == MODERN { common::with_meta(params, MODERN) } else { params }
}

/// What keeps web pages away.
fn site(report: &mut Report, talk: &mut Talk<'_>) {
    let spoken = talk.spoken;
    let harmless = talk.harmless();
    let mut seen = None;
    for origin in [FOREIGN, "null", "http://localhost.mcp-check.example"] {
        let mut headers = talk.usual();
        headers.push(("origin", origin));
        let reply = talk.post(&headers, &harmless);
        if reply.status.is_none_or(|status| status < 400) {
            seen.get_or_insert_with(|| format!("POST with Origin {origin}: {}", reply.describe()));
        }
    }
    if spoken != MODERN {
        let session = talk.session.clone().unwrap_or_default();
        let headers =
            [("origin", FOREIGN), ("mcp-session-id", session.as_str()), ("mcp-protocol-version", spoken)];
        if let Ok(reply) = talk.endpoint.send("GET", &headers, None)
            && reply.status.is_some_and(|status| status < 400)
        {
            seen.get_or_insert_with(|| format!("GET with Origin {FOREIGN}: {}", reply.describe()));
        }
    }
    report.judge(&rules::ORIGIN, spoken, seen);
    if !talk.endpoint.loopback {
        let why = "the server is not on this machine".to_owned();
        return report.note(&rules::HOST, spoken, Outcome::Skipped(why));
    }
    let mut headers = talk.usual();
    headers.push(("host", "mcp-check.example"));
    let reply = talk.post(&headers, &harmless);
    let refused = reply.status.is_some_and(|status| status >= 400);
    report.judge(
        &rules::HOST,
        spoken,
        (!refused).then(|| format!("Host mcp-check.example: {}", reply.describe())),
    );
}

/// Headers that copy the body (2026-07-28).
fn mirrored(report: &mut Report, talk: &mut Talk<'_>) {
    let body = talk.harmless();
    let reply = talk.post(&[("mcp-protocol-version", MODERN), ("mcp-method", "tools/list")], &body);
    let refused = reply.status == Some(400) && reply.responses().any(|message| code(message) == Some(-32020));
    report.judge(&rules::HEADER_MISMATCH, MODERN, (!refused).then(|| reply.describe()));
}

/// Legacy sessions, versions and arrays.
fn sessions(report: &mut Report, talk: &mut Talk<'_>) -> Result<(), Failure> {
    let (harmless, spoken) = (talk.harmless(), talk.spoken);
    // The header came with 2025-06-18.
    if spoken >= "2025-06-18" {
        let reply = talk.post(&[("mcp-protocol-version", "1999-01-01")], &harmless);
        report.judge(&rules::BAD_VERSION, spoken, (reply.status != Some(400)).then(|| reply.describe()));
    }
    let future = common::request(json!("future"), "initialize", common::initialize(FUTURE)).to_string();
    let reply = talk.endpoint.send("POST", &[], Some(&future))?;
    let offered = reply.answer(&json!("future")).and_then(|answer| answer.pointer("/result/protocolVersion"));
    let right = offered.and_then(Value::as_str).is_some_and(|offered| offered != FUTURE);
    report.judge(&rules::COUNTER_OFFER, spoken, (!right).then(|| reply.describe()));
    forget(talk, &reply);
    batches(report, talk)?;
    let Some(session) = talk.session.clone() else {
        for rule in [&rules::SESSION_ID, &rules::SESSION_LONG, &rules::NO_SESSION, &rules::SESSION_UNKNOWN] {
            report.note(rule, spoken, Outcome::Skipped("the server has no sessions".to_owned()));
        }
        return get(report, talk, "");
    };
    get(report, talk, &session)?;
    let visible = session.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
    report.judge(&rules::SESSION_ID, spoken, (!visible).then(|| "other characters".to_owned()));
    let long = session.len() >= 16;
    report.judge(&rules::SESSION_LONG, spoken, (!long).then(|| counted(session.len(), "character")));
    let version = ("mcp-protocol-version", spoken);
    let reply = talk.post(&[version, ("mcp-session-id", "")], &harmless);
    report.judge(&rules::NO_SESSION, spoken, (reply.status != Some(400)).then(|| reply.describe()));
    // As long as a real one, so that its form is not the reason.
    let unknown: String = session.chars().rev().map(|c| if c == 'a' { 'b' } else { c }).collect();
    let unknown = if unknown == session { format!("{session}0") } else { unknown };
    let reply = talk.post(&[version, ("mcp-session-id", &unknown)], &harmless);
    let mut seen = (reply.status != Some(404)).then(|| format!("an unknown session: {}", reply.describe()));
    let deleted = talk.endpoint.send("DELETE", &[version, ("mcp-session-id", &session)], None)?;
    if deleted.status.is_some_and(|status| status < 300) {
        let reply = talk.post(&[version], &harmless);
        if reply.status != Some(404) {
            seen.get_or_insert_with(|| format!("a deleted session: {}", reply.describe()));
        }
    }
    report.judge(&rules::SESSION_UNKNOWN, spoken, seen);
    Ok(())
}

/// GET on the endpoint.
fn get(report: &mut Report, talk: &Talk<'_>, session: &str) -> Result<(), Failure> {
    let spoken = talk.spoken;
    let headers = [("mcp-protocol-version", spoken), ("mcp-session-id", session)];
    let reply = talk.endpoint.send("GET", &headers, None)?;
    let stream = reply.status == Some(200) && reply.media_type() == "text/event-stream";
    report.judge(&rules::GET, spoken, (!stream && reply.status != Some(405)).then(|| reply.describe()));
    Ok(())
}

/// Arrays in the one revision that has them, in a session for themselves.
fn batches(report: &mut Report, talk: &mut Talk<'_>) -> Result<(), Failure> {
    let open = common::request(json!("open"), "initialize", common::initialize(BATCHES)).to_string();
    let reply = talk.endpoint.send("POST", &[], Some(&open))?;
    let agreed = reply.answer(&json!("open")).and_then(|answer| answer.pointer("/result/protocolVersion"));
    if agreed.and_then(Value::as_str) != Some(BATCHES) {
        let why = "the server does not speak this revision".to_owned();
        report.note(&rules::BATCH_TAKEN, BATCHES, Outcome::Skipped(why));
        forget(talk, &reply);
        return Ok(());
    }
    let id = reply.header("mcp-session-id").unwrap_or_default().to_owned();
    let headers = [("mcp-session-id", id.as_str())];
    let initialized = common::notification("notifications/initialized", json!({})).to_string();
    talk.endpoint.send("POST", &headers, Some(&initialized))?;
    let answer = talk.endpoint.send("POST", &headers, Some(&common::batch("ping", &json!({}))))?;
    // On a stream the answers may come one by one.
    let all = ["b1", "b2"].iter().all(|id| answer.answer(&json!(id)).is_some());
    let right = all && (answer.array || answer.media_type() == "text/event-stream");
    report.judge(&rules::BATCH_TAKEN, BATCHES, (!right).then(|| answer.describe()));
    forget(talk, &reply);
    Ok(())
}

/// Ends a session that was opened beside the one that is checked.
fn forget(talk: &Talk<'_>, opened: &Reply) {
    if let Some(id) = opened.header("mcp-session-id") {
        let _kept = talk.endpoint.send("DELETE", &[("mcp-session-id", id)], None);
    }
}
