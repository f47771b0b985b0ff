//! Bytes that are held while a client is slow, and which client has to go when a budget is full.
//!
//! A slow body, and an answer that is not read, hold memory for as long as the client likes. When a budget is full, the
//! holder that has not moved for longest is cut, within the scope that is full: the connection, the caller, or the server.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures::future::AbortHandle;
use mcp_core::transport::Owner;
use mcp_core::transport::budget::{Budget, BudgetKey, Full, FullScope, Limits, LinkBudget, Permit};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::super::net::ConnState;
use crate::lock::Lock;

/// A holder that has moved within this time is not slow: a newcomer is refused instead.
const STILL: Duration = Duration::from_secs(1);
/// How many holders a newcomer may have cut, and how long it waits for the memory of each.
const CUTS: usize = 8;
const FREED: Duration = Duration::from_secs(1);
/// What waits for the memory of other clients is held already, but not charged. The part of a budget that this may be. Small
/// amounts always wait: requests in flight are bounded.
const WAITING_PART: u64 = 4;
const SMALL: u64 = 64 << 10;
/// A caller with less space than this, or than a part of a small budget, starts no further request.
const SPARE: u64 = 64 << 10;
const SPARE_PART: u64 = 64;

/// A budget of bytes, and all that hold some of them.
#[derive(Clone)]
pub(crate) struct Holders(Arc<Inner>);

struct Inner {
    budget: Budget,
    all: Lock<Vec<Weak<Holder>>>,
    /// The bytes that wait.
    waiting: AtomicU64,
    /// Notified when bytes come back.
    freed: Notify,
    epoch: Instant,
}

/// How a holder is ended from outside.
#[derive(Debug)]
pub(crate) enum Cut {
    /// The task that serves it.
    Task(AbortHandle),
    /// The HTTP/1 connection, which carries nothing else.
    Connection(Arc<ConnState>),
}

/// A body that comes in, an answer or a stream that goes out.
pub(crate) struct Holder {
    inner: Arc<Inner>,
    share: LinkBudget,
    owner: Owner,
    link: u64,
    held: AtomicU64,
    /// When it last moved, in milliseconds since the epoch of the server.
    moved: AtomicU64,
    /// Unset: a server around this service has the connection, which cannot be cut from here.
    cut: OnceLock<Cut>,
    why: OnceLock<Full>,
}

/// Bytes that a holder has.
pub(crate) struct Held {
    permit: Option<Permit>,
    holder: Arc<Holder>,
}

/// A text whose bytes come back when its last clone or slice is dropped.
struct Charged {
    text: Bytes,
    _held: Held,
}

impl AsRef<[u8]> for Charged {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

impl Holders {
    pub(super) fn new(name: &'static str, bytes: u64) -> Holders {
        Holders(Arc::new(Inner {
            budget: Budget::new(name, Limits::new(u64::MAX, bytes)),
            all: Lock::default(),
            waiting: AtomicU64::new(0),
            freed: Notify::new(),
            epoch: Instant::now(),
        }))
    }

    /// A new holder of this caller, that holds nothing yet.
    pub(crate) fn begin(&self, key: &BudgetKey) -> Arc<Holder> {
        let holder = Arc::new(Holder {
            inner: self.0.clone(),
            share: self.0.budget.link_of(key),
            owner: key.owner.clone(),
            link: key.link,
            held: AtomicU64::new(0),
            moved: AtomicU64::new(self.0.now()),
            cut: OnceLock::new(),
            why: OnceLock::new(),
        });
        let mut all = self.0.all.lock();
        if all.len() == all.capacity() {
            // Those that come and go leave nothing behind.
            all.retain(|holder| holder.strong_count() > 0);
        }
        all.push(Arc::downgrade(&holder));
        holder
    }

    /// Charges a text of this caller that cannot be cut, because it is short.
    pub(crate) fn charge(&self, key: &BudgetKey, text: &Bytes) -> Result<Bytes, Full> {
        let share = self.0.budget.link_of(key);
        let permit = share.take(0, text.len() as u64)?;
        Ok(Bytes::from_owner(Short { text: text.clone(), _permit: permit }))
    }

    /// Whether this caller has so much unread that it may start no further request. Then the slowest one is cut. A
    /// connection that holds nothing may start one if that makes room.
    pub(crate) fn refuses(&self, key: &BudgetKey) -> Option<Full> {
        if self.0.budget.bytes() == 0 {
            return None;
        }
        let share = self.0.budget.link_of(key);
        let spare = SPARE.min(self.0.budget.limits().bytes / SPARE_PART);
        let full = share.take(0, spare).err()?;
        let asker = Asker { owner: &key.owner, link: key.link, share: &share, holder: None };
        let room = self.0.cut_slowest(&full, &asker);
        (share.bytes() > 0 || !room).then_some(full)
    }
}

/// Who needs bytes.
struct Asker<'a> {
    owner: &'a Owner,
    link: u64,
    share: &'a LinkBudget,
    holder: Option<&'a Holder>,
}

impl Asker<'_> {
    /// Whether this holder is another one, of the scope that is full.
    fn shares(&self, holder: &Holder, scope: FullScope) -> bool {
        match scope {
            FullScope::Link => holder.link == self.link && holder.owner == *self.owner,
            FullScope::Owner => holder.owner == *self.owner,
            _ => true,
        }
    }
}

/// A short text that is charged.
struct Short {
    text: Bytes,
    _permit: Permit,
}

