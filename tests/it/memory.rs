//! The limit of memory tests: what takes more than its budget allows fails by name.

use std::panic::catch_unwind;

use mcp_tests::memory::limited;

const BUDGET: usize = 4 << 20;

/// Takes and writes so much memory.
fn take(bytes: usize) {
    let taken = std::hint::black_box(vec![1u8; bytes]);
    assert_eq!(taken[bytes / 2], 1);
}

#[test]
fn what_keeps_its_budget_passes() {
    let Some(memory) = limited(module_path!(), "what_keeps_its_budget_passes", BUDGET) else { return };
    take(8 << 20);
    assert!(memory.grown() >= 4 << 20);
    memory.assert_kept();
}

/// Takes `bytes` in the child process of the test `name`, and returns why the child failed.
fn why_it_fails(name: &str, bytes: usize) -> Option<String> {
    match catch_unwind(|| limited(module_path!(), name, BUDGET)) {
        Ok(Some(memory)) => {
            take(bytes);
            memory.assert_kept();
            None
        }
        Ok(None) => panic!("{bytes} bytes were taken with a budget of {BUDGET}"),
        Err(why) => Some(*why.downcast::<String>().unwrap()),
    }
}

#[test]
fn what_exceeds_its_budget_fails() {
    let Some(why) = why_it_fails("what_exceeds_its_budget_fails", 32 << 20) else { return };
    assert!(why.contains("more than 4 times"), "{why}");
}

#[test]
fn what_grows_without_end_fails() {
    let Some(why) = why_it_fails("what_grows_without_end_fails", 1 << 30) else { return };
    assert!(why.contains("memory allocation"), "{why}");
}
