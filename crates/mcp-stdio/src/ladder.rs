//! Ending a process: when to wait, when to ask, when to kill. No process and no clock in here.
//!
//! ```text
//! input closed --grace--> SIGTERM --grace--> SIGKILL --grace--> given up
//!       \____________________\__________________\___ exited: done
//! ```
//!
//! Keyed on the process, not on the end of its output: a grandchild can hold the pipes (ledger STDIO-C-008,
//! STDIO-C-009, FAULT C-15).

use std::time::{Duration, Instant};

/// How long each step of ending a child may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutdownTimeouts {
    /// From the end of its input to the request to end. Default: 2 s.
    pub input: Duration,
    /// From the request (SIGTERM to the process group) to the kill (SIGKILL to the group). Default: 2 s.
    pub terminate: Duration,
    /// From the kill until the process is given up as one that the system cannot end. Default: 5 s.
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

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Wait for the exit, but not beyond this.
    Wait(Instant),
    /// Ask the group to end.
    Terminate,
    /// End the group.
    Kill,
    /// It is over. What had to be done, in words.
    Done(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rung {
    InputClosed,
    Terminated,
    Killed,
}

/// The state: the rung that was reached, and when it ends.
#[derive(Debug)]
pub(crate) struct Ladder {
    graces: ShutdownTimeouts,
    rung: Rung,
    until: Instant,
}

impl Ladder {
    /// Starts when the input was closed.
    pub(crate) fn new(graces: ShutdownTimeouts, now: Instant) -> Ladder {
        Ladder { graces, rung: Rung::InputClosed, until: now + graces.input }
    }

    /// The next step. After [`Step::Terminate`] and [`Step::Kill`], do it and ask again.
    pub(crate) fn step(&mut self, now: Instant, exited: bool) -> Step {
        let ShutdownTimeouts { input, terminate, kill } = self.graces;
        match self.rung {
            Rung::InputClosed if exited => Step::Done("exited when its input was closed".into()),
            Rung::Terminated if exited => {
                Step::Done(format!("ended by SIGTERM, {input:?} after its input was closed"))
            }
            Rung::Killed if exited => Step::Done(format!("killed, {terminate:?} after SIGTERM")),
            _ if now < self.until => Step::Wait(self.until),
            Rung::InputClosed => self.climb(Rung::Terminated, now + terminate, Step::Terminate),
            Rung::Terminated => self.climb(Rung::Killed, now + kill, Step::Kill),
            Rung::Killed => Step::Done(format!("still there {kill:?} after SIGKILL")),
        }
    }

    fn climb(&mut self, rung: Rung, until: Instant, step: Step) -> Step {
        self.rung = rung;
        self.until = until;
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_millis(100);

    /// Climbs with an exit at this time after the input was closed, and says when each step was taken.
    fn climb(exit: Option<Duration>) -> Vec<(Duration, Step)> {
        let start = Instant::now();
        let mut ladder = Ladder::new(ShutdownTimeouts::default(), start);
        let mut steps = Vec::new();
        for tick in 0..200 {
            let after = STEP * tick;
            match ladder.step(start + after, exit.is_some_and(|exit| after >= exit)) {
                Step::Wait(until) => assert!(until > start + after),
                Step::Done(note) => {
                    steps.push((after, Step::Done(note)));
                    return steps;
                }
                step => steps.push((after, step)),
            }
        }
        panic!("the ladder has an end: {steps:?}");
    }

    fn done(note: &str) -> Step {
        Step::Done(note.into())
    }

    /// STDIO-C-008, STDIO-C-009, FAULT A-B27: input, then SIGTERM, then SIGKILL, each with its grace.
    #[test]
    fn each_rung_has_its_grace() {
        let seconds = Duration::from_secs;
        assert_eq!(climb(Some(seconds(1))), [(seconds(1), done("exited when its input was closed"))]);
        assert_eq!(
            climb(Some(seconds(3))),
            [
                (seconds(2), Step::Terminate),
                (seconds(3), done("ended by SIGTERM, 2s after its input was closed"))
            ]
        );
        assert_eq!(
            climb(Some(Duration::from_millis(4200))),
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
        let steps = climb(None);
        assert_eq!(steps.last(), Some(&(Duration::from_secs(9), done("still there 5s after SIGKILL"))));
    }
}
