//! CPU time of a process, with a resolution of nanoseconds on Linux.

use std::time::Duration;

/// Returns the CPU time that the live threads of a process have used; 0 on systems other than Linux. The benchmark
/// programs end no thread before they read it.
pub fn cpu_of(pid: u32) -> Duration {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return Duration::ZERO };
    let nanoseconds = tasks.flatten().filter_map(|task| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}
