//! CPU time of a process, and of what it has started, on Linux.

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

/// Returns the CPU time of a process and of all that it has started: of those that live, and of those that have ended and
/// were waited for, which are counted in hundredths of a second. 0 on systems other than Linux.
pub fn cpu_of_tree(pid: u32) -> Duration {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let children = tasks.flat_map(|task| {
        let text = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        text.split_whitespace().filter_map(|child| child.parse().ok()).collect::<Vec<u32>>()
    });
    cpu_of(pid) + ended(pid).unwrap_or_default() + children.map(cpu_of_tree).sum::<Duration>()
}

/// What its children had used that have ended.
fn ended(pid: u32) -> Option<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program is in brackets and may contain spaces; `cutime` and `cstime` are fields 16 and 17.
    let (_, rest) = text.rsplit_once(')')?;
    let ticks: u64 =
        rest.split_whitespace().skip(13).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Some(Duration::from_millis(10 * ticks))
}