impl AsRef<[u8]> for Short {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

impl Inner {
    fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Cuts the holder that has not moved for longest, in the scope that is full, or else among the connections that hold more
    /// than this one. `false` if there is none, or if the asker is slower.
    fn cut_slowest(&self, full: &Full, asker: &Asker<'_>) -> bool {
        let others: Vec<Arc<Holder>> = {
            let mut all = self.all.lock();
            all.retain(|holder| holder.strong_count() > 0);
            let all = all.iter().filter_map(Weak::upgrade).filter(|holder| holder.is_cuttable());
            all.filter(|holder| !asker.holder.is_some_and(|own| std::ptr::eq(own, &**holder))).collect()
        };
        let own = asker.share.bytes();
        let near = others.iter().filter(|holder| asker.shares(holder, full.scope));
        let near = near.min_by_key(|holder| holder.moved()).filter(|holder| self.is_slow(holder, asker));
        let far = || {
            let far = others.iter().filter(|holder| holder.share.bytes() > own);
            far.min_by_key(|holder| holder.moved()).filter(|holder| self.is_slow(holder, asker))
        };
        let Some(slowest) = near.or_else(far) else { return false };
        slowest.cut(*full);
        true
    }

    /// Whether this holder has not moved for a while, and for longer than the asker.
    fn is_slow(&self, holder: &Holder, asker: &Asker<'_>) -> bool {
        let still = self.now().saturating_sub(holder.moved());
        let asker_is_slower = asker.holder.is_some_and(|own| own.held() > 0 && own.moved() < holder.moved());
        !asker_is_slower && u128::from(still) >= STILL.as_millis()
    }
}

impl Holder {
    #[cfg(test)]
    pub(crate) fn for_tests() -> Arc<Holder> {
        Holders::new("test", u64::MAX).begin(&BudgetKey::new(Owner::anonymous(), 1))
    }

    /// Sets how it is cut. Only the first call counts.
    pub(crate) fn cut_by(&self, cut: Cut) {
        let _set = self.cut.set(cut);
    }

    /// Notes that the client has sent or read something.
    pub(crate) fn touch(&self) {
        self.moved.store(self.inner.now(), Ordering::Relaxed);
    }

    /// Why it was cut.
    pub(crate) fn why(&self) -> Option<Full> {
        self.why.get().copied()
    }

    fn moved(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }

    fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }

    fn is_cuttable(&self) -> bool {
        self.held() > 0 && self.cut.get().is_some() && self.why.get().is_none()
    }

    fn cut(&self, why: Full) {
        tracing::debug!(%why, "the slowest client is cut");
        let _first = self.why.set(why);
        match self.cut.get() {
            Some(Cut::Task(task)) => task.abort(),
            Some(Cut::Connection(connection)) => connection.cut(),
            None => {}
        }
    }

    /// Holds nothing yet; see [`Held::grow`].
    pub(crate) fn nothing(self: &Arc<Self>) -> Held {
        Held { permit: None, holder: self.clone() }
    }

    /// Charges a text if there is space.
    pub(crate) fn try_charge(self: &Arc<Self>, text: &Bytes) -> Result<Bytes, Full> {
        let mut held = self.nothing();
        held.take(text.len() as u64)?;
        Ok(Bytes::from_owner(Charged { text: text.clone(), _held: held }))
    }

    /// Charges a text. If the budget is full, slower clients are cut first.
    ///
    /// # Errors
    ///
    /// None is slower, too much waits already, or their memory did not come back in time.
    pub(crate) async fn charge(self: &Arc<Self>, text: &Bytes) -> Result<Bytes, Full> {
        let mut held = self.nothing();
        held.grow(text.len() as u64).await?;
        Ok(Bytes::from_owner(Charged { text: text.clone(), _held: held }))
    }
}

impl Held {
    fn take(&mut self, bytes: u64) -> Result<(), Full> {
        match &mut self.permit {
            Some(permit) => permit.grow(bytes)?,
            none => *none = Some(self.holder.share.take(0, bytes)?),
        }
        if self.holder.held.fetch_add(bytes, Ordering::Relaxed) == 0 {
            self.holder.touch();
        }
        Ok(())
    }

    /// Takes more bytes. If the budget is full, slower clients are cut first.
    ///
    /// # Errors
    ///
    /// None is slower, too much waits already, or their memory did not come back in time.
    pub(crate) async fn grow(&mut self, bytes: u64) -> Result<(), Full> {
        let inner = self.holder.inner.clone();
        let mut waits = None;
        let mut cuts = 0;
        loop {
            // Before the attempt, so that no notification is lost.
            let freed = inner.freed.notified();
            let Err(full) = self.take(bytes) else { return Ok(()) };
            let Holder { owner, link, share, .. } = &*self.holder;
            let asker = Asker { owner, link: *link, share, holder: Some(&self.holder) };
            if cuts == CUTS || !inner.cut_slowest(&full, &asker) {
                return Err(full);
            }
            cuts += 1;
            if waits.is_none() {
                let Some(counted) = Waits::begin(&inner, bytes) else { return Err(full) };
                // What comes back is for those that ask.
                waits = Some((counted, share.waiting()));
            }
            let _freed = tokio::time::timeout(FREED, freed).await;
        }
    }
}

/// Bytes that wait.
struct Waits<'a> {
    inner: &'a Inner,
    bytes: u64,
}

impl Waits<'_> {
    /// `None` if too much waits already.
    fn begin(inner: &Inner, bytes: u64) -> Option<Waits<'_>> {
        let most = inner.budget.limits().bytes / WAITING_PART;
        let before = inner.waiting.fetch_add(bytes, Ordering::Relaxed);
        let waits = Waits { inner, bytes };
        (bytes <= SMALL || before == 0 || before.saturating_add(bytes) <= most).then_some(waits)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.inner.waiting.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("bytes", &self.permit.as_ref().map_or(0, Permit::bytes)).finish()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            self.holder.held.fetch_sub(permit.bytes(), Ordering::Relaxed);
            drop(permit);
            self.holder.inner.freed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests;
