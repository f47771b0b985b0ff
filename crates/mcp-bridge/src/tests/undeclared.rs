//! Questions that the capabilities of a client do not cover, from a server that asks them anyway.

use std::sync::Arc;

use mcp_core::client::{Client, EraMode};
use mcp_core::message::{Decoded, Message, code, decode};
use mcp_core::session::InputRequest;
use mcp_core::transport::{Binding, Inbound, Lane, Outbound, Transport, TransportSender, memory};

use super::setup::{EXCHANGES, LEGACY, object, plain, raw};
use crate::lock::Lock;
use crate::{Bridge, Upstream};

const INITIALIZED: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{},"prompts":{},"resources":{}},"serverInfo":{"name":"asks","version":"1"}}"#;

/// What the server hears after its question.
type Heard = Arc<Lock<Vec<String>>>;

async fn say(sender: &mut dyn TransportSender, text: String) {
    let Decoded::One(Ok(message)) = decode(text.clone().into()) else { panic!("{text}") };
    sender.send(Outbound::message(message, Lane::SHARED)).await.unwrap();
    sender.flush().await.unwrap();
}

/// A legacy server that asks this within each request, after what it says before, and answers when it was refused.
async fn asks(link: Box<dyn Transport>, before: Option<&str>, question: &str, heard: Heard) {
    let (mut sender, mut receiver) = link.split();
    let mut call = None;
    while let Ok(Some(inbound)) = receiver.recv().await {
        let Inbound::Message { message, .. } = inbound else { continue };
        match message {
            Message::Request(request) if request.method == "initialize" => {
                let id = request.id;
                say(&mut *sender, format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{INITIALIZED}}}"#)).await;
            }
            Message::Request(request) => {
                if let Some(before) = before {
                    let meta = request.params.as_ref().and_then(|params| params.raw().member("_meta"));
                    let token = meta.and_then(|meta| meta.member("progressToken")).expect("a token");
                    let before = before.replace("TOKEN", &token.to_string());
                    say(&mut *sender, format!(r#"{{"jsonrpc":"2.0",{before}}}"#)).await;
                }
                call = Some(request.id);
                say(&mut *sender, format!(r#"{{"jsonrpc":"2.0","id":"q",{question}}}"#)).await;
            }
            Message::Response(response) => {
                let error = response.outcome.err().map_or(0, |error| error.code);
                heard.lock().push(error.to_string());
                if let Some(id) = call.take() {
                    let result = r#"{"content":[],"isError":true}"#;
                    say(&mut *sender, format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)).await;
                }
            }
            Message::Notification(note) => heard.lock().push(note.method.as_str().to_owned()),
        }
    }
}

/// A bridge before such a server, and what the server hears.
fn setup(before: Option<&'static str>, question: &'static str) -> (Bridge, Heard) {
    let (connector, mut listener) = memory::connector(Binding::STREAM);
    let heard = Heard::default();
    let hears = heard.clone();
    tokio::spawn(async move {
        while let Some(link) = listener.accept().await {
            tokio::spawn(asks(Box::new(link), before, question, hears.clone()));
        }
    });
    let upstream = Upstream::new(move |_| connector.clone()).era(LEGACY);
    (Bridge::builder().upstream("it", upstream).build().unwrap(), heard)
}

async fn client(bridge: &Bridge, era: EraMode, capability: Option<(&str, &str)>) -> Client {
    let (connector, listener) = memory::connector(EXCHANGES);
    tokio::spawn(listener.serve(bridge.front("it").unwrap()));
    let builder =
        capability.into_iter().fold(plain(era), |builder, (name, of)| builder.capability(name, raw(of)));
    let never = |request: InputRequest, _| async move { panic!("the client is asked: {request:?}") };
    builder.input_handler(never).connect(connector).await.unwrap()
}

const QUESTIONS: [(&str, Option<(&str, &str)>, &str, &str); 5] = [
    (r#""method":"roots/list""#, None, r#"{"roots":{}}"#, "-32601"),
    (
        r#""method":"sampling/createMessage","params":{"messages":[],"maxTokens":1,"tools":[]}"#,
        Some(("sampling", "{}")),
        r#"{"sampling":{"tools":{}}}"#,
        "-32602",
    ),
    (
        r#""method":"elicitation/create","params":{"message":"?","requestedSchema":{}}"#,
        None,
        r#"{"elicitation":{"form":{}}}"#,
        "-32601",
    ),
    (
        r#""method":"elicitation/create","params":{"mode":"url","url":"https://a.test","message":"?"}"#,
        Some(("elicitation", "{}")),
        r#"{"elicitation":{"url":{}}}"#,
        "-32602",
    ),
    (r#""method":"x/ask""#, None, "", "-32601"),
];

// BRIDGE 3; META-S-008, LIFE-C-016, LIFE-S-014.
/// The server is refused as a client would refuse it. A modern client that has got nothing else learns what it has to declare.
#[tokio::test(start_paused = true)]
async fn a_client_learns_what_it_has_to_declare() {
    for (question, declared, missing, refused) in QUESTIONS {
        let (bridge, heard) = setup(None, question);
        let client = client(&bridge, EraMode::Modern, declared).await;
        let answer = client.request("tools/call", object(r#"{"name":"go"}"#)).await;
        match missing {
            "" => assert!(answer.unwrap().raw().to_string().contains("isError"), "{question}"),
            _ => {
                let mcp_core::Error::Rpc(error) = answer.unwrap_err() else { panic!("{question}") };
                assert_eq!(error.code, code::MISSING_CLIENT_CAPABILITY, "{question}");
                let data = format!(r#"{{"requiredCapabilities":{missing}}}"#);
                assert_eq!(error.data.unwrap().to_string(), data, "{question}");
            }
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        assert!(heard.lock().contains(&refused.to_owned()), "{question}: {:?}", heard.lock());
    }
}

/// Where a request goes on, its result counts: after something that the client has got, where no client may be asked, and for
/// a legacy client.
#[tokio::test(start_paused = true)]
async fn what_has_begun_goes_on() {
    let progress = r#""method":"notifications/progress","params":{"progressToken":TOKEN,"progress":1}"#;
    let elicit = QUESTIONS[2].0;
    let cases = [
        (EraMode::Modern, Some(progress), "prompts/get"),
        (EraMode::Modern, None, "prompts/list"),
        (LEGACY, None, "tools/call"),
    ];
    for (era, before, method) in cases {
        let (bridge, heard) = setup(before, elicit);
        let client = client(&bridge, era, None).await;
        let mut options = mcp_core::client::CallOptions::new();
        options.progress = before.is_some();
        let answer = client.call(method, object(r#"{"name":"go"}"#), options).await;
        let answer = answer.unwrap_or_else(|error| panic!("{method}: {error}"));
        assert!(answer.raw().to_string().contains("isError"), "{method}");
        assert!(heard.lock().contains(&"-32601".to_owned()), "{method}: {:?}", heard.lock());
    }
}
