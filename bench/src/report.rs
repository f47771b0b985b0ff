//! The line that a load generator prints.

use std::time::Duration;

/// What a load generator found out.
#[derive(Debug)]
pub struct Report {
    /// From before the first call to after the last answer.
    pub wall: Duration,
    /// CPU time of the load generator in between.
    pub own_cpu: Duration,
    /// CPU time of the server in between; 0 if it is not known.
    pub server_cpu: Duration,
    /// CPU time of the server and of what it has started, in between; 0 if it is not known.
    pub tree_cpu: Duration,
    /// From before the server was started to the first result.
    pub first: Duration,
    /// How long each call took.
    pub latencies: Vec<Duration>,
}

impl Report {
    /// Prints it: names and integers, nanoseconds per call.
    pub fn print(mut self) {
        self.latencies.sort_unstable();
        let calls = self.latencies.len().max(1) as u128;
        let p50 = self.latencies.get(self.latencies.len() / 2).copied().unwrap_or_default();
        println!(
            "wall={} own={} server={} tree={} first={} p50={}",
            self.wall.as_nanos() / calls,
            self.own_cpu.as_nanos() / calls,
            self.server_cpu.as_nanos() / calls,
            self.tree_cpu.as_nanos() / calls,
            self.first.as_nanos(),
            p50.as_nanos()
        );
    }
}
