//! What the demo does with each server, and what has to come of it.

use std::time::{Duration, Instant};

use mcp_core::Error;
use mcp_core::client::{CallOptions, Client, EraMode, SubscriptionEvent};
use mcp_core::message::{Payload, RawJson};
use mcp_core::session::SubscriptionFilter;
use serde_json::{Value, json};

use crate::commands::tools;
use crate::exit::Failure;
use crate::terminal::content::{self, Reader};
use crate::terminal::progress::Display;
use crate::text::counted;

/// The last step: ending the server's process.
pub(super) const STOP: &str = "stop the server";

/// What comes of a question in a revision that has none.
pub(super) const TOO_OLD: &str = "not possible";

const START: &str = "start";
const STEPS: u32 = 5;
/// How long a change may take to be heard of.
const CHANGE: Duration = Duration::from_secs(10);

/// One step: what came of it and how long it took.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: &'static str,
    /// What happened, or what should have.
    pub(super) outcome: Result<String, String>,
    pub(super) took: Duration,
}

impl Step {
    /// It went as it should.
    pub(super) fn done(name: &'static str, took: Duration, what: String) -> Step {
        Step { name, outcome: Ok(what), took }
    }

    /// It did not, and took no time that matters.
    pub(super) fn failed(name: &'static str, why: String) -> Step {
        Step { name, outcome: Err(why), took: Duration::ZERO }
    }
}

/// All steps but the last, in order. A step that fails does not keep the others from being tried.
pub(super) async fn all(
    client: &Client,
    era: EraMode,
    started: Instant,
    display: Display,
) -> Result<Vec<Step>, Failure> {
    let opened = open(client, era).await?;
    let mut steps = vec![Step { name: START, outcome: opened, took: started.elapsed() }];
    let mut timed = Timed { steps: &mut steps };
    timed.step("list the tools", list(client)).await;
    timed.step("call a tool", add(client)).await;
    timed.step("follow progress", progress(client, display)).await;
    timed.step("cancel a call", cancel(client, display)).await;
    timed.step("answer a question", ask(client)).await;
    timed.step("hear of a change", listen(client)).await;
    timed.step("see a tool fail", fail(client)).await;
    Ok(steps)
}

struct Timed<'a> {
    steps: &'a mut Vec<Step>,
}

impl Timed<'_> {
    async fn step(&mut self, name: &'static str, work: impl Future<Output = Result<String, String>>) {
        let started = Instant::now();
        let outcome = work.await;
        self.steps.push(Step { name, outcome, took: started.elapsed() });
    }
}

async fn open(client: &Client, era: EraMode) -> Result<Result<String, String>, Failure> {
    let version = client.ready().await?.version;
    let wanted = match era {
        EraMode::Legacy(version) => Some(version),
        _ => None,
    };
    if wanted.is_some_and(|wanted| wanted != version) {
        return Ok(Err(format!("the server speaks {version}")));
    }
    let how = if version.is_modern() { "discover" } else { "initialize" };
    Ok(Ok(how.to_owned()))
}

async fn list(client: &Client) -> Result<String, String> {
    let tools = tools::list(client).await.map_err(|failure| failure.message)?;
    check(tools.iter().any(|tool| tools::name(tool) == "add"), counted(tools.len(), "tool"))
}

async fn add(client: &Client) -> Result<String, String> {
    let text = said(&call(client, "add", json!({"a": 2, "b": 3})).await.map_err(words)?);
    check(text == "5", format!("2 + 3 = {text}"))
}

async fn progress(client: &Client, display: Display) -> Result<String, String> {
    let options = CallOptions::new().progress().reset_on_progress();
    let params = params("slow", json!({"steps": STEPS, "delay_ms": 40}));
    let mut call = client.call("tools/call", Some(params), options);
    let mut seen = 0;
    while let Some(notification) = call.next_notification().await {
        display.show(&notification);
        seen += 1;
    }
    display.clear();
    call.await.map_err(words)?;
    check(seen == STEPS, format!("{seen} of {STEPS} steps"))
}

async fn cancel(client: &Client, display: Display) -> Result<String, String> {
    let options = CallOptions::new().progress();
    let params = params("slow", json!({"steps": 1000, "delay_ms": 20}));
    let mut call = client.call("tools/call", Some(params), options);
    for _ in 0..2 {
        if let Some(notification) = call.next_notification().await {
            display.show(&notification);
        }
    }
    call.cancel();
    display.clear();
    match call.await {
        Err(Error::Cancelled) => {}
        Err(error) => return Err(words(error)),
        Ok(_) => return Err("it ran to its end".to_owned()),
    }
    let text = said(&call_echo(client).await?);
    check(text == "still here", "stopped".to_owned())
}

async fn call_echo(client: &Client) -> Result<Payload, String> {
    call(client, "echo", json!({"text": "still here"})).await.map_err(words)
}

/// Elicitation came with 2025-06-18; before it the same tool is refused, and says so.
async fn ask(client: &Client) -> Result<String, String> {
    let version = client.negotiated().map(|negotiated| negotiated.version);
    let possible = version.is_some_and(|version| version.has_elicitation());
    match call(client, "ask", json!({})).await {
        Ok(result) if possible => {
            let text = said(&result);
            check(text == format!("Hello, {}!", super::NAME), text)
        }
        Ok(result) if failed(&result) => Ok(TOO_OLD.to_owned()),
        Ok(result) => Err(format!("answered {:?}", said(&result))),
        Err(Error::Rpc(_)) if !possible => Ok(TOO_OLD.to_owned()),
        Err(error) => Err(words(error)),
    }
}

async fn listen(client: &Client) -> Result<String, String> {
    let filter = SubscriptionFilter::new().resources_list_changed();
    let mut listen = client.listen(filter);
    let heard = async {
        let mut touched = false;
        loop {
            match listen.next().await {
                Some(SubscriptionEvent::Started { .. }) if !touched => {
                    touched = true;
                    call(client, "touch", json!({})).await.map_err(words)?;
                }
                Some(SubscriptionEvent::Changed(notification)) => {
                    let method = notification.method.as_str().trim_start_matches("notifications/").to_owned();
                    return check(touched && method == "resources/list_changed", "heard".to_owned());
                }
                Some(SubscriptionEvent::Ended(Err(error))) => return Err(words(error)),
                Some(_) => {}
                None => return Err("the subscription ended".to_owned()),
            }
        }
    };
    tokio::time::timeout(CHANGE, heard).await.unwrap_or_else(|_| Err("nothing was heard".to_owned()))
}

async fn fail(client: &Client) -> Result<String, String> {
    let result = call(client, "fail", json!({})).await.map_err(words)?;
    check(failed(&result), "isError set".to_owned())
}

async fn call(client: &Client, tool: &str, arguments: Value) -> Result<Payload, Error> {
    client.request("tools/call", Some(params(tool, arguments))).await
}

fn params(tool: &str, arguments: Value) -> RawJson {
    // A value of serde_json is always JSON.
    RawJson::serialize(&json!({"name": tool, "arguments": arguments})).unwrap_or_default()
}

fn said(result: &Payload) -> String {
    content::tool_result(&result.raw().deserialize().unwrap_or_default(), Reader::Terminal)
}

fn failed(result: &Payload) -> bool {
    result.raw().member("isError").is_some_and(|flag| flag.as_bytes() == b"true")
}

fn words(error: Error) -> String {
    Failure::from(error).message
}

fn check(good: bool, what: String) -> Result<String, String> {
    if good { Ok(what) } else { Err(what) }
}
