//! Nothing is leaked, counted in a separate process.

use std::fs;
use std::time::{Duration, Instant};

use crate::common::{link, patient, patient_sh, plays, role, sh};

const ROUNDS: usize = 1000;

/// Far more than the last children take to go: only a leak reaches it.
const LEAK: Duration = Duration::from_secs(120);

/// FAULT C-17: after a thousand children, none is left as a zombie, no descriptor is left open, and no
/// thread that waited for one of them is left.
#[tokio::test]
async fn a_thousand_children_leave_nothing() {
    let mut counting = link(role("leaks::count").shutdown_timeouts(patient()).spawn().unwrap());
    while counting.recv().await.is_some() {}
    let closed = counting.close().await;
    assert_eq!(closed.exit, Some(0), "{closed}");
}

/// The separate process. Children are ended in all ways in turn.
#[test]
fn count() {
    if !plays("leaks::count") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let threads = threads();
        sh("exit 0").spawn().unwrap();
        settle(threads).await;
        let before = descriptors();
        for round in 0..ROUNDS {
            let transport = patient_sh("exec cat").spawn().unwrap();
            match round % 4 {
                0 => drop(transport),
                1 => drop(link(transport)),
                2 => drop(link(transport).receiver),
                _ => assert_eq!(link(transport).close().await.exit, Some(0)),
            }
        }
        settle(threads).await;
        assert_eq!(descriptors(), before);
    });
}

/// Waits until no child is left, zombies included, and no more than these threads.
async fn settle(threads: usize) {
    let started = Instant::now();
    while !children().is_empty() || self::threads() > threads {
        assert!(started.elapsed() < LEAK, "children: {:?}, threads: {}", children(), self::threads());
        tokio::task::yield_now().await;
    }
    // What was dropped is cleaned up by the runtime's next turns.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

/// The children of all threads, where the system tells. A thread may end while it is looked at.
fn children() -> String {
    let threads = fs::read_dir("/proc/self/task").unwrap().flatten();
    threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok()).collect()
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}
