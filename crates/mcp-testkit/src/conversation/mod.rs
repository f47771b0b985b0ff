//! A conversation between a real client and a real server over any transport, in both eras.
//!
//! The [compliance kit](super::compliance) checks the promises one by one, and plays both sessions itself. The
//! conversation runs over the same [`Fixture`], and does what applications do.
//!
//! ```
//! use mcp_testkit::{compliance, conversation};
//! use mcp_core::transport::{Binding, memory};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let fixture = compliance::pairs("memory", || async { Ok(memory::pair(Binding::STREAM)) });
//! conversation::run(&fixture).await.assert_passed();
//! # }
//! ```

mod server;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mcp_core::client::{Call, CallOptions, Client, EraMode, InputContext, SubscriptionEvent};
use mcp_core::message::{ErrorObject, ProtocolVersion, RawJson};
use mcp_core::model::{CallToolResult, Model};
use mcp_core::session::{InputRequest, SubscriptionFilter};
use mcp_core::transport::ErrorChain;
use mcp_core::{CloseReason, Error};

use super::compliance::Fixture;
use server::Scene;

/// The steps of the conversation, in order.
pub const STEPS: [&str; 8] = ["connect", "list", "call", "progress", "cancel", "input", "listen", "close"];

/// The revisions of the conversation: one of each era.
pub const VERSIONS: [ProtocolVersion; 2] = [ProtocolVersion::V2026_07_28, ProtocolVersion::V2025_11_25];

/// Runs the conversation once in each era, over links of the fixture. A step fails if it takes longer than
/// [`Fixture::patience`]. After a failed `connect`, the other steps of that era are not tried.
pub async fn run(fixture: &dyn Fixture) -> Report {
    let mut steps = Vec::new();
    for version in VERSIONS {
        talk(fixture, version, &mut steps).await;
    }
    Report { transport: fixture.name().to_owned(), steps }
}

/// The outcome of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// The revision.
    pub version: ProtocolVersion,
    /// One of [`STEPS`].
    pub name: &'static str,
    /// The error, if it failed.
    pub outcome: Result<(), String>,
}

/// The outcome of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The fixture's name.
    pub transport: String,
    /// Every step that was tried, in order.
    pub steps: Vec<Step>,
}

