//! The flaws of a writing half.

use std::sync::Arc;

use async_trait::async_trait;

use mcp_core::message::{Message, Payload, RawJson, Request, RequestId};
use mcp_core::transport::{CloseReport, Lane, Outbound, SendError, TransportError, TransportSender};

use super::{Flaw, Shared};

pub(super) struct Sender {
    inner: Option<Box<dyn TransportSender>>,
    flaw: Flaw,
    shared: Arc<Shared>,
    sent: usize,
    held: Vec<Outbound>,
    closed: bool,
}

impl Sender {
    pub(super) fn new(inner: Box<dyn TransportSender>, flaw: Flaw, shared: Arc<Shared>) -> Sender {
        Sender { inner: Some(inner), flaw, shared, sent: 0, held: Vec::new(), closed: false }
    }

    async fn pass(&mut self, out: Outbound) -> Result<(), SendError> {
        match &mut self.inner {
            Some(inner) => inner.send(out).await,
            None => Err(SendError::fatal("closed")),
        }
    }
}

#[async_trait]
impl TransportSender for Sender {
    async fn send(&mut self, mut out: Outbound) -> Result<(), SendError> {
        self.sent += 1;
        let seventh = self.sent.is_multiple_of(7);
        match self.flaw {
            Flaw::OneLane => {
                if let Some(last) = self.shared.state().last_lane
                    && out.lane() == Lane::numbered(1)
                {
                    set_lane(&mut out, last);
                }
            }
            Flaw::RoutesById => {
                if let Outbound::Message { message: Message::Request(request), lane, .. } = &out {
                    self.shared.state().lanes.insert(request.id.clone(), *lane);
                }
            }
            Flaw::RetypesIds => retype(&mut out),
            Flaw::SwallowsEnd if matches!(out, Outbound::End { .. }) => return Ok(()),
            Flaw::AcceptsLate => {
                return match self.pass(out).await {
                    Err(SendError::Rejected(_)) => Ok(()),
                    sent => sent,
                };
            }
            Flaw::LastOnly if matches!(out, Outbound::Message { last: false, .. }) => return Ok(()),
            Flaw::HoldsNotes if matches!(out, Outbound::Message { last: false, .. }) => {
                self.held.push(out);
                return Ok(());
            }
            Flaw::HoldsNotes | Flaw::CutsReplies if !self.held.is_empty() => {
                for held in std::mem::take(&mut self.held) {
                    self.pass(held).await?;
                }
            }
            Flaw::Reencodes => reencode(&mut out),
            Flaw::WaitsForAnswer if is_call(&out) => {
                self.pass(out).await?;
                self.shared.answered.notified().await;
                return Ok(());
            }
            Flaw::WaitsForRoute => {
                return match self.pass(out).await {
                    Err(SendError::Rejected(_)) => std::future::pending().await,
                    sent => sent,
                };
            }
            Flaw::OneLock => {
                let shared = self.shared.clone();
                let _held = shared.lock.lock().await;
                return self.pass(out).await;
            }
            Flaw::LanesOnAStream => set_lane(&mut out, Lane::SHARED),
            Flaw::Drops if seventh => return Ok(()),
            Flaw::Doubles if seventh => self.pass(out.clone()).await?,
            _ => {}
        }
        if self.flaw == Flaw::CutsReplies {
            self.held.push(out);
            return Ok(());
        }
        self.pass(out).await
    }

    async fn close(&mut self) -> Result<CloseReport, TransportError> {
        match self.flaw {
            Flaw::HangsInClose => std::future::pending().await,
            Flaw::ClosesTwice if std::mem::replace(&mut self.closed, true) => {
                return Err(TransportError::new("closed before"));
            }
            // What is held back is lost: only a later send would have sent it.
            Flaw::CutsReplies => self.held.clear(),
            _ => {}
        }
        match &mut self.inner {
            Some(inner) => inner.close().await,
            None => Ok(CloseReport::default()),
        }
    }
}

fn set_lane(out: &mut Outbound, to: Lane) {
    if let Outbound::Message { lane, .. } | Outbound::End { lane, .. } = out {
        *lane = to;
    }
}

fn is_call(out: &Outbound) -> bool {
    matches!(out, Outbound::Message { message: Message::Request(_), .. })
}

fn retype(out: &mut Outbound) {
    if let Outbound::Message { message: Message::Response(response), .. } = out
        && let Some(number) = response.id.as_ref().and_then(|id| id.as_str()?.parse::<i64>().ok())
    {
        response.id = Some(RequestId::from(number));
    }
}

fn reencode(out: &mut Outbound) {
    if let Outbound::Message { message: Message::Request(Request { params: Some(params), .. }), .. } = out
        && let Ok(tree) = params.raw().deserialize::<serde_json::Value>()
        && let Ok(raw) = RawJson::serialize(&tree)
    {
        *params = Payload::new(raw);
    }
}
