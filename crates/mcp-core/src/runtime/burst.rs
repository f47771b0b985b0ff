//! Processing pending input in bursts, for the drivers of both roles.

use std::ops::ControlFlow;

use futures::FutureExt;

use crate::transport::TransportReceiver;

use super::mailbox::Mailbox;
use super::writer::Rejected;
use super::{BURST, Received};

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

/// Processes what is pending, up to [`BURST`] items of each kind, so that many messages cost one wake-up and one flush.
pub(crate) fn burst<D: LinkDriver>(
    driver: &mut D,
    receiver: &mut dyn TransportReceiver,
    rejected: &Mailbox<Rejected>,
) -> ControlFlow<D::End> {
    for _ in 0..BURST {
        let mut idle = true;
        if let Some(rejected) = rejected.try_pop() {
            idle = false;
            driver.rejected(rejected);
        }
        idle &= !driver.take_command();
        if driver.wants_more()
            && let Some(received) = receiver.recv().now_or_never()
        {
            idle = false;
            driver.received(received)?;
        }
        if idle || driver.is_leaving() {
            break;
        }
    }
    ControlFlow::Continue(())
}
