//! Questions of handlers, in both eras: the handler runs again from its top with the answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Peer, server};
use crate::message::RawJson;
use crate::server::{Elicited, Router, Server};
use crate::transport::Binding;
use crate::warnings::Warnings;

#[derive(Deserialize, JsonSchema)]
struct Confirm {
    /// Delete them for good
    sure: bool,
    count: Option<u8>,
    how: Option<How>,
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(rename_all = "lowercase")]
enum How {
    Slow,
    Fast,
}

#[derive(Deserialize, JsonSchema)]
struct Nested {
    #[allow(dead_code)]
    inner: Confirm,
}

/// A server with a tool that asks twice, and the number of its runs.
fn asking() -> (Server, Arc<AtomicUsize>) {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let router = Router::new()
        .tool("clear", move |_, context| {
            counted.fetch_add(1, Ordering::SeqCst);
            async move {
                let first: Confirm = context.ask("Delete 3 notes?").await?;
                if !first.sure {
                    return Ok("kept".to_owned());
                }
                match context.elicit::<Confirm>("Really?").await? {
                    Elicited::Accepted(second) => {
                        Ok(format!("{} {:?} {:?}", second.sure, first.count, first.how))
                    }
                    other => Ok(format!("not deleted: {}", matches!(other, Elicited::Declined))),
                }
            }
        })
        .tool("nested", async |_, context| context.ask::<Nested>("?").await.map(|_| "x"))
        .tool("roots", async |_, context| Ok(context.roots().await?.len().to_string()));
    (server(router), runs)
}

/// A handler that does not return the error of its question never asks. That is logged; a handler that asks causes no
/// warning.
#[tokio::test]
async fn a_swallowed_question_is_warned_of() {
    let router = Router::new().tool("swallow", async |_, context| {
        Ok(context.ask::<Confirm>("?").await.map_or("no answer", |_| "answered"))
    });
    let (swallows, asks) = (server(router), asking().0);
    for (server, tool, expected) in [(swallows, "swallow", 1), (asks, "clear", 0)] {
        let (warnings, _until_the_end) = Warnings::start();
        let mut peer = Peer::of(&server, Binding::STREAM);
        modern(&mut peer, &format!(r#""name":"{tool}""#)).await;
        assert_eq!(warnings.count(), expected, "{tool}");
    }
}

async fn modern(peer: &mut Peer, params: &str) -> RawJson {
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{},"roots":{}}}"#;
    peer.send(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{{params},{meta}}}}}"#))
        .await;
    RawJson::parse(peer.text().await).unwrap().member("result").unwrap()
}

/// The key of the one request, and the request.
fn question(result: &RawJson) -> (String, RawJson) {
    result.member("inputRequests").unwrap_or_else(|| panic!("{result}")).members().remove(0)
}

fn accept(content: &str) -> String {
    format!(r#"{{"action":"accept","content":{content}}}"#)
}

/// MRTR-S-007: answers of earlier rounds come back with the state, and the form is flat.
#[tokio::test(start_paused = true)]
async fn a_modern_handler_asks_twice() {
    let (server, runs) = asking();
    let mut peer = Peer::of(&server, Binding::STREAM);
    let first = modern(&mut peer, r#""name":"clear""#).await;
    let (key, asked) = question(&first);
    assert_eq!(
        asked.member("params").unwrap().to_string(),
        r#"{"message":"Delete 3 notes?","requestedSchema":{"type":"object","properties":{"count":{"type":"integer","maximum":255,"minimum":0},"how":{"type":"string","enum":["slow","fast"]},"sure":{"type":"boolean","description":"Delete them for good"}},"required":["sure"]}}"#
    );
    assert!(first.member("requestState").is_none());
    let answers = accept(r#"{"sure":true,"count":3,"how":"fast"}"#);
    let second =
        modern(&mut peer, &format!(r#""name":"clear","inputResponses":{{"{key}":{answers}}}"#)).await;
    let (next, asked) = question(&second);
    assert!(asked.to_string().contains("Really?") && next != key, "{asked}");
    let state = second.member("requestState").unwrap();
    for (answer, expected) in [
        (accept(r#"{"sure":true}"#), "true Some(3) Some(Fast)"),
        (r#"{"action":"decline"}"#.into(), "not deleted: true"),
    ] {
        let call = format!(r#""name":"clear","requestState":{state},"inputResponses":{{"{next}":{answer}}}"#);
        let last = modern(&mut peer, &call).await;
        assert!(last.to_string().contains(expected), "{last}");
    }
    assert_eq!(runs.load(Ordering::SeqCst), 4);
}

/// An answer counts for the question that it was given to alone; garbage is refused or ignored.
#[tokio::test(start_paused = true)]
async fn other_answers_do_not_count() {
    let (server, _) = asking();
    let mut peer = Peer::of(&server, Binding::STREAM);
    let (key, _) = question(&modern(&mut peer, r#""name":"clear""#).await);
    let other = format!("1{}", &key[1..]);
    let answer = accept(r#"{"sure":true}"#);
    for ignored in [
        format!(r#""inputResponses":{{"{other}":{answer}}}"#),
        r#""requestState":"garbage""#.to_owned(),
        r#""requestState":"{\"answered\":7}""#.to_owned(),
    ] {
        let again = modern(&mut peer, &format!(r#""name":"clear",{ignored}"#)).await;
        assert_eq!(question(&again).0, key, "{ignored}");
    }
    let declined = format!(r#""name":"clear","inputResponses":{{"{key}":{{"action":"decline"}}}}"#);
    let declined = modern(&mut peer, &declined).await.to_string();
    assert!(declined.contains("The user declined") && declined.contains(r#""isError":true"#), "{declined}");
}

/// The same handler with a legacy client: two requests of the server, one answer.
#[tokio::test(start_paused = true)]
async fn a_legacy_handler_asks_twice() {
    let (server, runs) = asking();
    let mut peer = Peer::of(&server, Binding::STREAM);
    peer.initialize(r#"{"elicitation":{}}"#).await;
    peer.send(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"clear"}}"#).await;
    for text in ["Delete 3 notes?", "Really?"] {
        let asked = RawJson::parse(peer.text().await).unwrap();
        assert!(asked.to_string().contains(text), "{asked}");
        let id = asked.member("id").unwrap();
        let answer = accept(r#"{"sure":true}"#);
        peer.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{answer}}}"#)).await;
    }
    let last = peer.text().await;
    assert!(last.contains("true None None"), "{last}");
    assert_eq!(runs.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn a_question_that_cannot_be_asked_fails_the_request() {
    let (server, _) = asking();
    let mut peer = Peer::of(&server, Binding::STREAM);
    // Not declared by the client.
    peer.modern(1, "tools/call", r#"{"name":"clear"}"#).await;
    let refused = peer.text().await;
    assert!(refused.contains("elicitation") && refused.contains(r#""error""#), "{refused}");
    // Not a flat form.
    peer.modern(1, "tools/call", r#"{"name":"nested"}"#).await;
    let refused = peer.text().await;
    assert!(refused.contains("-32603") && refused.contains(r#"the member \"inner\""#), "{refused}");
    let roots = modern(&mut peer, r#""name":"roots""#).await;
    let (key, asked) = question(&roots);
    assert_eq!(asked.to_string(), r#"{"method":"roots/list"}"#);
    let answer = r#"{"roots":[{"uri":"file:///a"}]}"#;
    let roots = modern(&mut peer, &format!(r#""name":"roots","inputResponses":{{"{key}":{answer}}}"#)).await;
    assert!(roots.to_string().contains(r#""text":"1""#), "{roots}");
}
