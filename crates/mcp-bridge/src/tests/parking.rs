//! A legacy server asks within a call; a modern client answers by a retry.

use std::sync::atomic::Ordering;
use std::time::Duration;

use mcp_core::Error;
use mcp_core::client::{CallOptions, Client, EraMode, InputMode};
use mcp_core::message::RawJson;
use mcp_core::server::seal::{Key, Sealer};
use mcp_core::transport::{Binding, memory};

use super::setup::{EXCHANGES, LEGACY, Setup, only, plain, raw, text};
use crate::{Bridge, Policy, Upstream};

const ARGUMENTS: &str = r#""name":"work","arguments":{"nonce":"n"}"#;

/// A modern client that answers by hand.
async fn client(setup: &Setup, caller: &str) -> Client {
    let client = plain(EraMode::Modern).capability("elicitation", RawJson::EMPTY_OBJECT);
    let client = client.input_handler(|_, _| async { panic!("it answers by hand") });
    client.connect(setup.connector(EXCHANGES, Some(caller))).await.unwrap()
}

async fn ask(client: &Client, params: String) -> Result<RawJson, Error> {
    let options = CallOptions::new().input(InputMode::Pass);
    client.call("tools/call", Some(raw(params)), options).await.map(|result| result.into_raw())
}

/// The first request of a call, and the state that came with its questions.
async fn parked(client: &Client) -> RawJson {
    let asked = ask(client, format!("{{{ARGUMENTS}}}")).await.unwrap();
    assert_eq!(asked.member("resultType"), Some(RawJson::string("input_required")));
    let questions = asked.member("inputRequests").unwrap().members();
    assert_eq!(questions.len(), 1);
    assert_eq!(questions[0].1.member("method"), Some(RawJson::string("elicitation/create")));
    asked.member("requestState").unwrap()
}

fn retry(state: &RawJson, arguments: &str) -> String {
    let answer = r#"{"action":"accept","content":{"a":1.0}}"#;
    format!(r#"{{{arguments},"requestState":{state},"inputResponses":{{"q0":{answer}}}}}"#)
}

fn code(outcome: Result<RawJson, Error>) -> i64 {
    outcome.unwrap_err().rpc().unwrap().code
}

// MRTR-S-007, BR-05: a state is valid for its caller and its call, once. What fails leaves the call upstream alone.
#[tokio::test(start_paused = true)]
async fn a_state_is_for_its_caller_and_its_call_and_once() {
    let setup = Setup::new(only(LEGACY), EXCHANGES, Policy::Shared);
    let (ada, bob) = (client(&setup, "ada").await, client(&setup, "bob").await);
    let state = parked(&ada).await;
    assert_eq!(setup.bridge.status().upstreams[0].parked, 1);
    let text_of = state.to_text().unwrap();
    let tampered = RawJson::string(&text_of.replace(&text_of[8..10], "00"));
    assert_eq!(code(ask(&bob, retry(&state, ARGUMENTS)).await), -32602, "stolen");
    assert_eq!(code(ask(&ada, retry(&tampered, ARGUMENTS)).await), -32602, "tampered");
    let other = r#""name":"work","arguments":{"nonce":"other"}"#;
    assert_eq!(code(ask(&ada, retry(&state, other)).await), -32602, "of another call");
    assert_eq!(setup.bridge.status().upstreams[0].parked, 1);
    let done = ask(&ada, retry(&state, ARGUMENTS)).await.unwrap();
    assert!(text(&done).contains(r#""content":{"a":1.0}"#), "{done}");
    assert_eq!(done.member("resultType"), Some(RawJson::string("complete")));
    assert_eq!(code(ask(&ada, retry(&state, ARGUMENTS)).await), -32602, "again");
    assert_eq!(setup.bridge.status().upstreams[0].calls, 0);
}

// BR-05: a call that waits belongs to its caller, also where the state that names it is valid for others.
#[tokio::test(start_paused = true)]
async fn a_call_that_waits_is_for_its_caller() {
    let setup = Setup::new(only(LEGACY), EXCHANGES, Policy::Shared);
    let (connector, listener) = memory::connector(EXCHANGES);
    tokio::spawn(listener.serve(setup.server.clone()));
    let upstream = Upstream::new(move |_| connector.clone()).policy(Policy::Shared);
    let sealer = Sealer::new(Key::generate().unwrap()).principal(|_| None);
    let bridge = Bridge::builder().upstream("it", upstream).sealer(sealer).build().unwrap();
    let setup = Setup { bridge, ..setup };
    let (ada, bob) = (client(&setup, "ada").await, client(&setup, "bob").await);
    let state = parked(&ada).await;
    assert_eq!(code(ask(&bob, retry(&state, ARGUMENTS)).await), -32602, "stolen");
    assert_eq!(setup.bridge.status().upstreams[0].parked, 1);
    ask(&ada, retry(&state, ARGUMENTS)).await.unwrap();
}

/// A client that never answers loses its call after a while: the server's question fails.
#[tokio::test(start_paused = true)]
async fn a_call_that_is_never_answered_ends() {
    let setup = Setup::new(only(LEGACY), EXCHANGES, Policy::Shared);
    let ada = client(&setup, "ada").await;
    let state = parked(&ada).await;
    tokio::time::sleep(Duration::from_secs(601)).await;
    let status = &setup.bridge.status().upstreams[0];
    assert_eq!((status.parked, status.calls), (0, 0));
    assert_eq!(code(ask(&ada, retry(&state, ARGUMENTS)).await), -32602);
}

/// A call that waits for its client counts as a call in flight, and the retry that ends it is not one more.
#[tokio::test(start_paused = true)]
async fn a_retry_is_not_refused_for_the_calls_in_flight() {
    let setup = Setup::limited(only(LEGACY), |limits| limits.calls = 1);
    let ada = client(&setup, "ada").await;
    let state = parked(&ada).await;
    let refused = ask(&ada, format!("{{{ARGUMENTS}}}")).await.unwrap_err().to_string();
    assert!(refused.contains("(calls)"), "{refused}");
    ask(&ada, retry(&state, ARGUMENTS)).await.unwrap();
}

/// A retry without an answer fails the server's question.
#[tokio::test(start_paused = true)]
async fn a_retry_without_an_answer_is_a_refusal() {
    let setup = Setup::new(only(LEGACY), EXCHANGES, Policy::Shared);
    let ada = client(&setup, "ada").await;
    let state = parked(&ada).await;
    let outcome = ask(&ada, format!(r#"{{{ARGUMENTS},"requestState":{state}}}"#)).await;
    let message = outcome.unwrap_err().rpc().unwrap().message.to_string();
    assert!(message.contains("no answer"), "{message}");
}

// MRTR-S-006: a client is not asked for what it did not declare.
#[tokio::test(start_paused = true)]
async fn a_client_that_cannot_answer_is_not_asked() {
    for up in [LEGACY, EraMode::Modern] {
        let setup = Setup::new(only(up), Binding::STREAM, Policy::PerSession);
        let client = setup.client(EraMode::Modern, Binding::STREAM).await;
        let outcome = ask(&client, format!("{{{ARGUMENTS}}}")).await;
        assert!(matches!(outcome, Err(Error::Rpc(_))), "{outcome:?}");
        assert_eq!(setup.bridge.status().upstreams[0].parked, 0);
        assert_eq!(setup.seen.links.load(Ordering::SeqCst), 1);
    }
}
