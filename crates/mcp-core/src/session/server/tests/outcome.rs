//! Whatever happens: no panic, no endless output, exactly one outcome for each accepted request.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;
use crate::session::Change;

/// One thing that can happen to a session.
#[derive(Clone, Debug)]
enum Deed {
    Say { lane: u64, line: String },
    Over { lane: u64, lost: bool },
    Reply { exchange: u64, kind: u8 },
    Speak { exchange: u64 },
    Publish,
    Ask,
    Time,
    ReadClosed,
    Drain,
    Close,
    Gone,
}

fn line() -> impl Strategy<Value = String> {
    let id = prop_oneof![Just("1"), Just("2"), Just("\"1\""), Just("\"i\"")];
    let method = prop_oneof![
        Just("tools/call"),
        Just("tools/list"),
        Just("ping"),
        Just("server/discover"),
        Just("resources/subscribe"),
        Just("logging/setLevel"),
        Just("x/y"),
    ];
    let all = r#"{"elicitation":{},"roots":{},"sampling":{}}"#;
    let open = format!(r#"{{"protocolVersion":"2025-03-26","capabilities":{all}}}"#);
    let request = (id.clone(), method, any::<bool>()).prop_map(move |(id, method, new)| {
        let members = r#""uri":"a:","level":"info""#;
        if new {
            modern_meta(id, method, r#""progressToken":1"#, all, members)
        } else {
            bare(id, method, &format!("{{{members}}}"))
        }
    });
    let one = prop_oneof![
        6 => request,
        2 => id.clone().prop_map(|id| modern(id, "subscriptions/listen", r#""notifications":{"toolsListChanged":true}"#)),
        2 => Just(bare("\"i\"", "initialize", &open)),
        2 => Just(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.to_owned()),
        3 => id.clone().prop_map(cancelled),
        3 => (1..4_u64).prop_map(|id| format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#)),
        1 => (1..4_u64).prop_map(|id| format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":1,"message":"x"}}}}"#)),
        1 => Just("{".to_owned()),
        1 => id.prop_map(|id| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":7}}"#)),
    ];
    prop_oneof![
        5 => one.clone(),
        1 => prop::collection::vec(one, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        20 => (0..3_u64, line()).prop_map(|(lane, line)| Deed::Say { lane, line }),
        4 => (0..30_u64, any::<bool>()).prop_map(|(lane, lost)| Deed::Over { lane, lost }),
        12 => (1..20_u64, 0..7_u8).prop_map(|(exchange, kind)| Deed::Reply { exchange, kind }),
        3 => (1..20_u64).prop_map(|exchange| Deed::Speak { exchange }),
        2 => Just(Deed::Publish),
        2 => Just(Deed::Ask),
        2 => Just(Deed::Time),
        1 => Just(Deed::ReadClosed),
        1 => Just(Deed::Drain),
        1 => Just(Deed::Close),
        1 => Just(Deed::Gone),
    ]
}

/// What was seen of one accepted request.
#[derive(Default)]
struct Book {
    /// Accepted and owed an outcome: by exchange, its lane and id.
    open: HashMap<u64, String>,
    outcomes: HashSet<u64>,
}

impl Peer {
    fn perform(&mut self, deed: Deed, lanes: &mut u64) {
        match deed {
            Deed::Say { lane, line } => {
                // Lane 0 is the stream; any other number stands for a fresh lane.
                *lanes += 1;
                let own = lane > 0 || line.starts_with('[');
                let lane = Lane::numbered(if own { *lanes } else { 0 });
                let envelope = Envelope::default();
                let inbound = match decode(Bytes::from(line)) {
                    Decoded::One(Ok(message)) => Inbound::message(message, lane).with_envelope(envelope),
                    Decoded::One(Err(refusal)) => Inbound::refused(refusal, lane),
                    Decoded::Batch(items) => Inbound::batch(items, lane).with_envelope(envelope),
                };
                self.session.handle_inbound(self.now, inbound);
            }
            Deed::Over { lane, lost } => {
                let lane = Lane::numbered(lane);
                let loss = Loss::new(LossKind::NoRoute, "none");
                let inbound = if lost { Inbound::lost(lane, loss) } else { Inbound::ended(lane) };
                self.session.handle_inbound(self.now, inbound);
            }
            Deed::Reply { exchange, kind } => {
                let asked = || question("k", "elicitation/create", "{}");
                let reply = match kind {
                    0 => Err(ErrorObject::new(-32002, "x")),
                    1 => Ok(Reply::MethodNotFound),
                    2 => Ok(needs(vec![asked()], None)),
                    3 => Ok(needs(vec![], Some("s"))),
                    4 => Ok(needs(vec![asked(), asked()], None)),
                    5 => Ok(Reply::Result(raw("[]"))),
                    _ => Ok(Reply::Result(raw("{}"))),
                };
                self.session.reply(self.now, ExchangeId(exchange), reply);
            }
            Deed::Speak { exchange } => {
                self.session.progress(self.now, ExchangeId(exchange), 1.0, None, None);
                self.session.log(self.now, ExchangeId(exchange), LogLevel::Error, None, raw("1"));
            }
            Deed::Publish => self.session.publish(self.now, &Change::ToolsList, None),
            Deed::Ask => drop(self.session.request(self.now, None, Method::from("ping"), None)),
            Deed::Time => {
                self.now += Duration::from_secs(400);
                self.session.handle_timeout(self.now);
            }
            Deed::ReadClosed => self.session.handle_read_closed(self.now),
            Deed::Drain => self.session.drain(self.now),
            Deed::Close => self.session.close(self.now, CloseReason::Requested),
            Deed::Gone => self.session.handle_closed(self.now, None, CloseReport::default()),
        }
    }
}

impl Book {
    /// Reads what came out of one step.
    fn note(&mut self, lane_of: &HashMap<ExchangeId, (Lane, RequestId)>, lines: &[String]) {
        for line in lines {
            if let Some(rest) = line.strip_prefix("request #") {
                let name: u64 = rest.split(' ').next().unwrap().parse().unwrap();
                let (lane, id) = &lane_of[&ExchangeId(name)];
                assert!(!self.outcomes.contains(&name), "served after its outcome: {line}");
                self.open.insert(name, format!("{} {id}", lane.number()));
            } else if let Some(name) = line.strip_prefix("cancelled #") {
                let name = name.parse().unwrap();
                assert!(self.open.remove(&name).is_some(), "cancelled twice or never accepted: {line}");
                assert!(self.outcomes.insert(name));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// CANC-B-006, FAULT C-37: of each accepted request there is one response or one
    /// cancellation, never both, never two; in the end nothing is left open.
    #[test]
    fn exactly_one_outcome(deeds in prop::collection::vec(deed(), 1..60)) {
        let mut peer = Peer::new();
        let mut book = Book::default();
        let mut lanes = 0;
        let end = [Deed::Close];
        for deed in deeds.into_iter().chain(end) {
            peer.perform(deed, &mut lanes);
            let keys: HashMap<ExchangeId, (Lane, RequestId)> = peer.session.exchanges.keys();
            let lines = peer.drain();
            book.note(&keys, &lines);
            // What is in the book and no longer owed had exactly one response in this step.
            let open: HashSet<u64> = peer.session.exchanges.live_names();
            let done: Vec<u64> = book.open.keys().copied().filter(|name| !open.contains(name)).collect();
            for name in done {
                let key = book.open.remove(&name).unwrap();
                let (lane, id) = key.split_once(' ').unwrap();
                let answers = lines.iter().filter(|line| answers(line, lane, id)).count();
                prop_assert_eq!(answers, 1, "{} of {:?}", key, lines);
                prop_assert!(book.outcomes.insert(name));
            }
        }
        prop_assert!(book.open.is_empty());
        prop_assert!(matches!(peer.session.poll_output(), Output::Wait(None)));
    }
}

/// Whether the line is a response to this request.
fn answers(line: &str, lane: &str, id: &str) -> bool {
    let text = match line.strip_prefix('@') {
        None if lane == "0" => line,
        Some(rest) => match rest.split_once(' ') {
            Some((number, text)) if number.trim_end_matches('!') == lane => text,
            _ => return false,
        },
        None => return false,
    };
    text.starts_with(&format!(r#"{{"id":{id},"result":"#))
        || text.starts_with(&format!(r#"{{"id":{id},"error":"#))
}
