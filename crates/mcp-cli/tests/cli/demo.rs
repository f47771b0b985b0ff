//! `mcp demo`: the main job, embedded.

use crate::mcp;

/// The demo shows each era in a column, and everything goes as it should.
#[test]
fn the_demo_goes_through_every_era() {
    let run = mcp(&["demo"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    for version in ["2026-07-28, modern", "2025-11-25, legacy", "2024-11-05, legacy"] {
        assert_eq!(run.stdout.matches(version).count(), 2, "{version} in {}", run.stdout);
    }
    assert!(run.stdout.ends_with("All 54 steps went as they should.\n"), "{}", run.stdout);
    // In the two eras that can be asked.
    assert_eq!(run.stdout.matches("Hello, Ada!").count(), 4, "{}", run.stdout);
    assert!(run.stdout.contains("asking the user came with"), "{}", run.stdout);
    assert_eq!(run.stderr, "");
    // A terminal of the usual width shows the table as a table.
    let widest = run.stdout.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(80), "{widest:?} columns:\n{}", run.stdout);
}

#[test]
fn the_demo_is_one_json_value_on_request() {
    let run = mcp(&["demo", "--json", "--era", "legacy=2025-06-18"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let demo = run.json();
    assert_eq!(demo["ok"], true);
    assert_eq!(demo["eras"][0]["protocolVersion"], "2025-06-18");
    let over: Vec<&str> =
        demo["eras"].as_array().unwrap().iter().map(|era| era["over"].as_str().unwrap()).collect();
    assert_eq!(over, ["stdio", "HTTP"]);
}
