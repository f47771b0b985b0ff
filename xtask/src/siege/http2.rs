//! Attacks over HTTP/2: many exchanges on one connection.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::h2::Connection;
use super::http1::many;
use super::{Attack, Ground, Report, against_http, good, wire};
use crate::Outcome;

pub(super) const ATTACKS: &[Attack] = &[
    Attack {
        name: "http2-filters",
        about: "A2: 30 subscriptions with filters of 4 MiB on one connection",
        run: filters,
    },
    Attack { name: "http2-subscriptions", about: "A2: 5,000 subscriptions", run: subscriptions },
    Attack {
        name: "http2-unread-answers",
        about: "A7: 100 answers of 15 MiB on one connection, none read",
        run: unread,
    },
    Attack { name: "http2-unread-streams", about: "S3: 100 event streams that are not read", run: streams },
    Attack { name: "http2-slow-calls", about: "A9: six connections with 200 slow calls each", run: slow },
    Attack {
        name: "http2-rapid-reset",
        about: "streams that are reset as soon as they are open",
        run: rapid_reset,
    },
];

/// The window of a peer that reads everything.
const OPEN: u32 = 0x7fff_ffff;

fn listen_headers() -> Vec<(&'static str, &'static str)> {
    wire::headers("subscriptions/listen", None)
}

fn rest_until(end: Instant) {
    sleep(end.saturating_duration_since(Instant::now()));
}

fn filters(ground: &Ground) -> Outcome<Report> {
    against_http(ground, good::call, |address, time| {
        let end = Instant::now() + time;
        let mut connection = Connection::open(address, OPEN)?;
        // As many URIs as fit: each is a string of its own on the other side.
        let mut uris = String::with_capacity(4 << 20);
        let mut number = 0;
        while uris.len() < (4 << 20) - 2000 {
            uris += &format!("\"a:{number:x}\",");
            number += 1;
        }
        let filter =
            format!(r#""notifications":{{"resourceSubscriptions":[{}]}}"#, uris.trim_end_matches(','));
        let mut sent = 0;
        while sent < 30 && Instant::now() < end {
            let body = wire::message(sent + 1, "subscriptions/listen", &filter);
            if connection.post(&listen_headers(), &body).is_err() {
                if connection.is_over() {
                    connection = Connection::open(address, OPEN)?;
                }
                continue;
            }
            sent += 1;
        }
        rest_until(end);
        Ok(format!("{sent} filters of {number} URIs were sent"))
    })
}

fn subscriptions(ground: &Ground) -> Outcome<Report> {
    against_http(ground, good::call, |address, time| {
        let end = Instant::now() + time;
        let mut connections = Vec::new();
        let mut sent = 0;
        while sent < 5000 && Instant::now() < end {
            let mut connection = Connection::open(address, OPEN)?;
            for _ in 0..200 {
                let filter = format!(
                    r#""notifications":{{"toolsListChanged":true,"resourceSubscriptions":["a:{sent}"]}}"#
                );
                if connection
                    .post(&listen_headers(), &wire::message(sent, "subscriptions/listen", &filter))
                    .is_err()
                {
                    break;
                }
                sent += 1;
            }
            connections.push(connection);
        }
        rest_until(end);
        Ok(format!("{sent} subscriptions were requested"))
    })
}

/// Calls a tool on as many streams, and reads nothing.
fn call_many(
    address: &str,
    streams: u64,
    tool: &str,
    arguments: &str,
    progress: bool,
) -> Outcome<Connection> {
    let mut connection = Connection::open(address, 0)?;
    for id in 0..streams {
        let mut body = wire::message(id, "tools/call", &wire::calling(tool, arguments));
        if progress {
            body = body.replacen(r#""_meta":{"#, &format!(r#""_meta":{{"progressToken":{id},"#), 1);
        }
        if connection.post(&wire::headers("tools/call", Some(tool)), &body).is_err() {
            break;
        }
    }
    Ok(connection)
}

fn unread(ground: &Ground) -> Outcome<Report> {
    against_http(ground, good::call, |address, time| {
        let end = Instant::now() + time;
        let connection = call_many(address, 100, "big", r#"{"bytes":15728640}"#, false)?;
        rest_until(end);
        Ok(format!("{} streams were answered or reset", connection.answered()))
    })
}

fn streams(ground: &Ground) -> Outcome<Report> {
    against_http(ground, good::call, |address, time| {
        let end = Instant::now() + time;
        let connection = call_many(address, 100, "slow", r#"{"steps":10000,"delay_ms":0}"#, true)?;
        rest_until(end);
        Ok(format!("{} streams were answered or reset", connection.answered()))
    })
}

fn slow(ground: &Ground) -> Outcome<Report> {
    against_http(ground, good::call, |address, time| {
        let end = Instant::now() + time;
        let mut connections = Vec::new();
        for _ in 0..6 {
            connections.push(call_many(address, 200, "slow", r#"{"steps":1,"delay_ms":60000}"#, false)?);
        }
        rest_until(end);
        let answered: usize = connections.iter().map(Connection::answered).sum();
        Ok(format!("{answered} calls were answered or reset"))
    })
}

fn rapid_reset(ground: &Ground) -> Outcome<Report> {
    against_http(ground, good::call, |address, time| {
        let address = address.to_owned();
        let resets = many(2, time, move |end: Instant| {
            let Ok(mut connection) = Connection::open(&address, OPEN) else { return 0 };
            let mut resets = 0;
            while Instant::now() < end && !connection.is_over() {
                let headers = wire::headers("tools/call", Some("echo"));
                let opened = connection.begin(&headers, 100);
                if opened.and_then(|id| connection.reset(id)).is_err() {
                    break;
                }
                resets += 1;
            }
            // The peer has closed it: again.
            sleep(Duration::from_millis(5));
            resets
        })?;
        Ok(format!("{resets} streams were reset"))
    })
}
