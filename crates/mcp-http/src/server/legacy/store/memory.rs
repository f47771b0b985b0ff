//! An event store in memory, bounded for each session and in total. The oldest events are dropped first.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use mcp_core::transport::{Owner, async_trait};
use tokio::time::Instant;

use super::{EventId, EventStore, StoreError};
use crate::lock::Lock;

/// Ended streams that are still kept. Beyond it the oldest is dropped early.
const MAX_ENDED: usize = 65_536;

/// A store keeps at most one event for each 256 bytes of its total, or this minimum: short events take more memory than their
/// messages.
const EVENT_BYTES: usize = 256;
const MIN_EVENTS: usize = 1024;

/// The limits of a [`MemoryEventStore`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreLimits {
    /// Events of one session. Default 1,024.
    pub session_events: usize,
    /// Bytes of messages of one session. The newest event is kept whatever its size. Default 1 MiB.
    pub session_bytes: usize,
    /// Bytes of messages of all sessions. Beyond it, or beyond one event for each 256 of these bytes, the owner with the
    /// most bytes loses the oldest event. Default 256 MiB.
    pub total_bytes: usize,
    /// How long the events of a stream are kept after its last one. Default 5 min.
    pub ended: Duration,
}

impl Default for StoreLimits {
    fn default() -> StoreLimits {
        StoreLimits {
            session_events: 1024,
            session_bytes: 1 << 20,
            total_bytes: 256 << 20,
            ended: Duration::from_secs(300),
        }
    }
}

/// An event store in memory.
#[derive(Default)]
pub struct MemoryEventStore {
    limits: StoreLimits,
    kept: Lock<Kept>,
}

#[derive(Default)]
struct Kept {
    /// All events by age, for the total limit.
    events: BTreeMap<u64, Event>,
    /// Boxed, because a map has space for more entries than it holds.
    sessions: HashMap<Arc<str>, Box<Log>>,
    owners: HashMap<Owner, Owned>,
    /// Ended streams by age.
    ended: VecDeque<(Instant, Arc<str>, u64)>,
    bytes: usize,
    age: u64,
}

struct Event {
    session: Arc<str>,
    id: EventId,
    message: Bytes,
}

/// What the sessions of one owner keep.
#[derive(Default)]
struct Owned {
    /// The ages of their events.
    ages: BTreeSet<u64>,
    bytes: usize,
}

struct Log {
    owner: Owner,
    /// The ages of its events, oldest first.
    ages: VecDeque<u64>,
    streams: BTreeMap<u64, Events>,
    bytes: usize,
}

/// Number and age of the kept events of one stream.
type Events = VecDeque<(u64, u64)>;

impl Log {
    fn new(owner: Owner) -> Log {
        Log { owner, ages: VecDeque::new(), streams: BTreeMap::new(), bytes: 0 }
    }
}

impl MemoryEventStore {
    /// Creates a store with these limits.
    pub fn new(limits: StoreLimits) -> MemoryEventStore {
        MemoryEventStore { limits, kept: Lock::default() }
    }

    /// The number of kept events, and the bytes of their messages.
    pub fn size(&self) -> (usize, usize) {
        let kept = self.lock();
        (kept.events.len(), kept.bytes)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock()
    }

    fn expire(&self, kept: &mut Kept) {
        let now = Instant::now();
        while let Some((at, _, _)) = kept.ended.front()
            && now.duration_since(*at) >= self.limits.ended
        {
            let Some((_, session, stream)) = kept.ended.pop_front() else { return };
            kept.forget_stream(&session, stream);
        }
    }
}

impl Kept {
    fn append(&mut self, session: &str, id: EventId, message: Bytes) {
        self.age += 1;
        let age = self.age;
        let name = match self.sessions.get_key_value(session) {
            Some((name, _)) => name.clone(),
            None => Arc::from(session),
        };
        let log = self.sessions.entry(name.clone()).or_insert_with(|| Box::new(Log::new(Owner::anonymous())));
        log.bytes += message.len();
        self.bytes += message.len();
        let owned = self.owners.entry(log.owner.clone()).or_default();
        owned.bytes += message.len();
        owned.ages.insert(age);
        log.ages.push_back(age);
        log.streams.entry(id.stream).or_default().push_back((id.number, age));
        self.events.insert(age, Event { session: name, id, message });
    }

