//! Tools from functions and methods.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::Deserialize;

use super::{Peer, server};
use crate::message::RawJson;
use crate::server::{Context, Handler, HandlerError, Json, Router, State};
use crate::transport::Binding;

/// Adds two numbers
///
/// Exactly.
#[crate::tool(read_only, title = "Sum", open_world = false)]
async fn add(
    /// The first
    a: i64,
    #[serde(default)] b: i64,
) -> String {
    (a + b).to_string()
}

/// Not an argument by itself: its attributes say how it is read.
struct Celsius(f64);

fn celsius<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Celsius, D::Error> {
    f64::deserialize(value).map(Celsius)
}

#[crate::tool]
async fn warm(
    #[serde(deserialize_with = "celsius")]
    #[schemars(with = "f64")]
    degrees: Celsius,
) -> String {
    (degrees.0 > 20.0).to_string()
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Path {
    path: String,
}

#[crate::tool(name = "read_it")]
async fn read(arguments: Path, context: Context) -> io::Result<String> {
    let _ = context.method();
    std::fs::read_to_string(arguments.path)
}

#[crate::tool]
async fn count(counter: State<Counter>) -> Result<Json<Counted>, HandlerError> {
    Ok(Json(Counted { count: counter.0.load(Ordering::SeqCst) }))
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Counted {
    count: u32,
}

#[derive(Default)]
struct Counter(AtomicU32);

#[crate::tool]
impl Counter {
    /// Counts up
    #[tool(idempotent, destructive = false)]
    async fn up(
        &self,
        /** How far */
        by: Option<u32>,
        context: Context,
    ) -> Result<String, &'static str> {
        context.progress(1.0, None, None).await;
        let by = by.filter(|by| *by < 10).ok_or("too far")?;
        Ok(self.later(by).to_string())
    }

    async fn fixed() -> &'static str {
        "fixed"
    }

    fn later(&self, by: u32) -> u32 {
        self.0.fetch_add(by, Ordering::SeqCst) + by
    }
}

fn router() -> Router<State<Counter>> {
    let router = Router::with_state(Counter::default()).tools::<Counter>();
    router.tools::<add>().tools::<read>().tools::<count>().tools::<warm>()
}

#[tokio::test(start_paused = true)]
async fn functions_and_methods_are_tools() {
    assert_eq!(add(1, 2).await, "3", "the function stays");
    let server = server(router());
    let mut peer = Peer::of(&server, Binding::STREAM);
    for (call, expected) in [
        (r#"{"name":"add","arguments":{"a":40,"b":2}}"#, r#""text":"42""#),
        (r#"{"name":"add","arguments":{"a":40}}"#, r#""text":"40""#),
        (r#"{"name":"add","arguments":{}}"#, r#"missing field `a`"#),
        (r#"{"name":"read_it","arguments":{"path":"/none"}}"#, r#""isError":true"#),
        (r#"{"name":"up","arguments":{"by":3}}"#, r#""text":"3""#),
        (r#"{"name":"up"}"#, "too far"),
        (r#"{"name":"fixed"}"#, "fixed"),
        (r#"{"name":"count"}"#, r#""structuredContent":{"count":3}"#),
        (r#"{"name":"warm","arguments":{"degrees":21}}"#, r#""text":"true""#),
    ] {
        peer.modern(1, "tools/call", call).await;
        let reply = peer.text().await;
        assert!(reply.contains(expected), "{call}: {reply}");
    }
}

#[tokio::test(start_paused = true)]
async fn definitions_come_from_the_source() {
    let router = router();
    assert!(router.validate().is_ok());
    let server = server(router);
    let mut peer = Peer::of(&server, Binding::STREAM);
    peer.modern(1, "tools/list", "{}").await;
    let list = RawJson::parse(peer.text().await).unwrap();
    let tools = list.member("result").unwrap().member("tools").unwrap().elements();
    assert_eq!(
        tools[0].to_string(),
        r#"{"name":"add","title":"Sum","description":"Adds two numbers\n\nExactly.","inputSchema":{"type":"object","properties":{"a":{"description":"The first","type":"integer","format":"int64"},"b":{"type":"integer","format":"int64","default":0}},"required":["a"]},"annotations":{"readOnlyHint":true,"openWorldHint":false}}"#
    );
    let up = tools.iter().find(|tool| tool.to_string().contains(r#""name":"up""#)).unwrap().to_string();
    assert!(
        up.contains("How far") && up.contains(r#""idempotentHint":true,"destructiveHint":false"#),
        "{up}"
    );
}
