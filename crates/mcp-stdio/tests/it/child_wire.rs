//! What passes between us and a child.

use mcp_core::message::{Message, RequestId, code};
use mcp_stdio::Limits;

use crate::common::{link, outbound, patient_sh, request, sh};

/// STDIO-C-006, FAULT A-B10: many requests at a time, each with its own answer.
#[tokio::test]
async fn many_requests_are_in_flight_at_a_time() {
    let mut child = link(sh("exec cat").spawn().unwrap());
    for id in 0..64 {
        child.sender.send(outbound(request(id, "x"))).await.unwrap();
    }
    child.sender.flush().await.unwrap();
    for id in 0..64 {
        assert_eq!(child.message().await, request(id, "x"));
    }
}

/// FAULT A-B12: a line of any size below the limit; both directions at a time, or two full pipes would
/// wait for each other.
#[tokio::test]
async fn large_messages_pass_both_ways_at_a_time() {
    let mut child = link(sh("exec cat").spawn().unwrap());
    let text = "é".repeat(1 << 20);
    let sent = async {
        for id in 0..8 {
            child.sender.send(outbound(request(id, &text))).await.unwrap();
        }
        child.sender.flush().await.unwrap();
    };
    let received = async {
        for id in 0..8 {
            match child.receiver.recv().await.unwrap() {
                Some(mcp_core::transport::Inbound::Message { message, .. }) => {
                    assert!(message == request(id, &text));
                }
                other => panic!("{other:?}"),
            }
        }
    };
    tokio::join!(sent, received);
}

/// STDIO-C-003, LIFE-B-019: nothing but messages goes to the child's stdin, not even at the close.
#[tokio::test]
async fn nothing_but_messages_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("captured");
    let command = patient_sh("exec cat >\"$CAPTURE\"").env("CAPTURE", &path);
    let mut child = link(command.spawn().unwrap());
    child.send(request(1, "a")).await;
    child.send(request(2, "b\n")).await;
    child.close().await;
    let mut expected = Vec::new();
    for message in [request(1, "a"), request(2, "b\n")] {
        message.write_to(&mut expected);
        expected.push(b'\n');
    }
    assert_eq!(std::fs::read(&path).unwrap(), expected);
}

/// FAULT C-8, C-9, C-10, A-B13, A-B34: what is not a message is refused line by line, and the link stays open.
#[tokio::test]
async fn garbage_is_refused_line_by_line() {
    let script = r#"echo 'Server v1 starting'; printf '\n\r\n  \n'; printf '"\377"\n{"a":\n[1\n'; exec cat"#;
    let mut child = link(sh(script).spawn().unwrap());
    for _ in 0..4 {
        let refusal = child.refusal().await;
        assert_eq!((refusal.id, refusal.error.code), (None, code::PARSE_ERROR));
    }
    child.echo(1, "x").await;
}

/// FAULT C-7, A-B12: a line above the limit is named with its id; its neighbours pass.
#[tokio::test]
async fn an_oversized_line_is_refused_and_skipped() {
    let script = r#"printf '{"jsonrpc":"2.0","id":"big","result":{"text":"'; head -c 70000 /dev/zero | tr '\0' x
        printf '"}}\n'; exec cat"#;
    let limits = Limits::default().max_line(1000);
    let mut child = link(sh(script).limits(limits).spawn().unwrap());
    let refusal = child.refusal().await;
    assert_eq!(refusal.id, Some(RequestId::from("big")));
    assert!(refusal.error.message.contains("line limit of 1000 bytes"), "{}", refusal.error);
    child.echo(1, "x").await;
    let mut roomy = link(sh(script).spawn().unwrap());
    assert!(matches!(roomy.message().await, Message::Response(_)));
}

/// FAULT C-4: a last line without its newline.
#[tokio::test]
async fn a_partial_last_line_is_read_or_reported() {
    let whole = r#"printf '{"jsonrpc":"2.0","id":1,"result":{}}'"#;
    let mut child = link(sh(whole).spawn().unwrap());
    child.response().await;
    assert!(child.recv().await.is_none());
    let cut = r#"printf '{"jsonrpc":"2.0","id":1,"res'"#;
    let mut child = link(sh(cut).spawn().unwrap());
    assert!(child.refusal().await.error.message.contains("ended within a line"));
    assert!(child.recv().await.is_none());
}
