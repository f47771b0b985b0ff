//! What `cargo xtask new-transport` makes compiles, and is red with a report that says where to go on.

use mcp_core::transport::Transport;
use mcp_testkit::{compliance, conversation};

#[path = "../../xtask/templates/tests/fixture/mod.rs"]
mod fixture;

#[tokio::test]
async fn a_new_transport_is_red_and_its_report_says_what_is_not_written() {
    let report = compliance::run(&fixture::fixture()).await;
    assert_eq!(
        (report.passed(), report.failed().count()),
        (0, report.checks.len() - report.skipped().count())
    );
    let text = report.to_string();
    let seen = "No check got beyond this: connect failed: the program or address cannot be used: connect is not written yet (src/lib.rs)\n";
    assert!(
        text.contains(seen) && text.contains("\n1. Minting: not reached\n   \"On a client link the session"),
        "{text}"
    );

    let talk = conversation::run(&fixture::fixture()).await.to_string();
    assert!(talk.contains("   FAIL  connect: ") && talk.contains("connect is not written yet"), "{talk}");
}

/// Once `connect` gives a link, the next thing that is missing is named.
#[tokio::test]
async fn the_link_of_a_new_transport_says_the_same() {
    let (mut sender, mut receiver) = Box::new(crate::sketch_lib::Link {}).split();
    let text = receiver.recv().await.unwrap_err().to_string();
    assert_eq!(text, "recv is not written yet (src/lib.rs)");
    assert!(sender.close().await.is_ok());
}
