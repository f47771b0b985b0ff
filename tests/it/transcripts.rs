//! Every transcript of `tests/transcripts`, played. The format: `mcp_testkit::transcript`.

use std::path::Path;

use mcp_testkit::transcript::play_folder;

/// `UPDATE_TRANSCRIPTS=1` rewrites what is expected.
#[test]
fn every_transcript_holds() {
    let played = play_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts"));
    assert!(played >= 20, "only {played} transcripts were found");
}
