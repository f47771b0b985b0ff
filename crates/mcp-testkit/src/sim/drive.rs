//! The driver of the simulation: picks the next event, and executes the outputs of the sessions.

use std::time::Instant;

use mcp_core::message::{ErrorObject, Message};
use mcp_core::session::Output;
use mcp_core::session::server::{ServerEvent, ServerSession};
use mcp_core::transport::{
    AbandonBy, Binding, CloseReport, Envelope, Inbound, Lane, Loss, LossKind, Outbound, TransportError,
};

use super::link::{Flight, Link, Wire};
use super::log::{Line, Side};
use super::{Late, Served, Sim};

/// Whether lanes reach the peer.
fn has_exchanges(binding: Binding) -> bool {
    !binding.ordered || binding.abandon == AbandonBy::End
}

fn cut(why: &'static str) -> Loss {
    Loss::new(LossKind::Cut, why)
}

impl Sim {
    /// When the next message in flight arrives.
    pub(super) fn next_movement(&self) -> Option<Instant> {
        let arrivals = self.links.iter().filter_map(Link::next_arrival);
        let replies = self.late.iter().map(|late| late.at);
        arrivals.chain(replies).chain(self.dial).min()
    }

    /// When the next event happens, deadlines included.
    pub(super) fn next_instant(&self) -> Option<Instant> {
        let servers = self.links.iter().filter(|link| link.server_open).filter_map(|link| link.server_wait);
        self.next_movement().into_iter().chain(self.client_wait).chain(servers).min()
    }

    /// Moves the clock to `at` and executes one event. Arrivals come before deadlines.
    pub(super) fn step(&mut self, at: Instant) {
        self.now = self.now.max(at);
        let now = self.now;
        for index in 0..self.links.len() {
            if let Some(flight) = self.links[index].arrived(now) {
                return self.arrive(index, flight);
            }
        }
        if let Some(place) = self.late.iter().position(|late| late.at <= now) {
            let Late { link, exchange, reply, .. } = self.late.remove(place);
            self.links[link].server.reply(now, exchange, reply);
            return self.drain_server(link);
        }
        if self.dial.is_some_and(|at| at <= now) {
            self.dial = None;
            return self.connect();
        }
        if self.client_wait.is_some_and(|at| at <= now) {
            self.client.handle_timeout(now);
            return self.drain_client();
        }
        for index in 0..self.links.len() {
            if self.links[index].server_wait.is_some_and(|at| at <= now) {
                self.links[index].server.handle_timeout(now);
                return self.drain_server(index);
            }
        }
    }

    fn connect(&mut self) {
        match self.refusals.pop_front() {
            Some(error) => self.client.handle_connect_failed(self.now, error),
            None => {
                let server = ServerSession::new(self.now, self.server_config.clone(), self.binding);
                self.links.push(Link::new(server, self.links.len()));
                self.drain_server(self.links.len() - 1);
                self.client.handle_connected(self.now, self.binding);
            }
        }
        self.drain_client();
    }

    fn note(&mut self, index: usize, from: Side, lane: Lane, text: String) {
        self.log.push(Line { at: self.elapsed(), link: index + 1, from, lane, text });
    }

    fn fly(&mut self, index: usize, to: Side, what: Wire) {
        self.links[index].fly(self.now, &self.conditions, self.binding, to, what);
    }

    /// Whether this message is the nth of a period.
    fn strikes(&self, index: usize, every: Option<u32>) -> bool {
        every.is_some_and(|every| every > 0 && self.links[index].messages.is_multiple_of(every))
    }

