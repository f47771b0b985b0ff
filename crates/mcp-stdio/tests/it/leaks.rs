//! Nothing is leaked, counted in a process of its own.

use std::fs;

use crate::common::{link, plays, role, sh};

const ROUNDS: usize = 1000;

/// FAULT C-17: after a thousand children, none is left as a zombie and no descriptor is left open.
#[tokio::test]
async fn a_thousand_children_leave_nothing() {
    let mut counting = link(role("leaks::count").spawn().unwrap());
    while counting.recv().await.is_some() {}
    let closed = counting.close().await;
    assert_eq!(closed.exit, Some(0), "{closed}");
}

/// The process of its own. Children are ended in all ways in turn.
#[test]
fn count() {
    if !plays("leaks::count") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        sh("exit 0").spawn().unwrap();
        settle().await;
        let before = descriptors();
        for round in 0..ROUNDS {
            let transport = sh("exec cat").spawn().unwrap();
            match round % 4 {
                0 => drop(transport),
                1 => drop(link(transport)),
                2 => drop(link(transport).receiver),
                _ => assert_eq!(link(transport).close().await.exit, Some(0)),
            }
        }
        settle().await;
        assert_eq!(descriptors(), before);
    });
}

/// Waits until no child is left. A zombie that nobody reaps makes this hang.
async fn settle() {
    let children = format!("/proc/self/task/{}/children", std::process::id());
    loop {
        let threads = fs::read_dir("/proc/self/task").unwrap();
        let none = threads.flatten().all(|thread| {
            fs::read_to_string(thread.path().join("children")).is_ok_and(|children| children.is_empty())
        });
        if none || !fs::exists(&children).unwrap_or(false) {
            break;
        }
        tokio::task::yield_now().await;
    }
    // What was dropped is cleaned up by the runtime's next turns.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}
