//! What a client has declared: questions beyond it, and what comes before it has declared anything.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use mcp_core::client::{Client, EraMode};
use mcp_core::message::{Decoded, Message, ProtocolVersion, code, decode};
use mcp_core::server::Server;
use mcp_core::session::InputRequest;
use mcp_core::transport::{Binding, Inbound, Lane, Outbound, Transport, TransportSender, memory};

use super::setup::{Counting, EXCHANGES, LEGACY, Seen, answering, object, only, plain, raw, router};
use crate::lock::Lock;
use crate::{Bridge, State, Upstream};

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

async fn client(bridge: &Bridge, era: EraMode, capability: Declared) -> Client {
    let (connector, listener) = memory::connector(EXCHANGES);
    tokio::spawn(listener.serve(bridge.front("it").unwrap()));
    let builder =
        capability.into_iter().fold(plain(era), |builder, (name, of)| builder.capability(name, raw(of)));
    let never = |request: InputRequest, _| async move { panic!("the client is asked: {request:?}") };
    builder.input_handler(never).connect(connector).await.unwrap()
}

/// A capability that the client declares: its name and its object.
type Declared = Option<(&'static str, &'static str)>;

/// A question, what the client declares, what is missing, and the code of the refusal.
const QUESTIONS: [(&str, Declared, &str, &str); 5] = [
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

/// What comes before the handshake of a byte stream says nothing of the client: the server's session is opened with the
/// capabilities of `initialize`.
#[tokio::test(start_paused = true)]
async fn a_probe_of_another_era_is_answered_before_the_handshake() {
    for up in [LEGACY, EraMode::Modern] {
        let seen = Arc::<Seen>::default();
        let server = Server::builder("upstream", "1").versions(only(up)).build(router(&seen)).unwrap();
        let (inner, listener) = memory::connector(Binding::STREAM);
        tokio::spawn(listener.serve(Counting { server, seen: seen.clone() }));
        let upstream = Upstream::new(move |_| inner.clone());
        let bridge = Bridge::builder().versions(only(LEGACY)).upstream("it", upstream).build().unwrap();
        let (connector, listener) = memory::connector(Binding::STREAM);
        tokio::spawn(listener.serve(bridge.front("it").unwrap()));
        let asked = Arc::default();
        let client = answering(EraMode::Auto, &asked).connect(connector).await.unwrap();
        assert!(!client.negotiated().unwrap().version.is_modern());
        let called =
            client.request("tools/call", object(r#"{"name":"work","arguments":{"nonce":"x"}}"#)).await;
        called.unwrap_or_else(|error| panic!("{up:?}: {error}"));
        assert_eq!(*asked.lock(), ["x"], "{up:?}");
        assert_eq!(seen.links.load(Ordering::SeqCst), 1, "{up:?}");
    }
}

/// What says nothing of a client is answered, each in its turn, and starts no server.
#[tokio::test(start_paused = true)]
async fn what_says_nothing_of_a_client_starts_no_server() {
    let (bridge, heard) = setup(None, QUESTIONS[0].0);
    let (near, far) = memory::pair(Binding::STREAM);
    let front = bridge.front("it").unwrap();
    tokio::spawn(async move { front.serve(far).await });
    let (mut sender, mut receiver) = (Box::new(near) as Box<dyn Transport>).split();
    for (id, method) in [(1, "ping"), (2, "tools/list"), (3, "server/discover"), (4, "ping")] {
        say(&mut *sender, r#"{"jsonrpc":"2.0","method":"notifications/x"}"#.to_owned()).await;
        say(&mut *sender, format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}"}}"#)).await;
        let Ok(Some(Inbound::Message { message: Message::Response(response), .. })) = receiver.recv().await
        else {
            panic!("{method}");
        };
        assert_eq!((response.id, response.outcome.is_ok()), (Some(id.into()), method == "ping"), "{method}");
    }
    assert_eq!(bridge.status().upstreams[0].state, State::Cold);
    assert!(heard.lock().is_empty());
}

const DISCOVERED: &str =
    r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}}"#;

/// A modern server that requires this input for each call, whatever the client declared.
async fn requires(link: Box<dyn Transport>, requests: &str, heard: Heard) {
    let (mut sender, mut receiver) = link.split();
    while let Ok(Some(inbound)) = receiver.recv().await {
        let Inbound::Message { message: Message::Request(request), .. } = inbound else { continue };
        let id = request.id;
        let outcome = match request.method.as_str() {
            "server/discover" => format!(r#""result":{DISCOVERED}"#),
            "tools/call" => {
                heard.lock().push(request.method.as_str().to_owned());
                format!(r#""result":{{"resultType":"input_required","inputRequests":{requests}}}"#)
            }
            _ => r#""error":{"code":-32601,"message":"unknown"}"#.to_owned(),
        };
        say(&mut *sender, format!(r#"{{"jsonrpc":"2.0","id":{id},{outcome}}}"#)).await;
    }
}

// BRIDGE 3; MRTR-S-006.
/// The call of a legacy client fails if the server asks for what the client did not declare or its revision does not have. The
/// error names what is missing, and the page to visit. No question reaches the client, also none that it could answer.
#[tokio::test(start_paused = true)]
async fn a_legacy_client_is_not_asked_for_what_it_lacks() {
    let form = r#"{"method":"elicitation/create","params":{"message":"?","requestedSchema":{"type":"object","properties":{}}}}"#;
    let page = r#"{"method":"elicitation/create","params":{"mode":"url","url":"https://a.test/x?y=1","message":"?"}}"#;
    let both = r#"{"form":{},"url":{}}"#;
    let sample = r#"{"method":"sampling/createMessage","params":{"messages":[],"maxTokens":1}}"#;
    let url: &[&str] = &[r#"{"elicitation":{"url":{}}}"#, "https://a.test/x?y=1"];
    let cases = [
        ("{}", page, url),
        (both, page, url),
        (r#"{"url":{}}"#, page, url),
        ("{}", sample, &["sampling/createMessage", r#"{"sampling":{}}"#]),
        ("{}", r#"{"method":"roots/list"}"#, &["roots/list", r#"{"roots":{}}"#]),
    ];
    for (elicitation, question, named) in cases {
        let (connector, mut listener) = memory::connector(Binding::STREAM);
        let heard = Heard::default();
        let hears = heard.clone();
        let requests = format!(r#"{{"a":{form},"b":{question}}}"#);
        tokio::spawn(async move {
            while let Some(link) = listener.accept().await {
                requires(Box::new(link), &requests, hears.clone()).await;
            }
        });
        let upstream = Upstream::new(move |_| connector.clone()).era(EraMode::Modern);
        let bridge = Bridge::builder().upstream("it", upstream).build().unwrap();
        let (connector, listener) = memory::connector(EXCHANGES);
        tokio::spawn(listener.serve(bridge.front("it").unwrap()));
        let asked = Heard::default();
        let client = plain(EraMode::Legacy(ProtocolVersion::V2025_06_18));
        let client = client.capability("elicitation", raw(elicitation));
        let hears = asked.clone();
        let client = client.input_handler(move |request: InputRequest, _| {
            hears.lock().push(request.method.as_str().to_owned());
            async { Ok(raw(r#"{"action":"cancel"}"#)) }
        });
        let client = client.connect(connector).await.unwrap();
        let error = client.request("tools/call", object(r#"{"name":"go"}"#)).await.unwrap_err();
        let error = error.rpc().unwrap();
        assert_eq!(error.code, code::INTERNAL_ERROR, "{elicitation} {question}: {error}");
        for name in named {
            assert!(error.message.contains(name), "{elicitation} {question}: {error}");
        }
        assert_eq!(*asked.lock(), Vec::<String>::new(), "{elicitation} {question}");
        assert_eq!(*heard.lock(), ["tools/call"], "{elicitation} {question}");
    }
}
