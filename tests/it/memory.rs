//! The limit of memory tests: what takes more than its budget allows fails by name.

use mcp_tests::memory::{limited, limited_command};

/// Takes and writes so much memory.
fn take(bytes: usize) {
    let taken = std::hint::black_box(vec![1u8; bytes]);
    assert_eq!(taken[bytes / 2], 1);
}

#[test]
fn what_keeps_its_budget_passes() {
    let Some(memory) = limited(module_path!(), "what_keeps_its_budget_passes", 4 << 20) else { return };
    take(8 << 20);
    assert!(memory.grown() >= 4 << 20);
    memory.assert_kept();
}

/// Started by the next test.
#[test]
#[ignore = "fails by design"]
fn grows_beyond_its_budget() {
    let Some(memory) = limited(module_path!(), "grows_beyond_its_budget", 4 << 20) else { return };
    take(32 << 20);
    memory.assert_kept();
}

/// Started by the next test.
#[test]
#[ignore = "fails by design"]
fn grows_without_end() {
    let Some(_memory) = limited(module_path!(), "grows_without_end", 4 << 20) else { return };
    take(1 << 30);
}

#[test]
fn what_exceeds_its_budget_fails() {
    for (name, why) in
        [("grows_beyond_its_budget", "more than 4 times"), ("grows_without_end", "memory allocation")]
    {
        let mut test = limited_command(std::env::current_exe().unwrap(), 1 << 30);
        let output = test.args(["--exact", &format!("memory::{name}"), "--ignored"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success() && said.contains(why), "{name}: {said}");
    }
}
