//! How children end, and what is left: nothing.

use std::time::Duration;

use tokio::time::timeout;

use crate::common::{HANG, Witness, link, outbound, patient, patient_sh, request, sh, short};

/// STDIO-C-008, STDIO-C-009, FAULT A-B27: the first stage: a polite child exits when its input ends.
#[tokio::test]
async fn a_polite_child_exits_when_its_input_is_closed() {
    let mut child = link(patient_sh("cat >/dev/null; exit 4").spawn().unwrap());
    let closed = child.close().await;
    assert_eq!((closed.exit, closed.signal), (Some(4), None));
    assert_eq!(closed.note.as_deref(), Some("exited when its input was closed"));
    assert!(child.recv().await.is_none());
    assert_eq!(child.close().await, closed, "idempotent");
}

/// STDIO-C-008: the second stage: SIGTERM, which a child may handle.
#[tokio::test]
async fn a_child_that_stays_gets_sigterm() {
    let script = "trap 'exit 7' TERM; echo ready; while :; do sleep 1; done";
    let mut child = link(sh(script).shutdown_timeouts(short().terminate(HANG)).spawn().unwrap());
    child.refusal().await;
    let closed = child.close().await;
    assert_eq!((closed.exit, closed.signal), (Some(7), None));
    assert_eq!(closed.note.as_deref(), Some("ended by SIGTERM, 50ms after its input was closed"));
}

/// STDIO-C-009, FAULT C-16: the third stage, for the whole group.
#[tokio::test]
async fn a_child_that_ignores_sigterm_is_killed() {
    let witness = Witness::new();
    let script = "trap '' TERM; echo ready; while :; do sleep 1; done";
    let mut child = link(witness.sh(script).shutdown_timeouts(short()).spawn().unwrap());
    let gone = witness.watch().await;
    child.refusal().await;
    let closed = child.close().await;
    assert_eq!((closed.exit, closed.signal), (None, Some(9)));
    assert_eq!(closed.note.as_deref(), Some("killed, 50ms after SIGTERM"));
    gone.await;
}

/// FAULT C-15, A-B27: the exit of the process counts, not the end of its output; and what it started goes
/// with it.
#[tokio::test]
async fn a_grandchild_that_holds_the_pipes_does_not_hold_the_close() {
    let witness = Witness::new();
    let script = witness.sh("sleep 1000 & exec cat").shutdown_timeouts(patient());
    let mut child = link(script.spawn().unwrap());
    let gone = witness.watch().await;
    child.echo(1, "x").await;
    let closed = child.close().await;
    assert_eq!(closed.exit, Some(0));
    assert_eq!(closed.note.as_deref(), Some("exited when its input was closed"));
    gone.await;
    assert!(child.recv().await.is_none());
}

/// FAULT C-3, C-15, STDIO-S-010: a reply that is in the pipe is read though the child has exited, and the
/// link ends though a grandchild holds the pipe.
#[tokio::test]
async fn the_last_reply_of_a_child_that_exits_is_read() {
    let witness = Witness::new();
    let script = r#"read line; sleep 1000 & printf '{"jsonrpc":"2.0","id":1,"result":{}}\n'; exit 3"#;
    let mut child = link(witness.sh(script).spawn().unwrap());
    let gone = witness.watch().await;
    child.send(request(1, "x")).await;
    assert_eq!(child.response().await.id, Some(1.into()));
    assert!(child.recv().await.is_none());
    let closed = child.close().await;
    assert_eq!((closed.exit, closed.note), (Some(3), None));
    gone.await;
}

// FAULT C-15, A-B27.
/// What a child leaves behind ends soon after it, also if the link is not closed.
#[tokio::test]
async fn what_a_child_leaves_behind_ends_while_the_link_is_open() {
    let witness = Witness::new();
    let mut child = link(witness.sh("sleep 1000 & exit 3").spawn().unwrap());
    let gone = witness.watch().await;
    assert!(child.recv().await.is_none());
    gone.await;
    assert_eq!(child.close().await.exit, Some(3));
}

// FAULT C-3, C-15.
/// The link ends although a grandchild that has left the process group, and so gets no signal, holds the pipe.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_grandchild_elsewhere_does_not_hold_the_link() {
    use rustix::process::{Pid, Signal, kill_process};

    let script = r#"setsid sleep 1000 & printf '{"jsonrpc":"2.0","id":%s,"result":{}}\n' $!; exit 3"#;
    let mut child = link(sh(script).spawn().unwrap());
    let id = child.response().await.id.unwrap().to_string();
    let ended = timeout(HANG, child.recv()).await;
    let closed = child.close().await;
    // Unless it was killed before it had left.
    let _gone = kill_process(Pid::from_raw(id.parse().unwrap()).unwrap(), Signal::KILL);
    assert!(ended.unwrap().is_none());
    assert_eq!(closed.exit, Some(3));
}

