//! Which handlers are polled in the task of their link before they get a task.
//!
//! Most handlers answer when they are polled for the first time, and a task costs more than their work. A handler that
//! blocks its thread, or computes for long before its first await, would stop its link: nothing is read or written
//! meanwhile. On a runtime with one thread it stops everything in any case. On others a tool is polled in place only
//! after it has answered quickly a few times, and no longer once it was slow.

use std::hash::{Hash, Hasher};
use std::time::{Duration, Instant};

use rustc_hash::{FxHashMap, FxHasher};
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::message::Field;
use crate::runtime::now;
use crate::session::server::Incoming;

use super::limits::ServerLimits;

/// A first poll that answers within this time is quick.
const QUICK: Duration = Duration::from_micros(100);
/// One that takes longer than this is slow. What lies between is usually the scheduler of the system.
const SLOW: Duration = Duration::from_millis(1);
/// The number of consecutive quick answers before a tool is polled in place, and by what it grows with each slow one.
const FIRST: u16 = 4;
const GROWTH: u16 = 8;
const MOST: u16 = 4096;
/// The tools of one link that are distinguished. Clients name tools, so their number is bounded; further ones get tasks.
const TOOLS: usize = 256;

/// Whether the handlers of a link are polled in place.
pub(super) enum InPlace {
    Never,
    /// The runtime has one thread.
    Always,
    Learned(Learned),
}

impl InPlace {
    /// What holds on the runtime of the calling task.
    pub(super) fn new(limits: &ServerLimits) -> InPlace {
        match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
            _ if limits.spawn_handlers => InPlace::Never,
            Ok(RuntimeFlavor::CurrentThread) => InPlace::Always,
            _ => InPlace::Learned(Learned::default()),
        }
    }

    /// Whether the handler of this request may be polled in place.
    pub(super) fn allows(&self, incoming: &Incoming) -> bool {
        match self {
            InPlace::Never => false,
            InPlace::Always => true,
            InPlace::Learned(learned) => learned.allows(tool(incoming)),
        }
    }

    /// Starts to measure the first poll of a handler.
    pub(super) fn measure(&self, incoming: &Incoming) -> Option<Measured> {
        matches!(self, InPlace::Learned(_)).then(|| Measured { tool: tool(incoming), start: now() })
    }

    /// Notes how long the first poll of a handler took, which answered in it.
    pub(super) fn note(&mut self, answered: Option<Answered>) {
        if let (InPlace::Learned(learned), Some(Answered { tool, took })) = (self, answered) {
            learned.note(tool, took);
        }
    }
}

/// A poll that is measured.
#[derive(Debug)]
pub(super) struct Measured {
    tool: u64,
    start: Instant,
}

/// A first poll that had an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answered {
    tool: u64,
    took: Duration,
}

impl Measured {
    /// The handler has answered.
    pub(super) fn answered(self) -> Answered {
        Answered { tool: self.tool, took: now().saturating_duration_since(self.start) }
    }
}

/// What was learned of the tools of a link.
#[derive(Debug, Default)]
pub(super) struct Learned(FxHashMap<u64, Pace>);

#[derive(Debug)]
struct Pace {
    /// Consecutive quick answers.
    quick: u16,
    /// How many are needed.
    needed: u16,
}

impl Learned {
    fn allows(&self, tool: u64) -> bool {
        self.0.get(&tool).is_some_and(|pace| pace.quick >= pace.needed)
    }

    fn note(&mut self, tool: u64, took: Duration) {
        if self.0.len() >= TOOLS && !self.0.contains_key(&tool) {
            return;
        }
        let pace = self.0.entry(tool).or_insert(Pace { quick: 0, needed: FIRST });
        if took <= QUICK {
            pace.quick = pace.quick.saturating_add(1);
        } else {
            pace.quick = 0;
            if took > SLOW {
                pace.needed = pace.needed.saturating_mul(GROWTH).min(MOST);
            }
        }
    }
}

/// Distinguishes tools and prompts by their names, other requests by their methods.
fn tool(incoming: &Incoming) -> u64 {
    let mut hasher = FxHasher::default();
    incoming.method.as_str().hash(&mut hasher);
    incoming.params.as_ref().and_then(|params| params.field(Field::Name)).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MICROSECOND: Duration = Duration::from_micros(1);

    fn quick(learned: &mut Learned, tool: u64, times: u16) {
        for _ in 0..times {
            learned.note(tool, MICROSECOND);
        }
    }

    /// A tool has to be quick a few times first, and more often after each time that it was slow.
    #[test]
    fn a_tool_is_polled_in_place_once_it_is_known_to_be_quick() {
        let mut learned = Learned::default();
        assert!(!learned.allows(1));
        quick(&mut learned, 1, FIRST - 1);
        assert!(!learned.allows(1));
        quick(&mut learned, 1, 1);
        assert!(learned.allows(1) && !learned.allows(2));
        learned.note(1, 2 * SLOW);
        quick(&mut learned, 1, FIRST * GROWTH - 1);
        assert!(!learned.allows(1));
        quick(&mut learned, 1, 1);
        assert!(learned.allows(1));
        // Neither quick nor slow: it has to be quick again, no more often.
        learned.note(1, 2 * QUICK);
        quick(&mut learned, 1, FIRST * GROWTH);
        assert!(learned.allows(1));
        for _ in 0..100 {
            learned.note(1, 2 * SLOW);
        }
        quick(&mut learned, 1, MOST);
        assert!(learned.allows(1));
    }

    /// A client that invents names takes bounded memory, and those tools get tasks.
    #[test]
    fn the_number_of_tools_is_bounded() {
        let mut learned = Learned::default();
        for tool in 0..10_000 {
            quick(&mut learned, tool, FIRST);
        }
        assert_eq!(learned.0.len(), TOOLS);
        assert!(!learned.allows(9_999));
    }
}
