//! The compliance kit and a conversation over a bad medium, in virtual time. A seed gives the same losses in each run.
#![allow(clippy::unwrap_used)]

use mcp_testkit::{compliance, conversation};
use third_party_radio::{Air, client, server};

const SEEDS: [u64; 3] = [7, 1971, 20_260_728];

fn fixture(seed: u64, loss: u64) -> impl compliance::Fixture {
    let name = format!("radio, seed {seed}, {loss} in a hundred lost");
    let fixture = compliance::pairs(name, move || async move {
        let (near, far) = Air::new(seed, loss).antennas();
        Ok((client(near), server(far)))
    });
    // The window is 64 packets of 1 KiB.
    fixture.large(128 << 10).patience(std::time::Duration::from_secs(600))
}

#[tokio::test(start_paused = true)]
async fn every_promise_is_kept() {
    for seed in SEEDS {
        compliance::run(&fixture(seed, 20)).await.assert_passed();
    }
}

#[tokio::test(start_paused = true)]
async fn a_whole_conversation_in_both_eras() {
    for seed in SEEDS {
        conversation::run(&fixture(seed, 20)).await.assert_passed();
    }
}

/// Without acknowledgements nothing arrives, and both ends detect that the peer is gone.
#[tokio::test(start_paused = true)]
async fn air_that_loses_everything_ends_the_link() {
    let report = conversation::run(&fixture(1, 100)).await.to_string();
    assert!(report.contains("FAIL  connect: ") && report.contains("the peer is silent"), "{report}");
}
