//! Attacks over HTTP/1.1: bodies and heads that trickle, answers that are not read, peers that say nothing.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{Builder, sleep};
use std::time::{Duration, Instant};

use super::{Attack, Ground, Report, against_http, good, wire};
use crate::Outcome;

pub(super) const ATTACKS: &[Attack] = &[
    Attack {
        name: "http1-trickling-bodies",
        about: "A6: 200 bodies of 4 MiB without their last bytes",
        run: bodies,
    },
    Attack {
        name: "http1-unread-answers",
        about: "A7: 100 answers of 15 MiB, 4 KiB read a second",
        run: unread,
    },
    Attack {
        name: "http1-unread-streams",
        about: "100 event streams of 10,000 events that are not read",
        run: streams,
    },
    Attack {
        name: "http1-batch",
        about: "A3: batches of 100 answers of 15 MiB beside a slow one",
        run: batch,
    },
    Attack { name: "http1-slowloris", about: "1,000 heads, a byte a second", run: slowloris },
    Attack { name: "http1-silent-peers", about: "A8: 2,000 connections that say nothing", run: silent },
];

/// Runs the same on many threads until the time is over. What they count is summed up.
pub(super) fn many(
    threads: usize,
    time: Duration,
    each: impl Fn(Instant) -> usize + Send + Sync + 'static,
) -> Outcome<usize> {
    let end = Instant::now() + time;
    let (each, sum) = (Arc::new(each), Arc::<AtomicUsize>::default());
    let mut running = Vec::new();
    for _ in 0..threads {
        let (each, sum) = (each.clone(), sum.clone());
        let run = move || {
            while Instant::now() < end {
                sum.fetch_add(each(end), Ordering::Relaxed);
                sleep(Duration::from_millis(20));
            }
        };
        let thread = Builder::new().stack_size(128 << 10).spawn(run);
        running.push(thread.map_err(|error| format!("no thread for the attack: {error}"))?);
    }
    for thread in running {
        thread.join().map_err(|_| "a thread of the attack panicked".to_owned())?;
    }
    Ok(sum.load(Ordering::Relaxed))
}

/// Waits until the end of the attack, or until the server ends the connection.
fn hold(stream: &TcpStream, end: Instant, mut every_second: impl FnMut(&TcpStream) -> bool) {
    while Instant::now() < end {
        if !every_second(stream) {
            return;
        }
        sleep(Duration::from_secs(1).min(end.saturating_duration_since(Instant::now())));
    }
}

fn bodies(ground: &Ground) -> Outcome<Report> {
    against_http(ground, good::call, |address, time| {
        let address = address.to_owned();
        let sent = many(200, time, move |end| {
            const LENGTH: usize = 4 << 20;
            let Ok(mut stream) = wire::connect(&address) else { return 0 };
            let head = wire::head(&address, &wire::headers("tools/call", Some("echo")), LENGTH);
            if stream.write_all(head.as_bytes()).is_err() {
                return 0;
            }
            let piece = [b' '; 64 << 10];
            let mut sent = 0;
            while sent + piece.len() < LENGTH && Instant::now() < end {
                if stream.write_all(&piece).is_err() {
                    return sent;
                }
                sent += piece.len();
            }
            hold(&stream, end, |mut stream| stream.write_all(b" ").is_ok());
            sent
        })?;
        Ok(format!("{} MiB were sent", sent >> 20))
    })
}

fn unread(ground: &Ground) -> Outcome<Report> {
    against_http(ground, good::call, |address, time| {
        let address = address.to_owned();
        let calls = many(100, time, move |end| {
            let Ok(mut stream) = wire::connect(&address) else { return 0 };
            let request = wire::tool(&address, "big", r#"{"bytes":15728640}"#);
            if stream.write_all(request.as_bytes()).is_err() {
                return 0;
            }
            hold(&stream, end, |mut stream| matches!(stream.read(&mut [0; 4096]), Ok(1..)));
            1
        })?;
        Ok(format!("{calls} calls were made"))
    })
}

fn streams(ground: &Ground) -> Outcome<Report> {
    against_http(ground, good::call, |address, time| {
        let address = address.to_owned();
        let calls = many(100, time, move |end| {
            let Ok(mut stream) = wire::connect(&address) else { return 0 };
            let body =
                wire::message(1, "tools/call", &wire::calling("slow", r#"{"steps":10000,"delay_ms":0}"#));
            let body = body.replacen(r#""_meta":{"#, r#""_meta":{"progressToken":1,"#, 1);
            let request =
                wire::head(&address, &wire::headers("tools/call", Some("slow")), body.len()) + &body;
            if stream.write_all(request.as_bytes()).is_err() {
                return 0;
            }
            hold(&stream, end, |_| true);
            1
        })?;
        Ok(format!("{calls} streams were opened"))
    })
}

/// Calls with large answers in one array. The slow one keeps the batch from being answered.
pub(super) fn batch_of(version: &str, large: usize) -> (String, String) {
    let slow = wire::legacy_call(1, "slow", r#"{"steps":1,"delay_ms":60000}"#);
    let rest = (0..large).map(|n| wire::legacy_call(n as u64 + 2, "big", r#"{"bytes":15728640}"#));
    let items: Vec<String> = std::iter::once(slow).chain(rest).collect();
    (wire::initialize_message(version), format!("[{}]", items.join(",")))
}

fn batch(ground: &Ground) -> Outcome<Report> {
    against_http(ground, good::call, |address, time| {
        let address = address.to_owned();
        let batches = many(4, time, move |end| {
            let Ok(answer) = wire::exchange(&address, &wire::initialize(&address, "2025-03-26")) else {
                return 0;
            };
            let Some(id) = wire::header(&answer, "mcp-session-id") else { return 0 };
            let Ok(mut stream) = wire::connect(&address) else { return 0 };
            let request = wire::legacy(&address, Some(id), &batch_of("2025-03-26", 100).1);
            if stream.write_all(request.as_bytes()).is_err() {
                return 0;
            }
            hold(&stream, end, |_| true);
            1
        })?;
        Ok(format!("{batches} batches were sent"))
    })
}

/// Opens connections, one after the other, and says a byte a second on each.
fn open_and_say(address: &str, time: Duration, connections: usize, head: &[u8]) -> Outcome<String> {
    let end = Instant::now() + time;
    let mut open: Vec<TcpStream> = Vec::new();
    let (mut opened, mut at) = (0, 0);
    while Instant::now() < end {
        let second = Instant::now();
        while open.len() < connections && Instant::now() < end {
            match TcpStream::connect(address) {
                Ok(stream) => {
                    let _blocks_for_long = stream.set_nonblocking(true);
                    open.push(stream);
                    opened += 1;
                }
                Err(_) => break,
            }
        }
        if !head.is_empty() {
            let byte = [head[at % head.len()]];
            at += 1;
            open.retain(|mut stream| stream.write_all(&byte).is_ok());
        }
        sleep(
            Duration::from_secs(1)
                .saturating_sub(second.elapsed())
                .min(end.saturating_duration_since(second)),
        );
    }
    Ok(format!("{opened} connections were opened"))
}

fn slowloris(ground: &Ground) -> Outcome<Report> {
    against_http(ground, good::call, |address, time| {
        open_and_say(
            address,
            time,
            1000,
            b"POST /mcp HTTP/1.1\r\nhost: localhost\r\nx: aaaaaaaaaaaaaaaaaaaaaaaa",
        )
    })
}

fn silent(ground: &Ground) -> Outcome<Report> {
    against_http(ground, good::call, |address, time| open_and_say(address, time, 2000, b""))
}