/// FAULT C-1, A-B29: a child that is killed ends the link at once, and the report tells by what.
#[tokio::test]
async fn a_killed_child_is_reported_with_its_signal_and_last_words() {
    let mut child = link(sh("read line; echo dying >&2; kill -9 $$").spawn().unwrap());
    child.send(request(1, "x")).await;
    assert!(child.recv().await.is_none());
    let closed = child.close().await;
    assert_eq!((closed.exit, closed.signal), (None, Some(9)));
    assert_eq!(closed.stderr_tail.as_deref(), Some("dying\n"));
    assert_eq!(closed.note, None, "nothing had to be done");
    assert_eq!(closed.to_string(), "ended by signal 9; stderr: dying");
}

/// FAULT C-1: sending to a child that is gone fails for good, and does not end our process.
#[tokio::test]
async fn sending_to_a_child_that_is_gone_is_fatal() {
    let mut child = link(sh("exit 0").spawn().unwrap());
    assert!(child.recv().await.is_none());
    // The end of its output can be seen a moment before its input is closed.
    while child.sender.send(outbound(request(1, "x"))).await.is_ok() && child.sender.flush().await.is_ok() {}
    assert!(child.sender.send(outbound(request(2, "x"))).await.is_err());
    assert_eq!(child.close().await.exit, Some(0));
}

// FAULT C-1, F-C14.
/// A child that is not a server prints a line and exits: both are reported, also if the failed write is noticed before anything
/// was read, and the close is polled before the read.
#[tokio::test]
async fn what_an_exited_child_has_printed_is_reported_after_a_failed_write() {
    let mut child = link(patient_sh("exec 0<&-; echo 'no API key'; exit 3").spawn().unwrap());
    // The pipe takes what is sent until the child has closed its end.
    while child.sender.send(outbound(request(1, "x"))).await.is_ok() && child.sender.flush().await.is_ok() {
        tokio::task::yield_now().await;
    }
    let receiver = &mut child.receiver;
    let drain = async {
        while let Ok(Some(_)) = receiver.recv().await {}
        std::future::pending::<()>().await;
    };
    let closed = tokio::select! {
        biased;
        closed = child.sender.close() => closed.unwrap(),
        () = drain => unreachable!(),
    };
    assert_eq!(closed.exit, Some(3), "{closed}");
    let note = closed.note.unwrap();
    assert!(note.ends_with("its stdout has a line that is not MCP, the first: `no API key`"), "{note}");
}

/// FAULT C-2, STDIO-S-010: a child that closes its output has closed the link, though it lives.
#[tokio::test]
async fn a_child_that_closes_its_output_has_closed_the_link() {
    let mut child = link(patient_sh("exec >&-; cat >/dev/null 2>&1; exit 5").spawn().unwrap());
    assert!(child.recv().await.is_none());
    assert!(child.recv().await.is_none());
    // With its output closed `cat >/dev/null` still waits for the end of its input.
    assert_eq!(child.close().await.exit, Some(5));
}

/// FAULT C-12, A-B14: a child that never reads blocks one flush, which can be given up, and nothing else.
#[tokio::test]
async fn a_child_that_never_reads_can_be_closed() {
    let mut deaf = link(sh("exec sleep 1000").shutdown_timeouts(short()).spawn().unwrap());
    let large = "x".repeat(1 << 20);
    let stuck = deaf.sender.send(outbound(request(1, &large)));
    assert!(timeout(Duration::from_millis(20), stuck).await.is_err());
    let mut other = link(sh("exec cat").spawn().unwrap());
    other.echo(1, "x").await;
    let closed = deaf.close().await;
    assert_eq!(closed.signal, Some(15));
}

/// Closing is cancel-safe: the second call goes on where the first was dropped.
#[tokio::test]
async fn a_dropped_close_is_taken_up_again() {
    let script = "trap '' TERM; echo ready; while :; do sleep 1; done";
    let mut child = link(sh(script).shutdown_timeouts(short()).spawn().unwrap());
    child.refusal().await;
    let mut dropped = 0;
    let closed = loop {
        match timeout(Duration::from_millis(1), child.sender.close()).await {
            Ok(closed) => break closed.unwrap(),
            Err(_) => dropped += 1,
        }
        // One that begins again does not come to its end.
        assert!(dropped < HANG.as_millis());
    };
    assert!(dropped > 0);
    assert_eq!(closed.signal, Some(9));
}

/// FAULT A-B26, A-B28: a link that is dropped, split or not, takes the whole group with it.
#[tokio::test]
async fn a_dropped_link_leaves_no_process() {
    for split in [false, true] {
        let witness = Witness::new();
        let transport = witness.sh("trap '' TERM; sleep 1000 & sleep 1000").spawn().unwrap();
        let gone = witness.watch().await;
        if split {
            let child = link(transport);
            drop(child.sender);
            drop(child.receiver);
        } else {
            drop(transport);
        }
        gone.await;
    }
}

/// FAULT C-49: also when the runtime is gone, and the drop happens outside.
#[test]
fn a_link_dropped_after_its_runtime_leaves_no_process() {
    let witness = Witness::new();
    let outer = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let inner = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let transport = inner.block_on(async { witness.sh("sleep 1000 & sleep 1000").spawn().unwrap() });
    let gone = outer.block_on(witness.watch());
    drop(inner);
    drop(transport);
    outer.block_on(gone);
}
