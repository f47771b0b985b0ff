//! What a gateway's handler may do that others do not: pass replies on as they came, and serve the session's own methods.

use super::*;

fn gateway(binding: Binding) -> Peer {
    Peer::with(binding, |config| {
        config.pass_through = true;
        config.log_level = LogLevel::Debug;
    })
}

/// D5: nothing is added to a result of another server, no code is replaced, in either era.
#[test]
fn a_verbatim_reply_goes_out_as_it_came() {
    let result = r#"{"n":2.5e-308,"resultType":"x/streamed"}"#;
    for era in ["legacy", "modern"] {
        let mut peer = Peer::with(POSTS, |config| config.send_info = true);
        if era == "legacy" {
            peer = peer.open("2025-11-25", "{}");
        }
        let ask = |id: &str| match era {
            "legacy" => bare(id, "tools/list", "{}"),
            _ => modern(id, "tools/list", ""),
        };
        peer.on(5, &ask("1"));
        let sent = peer.reply(1, Reply::Verbatim(Ok(raw(result))));
        assert_eq!(sent, [format!(r#"@5! {{"id":1,"result":{result}}}"#)], "{era}");

        peer.on(6, &ask("2"));
        let error = ErrorObject::new(-32050, "mine").with_data(raw(r#"{"n":1.0}"#));
        let sent = peer.reply(2, Reply::Verbatim(Err(error)));
        assert!(
            sent[0].ends_with(r#"{"code":-32050,"message":"mine","data":{"n":1.0}}}"#),
            "{era}: {sent:?}"
        );

        // A binding with a status reports an unknown method as its own.
        peer.on(7, &ask("3"));
        let sent = peer.reply(3, Reply::Verbatim(Err(ErrorObject::method_not_found("tools/list"))));
        assert!(sent[0].ends_with("protocol"), "{era}: {sent:?}");

        peer.on(8, &ask("4"));
        assert_eq!(code(&peer.reply(4, Reply::Verbatim(Ok(raw("[]"))))), -32603);
    }
}

/// The handler answers what the session answers otherwise. The session keeps the level, and checks the params.
#[test]
fn the_handler_serves_levels_and_subscriptions_of_a_legacy_client() {
    let mut peer = gateway(Binding::STREAM).open("2025-11-25", "{}");
    let requests = [
        ("logging/setLevel", r#"{"level":"error"}"#),
        ("resources/subscribe", r#"{"uri":"a:b"}"#),
        ("resources/unsubscribe", r#"{"uri":"a:b"}"#),
    ];
    for (at, (method, params)) in requests.into_iter().enumerate() {
        let exchange = at as u64 + 1;
        assert_eq!(peer.line(&bare("7", method, params)), [format!("request #{exchange} {method}")]);
        assert_eq!(peer.result(exchange, "{}"), [r#"{"id":7,"result":{}}"#]);
        assert_eq!(code(&peer.line(&bare("8", method, "{}"))), -32602, "{method}");
    }
    peer.line(&bare("9", "tools/call", "{}"));
    assert!(peer.log(4, LogLevel::Warning).is_empty());
    assert_eq!(peer.log(4, LogLevel::Error).len(), 1);
}

const OPEN: &str = r#""notifications":{"toolsListChanged":true}"#;
const ACK: &str = "notifications/subscriptions/acknowledged";

/// A subscription is an exchange of the handler: its acknowledgement and its changes travel on it, and its end is
/// reported on a stream as by the session itself. CANC-S-011.
#[test]
fn the_handler_serves_a_subscription() {
    let mut peer = gateway(Binding::STREAM);
    assert_eq!(peer.line(&modern("3", "subscriptions/listen", OPEN)), ["request #1 subscriptions/listen"]);
    for method in [ACK, "notifications/tools/list_changed", "notifications/x"] {
        assert_eq!(
            peer.notify(1, method, r#"{"n":1}"#),
            [format!(r#"{{"method":"{method}","params":{{"n":1}}}}"#)]
        );
    }
    assert!(peer.notify(1, "notifications/cancelled", r#"{"requestId":3}"#).is_empty());
    let end = peer.reply(1, Reply::Verbatim(Ok(raw(r#"{"resultType":"complete"}"#))));
    assert_eq!(end[0], r#"{"id":3,"result":{"resultType":"complete"}}"#);
    assert_eq!(end[1], r#"{"method":"notifications/cancelled","params":{"requestId":3}}"#);

    // No other request carries changes.
    peer.line(&modern("4", "tools/call", ""));
    assert!(peer.notify(2, "notifications/tools/list_changed", "{}").is_empty());
    assert_eq!(code(&peer.line(&modern("5", "subscriptions/listen", ""))), -32602);
}

/// The end of input ends subscriptions that the handler serves, so that they do not hold the link open.
#[test]
fn the_end_of_input_ends_the_handler_s_subscriptions() {
    let mut peer = gateway(Binding::STREAM);
    peer.line(&modern("3", "subscriptions/listen", OPEN));
    peer.session.handle_read_closed(peer.now);
    let lines = peer.drain();
    assert_eq!(lines[0], "cancelled #1");
    assert!(lines.last().unwrap().starts_with("close"), "{lines:?}");
}

/// Messages that belong to no request go to a legacy client that has finished its handshake, and to no other client.
#[test]
fn a_legacy_client_is_reached_outside_of_requests() {
    let mut peer = gateway(POSTS);
    let note = |peer: &mut Peer, method: &'static str, params: &str| {
        peer.session.notify_client(peer.now, Method::from(method), Some(raw(params)));
        peer.drain()
    };
    let complete = "notifications/elicitation/complete";
    assert!(note(&mut peer, complete, "{}").is_empty());
    let mut peer = peer.open("2025-11-25", "{}");
    assert_eq!(note(&mut peer, complete, "{}"), [format!(r#"{{"method":"{complete}","params":{{}}}}"#)]);
    assert_eq!(note(&mut peer, "notifications/message", r#"{"level":"debug","data":1}"#).len(), 1);
    peer.line(&bare("1", "logging/setLevel", r#"{"level":"error"}"#));
    assert!(note(&mut peer, "notifications/message", r#"{"level":"info","data":1}"#).is_empty());
    for stray in
        ["notifications/progress", "notifications/cancelled", "notifications/initialized", "roots/list"]
    {
        assert!(note(&mut peer, stray, "{}").is_empty(), "{stray}");
    }
}

/// A request to the client travels with the request that it belongs to. HTTP has a stream for it there.
#[test]
fn a_request_to_the_client_travels_with_its_exchange() {
    let mut peer = Peer::with(POSTS, |_| {}).open("2025-11-25", r#"{"roots":{}}"#);
    peer.on(9, &bare("1", "tools/call", "{}"));
    peer.session.request(peer.now, Some(ExchangeId(1)), Method::from("roots/list"), None);
    assert_eq!(peer.drain(), [r#"@9 {"id":1,"method":"roots/list"}"#]);
    peer.session.request(peer.now, None, Method::from("roots/list"), None);
    assert_eq!(peer.drain(), [r#"{"id":2,"method":"roots/list"}"#]);
}
