//! A client session and a server session together, in both eras, over good and bad links.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;
use mcp_core::CloseReason;
use mcp_core::message::ProtocolVersion;
use mcp_core::session::client::EraMode;

const EXCHANGES: Binding = Binding::new("exchanges").abandon(mcp_core::transport::AbandonBy::End);

fn raw(text: &str) -> RawJson {
    RawJson::parse(text.to_owned()).unwrap()
}

fn client(era: EraMode) -> ClientConfig {
    let mut config = ClientConfig::new(raw(r#"{"name":"c","version":"1"}"#));
    config.era = era;
    config
}

fn server() -> ServerConfig {
    ServerConfig::new(raw(r#"{"name":"s","version":"1"}"#), raw(r#"{"tools":{},"logging":{}}"#))
}

const ERAS: [EraMode; 3] = [EraMode::Auto, EraMode::Modern, EraMode::Legacy(ProtocolVersion::V2025_11_25)];

/// Counts the calls that succeeded and the calls that failed.
fn outcomes(sim: &Sim) -> (usize, usize) {
    let done = sim.client_events().iter().filter_map(|(_, event)| match event {
        ClientEvent::CallDone { outcome, .. } => Some(outcome.is_ok()),
        _ => None,
    });
    let done: Vec<bool> = done.collect();
    (done.iter().filter(|ok| **ok).count(), done.iter().filter(|ok| !**ok).count())
}

#[test]
fn calls_in_both_eras_over_both_kinds_of_link() {
    for era in ERAS {
        for binding in [Binding::STREAM, EXCHANGES] {
            let mut sim = Sim::new(client(era), server(), binding);
            sim.conditions().delay = Duration::from_millis(5);
            sim.conditions().jitter = Duration::from_millis(30);
            for _ in 0..50 {
                sim.call("tools/list", None);
            }
            sim.run_until_idle();
            assert_eq!(outcomes(&sim), (50, 0), "{era:?} {}\n{}", binding.name, sim.log_text());
        }
    }
}

/// FAULT C-40: lanes overtake each other, and each answer reaches its call.
#[test]
fn late_replies_in_another_order() {
    for binding in [Binding::STREAM, EXCHANGES] {
        let mut sim = Sim::new(client(EraMode::Modern), server(), binding);
        let count = Rc::new(RefCell::new(20_i64));
        sim.serve(move |incoming| {
            *count.borrow_mut() -= 1;
            let params = incoming.params.as_ref().unwrap().raw().clone();
            let name = params.member("name").unwrap();
            let reply = Ok(Reply::Result(RawJson::object([("echo", name)])));
            Served::After(Duration::from_millis(count.borrow().unsigned_abs()), reply)
        });
        let calls: Vec<_> =
            (0..20).map(|n| sim.call("tools/call", Some(&format!(r#"{{"name":"t{n}"}}"#)))).collect();
        sim.run_until_idle();
        for (n, call) in calls.into_iter().enumerate() {
            let result = sim.outcome(call).unwrap().unwrap();
            assert_eq!(result.raw().member("echo").unwrap().to_text(), Some(format!("t{n}")));
        }
    }
}

/// Lost exchanges fail their own calls, and only those.
#[test]
fn a_lossy_link_loses_calls_one_by_one() {
    let mut sim = Sim::new(client(EraMode::Modern), server(), EXCHANGES);
    sim.call("tools/list", None);
    sim.run_until_idle();
    sim.conditions().lose_every = Some(5);
    for _ in 0..20 {
        sim.call("tools/list", None);
    }
    sim.run_until_idle();
    let (won, lost) = outcomes(&sim);
    assert_eq!(won + lost, 21);
    assert!(lost >= 4, "{lost}\n{}", sim.log_text());
}

/// FAULT C-34: everything that arrives twice is reported once.
#[test]
fn repeated_messages_have_no_second_effect() {
    for era in ERAS {
        let mut sim = Sim::new(client(era), server(), Binding::STREAM);
        sim.call("tools/list", None);
        sim.run_until_idle();
        sim.conditions().double_every = Some(1);
        for _ in 0..10 {
            sim.call("tools/list", None);
        }
        sim.run_until_idle();
        let (won, lost) = outcomes(&sim);
        assert_eq!(won + lost, 11, "{}", sim.log_text());
    }
}

/// FAULT C-1: calls in flight fail immediately, and the next call opens a new link.
#[test]
fn a_cut_link_fails_its_calls_and_is_reopened() {
    for era in ERAS {
        let mut sim = Sim::new(client(era), server(), Binding::STREAM);
        sim.conditions().delay = Duration::from_millis(10);
        sim.call("tools/list", None);
        sim.run_until_idle();
        sim.serve(|_| Served::Never);
        let pending = sim.call("tools/list", None);
        sim.run_until_idle();
        let before = sim.elapsed();
        sim.cut();
        assert!(sim.outcome(pending).unwrap().unwrap_err().is_closed(), "{}", sim.log_text());
        assert_eq!(sim.elapsed(), before);
        sim.serve(|_| Served::Now(Ok(Reply::Result(RawJson::EMPTY_OBJECT))));
        let next = sim.call("tools/list", None);
        sim.run_until_idle();
        assert!(sim.outcome(next).unwrap().is_ok(), "{}", sim.log_text());
        assert_eq!(sim.log().last().unwrap().link, 2);
    }
}

/// The link fails repeatedly during traffic, and every call has an outcome.
#[test]
fn a_link_that_fails_repeatedly() {
    let mut sim = Sim::new(client(EraMode::Legacy(ProtocolVersion::V2025_06_18)), server(), Binding::STREAM);
    sim.conditions().cut_after = Some(9);
    for _ in 0..30 {
        sim.call("tools/list", None);
        sim.run_until_idle();
    }
    sim.advance(Duration::from_secs(3600));
    let (won, lost) = outcomes(&sim);
    assert_eq!(won + lost, 30, "{}", sim.log_text());
    assert!(won > 10, "{won}\n{}", sim.log_text());
}

/// The clock is virtual: a call that is never answered times out after 60 s.
#[test]
fn deadlines_run_on_the_virtual_clock() {
    let mut sim = Sim::new(client(EraMode::Modern), server(), Binding::STREAM);
    sim.serve(|_| Served::Never);
    let call = sim.call("tools/list", None);
    sim.run_until_idle();
    assert_eq!(sim.elapsed(), Duration::ZERO);
    sim.advance(Duration::from_secs(59));
    assert!(sim.outcome(call).is_none());
    sim.advance(Duration::from_secs(1));
    assert!(sim.outcome(call).unwrap().unwrap_err().is_timeout(), "{}", sim.log_text());
    assert!(sim.server_events().iter().any(|(_, event)| matches!(event, ServerEvent::Cancelled { .. })));
    assert!(sim.log_text().contains("notifications/cancelled"), "{}", sim.log_text());
}

/// STDIO-S-011: the server reads the messages that the client sent before it closed, and then closes too.
#[test]
fn a_close_ends_both_sides() {
    let mut sim = Sim::new(client(EraMode::Auto), server(), Binding::STREAM);
    sim.call("tools/list", None);
    sim.run_until_idle();
    sim.client(|client, now| client.close(now, CloseReason::Requested));
    sim.run_until_idle();
    assert!(matches!(sim.client_events().last(), Some((_, ClientEvent::Closed(_)))));
    assert!(sim.server(|_, _| ()).is_some());
    assert!(!sim.links.last().unwrap().server_open);
}

#[test]
fn a_refused_connect_fails_the_call() {
    let mut sim = Sim::new(client(EraMode::Auto), server(), Binding::STREAM);
    sim.refuse(ConnectError::unusable("no such program"));
    let call = sim.call("tools/list", None);
    sim.run_until_idle();
    assert!(sim.outcome(call).unwrap().is_err());
}
