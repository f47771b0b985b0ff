//! Processing pending input in bursts, for the drivers of both roles.

use std::ops::ControlFlow;

use futures::FutureExt;

use crate::transport::TransportReceiver;

use super::mailbox::Mailbox;
use super::turn::Turn;
use super::writer::Rejected;
use super::{Received, weight};

/// A driver of a link, as [`burst`] uses it.
pub(crate) trait LinkDriver {
    /// How the link ended.
    type End;

    /// A message was not sent.
    fn rejected(&mut self, rejected: Rejected);

    /// Carries out the oldest command. `false` if none waits.
    fn take_command(&mut self) -> bool;

    /// Handles the outcome of a `recv`.
    fn received(&mut self, received: Received) -> ControlFlow<Self::End>;

    /// Whether to call `recv` again within this burst.
    fn wants_more(&self) -> bool;

    /// Whether the link is to be closed.
    fn is_leaving(&self) -> bool;
}

/// The bytes that were received.
pub(crate) fn received_len(received: &Received) -> usize {
    match received {
        Ok(Some(inbound)) => weight::inbound(inbound),
        Ok(None) | Err(_) => 0,
    }
}

/// Processes what is pending until the turn is over, so that many messages cost one wake-up and one flush.
pub(crate) fn burst<D: LinkDriver>(
    driver: &mut D,
    receiver: &mut dyn TransportReceiver,
    rejected: &Mailbox<Rejected>,
    turn: &mut Turn,
) -> ControlFlow<D::End> {
    while !turn.is_over() {
        let mut idle = true;
        if let Some(rejected) = rejected.try_pop() {
            idle = false;
            driver.rejected(rejected);
        }
        idle &= !driver.take_command();
        let mut bytes = 0;
        if driver.wants_more()
            && let Some(received) = receiver.recv().now_or_never()
        {
            idle = false;
            bytes = received_len(&received);
            driver.received(received)?;
        }
        if idle || driver.is_leaving() {
            break;
        }
        turn.spend(bytes);
    }
    ControlFlow::Continue(())
}
