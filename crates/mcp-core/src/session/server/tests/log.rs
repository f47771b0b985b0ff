//! Log messages: who wants them, and from which level on.

use super::*;

const ALL: [LogLevel; 8] = [
    LogLevel::Debug,
    LogLevel::Info,
    LogLevel::Notice,
    LogLevel::Warning,
    LogLevel::Error,
    LogLevel::Critical,
    LogLevel::Alert,
    LogLevel::Emergency,
];

fn heard(peer: &mut Peer, exchange: u64) -> usize {
    ALL.into_iter().filter(|level| !peer.log(exchange, *level).is_empty()).count()
}

/// META-S-017, META-S-018: by the level of this very request; none for one that named none.
#[test]
fn a_modern_request_names_its_level() {
    for (index, level) in ALL.into_iter().enumerate() {
        let mut peer = Peer::new();
        let meta = format!(r#""io.modelcontextprotocol/logLevel":"{}""#, level.as_str());
        peer.line(&modern_meta("1", "tools/call", &meta, "{}", ""));
        peer.line(&modern("2", "tools/call", ""));
        assert_eq!(peer.context().log_level, None);
        assert_eq!(heard(&mut peer, 1), 8 - index);
        assert_eq!(heard(&mut peer, 2), 0);
        peer.result(1, "{}");
        assert_eq!(heard(&mut peer, 1), 0);
    }
}

/// META-S-019: `logging/setLevel` holds for the link; before it `info` and above is sent.
#[test]
fn a_legacy_level_holds_for_the_link() {
    let mut peer = Peer::legacy("2025-11-25", "{}");
    peer.line(&bare("1", "tools/call", "{}"));
    assert_eq!(heard(&mut peer, 1), 7);
    let lines = peer.line(&bare("2", "logging/setLevel", r#"{"level":"error"}"#));
    assert_eq!(lines, [r#"{"id":2,"result":{}}"#]);
    assert_eq!(heard(&mut peer, 1), 4);
    for params in [r#"{"level":"loud"}"#, r#"{"level":3}"#, "{}"] {
        assert_eq!(code(&peer.line(&bare("3", "logging/setLevel", params))), -32602);
    }
    assert_eq!(heard(&mut peer, 1), 4);
}

/// META-S-012: a server without the capability sends no legacy log messages.
#[test]
fn without_the_capability_nothing_is_logged() {
    let mut peer =
        Peer::with(Binding::STREAM, |config| config.capabilities = raw("{}")).open("2025-11-25", "{}");
    peer.line(&bare("1", "tools/call", "{}"));
    assert_eq!(peer.context().log_level, None);
    assert_eq!(heard(&mut peer, 1), 0);
}

/// The form, on the lane of the request; raw messages pass the same gate.
#[test]
fn a_log_message_stays_on_its_lane() {
    let mut peer = Peer::with(POSTS, |_| {});
    peer.on(5, &modern_meta("1", "tools/call", r#""io.modelcontextprotocol/logLevel":"error""#, "{}", ""));
    peer.session.log(peer.now, ExchangeId(1), LogLevel::Alert, Some("db"), raw(r#"{"a":1}"#));
    assert_eq!(
        peer.drain(),
        [r#"@5 {"method":"notifications/message","params":{"level":"alert","logger":"db","data":{"a":1}}}"#]
    );
    let method = "notifications/message";
    assert!(peer.notify(1, method, r#"{"level":"info","data":1}"#).is_empty());
    assert!(peer.notify(1, method, r#"{"data":1}"#).is_empty());
    assert_eq!(peer.notify(1, method, r#"{"level":"error","data":1}"#).len(), 1);
}