    /// Sends a message, as the link conditions allow.
    fn launch(&mut self, index: usize, to: Side, message: Message, lane: Lane, last: bool) {
        let mut text = Vec::new();
        message.write_to(&mut text);
        let from = if to == Side::Server { Side::Client } else { Side::Server };
        self.note(index, from, lane, String::from_utf8_lossy(&text).into_owned());
        self.links[index].messages += 1;
        if self.links[index].failed {
            return;
        }
        if self.conditions.cut_after.is_some_and(|most| self.links[index].messages > most) {
            self.note(index, from, lane, "(the link fails)".to_owned());
            self.links[index].flights.clear();
            // Reported from the loop, not while a session's outputs are executed.
            self.fly(index, Side::Client, Wire::Closed);
            self.fly(index, Side::Server, Wire::Closed);
            self.links[index].failed = true;
            return;
        }
        if !lane.is_shared() && self.strikes(index, self.conditions.lose_every) {
            self.note(index, from, lane, "(lost)".to_owned());
            self.fly(index, Side::Client, Wire::Lost { lane });
            return self.fly(index, Side::Server, Wire::End { lane });
        }
        if self.strikes(index, self.conditions.double_every) {
            self.fly(index, to, Wire::Message { message: message.clone(), lane, last });
        }
        self.fly(index, to, Wire::Message { message, lane, last });
    }

    fn arrive(&mut self, index: usize, flight: Flight) {
        match flight.to {
            Side::Client => self.arrive_at_client(index, flight.what),
            Side::Server => self.arrive_at_server(index, flight.what),
        }
    }

    fn arrive_at_client(&mut self, index: usize, what: Wire) {
        let link = &mut self.links[index];
        if !link.client_open {
            return;
        }
        let envelope = Envelope::default();
        let inbound = match what {
            Wire::Message { message, lane, last } => {
                let lanes = &mut link.client_lanes;
                let alive = lane.is_shared() || if last { lanes.end(lane) } else { lanes.is_open(lane) };
                alive.then_some(Inbound::message(message, lane).with_envelope(envelope))
            }
            Wire::End { lane } => {
                link.client_lanes.end(lane).then(|| Inbound::lost(lane, cut("the server ended the exchange")))
            }
            Wire::Lost { lane } => {
                link.client_lanes.end(lane);
                Some(Inbound::lost(lane, cut("the exchange was cut")))
            }
            Wire::Delivered { lane } => Some(Inbound::delivered(lane)),
            Wire::Closed => {
                link.client_open = false;
                let error = link.failed.then(|| TransportError::new("the simulated link failed"));
                self.client.handle_closed(self.now, error, CloseReport::default());
                return self.drain_client();
            }
        };
        if let Some(inbound) = inbound {
            self.client.handle_inbound(self.now, inbound);
            self.drain_client();
        }
    }

    fn arrive_at_server(&mut self, index: usize, what: Wire) {
        let exchanges = has_exchanges(self.binding);
        let link = &mut self.links[index];
        if !link.server_open {
            return;
        }
        match what {
            Wire::Message { message, lane: called, .. } => {
                let asks = matches!(message, Message::Request(_));
                let lane = if exchanges { link.server_lanes.mint(called, asks) } else { Lane::SHARED };
                let inbound = Inbound::message(message, lane);
                link.server.handle_inbound(self.now, inbound);
                if !self.binding.ordered && !asks {
                    self.fly(index, Side::Client, Wire::Delivered { lane: called });
                }
            }
            Wire::End { lane } | Wire::Lost { lane } | Wire::Delivered { lane } => {
                if let Some(lane) = link.server_lanes.end_by_client(lane) {
                    link.server.handle_inbound(self.now, Inbound::ended(lane));
                }
            }
            Wire::Closed if link.failed => {
                link.server_open = false;
                link.server.handle_closed(self.now, None, CloseReport::default());
            }
            Wire::Closed => link.server.handle_read_closed(self.now),
        }
        self.drain_server(index);
    }

    pub(super) fn drain_client(&mut self) {
        loop {
            match self.client.poll_output() {
                Output::Transmit(out) => self.transmit_up(out),
                Output::Event(event) => {
                    let at = self.elapsed();
                    self.client_events.push((at, event));
                }
                Output::Redial { at } => {
                    self.leave();
                    self.dial = Some(crate::after(at.max(self.now), self.conditions.delay));
                }
                Output::Close(_) => {
                    self.leave();
                    self.dial = None;
                }
                Output::Wait(at) => {
                    self.client_wait = at;
                    return;
                }
            }
        }
    }

