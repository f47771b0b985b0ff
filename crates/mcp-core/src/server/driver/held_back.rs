//! Changes that wait until the writer has caught up.

use std::collections::VecDeque;

use crate::session::Change;
use crate::transport::Owner;

/// The most changes that are held back for one link. One more drops the oldest.
const MAX_HELD_BACK: usize = 1024;

/// A change, and who may learn of it: all subscribers, or one owner.
pub(super) type Publication = (Change, Option<Owner>);

/// Changes in the order in which they came, each once.
#[derive(Debug, Default)]
pub(super) struct HeldBack {
    changes: VecDeque<Publication>,
}

impl HeldBack {
    /// Adds a change unless an equal one waits. Returns the oldest change if it had to be dropped.
    pub(super) fn push(&mut self, change: Publication) -> Option<Publication> {
        if self.changes.contains(&change) {
            return None;
        }
        let full = self.changes.len() >= MAX_HELD_BACK;
        let dropped = if full { self.changes.pop_front() } else { None };
        self.changes.push_back(change);
        dropped
    }

    pub(super) fn pop(&mut self) -> Option<Publication> {
        self.changes.pop_front()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(number: usize) -> Publication {
        (Change::Resource { uri: format!("test:{number}") }, None)
    }

    #[test]
    fn the_oldest_change_is_dropped_at_the_bound() {
        let mut held_back = HeldBack::default();
        for number in 0..MAX_HELD_BACK {
            assert_eq!(held_back.push(change(number)), None);
        }
        assert_eq!(held_back.push(change(MAX_HELD_BACK)), Some(change(0)));
        let left: Vec<Publication> = std::iter::from_fn(|| held_back.pop()).collect();
        assert_eq!(left, (1..=MAX_HELD_BACK).map(change).collect::<Vec<_>>());
        assert!(held_back.is_empty());
    }

    #[test]
    fn equal_changes_become_one() {
        let mut held_back = HeldBack::default();
        for number in [1, 2, 1, 2] {
            assert_eq!(held_back.push(change(number)), None);
        }
        let (same, _) = change(1);
        assert_eq!(held_back.push((same, Some(Owner::anonymous()))), None);
        assert_eq!(std::iter::from_fn(|| held_back.pop()).count(), 3);
    }
}
