//! A queue and a map that store their first entry inline: most links do one thing at a time.
//!
//! Both free their heap memory when they are empty, so that an idle link holds none.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};

use rustc_hash::FxBuildHasher;

/// The capacity reserved with the second entry: where two come, more follow.
const MORE: usize = 14;

/// First in, first out.
#[derive(Debug)]
pub(crate) struct SmallQueue<T> {
    /// The oldest item. `None` only if the queue is empty.
    first: Option<T>,
    more: VecDeque<T>,
}

impl<T> Default for SmallQueue<T> {
    fn default() -> SmallQueue<T> {
        SmallQueue { first: None, more: VecDeque::new() }
    }
}

impl<T> SmallQueue<T> {
    pub(crate) fn push(&mut self, item: T) {
        match self.first {
            None => self.first = Some(item),
            Some(_) => {
                if self.more.capacity() == 0 {
                    self.more.reserve(MORE);
                }
                self.more.push_back(item);
            }
        }
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        // Checked first: taking `None` would still move the size of an item.
        self.first.as_ref()?;
        if self.more.capacity() == 0 {
            return self.first.take();
        }
        let next = self.more.pop_front();
        if next.is_none() {
            self.more = VecDeque::new();
        }
        std::mem::replace(&mut self.first, next)
    }

    pub(crate) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.more.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Keeps the items for which `wanted` returns true, in order.
    pub(crate) fn retain(&mut self, wanted: impl Fn(&T) -> bool) {
        let mut kept = SmallQueue::default();
        while let Some(item) = self.pop() {
            if wanted(&item) {
                kept.push(item);
            }
        }
        *self = kept;
    }
}

/// A map. The default hash is for keys that a peer cannot choose: numbers that this side made. See [`PeerMap`].
pub(crate) struct SmallMap<K, V, S = FxBuildHasher> {
    one: Option<(K, V)>,
    more: HashMap<K, V, S>,
}

// Written out, because the hasher is not `Debug`.
impl<K: fmt::Debug, V: fmt::Debug, S> fmt::Debug for SmallMap<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = self.one.iter().map(|(key, value)| (key, value));
        f.debug_map().entries(one.chain(&self.more)).finish()
    }
}

/// A map for keys that a peer chooses.
pub(crate) type PeerMap<K, V> = SmallMap<K, V, RandomState>;

impl<K, V, S: Default> Default for SmallMap<K, V, S> {
    fn default() -> SmallMap<K, V, S> {
        SmallMap { one: None, more: HashMap::default() }
    }
}

impl<K: Eq + Hash, V, S: BuildHasher + Default> SmallMap<K, V, S> {
    /// Adds an entry; replaces one of the same key.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        match &mut self.one {
            Some(one) if one.0 == key => one.1 = value,
            None if !self.more.contains_key(&key) => self.one = Some((key, value)),
            _ => {
                if self.more.capacity() == 0 {
                    self.more.reserve(MORE);
                }
                self.more.insert(key, value);
            }
        }
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        match &self.one {
            Some((own, value)) if own == key => Some(value),
            _ if self.more.is_empty() => None,
            _ => self.more.get(key),
        }
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        match &mut self.one {
            Some((own, value)) if own == key => Some(value),
            _ if self.more.is_empty() => None,
            _ => self.more.get_mut(key),
        }
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        if self.one.as_ref().is_some_and(|(own, _)| own == key) {
            return self.one.take().map(|(_, value)| value);
        }
        if self.more.is_empty() {
            return None;
        }
        let value = self.more.remove(key);
        if self.more.is_empty() {
            self.more = HashMap::default();
        }
        value
    }

    pub(crate) fn len(&self) -> usize {
        usize::from(self.one.is_some()) + self.more.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entries, in arbitrary order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.one.iter().map(|(key, value)| (key, value)).chain(&self.more)
    }

    /// The values, in arbitrary order.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }
}

/// The entries, in arbitrary order.
impl<K, V, S> IntoIterator for SmallMap<K, V, S> {
    type Item = (K, V);
    type IntoIter =
        std::iter::Chain<std::option::IntoIter<(K, V)>, std::collections::hash_map::IntoIter<K, V>>;

    fn into_iter(self) -> Self::IntoIter {
        self.one.into_iter().chain(self.more)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// It behaves as a `VecDeque`.
        #[test]
        fn a_few_queue_is_a_queue(steps in proptest::collection::vec(0_u8..5, 0..60)) {
            let (mut few, mut plain) = (SmallQueue::default(), VecDeque::new());
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    0..=2 => {
                        few.push(number);
                        plain.push_back(number);
                    }
                    3 => prop_assert_eq!(few.pop(), plain.pop_front()),
                    _ => {
                        few.retain(|item| item % 3 != 0);
                        plain.retain(|item| item % 3 != 0);
                    }
                }
                prop_assert_eq!(few.len(), plain.len());
                prop_assert_eq!(few.is_empty(), plain.is_empty());
            }
            while let Some(item) = few.pop() {
                prop_assert_eq!(Some(item), plain.pop_front());
            }
            prop_assert!(plain.is_empty());
        }

        /// It behaves as a `HashMap`.
        #[test]
        fn a_few_map_is_a_map(steps in proptest::collection::vec((0_u8..4, 0_u64..4), 0..60)) {
            let mut few: SmallMap<u64, usize> = SmallMap::default();
            let mut plain = HashMap::new();
            for (number, (step, key)) in steps.into_iter().enumerate() {
                match step {
                    0 | 1 => {
                        few.insert(key, number);
                        plain.insert(key, number);
                    }
                    2 => prop_assert_eq!(few.remove(&key), plain.remove(&key)),
                    _ => prop_assert_eq!(few.get_mut(&key).copied(), plain.get(&key).copied()),
                }
                prop_assert_eq!(few.get(&key), plain.get(&key));
                prop_assert_eq!((few.len(), few.is_empty()), (plain.len(), plain.is_empty()));
                let (mut mine, mut theirs): (Vec<_>, Vec<_>) = (few.iter().collect(), plain.iter().collect());
                mine.sort_unstable();
                theirs.sort_unstable();
                prop_assert_eq!(mine, theirs);
            }
            prop_assert_eq!(few.values().count(), few.into_iter().count());
        }
    }

    /// Empty collections hold no heap memory.
    #[test]
    fn what_is_empty_holds_no_memory() {
        let (mut queue, mut map) = (SmallQueue::default(), SmallMap::<u64, u64>::default());
        for number in 0..100 {
            queue.push(number);
            map.insert(number, number);
        }
        for number in 0..100 {
            queue.pop();
            map.remove(&number);
        }
        assert_eq!((queue.more.capacity(), map.more.capacity()), (0, 0));
    }
}
