//! Floods of legacy sessions, beside a user who opens sessions too.

use std::io::Write;
use std::time::Instant;

use super::http1::many;
use super::{Attack, Ground, Report, against_http, good, wire};
use crate::Outcome;

pub(super) const ATTACKS: &[Attack] =
    &[Attack { name: "session-flood", about: "S6: sessions without end on 8 connections", run: flood }];

fn flood(ground: &Ground) -> Outcome<Report> {
    against_http(ground, good::session, |address, time| {
        let address = address.to_owned();
        let opened = many(8, time, move |end| {
            let Ok(mut stream) = wire::connect(&address) else { return 0 };
            let request = wire::initialize(&address, "2025-11-25");
            let mut opened = 0;
            while Instant::now() < end {
                if stream.write_all(request.as_bytes()).is_err() {
                    break;
                }
                match wire::read(&mut stream) {
                    Ok(answer) => opened += usize::from(answer.starts_with("HTTP/1.1 200")),
                    Err(_) => break,
                }
            }
            opened
        })?;
        Ok(format!("{opened} sessions were opened"))
    })
}
