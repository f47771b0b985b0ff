//! Scripts of correct conversations, and a client for them.

use std::error::Error as _;
use std::time::Duration;

use mcp_core::Error;
use mcp_core::client::{Client, ClientBuilder, EraMode};
use mcp_core::message::{Payload, ProtocolVersion, RawJson};
use mcp_core::transport::LossKind;
use mcp_http::{HttpClient, HttpError};
use mcp_tests::fault_server::{FaultServer, On, Rule, Step, result_of};

/// Only a test that hangs takes this long. With a paused clock, no legitimate wait reaches it.
pub(crate) const HANGS: Duration = Duration::from_secs(3600);

pub(crate) const MODERN: EraMode = EraMode::Modern;
pub(crate) const LEGACY: EraMode = EraMode::Legacy(ProtocolVersion::V2025_11_25);

/// A DiscoverResult.
pub(crate) const DISCOVERED: &str = r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"private"}"#;
/// An InitializeResult.
pub(super) const INITIALIZED: &str =
    r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}"#;
/// The tool's result.
pub(super) const SAID: &str = r#"{"resultType":"complete","content":[{"type":"text","text":"right"}]}"#;

/// A notification that belongs to a call.
pub(super) const PROGRESS: &str =
    r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":$TOKEN,"progress":1}}"#;

/// A server of 2026-07-28 that answers with JSON.
pub(super) fn modern_json() -> Vec<Rule> {
    vec![
        Rule::new(On::Rpc("server/discover"), [Step::result(DISCOVERED)]),
        Rule::new(On::Rpc("tools/call"), [Step::result(SAID)]),
    ]
}

/// The same with streams.
pub(super) fn modern_sse() -> Vec<Rule> {
    let stream = |result: &str| {
        vec![
            Step::stream(),
            Step::Chunk(": keep-alive\n\n".into()),
            Step::event(PROGRESS),
            Step::event(&result_of(result)),
            Step::end(),
        ]
    };
    vec![
        Rule::new(
            On::Rpc("server/discover"),
            [Step::stream(), Step::event(&result_of(DISCOVERED)), Step::end()],
        ),
        Rule::new(On::Rpc("tools/call"), stream(SAID)),
    ]
}

/// The rules of every legacy server here, except calls.
fn legacy(initialize: Vec<Step>) -> Vec<Rule> {
    vec![
        Rule::new(On::Rpc("initialize"), initialize),
        Rule::new(On::Rpc("notifications/initialized"), [Step::status(202)]),
        Rule::new(On::Rpc("notifications/cancelled"), [Step::status(202)]),
        Rule::new(On::Http("DELETE"), [Step::status(204)]),
    ]
}

/// A server of 2025-11-25 that answers with JSON, and has a session but no standalone stream.
pub(super) fn legacy_json() -> Vec<Rule> {
    let mut rules = legacy(vec![Step::result(INITIALIZED).with("mcp-session-id: s-1")]);
    rules.push(Rule::new(On::Http("GET"), [Step::status(405)]));
    rules.push(Rule::new(On::Rpc("tools/call"), [Step::result(SAID)]));
    rules
}

/// The same with streams whose events have ids, and which can be resumed after any event.
pub(super) fn legacy_sse() -> Vec<Rule> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nmcp-session-id: s-1\r\ntransfer-encoding: chunked\r\n\r\n";
    let last = |id: &str, result: &str| {
        vec![Step::Chunk(format!("id: {id}\ndata: {}\n\n", result_of(result))), Step::end()]
    };
    let priming = |id: &str| Step::Chunk(format!("id: {id}\nretry: 100\ndata:\n\n"));
    let initialize = [vec![Step::send(head), priming("init-0")], last("init-1", INITIALIZED)].concat();
    let mut rules = legacy(initialize);
    rules.push(Rule::new(On::Resume("init"), [vec![Step::stream()], last("init-1", INITIALIZED)].concat()));
    rules.push(Rule::new(On::Resume("call"), [vec![Step::stream()], last("call-2", SAID)].concat()));
    rules.push(Rule::new(
        On::Rpc("tools/call"),
        [
            vec![
                Step::stream(),
                priming("call-0"),
                Step::Chunk(format!("id: call-1\nevent: message\ndata: {PROGRESS}\n\n")),
            ],
            last("call-2", SAID),
        ]
        .concat(),
    ));
    // The standalone stream sends one event and stays open.
    let own = Step::Chunk(
        "id: own-1\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n".into(),
    );
    rules.push(Rule::new(On::Http("GET"), [Step::stream(), own, Step::Hold]));
    rules
}

/// A client that is not started yet.
pub(super) fn builder(era: EraMode) -> ClientBuilder {
    Client::builder("faults", "1").era(era)
}

/// A connector to this server.
pub(super) fn http(server: &FaultServer) -> HttpClient {
    match server.dial() {
        Some(dial) => HttpClient::over(&server.url(), dial).unwrap(),
        None => HttpClient::new(&server.url()).unwrap(),
    }
}

/// An open client.
pub(super) async fn connect(era: EraMode, server: &FaultServer) -> Client {
    in_time(builder(era).connect(http(server))).await.unwrap()
}

/// The parameters of a call.
pub(super) fn params(tool: &str) -> Option<RawJson> {
    Some(RawJson::object([("name", RawJson::string(tool)), ("arguments", RawJson::parse("{}").unwrap())]))
}

/// One call of a tool.
pub(super) async fn call(client: &Client) -> Result<Payload, Error> {
    in_time(client.request("tools/call", params("tool"))).await
}

/// Makes a call, which must return the tool's result.
pub(super) async fn succeeds(client: &Client) {
    let result = call(client).await.unwrap();
    assert_eq!(String::from_utf8_lossy(result.raw().as_bytes()), SAID);
}

/// The output of this future, which must not hang.
pub(crate) async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(HANGS, work).await.expect("the future hangs")
}

/// The kind of loss, and the HTTP error that caused it.
pub(super) fn details(error: &Error) -> (LossKind, HttpError) {
    let Error::Lost(loss) = error else { panic!("not a loss: {error:?}") };
    let source = loss.source().and_then(|source| source.downcast_ref::<HttpError>());
    (loss.kind, source.unwrap_or_else(|| panic!("no HTTP error in {error:?}")).clone())
}