    /// The client closes its link. The server reads what was sent, then the end.
    fn leave(&mut self) {
        if let Some(index) = self.links.len().checked_sub(1)
            && std::mem::replace(&mut self.links[index].client_open, false)
        {
            self.fly(index, Side::Server, Wire::Closed);
        }
    }

    fn transmit_up(&mut self, out: Outbound) {
        let Some(index) = self.links.len().checked_sub(1) else { return };
        if !self.links[index].client_open {
            return;
        }
        match out {
            Outbound::Message { message, lane, last, .. } => {
                let lane = if has_exchanges(self.binding) { lane } else { Lane::SHARED };
                if matches!(message, Message::Request(_)) && !lane.is_shared() {
                    self.links[index].client_lanes.open(lane);
                }
                self.launch(index, Side::Server, message, lane, last);
            }
            Outbound::End { lane, reason, .. } if self.links[index].client_lanes.end(lane) => {
                self.note(index, Side::Client, lane, format!("(End: {reason:?})"));
                self.fly(index, Side::Server, Wire::End { lane });
            }
            _ => {}
        }
    }

    pub(super) fn drain_server(&mut self, index: usize) {
        loop {
            match self.links[index].server.poll_output() {
                Output::Transmit(out) => self.transmit_down(index, out),
                Output::Event(event) => self.server_event(index, event),
                // A server never connects.
                Output::Redial { .. } => {}
                Output::Close(_) => {
                    if std::mem::replace(&mut self.links[index].server_open, false) {
                        self.fly(index, Side::Client, Wire::Closed);
                    }
                }
                Output::Wait(at) => {
                    self.links[index].server_wait = at;
                    return;
                }
            }
        }
    }

    fn transmit_down(&mut self, index: usize, out: Outbound) {
        let link = &mut self.links[index];
        if !link.server_open {
            return;
        }
        let lane = out.lane();
        let called = if lane.is_shared() { Some(lane) } else { link.server_lanes.client_of(lane) };
        let Some(called) = called else {
            let loss = Loss::new(LossKind::NoRoute, "this exchange is over");
            if let Outbound::Message { message, .. } = out {
                let request = match &message {
                    Message::Request(request) => Some(&request.id),
                    _ => None,
                };
                self.links[index].server.handle_rejected(self.now, lane, request, loss);
            }
            return;
        };
        match out {
            Outbound::Message { message, last, .. } => {
                if last {
                    link.server_lanes.end(lane);
                }
                self.launch(index, Side::Client, message, called, last);
            }
            Outbound::End { reason, .. } => {
                link.server_lanes.end(lane);
                if !lane.is_shared() {
                    self.note(index, Side::Server, called, format!("(End: {reason:?})"));
                    self.fly(index, Side::Client, Wire::End { lane: called });
                }
            }
            _ => {}
        }
    }

    fn server_event(&mut self, index: usize, event: ServerEvent) {
        let now = self.now;
        match &event {
            ServerEvent::Request(incoming) => {
                let exchange = incoming.exchange;
                match (self.handler)(incoming) {
                    Served::Now(reply) => self.links[index].server.reply(now, exchange, reply),
                    Served::After(time, reply) => {
                        self.late.push(Late { at: crate::after(now, time), link: index, exchange, reply });
                    }
                    Served::Never => {}
                }
            }
            // The session still expects an outcome before it releases the exchange; a late reply is one.
            ServerEvent::Cancelled { exchange }
                if !self.late.iter().any(|late| late.link == index && late.exchange == *exchange) =>
            {
                let reply = Err(ErrorObject::internal("cancelled"));
                self.links[index].server.reply(now, *exchange, reply);
            }
            _ => {}
        }
        let at = self.elapsed();
        self.server_events.push((at, event));
    }
}
