//! The transport keeps every promise of the contract, and a client and a server talk over it in both eras.

mod fixture;

use mcp_testkit::{compliance, conversation};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_promise_is_kept() {
    let report = compliance::run(&fixture::fixture()).await;
    // With `--nocapture`: the checks that were skipped, and why.
    println!("{report}");
    report.assert_passed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_conversation_in_both_eras() {
    conversation::run(&fixture::fixture()).await.assert_passed();
}