impl Report {
    /// Asserts that every step was tried and none failed.
    ///
    /// # Panics
    ///
    /// With the whole report if a step failed or was not tried.
    #[track_caller]
    pub fn assert_passed(&self) {
        let failed = self.steps.iter().any(|step| step.outcome.is_err());
        assert!(!failed && self.steps.len() == STEPS.len() * VERSIONS.len(), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed = self.steps.iter().filter(|step| step.outcome.is_err()).count();
        let all = STEPS.len() * VERSIONS.len();
        writeln!(f, "{}: a conversation of {all} steps, {failed} failed", self.transport)?;
        for version in VERSIONS {
            writeln!(f, "{}", version.as_str())?;
            for name in STEPS {
                let step = self.steps.iter().find(|step| (step.version, step.name) == (version, name));
                match step.map(|step| &step.outcome) {
                    Some(Ok(())) => writeln!(f, "   pass  {name}")?,
                    Some(Err(why)) => writeln!(f, "   FAIL  {name}: {why}")?,
                    None => writeln!(f, "   none  {name}: it was not reached")?,
                }
            }
        }
        Ok(())
    }
}

type StepResult<T = ()> = Result<T, String>;

fn shown(error: Error) -> String {
    ErrorChain::new(&error).to_string()
}

fn ensure(held: bool, otherwise: impl FnOnce() -> String) -> StepResult {
    if held { Ok(()) } else { Err(otherwise()) }
}

async fn talk(fixture: &dyn Fixture, version: ProtocolVersion, steps: &mut Vec<Step>) {
    let patience = fixture.patience();
    let mut connected = None;
    let connect = async {
        let scene = Scene::new().map_err(shown)?;
        let client = connect(fixture, &scene, version).await?;
        connected = Some((scene, client));
        Ok(())
    };
    let passed = step(steps, version, "connect", patience, connect).await;
    let (true, Some((scene, client))) = (passed, connected) else { return };
    step(steps, version, "list", patience, list(&client)).await;
    step(steps, version, "call", patience, call(&client)).await;
    step(steps, version, "progress", patience, progress(&client)).await;
    step(steps, version, "cancel", patience, cancel(&client, &scene)).await;
    step(steps, version, "input", patience, input(&client)).await;
    step(steps, version, "listen", patience, listen(&client)).await;
    step(steps, version, "close", patience, close(&client, &scene)).await;
}

async fn step(
    steps: &mut Vec<Step>,
    version: ProtocolVersion,
    name: &'static str,
    patience: Duration,
    body: impl Future<Output = StepResult>,
) -> bool {
    let outcome = match tokio::time::timeout(patience, body).await {
        Ok(outcome) => outcome,
        Err(_) => Err(format!("it was not over within {patience:?}")),
    };
    let passed = outcome.is_ok();
    steps.push(Step { version, name, outcome });
    passed
}

async fn connect(fixture: &dyn Fixture, scene: &Scene, version: ProtocolVersion) -> StepResult<Client> {
    let server = Arc::new(scene.server.clone());
    let connector = fixture.start(server).await.map_err(|why| format!("the fixture did not start: {why}"))?;
    let era = match version.is_modern() {
        true => EraMode::Modern,
        false => EraMode::Legacy(version),
    };
    let builder = Client::builder("conversation", "1").era(era);
    let form = RawJson::object([("form", RawJson::EMPTY_OBJECT)]);
    let builder = builder.capability("elicitation", form).input_handler(answer);
    let client = builder.connect(connector).await.map_err(shown)?;
    let agreed = client.negotiated().map(|agreed| agreed.version);
    ensure(agreed == Some(version), || format!("the two agreed on {agreed:?}"))?;
    Ok(client)
}

async fn answer(request: InputRequest, _: InputContext) -> Result<RawJson, ErrorObject> {
    if request.method.as_str() != "elicitation/create" {
        return Err(ErrorObject::method_not_found(request.method.as_str()));
    }
    let content = RawJson::object([("name", RawJson::string("Ada"))]);
    Ok(RawJson::object([("action", RawJson::string("accept")), ("content", content)]))
}

fn params(tool: &str, arguments: &[(&'static str, i64)]) -> Option<RawJson> {
    let arguments = arguments.iter().map(|(name, number)| (*name, RawJson::integer(*number)));
    let arguments = RawJson::object(arguments.collect::<Vec<_>>());
    Some(RawJson::object([("name", RawJson::string(tool)), ("arguments", arguments)]))
}

async fn expect(call: Call, text: &str) -> StepResult {
    let payload = call.await.map_err(shown)?;
    let result = CallToolResult::from_raw(payload.raw()).map_err(|error| error.to_string())?;
    let came: String = result.texts().collect();
    ensure(came == text, || format!("in place of the text {text:?} came {came:?}"))
}

fn start(client: &Client, tool: &str, arguments: &[(&'static str, i64)]) -> Call {
    let options = CallOptions::new().progress();
    client.call("tools/call", params(tool, arguments), options)
}

async fn list(client: &Client) -> StepResult {
    let mut names: Vec<String> =
        client.list_tools().await.map_err(shown)?.into_iter().map(|tool| tool.name).collect();
    names.sort();
    ensure(names == ["add", "ask", "count", "touch", "wait"], || {
        format!("these tools were listed: {names:?}")
    })
}

/// One call, then many at once; each gets its answer.
async fn call(client: &Client) -> StepResult {
    expect(start(client, "add", &[("a", 2), ("b", 3)]), "5").await?;
    let calls = (0..50).map(|n| async move {
        expect(start(client, "add", &[("a", n), ("b", 1)]), &(n + 1).to_string()).await
    });
    futures::future::try_join_all(calls).await.map(|_| ())
}

async fn progress(client: &Client) -> StepResult {
    let mut call = start(client, "count", &[("to", 3)]);
    let mut seen = Vec::new();
    while let Some(note) = call.next_notification().await {
        let progress =
            note.params.and_then(|params| params.raw().member("progress")?.deserialize::<f64>().ok());
        seen.extend(progress);
    }
    ensure(seen == [1.0, 2.0, 3.0], || format!("the progress was {seen:?}"))?;
    expect(call, "counted to 3").await
}

/// Cancels a running call once by request and once by dropping it. The link continues.
async fn cancel(client: &Client, scene: &Scene) -> StepResult {
    for (count, ask) in [(1, true), (2, false)] {
        let mut call = start(client, "wait", &[]);
        ensure(call.next_notification().await.is_some(), || "the call ended before it was cancelled".into())?;
        if ask {
            call.cancel();
            match call.await {
                Err(Error::Cancelled) => {}
                other => return Err(format!("a cancelled call ended as {other:?}")),
            }
        } else {
            drop(call);
        }
        scene.cancelled(count).await;
    }
    expect(start(client, "add", &[("a", 1), ("b", 1)]), "2").await
}

async fn input(client: &Client) -> StepResult {
    expect(start(client, "ask", &[]), "Hello, Ada!").await
}

async fn listen(client: &Client) -> StepResult {
    let filter = SubscriptionFilter::new().tools_list_changed();
    let mut listen = client.listen(filter.clone());
    match listen.next().await {
        Some(SubscriptionEvent::Started { honoured, gap: false }) if honoured == filter => {}
        other => return Err(format!("in place of the start of a subscription: {other:?}")),
    }
    expect(start(client, "touch", &[]), "touched").await?;
    match listen.next().await {
        Some(SubscriptionEvent::Changed(note)) if note.method == "notifications/tools/list_changed" => Ok(()),
        other => Err(format!("in place of the change: {other:?}")),
    }
}

/// After the client has ended, all links at the server end too.
async fn close(client: &Client, scene: &Scene) -> StepResult {
    let reason = client.close().await;
    ensure(matches!(reason, CloseReason::Requested), || format!("the client ended because of: {reason}"))?;
    while scene.server.links() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}
