//! Tests of memory: one test in a separate process, under a hard limit.
//!
//! The peak of memory belongs to a process, so such a test runs itself once more in a child. The child cannot take more
//! than four times the configured budget: an allocation beyond it aborts the child, and with it the test.
//!
//! ```no_run
//! # fn attack() {}
//! // In a test: `#[test] fn a_batch_is_bounded() {`
//! let Some(memory) = mcp_tests::memory::limited(module_path!(), "a_batch_is_bounded", 64 << 20) else { return };
//! attack();
//! memory.assert_kept();
//! ```

use std::ffi::OsStr;
use std::process::Command;

/// How often its budget a process may take.
pub const FACTOR: usize = 4;

/// What a test process needs beside its budget, in bytes: code, stacks of threads, the test harness.
const BESIDE: usize = 64 << 20;

const CHILD: &str = "MCP_TEST_MEMORY_CHILD";

/// The memory of this process, which is the child.
#[derive(Debug)]
pub struct Memory {
    before: usize,
    budget: usize,
}

impl Memory {
    /// By how much the peak of this process has grown since the test began, in bytes.
    pub fn grown(&self) -> usize {
        peak(std::process::id()).unwrap_or(usize::MAX).saturating_sub(self.before)
    }

    /// Prints by how much the peak has grown, and compares it with four times the budget.
    ///
    /// # Panics
    ///
    /// The peak has grown by more.
    pub fn assert_kept(&self) {
        let (grown, budget) = (self.grown(), self.budget);
        println!("the peak grew by {} KiB; the budget is {} KiB", grown >> 10, budget >> 10);
        assert!(
            grown <= budget.saturating_mul(FACTOR),
            "grew by {grown} bytes, more than {FACTOR} times {budget}"
        );
    }
}

/// Runs the test `name` of `module` (`module_path!()`) once more in a child process that may take four times `budget`
/// bytes. `None` in the parent, where the test is over then.
///
/// # Panics
///
/// The child fails, or no test has this name.
pub fn limited(module: &str, name: &str, budget: usize) -> Option<Memory> {
    if std::env::var_os(CHILD).is_some() {
        return Some(Memory { before: peak(std::process::id()).unwrap_or_default(), budget });
    }
    let path = module.split_once("::").map_or(name.to_owned(), |(_, module)| format!("{module}::{name}"));
    let own = std::env::current_exe().expect("the test binary has a path");
    let mut child = limited_command(own, budget.saturating_mul(FACTOR).saturating_add(BESIDE));
    child.args(["--exact", &path, "--nocapture"]).env(CHILD, "1");
    // One heap for all threads: each further one keeps freed memory of its own.
    child.env("MALLOC_ARENA_MAX", "1");
    let output = child.output().expect("a child can be started");
    let said = String::from_utf8_lossy(&output.stdout);
    let status = output.status;
    assert!(status.success(), "{path}: {status}\n{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "no test is named {path}: {said}");
    print!("{said}");
    None
}

/// A command for this program that may have `limit` bytes of data. An allocation beyond it fails, which aborts a
/// program in Rust.
// The data segment, not the address space: allocators reserve much that they never use.
pub fn limited_command(program: impl AsRef<OsStr>, limit: usize) -> Command {
    let mut command = Command::new("sh");
    let kib = limit.div_ceil(1024);
    command.arg("-c").arg(format!(r#"ulimit -d {kib} && exec "$0" "$@""#)).arg(program);
    command
}

/// The most memory that the process ever had resident, in bytes. `None` if it is gone, and on other systems than Linux.
pub fn peak(process: u32) -> Option<usize> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: usize = line.split_whitespace().next()?.parse().ok()?;
    kib.checked_mul(1024)
}
