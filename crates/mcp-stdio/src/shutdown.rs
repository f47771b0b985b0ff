//! Ending a process: when to wait, when to ask, when to kill. Reads no clock and touches no process.
//!
//! ```text
//! input closed --timeout--> SIGTERM --timeout--> SIGKILL --timeout--> given up
//!       \______________________\____________________\___ exited: done
//! ```
//!
//! It watches the process, not the end of its output: a grandchild can hold the pipes.
// STDIO-C-008, STDIO-C-009, FAULT C-15.

use std::time::{Duration, Instant};

/// How long each step of ending a child may take. [`Duration::MAX`] waits without a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownTimeouts {
    /// The time from the end of its input to the request to end. Default: 2 s.
    pub input: Duration,
    /// The time from the request (SIGTERM to the process group) to the kill (SIGKILL to the group). Default: 2 s.
    pub terminate: Duration,
    /// The time from the kill until the process is abandoned, because the system cannot end it. Default: 5 s.
    pub kill: Duration,
}

impl Default for ShutdownTimeouts {
    fn default() -> ShutdownTimeouts {
        ShutdownTimeouts {
            input: Duration::from_secs(2),
            terminate: Duration::from_secs(2),
            kill: Duration::from_secs(5),
        }
    }
}

impl ShutdownTimeouts {
    /// Sets the time from the end of its input to the request to end.
    #[must_use]
    pub fn input(mut self, time: Duration) -> ShutdownTimeouts {
        self.input = time;
        self
    }

    /// Sets the time from the request to end to the kill.
    #[must_use]
    pub fn terminate(mut self, time: Duration) -> ShutdownTimeouts {
        self.terminate = time;
        self
    }

    /// Sets the time from the kill until the process is abandoned.
    #[must_use]
    pub fn kill(mut self, time: Duration) -> ShutdownTimeouts {
        self.kill = time;
        self
    }
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Wait for the exit, until this instant if there is one.
    Wait(Option<Instant>),
    /// Ask the group to end.
    Terminate,
    /// End the group.
    Kill,
    /// The process has ended. The text says what was necessary.
    Done(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    InputClosed,
    Terminated,
    Killed,
}

/// The state: the stage that was reached, and when it ends.
#[derive(Debug)]
pub(crate) struct Shutdown {
    timeouts: ShutdownTimeouts,
    stage: Stage,
    /// `None` is later than any instant that the system can name.
    until: Option<Instant>,
}

impl Shutdown {
    /// Starts when the input was closed.
    pub(crate) fn new(timeouts: ShutdownTimeouts, now: Instant) -> Shutdown {
        Shutdown { timeouts, stage: Stage::InputClosed, until: now.checked_add(timeouts.input) }
    }

    /// The next step. After [`Step::Terminate`] and [`Step::Kill`], do it and ask again.
    pub(crate) fn step(&mut self, now: Instant, exited: bool) -> Step {
        let ShutdownTimeouts { input, terminate, kill } = self.timeouts;
        match self.stage {
            Stage::InputClosed if exited => Step::Done("exited when its input was closed".into()),
            Stage::Terminated if exited => {
                Step::Done(format!("ended by SIGTERM, {input:?} after its input was closed"))
            }
            Stage::Killed if exited => Step::Done(format!("killed, {terminate:?} after SIGTERM")),
            _ if self.until.is_none_or(|until| now < until) => Step::Wait(self.until),
            Stage::InputClosed => {
                self.advance(Stage::Terminated, now.checked_add(terminate), Step::Terminate)
            }
            Stage::Terminated => self.advance(Stage::Killed, now.checked_add(kill), Step::Kill),
            Stage::Killed => Step::Done(format!("still there {kill:?} after SIGKILL")),
        }
    }

    fn advance(&mut self, stage: Stage, until: Option<Instant>, step: Step) -> Step {
        self.stage = stage;
        self.until = until;
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STEP: Duration = Duration::from_millis(100);

    /// Shuts down with an exit at this time after the input was closed, and says when each step was taken.
    fn steps(exit: Option<Duration>) -> Vec<(Duration, Step)> {
        let start = Instant::now();
        let mut shutdown = Shutdown::new(ShutdownTimeouts::default(), start);
        let mut steps = Vec::new();
        for tick in 0..200 {
            let after = STEP * tick;
            match shutdown.step(start + after, exit.is_some_and(|exit| after >= exit)) {
                Step::Wait(until) => assert!(until.unwrap() > start + after),
                Step::Done(note) => {
                    steps.push((after, Step::Done(note)));
                    return steps;
                }
                step => steps.push((after, step)),
            }
        }
        panic!("a shutdown has an end: {steps:?}");
    }

    fn done(note: &str) -> Step {
        Step::Done(note.into())
    }

    /// STDIO-C-008, STDIO-C-009, FAULT A-B27: input, then SIGTERM, then SIGKILL, each with its timeout.
    #[test]
    fn each_stage_has_its_timeout() {
        let seconds = Duration::from_secs;
        assert_eq!(steps(Some(seconds(1))), [(seconds(1), done("exited when its input was closed"))]);
        assert_eq!(
            steps(Some(seconds(3))),
            [
                (seconds(2), Step::Terminate),
                (seconds(3), done("ended by SIGTERM, 2s after its input was closed"))
            ]
        );
        assert_eq!(
            steps(Some(Duration::from_millis(4200))),
            [
                (seconds(2), Step::Terminate),
                (seconds(4), Step::Kill),
                (Duration::from_millis(4200), done("killed, 2s after SIGTERM"))
            ]
        );
    }

    /// FAULT C-16: bounded, even where the system cannot end the process.
    #[test]
    fn the_whole_is_bounded() {
        let steps = steps(None);
        assert_eq!(steps.last(), Some(&(Duration::from_secs(9), done("still there 5s after SIGKILL"))));
    }

    fn any_duration() -> impl Strategy<Value = Duration> {
        let few =
            prop_oneof![Just(Duration::ZERO), Just(Duration::MAX), Just(Duration::from_secs(u64::MAX / 2))];
        prop_oneof![
            few,
            (any::<u64>(), 0..1_000_000_000_u32).prop_map(|(secs, nanos)| Duration::new(secs, nanos))
        ]
    }

    proptest! {
        /// FAULT F-A10: no duration overflows the clock, and what cannot be reached is waited for.
        #[test]
        fn no_duration_panics(input in any_duration(), terminate in any_duration(), kill in any_duration()) {
            let timeouts = ShutdownTimeouts::default().input(input).terminate(terminate).kill(kill);
            let mut now = Instant::now();
            let mut shutdown = Shutdown::new(timeouts, now);
            for _ in 0..8 {
                match shutdown.step(now, false) {
                    Step::Wait(Some(until)) => now = until,
                    Step::Wait(None) => {
                        prop_assert!([input, terminate, kill].iter().any(|time| now.checked_add(*time).is_none()));
                        now = now.checked_add(Duration::from_secs(1)).unwrap_or(now);
                    }
                    Step::Terminate | Step::Kill => {}
                    Step::Done(_) => return Ok(()),
                }
            }
        }
    }
}
