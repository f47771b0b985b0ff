//! The flaws of a reading half.

use std::sync::Arc;

use async_trait::async_trait;

use mcp_core::message::{Message, Response};
use mcp_core::transport::{Inbound, Lane, Loss, LossKind, TransportError, TransportReceiver};

use super::{Flaw, Shared};

pub(super) struct Receiver {
    inner: Box<dyn TransportReceiver>,
    flaw: Flaw,
    shared: Arc<Shared>,
    received: usize,
    held: Option<Inbound>,
    ended: bool,
}

impl Receiver {
    pub(super) fn new(inner: Box<dyn TransportReceiver>, flaw: Flaw, shared: Arc<Shared>) -> Receiver {
        Receiver { inner, flaw, shared, received: 0, held: None, ended: false }
    }
}

#[async_trait]
impl TransportReceiver for Receiver {
    async fn recv(&mut self) -> Result<Option<Inbound>, TransportError> {
        loop {
            if self.flaw == Flaw::EndsTwice && self.ended {
                return Err(TransportError::new("it had ended"));
            }
            if matches!(self.flaw, Flaw::Swaps | Flaw::DeliversCalls)
                && let Some(held) = self.held.take()
            {
                return Ok(Some(held));
            }
            if self.flaw == Flaw::OneLock {
                drop(self.shared.lock.lock().await);
            }
            let Some(mut inbound) = self.inner.recv().await? else {
                self.ended = true;
                if self.flaw == Flaw::MissesTheEnd {
                    std::future::pending::<()>().await;
                }
                return Ok(None);
            };
            self.received += 1;
            match self.flaw {
                Flaw::OneLane => {
                    if let Inbound::Message { lane, .. } = &mut inbound {
                        self.shared.state().last_lane = Some(*lane);
                        *lane = Lane::numbered(1);
                    }
                }
                Flaw::LanesOnAStream => {
                    if let Inbound::Message { lane, .. } = &mut inbound {
                        *lane = Lane::numbered(self.received as u64);
                    }
                }
                Flaw::DeliversCalls => {
                    if let Inbound::Message { message: Message::Response(_), lane, .. } = &inbound {
                        let lane = *lane;
                        self.held = Some(inbound);
                        return Ok(Some(Inbound::delivered(lane)));
                    }
                }
                Flaw::ClientMints => {
                    if let Inbound::Message { lane, .. } = &mut inbound {
                        *lane = Lane::numbered(lane.number() + 1000);
                    }
                }
                Flaw::RoutesById => {
                    if let Inbound::Message {
                        message: Message::Response(Response { id: Some(id), .. }),
                        lane,
                        ..
                    } = &mut inbound
                        && let Some(by_id) = self.shared.state().lanes.get(id)
                    {
                        *lane = *by_id;
                    }
                }
                Flaw::LosesErrors => {
                    if let Inbound::Message {
                        message: Message::Response(Response { outcome: Err(error), .. }),
                        lane,
                        ..
                    } = &inbound
                    {
                        let loss = Loss::new(LossKind::PeerFailed, error.clone());
                        inbound = Inbound::lost(*lane, loss);
                    }
                }
                Flaw::WaitsForAnswer => self.shared.answered.notify_one(),
                Flaw::Swaps if self.received.is_multiple_of(7) => {
                    self.held = Some(inbound);
                    return self.inner.recv().await;
                }
                Flaw::TearsAtServer | Flaw::TearsAtClient => tokio::task::yield_now().await,
                Flaw::NeverDelivered if matches!(inbound, Inbound::Delivered { .. }) => continue,
                _ => {}
            }
            return Ok(Some(inbound));
        }
    }
}
