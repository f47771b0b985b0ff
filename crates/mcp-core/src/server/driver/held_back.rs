//! Changes that wait until the writer has caught up.

use std::collections::VecDeque;

use crate::session::Change;

/// The most changes that are held back for one link. One more drops the oldest.
const MAX_HELD_BACK: usize = 1024;

/// Changes in the order in which they came, each once.
#[derive(Debug, Default)]
pub(super) struct HeldBack {
    changes: VecDeque<Change>,
}

impl HeldBack {
    /// Adds a change unless an equal one waits. Returns the oldest change if it had to be dropped.
    pub(super) fn push(&mut self, change: Change) -> Option<Change> {
        if self.changes.contains(&change) {
            return None;
        }
        let full = self.changes.len() >= MAX_HELD_BACK;
        let dropped = if full { self.changes.pop_front() } else { None };
        self.changes.push_back(change);
        dropped
    }

    pub(super) fn pop(&mut self) -> Option<Change> {
        self.changes.pop_front()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(number: usize) -> Change {
        Change::Resource { uri: format!("test:{number}") }
    }

    #[test]
    fn the_oldest_change_is_dropped_at_the_bound() {
        let mut held_back = HeldBack::default();
        for number in 0..MAX_HELD_BACK {
            assert_eq!(held_back.push(change(number)), None);
        }
        assert_eq!(held_back.push(change(MAX_HELD_BACK)), Some(change(0)));
        let left: Vec<Change> = std::iter::from_fn(|| held_back.pop()).collect();
        assert_eq!(left, (1..=MAX_HELD_BACK).map(change).collect::<Vec<_>>());
        assert!(held_back.is_empty());
    }

    #[test]
    fn equal_changes_become_one() {
        let mut held_back = HeldBack::default();
        for number in [1, 2, 1, 2] {
            assert_eq!(held_back.push(change(number)), None);
        }
        assert_eq!(std::iter::from_fn(|| held_back.pop()).count(), 2);
    }
}