    fn forget_event(&mut self, age: u64) {
        let Some(Event { session, id, message }) = self.events.remove(&age) else { return };
        self.bytes -= message.len();
        let Some(log) = self.sessions.get_mut(&session) else { return };
        log.bytes -= message.len();
        disown(&mut self.owners, &log.owner, age, message.len());
        // Usually the first one.
        forget_age(&mut log.ages, |kept| *kept == age);
        if let Some(events) = log.streams.get_mut(&id.stream) {
            forget_age(events, |(_, kept)| *kept == age);
            if events.is_empty() {
                log.streams.remove(&id.stream);
            }
        }
    }

    /// The oldest event of the owner that keeps most.
    fn oldest_of_largest(&self) -> Option<u64> {
        self.owners.values().max_by_key(|owned| owned.bytes)?.ages.first().copied()
    }

    fn forget_stream(&mut self, session: &str, stream: u64) {
        let log = self.sessions.get(session);
        let events = log.and_then(|log| log.streams.get(&stream)).cloned().unwrap_or_default();
        for (_, age) in events {
            self.forget_event(age);
        }
    }
}

fn disown(owners: &mut HashMap<Owner, Owned>, owner: &Owner, age: u64, bytes: usize) {
    let Some(owned) = owners.get_mut(owner) else { return };
    owned.ages.remove(&age);
    owned.bytes -= bytes;
    if owned.ages.is_empty() {
        owners.remove(owner);
    }
}

/// Removes the matching entry, usually the first one.
fn forget_age<T>(queue: &mut VecDeque<T>, fits: impl Fn(&T) -> bool) {
    if queue.front().is_some_and(&fits) {
        queue.pop_front();
    } else if let Some(at) = queue.iter().position(fits) {
        queue.remove(at);
    }
}

#[async_trait]
impl EventStore for MemoryEventStore {
    async fn begin(&self, session: &str, owner: &Owner) {
        self.lock().sessions.entry(session.into()).or_insert_with(|| Box::new(Log::new(owner.clone())));
    }

    async fn append(&self, session: &str, id: EventId, message: Bytes) -> Result<(), StoreError> {
        let mut kept = self.lock();
        self.expire(&mut kept);
        kept.append(session, id, message);
        while let Some(log) = kept.sessions.get(session)
            && log.ages.len() > 1
            && (log.ages.len() > self.limits.session_events || log.bytes > self.limits.session_bytes)
        {
            let Some(oldest) = log.ages.front().copied() else { break };
            kept.forget_event(oldest);
        }
        let most = (self.limits.total_bytes / EVENT_BYTES).max(MIN_EVENTS);
        while kept.bytes > self.limits.total_bytes || kept.events.len() > most {
            let Some(oldest) = kept.oldest_of_largest() else { break };
            kept.forget_event(oldest);
        }
        Ok(())
    }

    async fn after(&self, session: &str, id: EventId) -> Result<Vec<(EventId, Bytes)>, StoreError> {
        let mut kept = self.lock();
        self.expire(&mut kept);
        let events = kept.sessions.get(session).and_then(|log| log.streams.get(&id.stream));
        let events = events.ok_or(StoreError::Gone)?;
        if events.back().is_none_or(|(newest, _)| id.number > *newest) {
            return Err(StoreError::Gone);
        }
        let later = events.iter().filter(|(number, _)| *number > id.number);
        Ok(later
            .filter_map(|(_, age)| kept.events.get(age))
            .map(|event| (event.id, event.message.clone()))
            .collect())
    }

    async fn end(&self, session: &str, stream: u64) {
        let mut kept = self.lock();
        if let Some((name, log)) = kept.sessions.get_key_value(session)
            && log.streams.contains_key(&stream)
        {
            let name = name.clone();
            kept.ended.push_back((Instant::now(), name, stream));
            if kept.ended.len() > MAX_ENDED {
                let oldest = kept.ended.pop_front();
                oldest.into_iter().for_each(|(_, session, stream)| kept.forget_stream(&session, stream));
            }
        }
        self.expire(&mut kept);
    }

    async fn forget(&self, session: &str) {
        let mut kept = self.lock();
        if let Some(log) = kept.sessions.remove(session) {
            for age in log.ages {
                let Some(event) = kept.events.remove(&age) else { continue };
                kept.bytes -= event.message.len();
                disown(&mut kept.owners, &log.owner, age, event.message.len());
            }
        }
    }

    async fn sweep(&self) {
        let mut kept = self.lock();
        self.expire(&mut kept);
    }
}

/// Shows only sizes, because messages may hold secrets.
impl fmt::Debug for MemoryEventStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (events, bytes) = self.size();
        f.debug_struct("MemoryEventStore").field("events", &events).field("bytes", &bytes).finish()
    }
}
