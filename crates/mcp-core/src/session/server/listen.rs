//! Subscriptions of modern clients: `subscriptions/listen` and its notifications (ledger 3.19).

use std::time::Instant;

use crate::message::{
    ErrorObject, Field, Notification, ProtocolVersion, RawJson, Request, RequestId, Response, meta,
};
use crate::session::{Change, ExchangeId, LogLevel, SubscriptionFilter};
use crate::transport::budget::{Full, Permit};
use crate::transport::{AbandonBy, AnsweredBy, Envelope, Lane, Owner};

use super::exchange::ExchangeEntry;
use super::{ServerSession, cancelled_params, shape};

/// One subscription, identified by lane and id.
// T-14.
#[derive(Debug)]
pub(super) struct ListenEntry {
    pub(super) id: RequestId,
    pub(super) lane: Lane,
    /// The honoured part of the client's filter.
    honoured: SubscriptionFilter,
    owner: Owner,
    /// `{"io.modelcontextprotocol/subscriptionId":…}`: the `_meta` of every message of the subscription.
    // SUB-S-005.
    subscription_meta: RawJson,
    /// The memory of the filter, in bytes.
    bytes: usize,
    _permit: Option<Permit>,
}

/// The subscriptions of one link, oldest first.
#[derive(Debug, Default)]
pub(super) struct Listens {
    /// By name, in order. Not a map, whose nodes have space for eleven: most links have one subscription.
    entries: Vec<(ExchangeId, ListenEntry)>,
    bytes: usize,
}

impl Listens {
    #[cfg(feature = "server")]
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn take_all(&mut self) -> Vec<(ExchangeId, ListenEntry)> {
        self.bytes = 0;
        std::mem::take(&mut self.entries)
    }

    /// The memory of all filters, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn insert(&mut self, name: ExchangeId, listen: ListenEntry) {
        self.bytes += listen.bytes;
        if self.entries.capacity() == 0 {
            self.entries.reserve_exact(1);
        }
        // Names ascend, so the newest comes last.
        self.entries.push((name, listen));
    }

    fn remove(&mut self, name: ExchangeId) -> Option<ListenEntry> {
        let index = self.entries.binary_search_by_key(&name, |(name, _)| *name).ok()?;
        let (_, listen) = self.entries.remove(index);
        self.bytes -= listen.bytes;
        if self.entries.is_empty() {
            self.entries = Vec::new();
        }
        Some(listen)
    }

    pub(super) fn on_lane(&self, lane: Lane) -> Vec<ExchangeId> {
        let on_it = self.entries.iter().filter(|(_, listen)| listen.lane == lane);
        on_it.map(|(name, _)| *name).collect()
    }
}

/// The claim of a modern request.
pub(super) type Modern = (ProtocolVersion, Option<LogLevel>);

const MODERN: ProtocolVersion = ProtocolVersion::LATEST_MODERN;

impl ServerSession {
    /// `subscriptions/listen`. Acknowledged at once, so that the acknowledgement is its first message. A subscription
    /// that can deliver nothing is then ended at once.
    // SUB-S-002, T-47.
    pub(super) fn listen(&mut self, lane: Lane, request: Request, modern: Modern, envelope: Envelope) {
        let filter = request.params.as_ref().and_then(|params| params.field_json(Field::Notifications));
        let filter = filter.filter(RawJson::is_object);
        let Some(filter) = filter.and_then(|filter| filter.deserialize::<SubscriptionFilter>().ok()) else {
            let limit = SubscriptionFilter::MAX_URIS;
            let why = format!("`notifications` has to be a subscription filter of at most {limit} URIs");
            return self.refuse(lane, request.id.clone(), ErrorObject::invalid_params(why));
        };
        if self.config.pass_through {
            let (version, level) = modern;
            return self.open_modern(request, lane, version, level, envelope);
        }
        let (request, envelope) = (&request, &envelope);
        let honoured = self.declared().honour(filter);
        let bytes = honoured.heap_size();
        let limit = self.config.max_listens;
        if self.listens.entries.len() >= limit {
            let error = ErrorObject::internal(format!("Busy: {limit} subscriptions are open (max_listens)"));
            return self.refuse(lane, request.id.clone(), error);
        }
        if let Some(error) = self.over_bytes(bytes) {
            return self.refuse(lane, request.id.clone(), error);
        }
        let permit = match self.subscription_permit(envelope, &honoured) {
            Ok(permit) => permit,
            Err(full) => {
                let error = ErrorObject::internal(format!("Busy: {full}"));
                return self.refuse(lane, request.id.clone(), error);
            }
        };
        let name = self.exchanges.claim(lane, &request.id, self.is_indexed(lane));
        let mut id = Vec::new();
        request.id.write_to(&mut id);
        let subscription_meta = RawJson::object([(meta::SUBSCRIPTION_ID, RawJson::trusted(id.into()))]);
        let listen = ListenEntry {
            id: request.id.clone(),
            lane,
            honoured,
            owner: Owner::of_envelope(envelope),
            subscription_meta,
            bytes,
            _permit: permit,
        };
        // A filter consists of flags and strings, which always serialize.
        let notifications = RawJson::serialize(&listen.honoured).unwrap_or_default();
        let params =
            RawJson::object([("_meta", listen.subscription_meta.clone()), ("notifications", notifications)]);
        self.send(Notification::new("notifications/subscriptions/acknowledged", Some(params)), lane, MODERN);
        if listen.honoured.is_empty() {
            return self.end_listen(listen);
        }
        self.listens.insert(name, listen);
    }

