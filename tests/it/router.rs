//! What a server made of closures owes on any link: stable lists, untouched payloads, nothing kept by the
//! connection, refusals that the link survives.

use mcp_core::client::{Client, EraMode, PageLimits};
use mcp_core::message::{ErrorObject, ProtocolVersion, RawJson};
use mcp_core::server::{Context, HandlerError, Router, Server, ToolDef};
use mcp_core::transport::{Binding, memory};
use mcp_stdio::StreamTransport;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf};

/// A peer that writes and reads lines.
struct Wire {
    reader: tokio::io::Lines<BufReader<ReadHalf<DuplexStream>>>,
    writer: WriteHalf<DuplexStream>,
}

impl Wire {
    /// A new link to the server.
    fn to(server: &Server) -> Wire {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let server = server.clone();
        tokio::spawn(async move {
            let (reader, writer) = tokio::io::split(theirs);
            server.serve(StreamTransport::new(reader, writer)).await;
        });
        let (reader, writer) = tokio::io::split(ours);
        Wire { reader: BufReader::new(reader).lines(), writer }
    }

    /// A link with a legacy client that has finished its handshake.
    async fn legacy(server: &Server, version: &str) -> Wire {
        let mut wire = Wire::to(server);
        let params = format!(
            r#"{{"protocolVersion":"{version}","capabilities":{{}},"clientInfo":{{"name":"t","version":"1"}}}}"#
        );
        let answer = wire.ask(&format!(r#""method":"initialize","params":{params}"#)).await;
        assert!(answer.contains(version), "{answer}");
        wire.write(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
        wire
    }

    async fn write(&mut self, line: &str) {
        self.writer.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    async fn read(&mut self) -> String {
        self.reader.next_line().await.unwrap().unwrap()
    }

    /// The answer to a request with id 7 and these members.
    async fn ask(&mut self, members: &str) -> String {
        self.write(&format!(r#"{{"jsonrpc":"2.0","id":7,{members}}}"#)).await;
        self.read().await
    }

    /// The answer to a modern request: more `_meta`, client capabilities, more params.
    async fn modern_with(&mut self, method: &str, meta: &str, capabilities: &str, members: &str) -> String {
        let comma = |text: &str| if text.is_empty() { String::new() } else { format!(",{text}") };
        let (meta, members) = (comma(meta), comma(members));
        self.ask(&format!(
            r#""method":"{method}","params":{{"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{capabilities}{meta}}}{members}}}"#
        ))
        .await
    }

    async fn modern(&mut self, method: &str, members: &str) -> String {
        self.modern_with(method, "", "{}", members).await
    }
}

fn named(name: &str) -> ToolDef {
    ToolDef::new(name).description("One of many")
}

async fn ok(_: RawJson, _: Context) -> Result<&'static str, HandlerError> {
    Ok("ok")
}

/// Some tools, in no order, and what the tests below call.
fn server() -> Server {
    let mut router = Router::new();
    for name in ["pear", "apple", "quince", "fig", "Zebra", "ähre", "10", "9"] {
        router = router.tool(named(name), ok);
    }
    let router = router
        .method("x/echo", |params, _| async move { Ok(RawJson::object([("got", params)])) })
        .method("x/task", |_, _| async {
            let meta =
                r#"{"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"t-1","n":1.50}},"v":1e3}"#;
            Ok(RawJson::parse(meta).unwrap())
        })
        .method("com.example/extended", |_, context: Context| async move {
            let declared = context.client_capabilities().member("extensions");
            match declared.and_then(|extensions| extensions.member("com.example/extension")) {
                Some(_) => Ok(RawJson::object([("extended", RawJson::TRUE)])),
                None => Err(ErrorObject::invalid_params("com.example/extension was not declared").into()),
            }
        })
        .method("com.example/hidden", |_, _| async {
            Err::<RawJson, _>(ErrorObject::method_not_found("com.example/hidden").into())
        })
        .method("x/fail", |params, _| async move {
            let code = params.member("code").and_then(|code| code.deserialize::<i64>().ok());
            Err::<RawJson, _>(ErrorObject::new(code.unwrap_or_default(), "as told").into())
        });
    Server::builder("router", "1.0.0").build(router).unwrap()
}

fn code(answer: &str) -> i64 {
    let (_, rest) = answer.split_once(r#""code":"#).unwrap_or_else(|| panic!("no error: {answer}"));
    rest.split([',', '}']).next().unwrap().parse().unwrap()
}

/// DISC-S-011, DISC-S-012: the same list, byte for byte, on every connection, in both eras, whatever was
/// called in between, and by a server that was set up the same way elsewhere.
#[tokio::test(start_paused = true)]
async fn lists_are_the_same_on_every_connection_and_every_time() {
    let (one, other) = (server(), server());
    let mut first = Wire::to(&one);
    let list = first.modern("tools/list", "").await;
    assert_eq!(list.matches("One of many").count(), 8, "{list}");
    for tool in ["fig", "none"] {
        first.modern("tools/call", &format!(r#""name":"{tool}""#)).await;
    }
    first.modern("x/echo", "").await;
    assert_eq!(first.modern("tools/list", "").await, list);
    assert_eq!(Wire::to(&one).modern("tools/list", "").await, list);
    assert_eq!(Wire::to(&other).modern("tools/list", "").await, list);

    let mut legacy = Wire::legacy(&one, "2025-11-25").await;
    let list = legacy.ask(r#""method":"tools/list""#).await;
    legacy.ask(r#""method":"tools/call","params":{"name":"fig"}"#).await;
    assert_eq!(legacy.ask(r#""method":"tools/list""#).await, list);
    assert_eq!(Wire::legacy(&other, "2025-11-25").await.ask(r#""method":"tools/list""#).await, list);
}

/// META-B-021: a `task` parameter and `_meta` of a related task pass as they came, in both directions.
#[tokio::test(start_paused = true)]
async fn task_parameters_and_related_task_metadata_pass_untouched() {
    let task = r#""task":{"ttl":60000,"x":1.50}"#;
    let related = r#""io.modelcontextprotocol/related-task":{"taskId":"t-1","n":1.50}"#;
    let server = server();
    let mut legacy = Wire::legacy(&server, "2025-11-25").await;
    let params = format!(r#"{{"_meta":{{{related}}},{task}}}"#);
    let echoed = legacy.ask(&format!(r#""method":"x/echo","params":{params}"#)).await;
    assert_eq!(echoed, format!(r#"{{"jsonrpc":"2.0","id":7,"result":{{"got":{params}}}}}"#));
    // A server without tasks runs the tool as if nothing had been asked.
    for task in [task, r#""task":{}"#] {
        let called = legacy.ask(&format!(r#""method":"tools/call","params":{{"name":"fig",{task}}}"#)).await;
        assert!(called.contains(r#""text":"ok""#), "{called}");
    }
    let back = legacy.ask(r#""method":"x/task""#).await;
    assert_eq!(back, format!(r#"{{"jsonrpc":"2.0","id":7,"result":{{"_meta":{{{related}}},"v":1e3}}}}"#));

    let mut modern = Wire::to(&server);
    let echoed = modern.modern_with("x/echo", related, "{}", task).await;
    assert!(echoed.contains(&format!(",{related}}},{task}}}")), "{echoed}");
    let back = modern.modern("x/task", "").await;
    assert!(back.contains(related) && back.contains(r#""v":1e3"#), "{back}");

    // Our client strips nothing either, on the way out and on the way back.
    for era in [EraMode::Modern, EraMode::Legacy(ProtocolVersion::V2025_11_25)] {
        let client = client(&server, era).await;
        let result = client.request("x/echo", Some(RawJson::parse(params.clone()).unwrap())).await.unwrap();
        let got = result.raw().member("got").unwrap().to_string();
        assert!(got.contains(related) && got.contains(task), "{got}");
        let result = client.request("x/task", None).await.unwrap();
        assert!(result.raw().to_string().contains(related), "{}", result.raw());
    }
}

async fn client(server: &Server, era: EraMode) -> Client {
    let (connector, listener) = memory::connector(Binding::STREAM);
    tokio::spawn(listener.serve(server.clone()));
    Client::builder("test", "1").era(era).connect(connector).await.unwrap()
}

/// DISC-C-008, DISC-B-009: one link carries any number of conversations, in turn and at once, and what one
/// of them said of itself holds for its own requests only.
#[tokio::test(start_paused = true)]
async fn one_link_carries_many_conversations_and_keeps_nothing_between_them() {
    let server = server();
    let mut wire = Wire::to(&server);
    let extension = r#"{"extensions":{"com.example/extension":{}}}"#;
    for _ in 0..3 {
        // One that declares the extension, then one that does not, under the same id.
        let told = wire.modern_with("com.example/extended", "", extension, "").await;
        assert!(told.contains(r#""extended":true"#), "{told}");
        assert_eq!(code(&wire.modern("com.example/extended", "").await), -32602);
    }
    // A legacy conversation begins on the same link, and the modern one does not notice.
    let params =
        r#"{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}"#;
    wire.ask(&format!(r#""method":"initialize","params":{params}"#)).await;
    let legacy = wire.ask(r#""method":"tools/call","params":{"name":"fig"}"#).await;
    assert!(!legacy.contains("resultType"), "{legacy}");
    let modern = wire.modern("tools/call", r#""name":"fig""#).await;
    assert!(modern.contains(r#""resultType":"complete""#), "{modern}");
    // What a legacy client declared is nothing that a modern request could lean on.
    let legacy = wire.ask(r#""method":"com.example/extended""#).await;
    assert_eq!(code(&legacy), -32602);

    let client = client(&server, EraMode::Modern).await;
    let conversation = |count: i64| {
        let client = client.clone();
        async move {
            for turn in 0..count {
                let params = RawJson::object([("turn", RawJson::integer(turn))]);
                let result = client.request("x/echo", Some(params)).await.unwrap();
                let got = result.raw().member("got").unwrap();
                assert_eq!(got.member("turn"), Some(RawJson::integer(turn)));
            }
        }
    };
    futures::future::join_all((1..10).map(conversation)).await;
    assert_eq!(server.links(), 2);
    conversation(3).await;
    assert_eq!(server.links(), 2);
}

/// META-B-015: a method of an extension that the client did not declare is the handler's to refuse. The
/// refusal passes as it is, and the link lives on.
#[tokio::test(start_paused = true)]
async fn an_undeclared_extension_is_the_handlers_to_refuse() {
    let server = server();
    for mut wire in [Wire::to(&server), Wire::legacy(&server, "2025-11-25").await] {
        assert_eq!(code(&wire.modern("com.example/extended", "").await), -32602);
        let hidden = wire.modern("com.example/hidden", "").await;
        assert_eq!(code(&hidden), -32601);
        assert_eq!(code(&wire.modern("com.example/unknown", "").await), -32601);
        let after = wire.modern("tools/call", r#""name":"fig""#).await;
        assert!(after.contains(r#""text":"ok""#), "{after}");
    }
    let mut legacy = Wire::legacy(&server, "2025-06-18").await;
    assert_eq!(code(&legacy.ask(r#""method":"com.example/extended""#).await), -32602);
    assert_eq!(code(&legacy.ask(r#""method":"com.example/hidden""#).await), -32601);
    assert!(legacy.ask(r#""method":"tools/call","params":{"name":"fig"}"#).await.contains(r#""text":"ok""#));
}

/// RPC-B-013: on 2026-07-28 a server sends no request, whatever a handler tries, and takes no response;
/// what a client may not ask is refused.
#[tokio::test(start_paused = true)]
async fn no_direction_exists_but_the_two() {
    let router = Router::new().method("x/ask", |_, context: Context| async move {
        for method in ["ping", "roots/list", "sampling/createMessage", "x/own"] {
            if context.request(method, None).await.is_ok() {
                return Err(ErrorObject::internal("it was asked").into());
            }
        }
        for method in ["roots/list", "notifications/cancelled", "notifications/initialized"] {
            context.notify(method, None).await;
        }
        Ok(RawJson::object([("quiet", RawJson::TRUE)]))
    });
    let server = Server::builder("router", "1.0.0").build(router).unwrap();
    let mut wire = Wire::to(&server);
    let everything = r#"{"roots":{},"sampling":{},"elicitation":{}}"#;
    // The next line is the answer: nothing was sent before it.
    let answer = wire.modern_with("x/ask", "", everything, "").await;
    assert!(answer.contains(r#""quiet":true"#), "{answer}");
    // A response answers nothing, and is answered by nothing.
    wire.write(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#).await;
    wire.write(r#"{"jsonrpc":"2.0","id":"x","error":{"code":1,"message":"no"}}"#).await;
    for method in
        ["roots/list", "sampling/createMessage", "elicitation/create", "ping", "notifications/progress"]
    {
        let refused = wire.modern_with(method, "", everything, "").await;
        assert_eq!(code(&refused), -32601, "{method}: {refused}");
    }
}

/// FAULT A-B23: a client follows the cursors over many pages, to every entry once, in both eras; a limit
/// is named.
#[tokio::test(start_paused = true)]
async fn a_client_follows_the_pages_of_a_long_list() {
    for size in [1, 7, 250] {
        let mut router = Router::new().page_size(size);
        for number in 0..250 {
            router = router.tool(named(&format!("tool-{number:03}")), ok);
        }
        let server = Server::builder("router", "1.0.0").build(router).unwrap();
        for era in [EraMode::Modern, EraMode::Legacy(ProtocolVersion::V2025_06_18)] {
            let client = client(&server, era).await;
            let tools = client.list_tools().await.unwrap();
            let names: Vec<String> = tools.into_iter().map(|tool| tool.name).collect();
            let expected: Vec<String> = (0..250).map(|number| format!("tool-{number:03}")).collect();
            assert_eq!(names, expected, "{size}");
            let limits = PageLimits::new().items(249);
            let error = client.list_all("tools/list", "tools", limits).await.unwrap_err();
            assert!(error.to_string().contains("items of a list"), "{error}");
        }
    }
}

/// ERR-B-005, ERR-B-001, ERR-B-003, ERR-B-004: an application's own codes pass as they are; those that the
/// specification keeps for itself do not leave under a handler's name.
#[tokio::test(start_paused = true)]
async fn codes_of_the_application_pass_and_reserved_ones_do_not() {
    let server = server();
    let mut modern = Wire::to(&server);
    let mut legacy = Wire::legacy(&server, "2025-11-25").await;
    let own = [-1, 0, 1, 404, 32_000, -31_999, -32_800, -40_000, i64::from(i32::MAX)];
    for own in own.into_iter().chain([-32_600, -32_601, -32_602, -32_603]) {
        assert_eq!(code(&modern.modern("x/fail", &format!(r#""code":{own}"#)).await), own);
        let answer = legacy.ask(&format!(r#""method":"x/fail","params":{{"code":{own}}}"#)).await;
        assert_eq!(code(&answer), own, "{answer}");
        assert!(answer.contains("as told"), "{answer}");
    }
    for (reserved, expected) in
        [(-32_000, -32_603), (-32_001, -32_603), (-32_002, -32_602), (-32_019, -32_603)].into_iter().chain([
            (-32_023, -32_603),
            (-32_042, -32_603),
            (-32_099, -32_603),
        ])
    {
        let answer = modern.modern("x/fail", &format!(r#""code":{reserved}"#)).await;
        assert_eq!(code(&answer), expected, "{reserved}: {answer}");
    }
    // Codes of the modern era alone mean nothing to a legacy client.
    for reserved in [-32_020, -32_021, -32_022] {
        let answer = legacy.ask(&format!(r#""method":"x/fail","params":{{"code":{reserved}}}"#)).await;
        assert_eq!(code(&answer), -32_603, "{reserved}: {answer}");
    }
}
