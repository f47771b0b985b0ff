//! Answers until the peer has read them: what they may take, and what happens beyond that.

use std::sync::Arc;
use std::time::Instant;

use crate::message::{ErrorObject, Message};
use crate::runtime::weight;
use crate::session::ExchangeId;
use crate::session::server::Reply;
use crate::transport::Outbound;
use crate::transport::budget::{FullScope, Permit};

use super::command::{Outcome, outcome_len};
use super::shared::{LinkShared, QueueSlot};
use super::{Driver, ServerShared};
use crate::server::context::Exchange;

/// An answer that is smaller than this, in bytes, is never refused: the error would not be smaller.
const SMALL: usize = 1024;

/// What is answered instead of something that exceeds a limit.
fn busy(why: &str) -> Outcome {
    Ok(Reply::Busy(ErrorObject::internal(format!("Busy: {why}"))))
}

fn over_link(most: usize) -> String {
    format!("unread answers exceed {most} bytes for one link (max_link_unread_bytes)")
}

impl LinkShared {
    /// Counts an answer until it is written. One that exceeds the limit of the link is replaced by an error here, and not
    /// in the driver, whose turn may come after many handlers have answered.
    pub(super) fn count_answer(self: &Arc<Self>, outcome: Outcome) -> (Outcome, QueueSlot) {
        let bytes = outcome_len(&outcome);
        let mut slot = self.queue_slot(bytes, None);
        let (all, most) = (self.unread_bytes(), self.unread_limit());
        // An answer that is alone may have any length: there is no other way to send it.
        if bytes < SMALL || all <= most || all <= bytes {
            return (outcome, slot);
        }
        slot.shrink(bytes);
        (busy(&over_link(most)), slot)
    }
}

/// The unread bytes of a link up to which nothing is charged to the server's budget.
const UNCHARGED: usize = 16 * 1024;

/// The outcome of an exchange without a driver, and what it takes of the server's budget until it is sent.
pub(super) fn charged(
    server: &ServerShared,
    now: Instant,
    exchange: &Exchange,
    outcome: Outcome,
) -> (Outcome, Option<Permit>) {
    let bytes = outcome_len(&outcome);
    if bytes <= UNCHARGED {
        return (outcome, None);
    }
    let share = server.budgets.unread.link_for(&exchange.request.context.envelope);
    match share.take(0, bytes as u64) {
        Ok(permit) => (outcome, Some(permit)),
        Err(full) => {
            if full.scope != FullScope::Link {
                server.cut_slowest(now);
            }
            (busy(&full.to_string()), None)
        }
    }
}

/// The memory of a message that a transport collects for a batch, beside its payload.
const MESSAGE: usize = 64;

impl Driver<'_> {
    /// Passes the outcome of a request to the session, or an error if it does not fit into what answers may take.
    pub(super) fn reply(
        &mut self,
        now: Instant,
        exchange: ExchangeId,
        outcome: Outcome,
        slot: Option<QueueSlot>,
        permit: Option<Permit>,
    ) {
        self.running.remove(&exchange);
        let bytes = slot.as_ref().map_or_else(|| outcome_len(&outcome), QueueSlot::bytes);
        let counted = slot.is_some();
        let (mut outcome, mut slot) = (outcome, slot);
        if let Some(why) = self.over_unread(now, exchange, bytes, counted) {
            outcome = busy(&why);
            if let Some(slot) = &mut slot {
                slot.shrink(bytes);
            }
        }
        self.session.reply(now, exchange, outcome);
        if let Some(permit) = permit {
            self.session.keep(exchange, permit);
        }
        self.carry_out(slot);
    }

    /// The limit that an answer of this length exceeds. `counted`: the link's unread bytes include it.
    fn over_unread(
        &mut self,
        now: Instant,
        exchange: ExchangeId,
        bytes: usize,
        counted: bool,
    ) -> Option<String> {
        if bytes < SMALL {
            return None;
        }
        let limits = self.server.limits;
        if let Some(lane) = self.session.batch_of(exchange) {
            let most = limits.batch_bytes;
            if self.batches.get(&lane).copied().unwrap_or_default() + bytes > most {
                return Some(format!("the answers of a batch exceed {most} bytes (max_batch_bytes)"));
            }
        }
        let own = if counted { bytes } else { 0 };
        let others = self.shared.unread_bytes().saturating_sub(own) + self.batch_bytes;
        let most = limits.link_unread_bytes;
        if others > 0 && others + bytes > most {
            return Some(over_link(most));
        }
        self.charge_unread(now, others + bytes)
    }

    /// Charges the unread bytes of the link to the server's budget. Returns the limit if that is full.
    fn charge_unread(&mut self, now: Instant, bytes: usize) -> Option<String> {
        let charged = self.unread.as_ref().map_or(0, Permit::bytes);
        let more = (bytes as u64).saturating_sub(charged);
        if bytes <= UNCHARGED || more == 0 {
            return None;
        }
        let full = match &mut self.unread {
            Some(permit) => permit.grow(more).err()?,
            // The link has served a request, so it has an account.
            None => match self.account.as_ref()?.unread.take(0, more) {
                Ok(permit) => {
                    self.unread = Some(permit);
                    return None;
                }
                Err(full) => full,
            },
        };
        if full.scope != FullScope::Link {
            self.server.cut_slowest(now);
        }
        Some(full.to_string())
    }

    /// The unread bytes of the link from which on a call of [`release_unread`](Driver::release_unread) is worth it.
    pub(super) fn releasable(&self) -> Option<usize> {
        let charged = self.unread.as_ref()?.bytes() as usize;
        // What batches hold is not read in between.
        (charged / 2).max(UNCHARGED).checked_sub(self.batch_bytes)
    }

    /// Releases what the peer has read.
    pub(super) fn release_unread(&mut self) {
        let Some(permit) = &mut self.unread else { return };
        let bytes = self.shared.unread_bytes() + self.batch_bytes;
        if bytes <= UNCHARGED {
            self.unread = None;
        } else {
            permit.shrink(permit.bytes().saturating_sub(bytes as u64));
        }
    }

    /// Counts an answer that the transport collects until its batch is complete. Returns the bytes that go out with the
    /// last one.
    pub(super) fn count_batch(&mut self, out: &Outbound) -> usize {
        match out {
            Outbound::Message { message: Message::Response(_), lane, last: false, .. } => {
                let bytes = weight::outbound(out) + MESSAGE;
                *self.batches.entry(*lane).or_default() += bytes;
                self.batch_bytes += bytes;
                0
            }
            Outbound::Message { lane, last: true, .. } | Outbound::End { lane, .. } => {
                let bytes = self.batches.remove(lane).unwrap_or_default();
                self.batch_bytes -= bytes;
                bytes
            }
            Outbound::Message { .. } => 0,
        }
    }
}
