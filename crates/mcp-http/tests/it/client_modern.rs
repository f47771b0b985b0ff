//! 2026-07-28: one POST, one exchange.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};

use mcp_core::Error;
use mcp_core::client::{CallOptions, SubscriptionEvent};
use mcp_core::message::{ProtocolVersion, RawJson, Request};
use mcp_core::session::SubscriptionFilter;
use mcp_core::transport::{Connect, Envelope, Lane, LossKind, Outbound};

use crate::client_peer::{Peer, URL, said, soon};

fn args(json: &str) -> Option<RawJson> {
    Some(RawJson::parse(json.to_owned()).unwrap())
}

/// HTTP-C-001, HTTP-C-002, HTTP-C-006, HDR-C-001, HDR-C-004, SESS-B-011; FAULT A-B3: the URL is used as it is given.
#[tokio::test(start_paused = true)]
async fn each_request_is_a_post_whose_headers_mirror_its_body() {
    let mut peer = Peer::new();
    let client = crate::client_peer::builder().start(peer.http()).unwrap();
    let probe = peer.post("server/discover").await;
    assert_eq!(probe.header("mcp-method"), Some("server/discover"));
    assert_eq!(probe.header("mcp-protocol-version"), Some("2026-07-28"));
    assert_eq!(probe.header("mcp-name"), None);
    let text = probe.answer(crate::client_peer::discovered());
    // A session id on a modern exchange is ignored.
    probe.reply(200, &[("content-type", "application/json")], Some("forged"), text);
    client.ready().await.unwrap();

    let call = tokio::spawn({
        let client = client.clone();
        async move { client.call_tool("add", args(r#"{"a":1}"#)).await }
    });
    let ask = peer.post("tools/call").await;
    assert_eq!(format!("http://{}{}", ask.header("host").unwrap(), ask.path), URL);
    assert_eq!(ask.header("accept"), Some("application/json, text/event-stream"));
    assert_eq!(ask.header("content-type"), Some("application/json"));
    assert_eq!(ask.header("mcp-protocol-version"), Some("2026-07-28"));
    assert_eq!(ask.header("mcp-method"), Some("tools/call"));
    assert_eq!(ask.header("mcp-name"), Some("add"));
    assert_eq!(ask.header("mcp-session-id"), None);
    assert!(ask.text().contains(r#""io.modelcontextprotocol/protocolVersion":"2026-07-28""#));
    ask.result(&said("1"));
    assert_eq!(call.await.unwrap().unwrap().content.len(), 1);

    let read = tokio::spawn({
        let client = client.clone();
        async move { client.read_resource("file:///a%20b?x=ü").await }
    });
    let ask = peer.post("resources/read").await;
    assert_eq!(ask.header("mcp-name"), Some("=?base64?ZmlsZTovLy9hJTIwYj94PcO8?="));
    ask.result(r#"{"resultType":"complete","contents":[],"ttlMs":0,"cacheScope":"private"}"#);
    read.await.unwrap().unwrap();
    assert_eq!(peer.connections(), 1, "the connection was not reused");
}

/// Counts how often a task is woken.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn list(id: i64) -> Outbound {
    let mut envelope = Envelope::default();
    envelope.version = Some(ProtocolVersion::V2026_07_28);
    Outbound::message(Request::new(id, "tools/list", Some(RawJson::EMPTY_OBJECT)), Lane::numbered(id as u64))
        .with_envelope(envelope)
}

/// FAULT A-B7: the task that waits for a single call is not woken before the answer arrives.
#[tokio::test(start_paused = true)]
async fn a_single_call_wakes_no_task_before_its_answer() {
    const NONE: &str = r#"{"resultType":"complete","tools":[],"ttlMs":0,"cacheScope":"private"}"#;
    let mut peer = Peer::new();
    let (mut sender, mut receiver) = peer.http().connect().await.unwrap().split();
    sender.send(list(1)).await.unwrap();
    let (first, ()) =
        tokio::join!(soon(receiver.recv()), async { peer.post("tools/list").await.result(NONE) });
    assert!(first.unwrap().is_some());

    // On an open connection.
    sender.send(list(2)).await.unwrap();
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(wakes.clone());
    let mut received = pin!(receiver.recv());
    assert!(received.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    let ask = peer.post("tools/list").await;
    assert_eq!(wakes.0.load(Ordering::SeqCst), 0);
    ask.result(NONE);
    assert!(soon(received).await.unwrap().is_some());
}

/// HTTP-C-004, SSE-C-002, HTTP-S-007, PROG-S-007; FAULT A-B16, A-B17, C-5: the answer is delivered before the stream
/// ends, independent of how its bytes are split.
#[tokio::test(start_paused = true)]
async fn a_stream_delivers_progress_and_then_the_answer() {
    let mut peer = Peer::new();
    let client = peer.modern().await;
    let options = CallOptions::new().progress();
    let mut call = client.call("tools/call", args(r#"{"name":"slow"}"#), options);
    let ask = peer.post("tools/call").await;
    let (answer, token) = (ask.answer(&said("done")), ask.progress_token());
    let stream = ask.events();
    stream.raw("\u{feff}: hello\r\n\r\nevent: other\ndata: {\n\n");
    let note = format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":1}}}}"#
    );
    for piece in format!("data:{note}\r\n\r\n").as_bytes().chunks(7) {
        stream.raw(String::from_utf8(piece.to_vec()).unwrap());
    }
    assert_eq!(soon(call.next_notification()).await.unwrap().method, "notifications/progress");
    // Two data lines are joined by a newline, which is white space between two tokens.
    let (head, tail) = answer.split_once(',').unwrap();
    stream.raw(format!("data: {head},\ndata: {tail}\n\n"));
    assert!(call.await.is_ok());
    // The end of the stream releases the connection.
    stream.raw(": bye\n\n");
    stream.end();
    let call = client.call("tools/call", args(r#"{"name":"a"}"#), CallOptions::default());
    peer.post("tools/call").await.result(&said("again"));
    call.await.unwrap();
    assert_eq!(peer.connections(), 1);
}

/// CANC-C-009, HTTP-C-005: dropping the call closes its stream, and nothing else is sent.
#[tokio::test(start_paused = true)]
async fn dropping_a_call_closes_its_exchange_without_a_message() {
    let mut peer = Peer::new();
    let client = peer.modern().await;
    let call = client.call("tools/call", args(r#"{"name":"a"}"#), CallOptions::default());
    let waiting = peer.post("tools/call").await;
    drop(call);
    waiting.hung_up().await;

    let call = client.call("tools/call", args(r#"{"name":"b"}"#), CallOptions::default());
    let stream = peer.post("tools/call").await.events();
    stream.event(r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}"#);
    drop(call);
    stream.hung_up().await;
    peer.silence(std::time::Duration::from_secs(60)).await;
}

/// SSE-C-011, SSE-B-010, T-27, FAULT C-24: a modern stream that breaks loses its call immediately, with or without
/// event ids, and is not resumed.
#[tokio::test(start_paused = true)]
async fn a_modern_stream_is_never_resumed() {
    let mut peer = Peer::new();
    let client = peer.modern().await;
    for clean in [true, false] {
        let call = client.call("tools/call", args(r#"{"name":"a"}"#), CallOptions::default());
        let stream = peer.post("tools/call").await.events();
        stream.raw("id: 1\nretry: 1\ndata:\n\n");
        if clean {
            stream.end()
        } else {
            stream.cut()
        }
        let error = call.await.unwrap_err();
        assert!(matches!(&error, Error::Lost(loss) if loss.kind == LossKind::Cut), "{error:?}");
    }
    peer.silence(std::time::Duration::from_secs(600)).await;
}

/// RPC-C-012, FAULT C-41: a request of a modern server is ignored, and the call continues.
#[tokio::test(start_paused = true)]
async fn a_request_on_a_modern_stream_is_not_answered() {
    let mut peer = Peer::new();
    let client = peer.modern().await;
    let call = client.call("tools/call", args(r#"{"name":"a"}"#), CallOptions::default());
    let ask = peer.post("tools/call").await;
    let answer = ask.answer(&said("done"));
    let stream = ask.events();
    stream.event(r#"{"jsonrpc":"2.0","id":1,"method":"roots/list"}"#);
    stream.event(&answer);
    assert!(call.await.is_ok());
    // The next POST is the next call, not an answer.
    let call = client.call("tools/call", args(r#"{"name":"b"}"#), CallOptions::default());
    peer.post("tools/call").await.result(&said("b"));
    call.await.unwrap();
}

/// SUB-C-010, SUB-C-012: a subscription has a separate stream. Its end is reported, and dropping the subscription
/// closes it.
#[tokio::test(start_paused = true)]
async fn a_subscription_has_a_separate_stream() {
    let mut peer = Peer::new();
    let client = peer.modern().await;
    let filter = SubscriptionFilter::new().tools_list_changed();
    let mut listen = client.listen(filter);
    let ask = peer.post("subscriptions/listen").await;
    let id = ask.id();
    let stream = ask.events();
    let note = |method: &str, rest: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/{method}","params":{{"_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}}{rest}}}}}"#
        )
    };
    stream.event(&note("subscriptions/acknowledged", r#","notifications":{"toolsListChanged":true}"#));
    assert!(matches!(soon(listen.next()).await, Some(SubscriptionEvent::Started { gap: false, .. })));
    // Ten silent minutes are not a failure, because the stream owes no answer.
    tokio::time::sleep(std::time::Duration::from_secs(600)).await;
    stream.event(&note("tools/list_changed", ""));
    assert!(matches!(soon(listen.next()).await, Some(SubscriptionEvent::Changed(_))));
    stream.cut();
    assert!(matches!(soon(listen.next()).await, Some(SubscriptionEvent::Lost)));
    let again = peer.post("subscriptions/listen").await;
    let stream = again.events();
    drop(listen);
    stream.hung_up().await;
}

/// HDR-C-016, HDR-C-017, HDR-C-018, HDR-C-008, HDR-C-022, T-30: annotated arguments travel in headers after the tools
/// were listed.
#[tokio::test(start_paused = true)]
async fn annotated_arguments_become_headers() {
    let mut peer = Peer::new();
    let client = peer.modern().await;
    let tools = r#"{"resultType":"complete","ttlMs":0,"cacheScope":"private","tools":[
        {"name":"geo","inputSchema":{"type":"object","properties":{
            "region":{"type":"string","x-mcp-header":"Region"},
            "deep":{"type":"object","properties":{"n":{"type":"integer","x-mcp-header":"N"}}},
            "flag":{"type":"boolean","x-mcp-header":"Flag"},
            "empty":{"type":"string","x-mcp-header":"Empty"},
            "absent":{"type":"string","x-mcp-header":"Absent"},
            "null":{"type":"string","x-mcp-header":"Null"},
            "free":{"type":"string"}}}},
        {"name":"bad","inputSchema":{"type":"object","properties":{"a":{"type":"object","x-mcp-header":"A"}}}}]}"#;
    let list = tokio::spawn({
        let client = client.clone();
        async move { client.list_tools().await }
    });
    peer.post("tools/list").await.result(tools);
    let names: Vec<String> = list.await.unwrap().unwrap().into_iter().map(|tool| tool.name).collect();
    assert_eq!(names, ["geo"], "a tool with invalid annotations is dropped");

    let arguments = r#"{"region":" ü","deep":{"n":42},"flag":true,"empty":"","null":null,"free":"x"}"#;
    let params = format!(r#"{{"name":"geo","arguments":{arguments}}}"#);
    let call = client.call("tools/call", args(&params), CallOptions::default());
    let ask = peer.post("tools/call").await;
    assert_eq!(ask.header("mcp-param-region"), Some("=?base64?IMO8?="));
    assert_eq!(ask.header("mcp-param-n"), Some("42"));
    assert_eq!(ask.header("mcp-param-flag"), Some("true"));
    assert_eq!(ask.header("mcp-param-empty"), Some(""));
    for name in ["mcp-param-absent", "mcp-param-null", "mcp-param-free"] {
        assert_eq!(ask.header(name), None, "{name}");
    }
    ask.result(&said("ok"));
    call.await.unwrap();

    // An integer beyond 2^53-1 fails the call in the client, and the error says why.
    let params = r#"{"name":"geo","arguments":{"deep":{"n":9007199254740993}}}"#;
    let error = client.call("tools/call", args(params), CallOptions::default()).await.unwrap_err();
    assert!(mcp_core::transport::ErrorChain::new(&error).to_string().contains("2^53-1"), "{error}");

    // A tool that was dropped from the list can be called without headers.
    let call = client.call("tools/call", args(r#"{"name":"bad","arguments":{}}"#), CallOptions::default());
    let ask = peer.post("tools/call").await;
    assert!(ask.headers.keys().all(|name| !name.as_str().starts_with("mcp-param-")));
    ask.result(&said("ok"));
    call.await.unwrap();
}

/// T-31: a notification carries the version and its method.
#[tokio::test(start_paused = true)]
async fn a_modern_notification_names_its_method() {
    let mut peer = Peer::new();
    let client = peer.modern().await;
    client.notify("notifications/kit", None).await.unwrap();
    let ask = peer.post("notifications/kit").await;
    assert_eq!(ask.header("mcp-protocol-version"), Some("2026-07-28"));
    assert_eq!(ask.header("mcp-method"), Some("notifications/kit"));
    ask.status(202);
}

/// FAULT A-B7, A-B8, C-39, C-40: concurrent calls are answered out of order, and each gets its own answer.
#[tokio::test(start_paused = true)]
async fn concurrent_calls_get_their_own_answers_in_any_order() {
    let mut peer = Peer::new();
    let client = peer.modern().await;
    let calls: Vec<_> = (0..40)
        .map(|n| {
            let client = client.clone();
            tokio::spawn(async move {
                let result = client.call_tool(format!("t{n}"), ()).await.unwrap();
                (n, format!("{:?}", result.content))
            })
        })
        .collect();
    let mut asks = Vec::new();
    for _ in 0..40 {
        asks.push(peer.post("tools/call").await);
    }
    for ask in asks.into_iter().rev() {
        let name = ask.header("mcp-name").unwrap().to_owned();
        ask.result(&said(&format!("<{name}>")));
    }
    for call in calls {
        let (n, content) = call.await.unwrap();
        assert!(content.contains(&format!("<t{n}>")), "{n}: {content}");
    }
}