    /// The place of a subscription, and the memory that it takes. None for one that ends at once.
    fn subscription_permit(
        &mut self,
        envelope: &Envelope,
        honoured: &SubscriptionFilter,
    ) -> Result<Option<Permit>, Full> {
        if honoured.is_empty() {
            return Ok(None);
        }
        let bytes = (size_of::<ListenEntry>() + honoured.heap_size()) as u64;
        self.subscription_share(envelope).map(|share| share.take(1, bytes)).transpose()
    }

    /// Reports a change: to every subscription that includes it, and to a legacy client if the server declared such
    /// notifications. With an audience, only to subscriptions and clients of this owner: the one of the request that
    /// opened the subscription, or of `initialize`.
    pub fn publish(&mut self, _now: Instant, change: &Change, audience: Option<&Owner>) {
        if self.closing.closed || !self.declared().announces(change) {
            return;
        }
        let uri = match change {
            Change::Resource { uri } => Some(uri),
            _ => None,
        };
        let is_meant = |owner: &Owner| audience.is_none_or(|audience| audience == owner);
        let open = self.legacy.as_ref().filter(|legacy| legacy.initialized && is_meant(&legacy.owner));
        if let Some(legacy) = open.filter(|legacy| uri.is_none_or(|uri| legacy.subscribed.contains(uri))) {
            let params = uri.map(|uri| RawJson::object([("uri", RawJson::string(uri))]));
            let version = legacy.version;
            self.send(Notification::new(change.method(), params), Lane::SHARED, version);
        }
        let meant =
            self.listens.entries.iter().map(|(_, listen)| listen).filter(|listen| is_meant(&listen.owner));
        let wanted = meant.filter(|listen| listen.honoured.wants(change));
        let copies: Vec<(Lane, RawJson)> = wanted
            .map(|listen| {
                let mut members = vec![("_meta", listen.subscription_meta.clone())];
                members.extend(uri.map(|uri| ("uri", RawJson::string(uri))));
                (listen.lane, RawJson::object(members))
            })
            .collect();
        for (lane, params) in copies {
            self.send(Notification::new(change.method(), Some(params)), lane, MODERN);
        }
    }

    /// A subscription that the handler served has its result: where clients abandon by message, `notifications/cancelled`
    /// follows, as for the session's own.
    // CANC-S-011.
    pub(super) fn listen_over(&mut self, exchange: &ExchangeEntry) {
        if self.config.pass_through
            && self.binding.abandon == AbandonBy::Message
            && exchange.method() == "subscriptions/listen"
        {
            let params = Some(cancelled_params(exchange.id()));
            self.send(Notification::new("notifications/cancelled", params), Lane::SHARED, MODERN);
        }
    }

    /// Gives up the subscriptions that the handler serves, because the client reads no more of them.
    pub(super) fn silence_listens(&mut self) {
        if self.config.pass_through {
            for name in self.exchanges.listens() {
                self.silence(name);
            }
        }
    }

    /// Ends a subscription without a message. Returns its lane, or `None` if the name is not a subscription's.
    pub(super) fn end_listen_silently(&mut self, name: ExchangeId) -> Option<Lane> {
        let listen = self.listens.remove(name)?;
        self.exchanges.release(listen.lane, &listen.id);
        Some(listen.lane)
    }

    /// Ends all subscriptions in order: sends the result, and `notifications/cancelled` if the binding cancels by
    /// message.
    // SUB-S-011, CANC-S-011, T-12.
    pub(super) fn end_listens(&mut self) {
        for (_, listen) in self.listens.take_all() {
            self.end_listen(listen);
        }
    }

    fn end_listen(&mut self, listen: ListenEntry) {
        let ListenEntry { id, lane, subscription_meta, .. } = listen;
        self.exchanges.release(lane, &id);
        let result = RawJson::object([("_meta", subscription_meta)]);
        let result = shape::modern_result(&self.config, "subscriptions/listen", result.into());
        let params = cancelled_params(&id);
        let response = Response::result(id, result);
        self.respond(lane, response, AnsweredBy::Handler, Some(MODERN));
        if self.binding.abandon == AbandonBy::Message {
            let notification = Notification::new("notifications/cancelled", Some(params));
            self.send(notification, Lane::SHARED, MODERN);
        }
    }
}
