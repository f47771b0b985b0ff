//! Every fault that the built-in server can play: a clear outcome, and an end.

use std::collections::BTreeSet;

use crate::{demo_server, mcp};

/// What has to come of a call of `echo` with the text `hi`.
enum Wanted {
    /// This text.
    Text(&'static str),
    /// This exit code, error code, and a part of the message.
    Error(i32, &'static str, &'static str),
    /// Looked at on its own below.
    Elsewhere,
}

use Wanted::{Elsewhere, Error, Text};

/// Name, options, outcome. The names are those of FAULTS C.
const ROWS: &[(&str, &[&str], Wanted)] = &[
    ("kill-self-mid-call", &[], Error(4, "closed", "signal 9")),
    ("close-stdout", &[], Error(4, "closed", "the server")),
    ("exit-before-reply-read", &[], Text("hi")),
    ("partial-last-line", &[], Text("hi")),
    ("one-byte-writes", &[], Text("hi")),
    ("split-utf8", &[], Text("naïve 日本語 🦀")),
    ("long-line", &[], Error(7, "limit", "16777216")),
    ("invalid-utf8", &[], Text("hi")),
    ("bom-crlf-blank", &[], Text("hi")),
    ("banner", &[], Text("hi")),
    ("stderr-flood", &[], Text("hi")),
    ("never-reads", &["--timeout", "200ms", "--stop-grace", "50ms"], Error(4, "timeout", "no answer")),
    ("notification-flood", &[], Text("hi")),
    ("grandchild-holds-pipes", &[], Elsewhere),
    ("ignores-term", &["--stop-grace", "50ms"], Text("hi")),
    ("slow-start", &["--timeout", "1900ms"], Text("hi")),
    ("duplicate-replies", &[], Text("hi")),
    ("unknown-id", &[], Text("hi")),
    ("out-of-order", &[], Text("hi")),
    ("server-request-on-modern", &[], Text("hi")),
    ("dies-on-probe", &[], Text("hi")),
    ("silent-on-probe", &["--probe-timeout", "100ms"], Text("hi")),
    ("probe-error-32601", &[], Text("hi")),
    ("probe-error-32602", &[], Text("hi")),
    ("older-version", &[], Text("hi")),
    ("newer-version", &[], Error(6, "version", "2099-01-01")),
    ("paging-loop", &[], Text("hi")),
    ("paging-empty-cursor", &[], Text("hi")),
    ("paging-endless", &[], Error(7, "limit", "pages")),
];

fn check(rows: &[(&str, &[&str], Wanted)]) {
    for (name, options, wanted) in rows {
        let before = [&["call", "echo", "text=hi", "--json"], *options].concat();
        let run = demo_server(&before, &["--fault", name]);
        match wanted {
            Text(text) => {
                assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{name}: {run:?}");
                assert_eq!(run.json()["content"][0]["text"], *text, "{name}");
            }
            Error(exit, code, message) => {
                assert_eq!((run.code, run.error_code().as_str()), (Some(*exit), *code), "{name}: {run:?}");
                assert!(run.error()["message"].as_str().unwrap().contains(message), "{name}: {run:?}");
                assert_eq!(run.stdout, "", "{name}");
            }
            Elsewhere => {}
        }
    }
}

fn between(first: &str, last: &str) -> &'static [(&'static str, &'static [&'static str], Wanted)] {
    let index = |name| ROWS.iter().position(|row| row.0 == name).unwrap();
    &ROWS[index(first)..=index(last)]
}

/// FAULT C-1, C-2, C-3: how the process ends.
#[test]
fn a_server_that_goes_away_is_reported_and_its_last_reply_counts() {
    check(between("kill-self-mid-call", "exit-before-reply-read"));
}

/// FAULT C-4 to C-10: bytes and lines.
#[test]
fn broken_lines_cost_at_most_themselves() {
    check(between("partial-last-line", "banner"));
}

/// FAULT C-11, C-12, C-13, C-16, C-22: floods, silence, and slow ends.
#[test]
fn floods_and_silence_do_not_hang_a_call() {
    check(between("stderr-flood", "slow-start"));
}

/// FAULT C-34, C-40, C-41: replies without a request.
#[test]
fn replies_are_matched_and_strays_ignored() {
    check(between("duplicate-replies", "server-request-on-modern"));
}

/// FAULT C-42, C-43: servers of another age.
#[test]
fn old_servers_are_found_out_and_strange_ones_refused() {
    check(between("dies-on-probe", "newer-version"));
}

/// FAULT C-44: lists without an end.
#[test]
fn endless_lists_end() {
    check(between("paging-loop", "paging-endless"));
}

/// FAULT C-22: the start has its own limit.
#[test]
fn a_start_that_takes_too_long_is_a_timeout() {
    let options = ["tools", "--json", "--start-timeout", "100ms", "--stop-grace", "50ms"];
    let run = demo_server(&options, &["--fault", "slow-start"]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(4), "timeout"), "{run:?}");
    assert!(run.error()["hint"].as_str().unwrap().contains("--start-timeout"), "{run:?}");
}

/// FAULT C-1: the error says what the server wrote last.
#[test]
fn a_dead_servers_last_words_are_in_the_error() {
    let run = demo_server(&["call", "echo", "text=hi", "--json"], &["--fault", "kill-self-mid-call"]);
    let process = run.error()["process"].clone();
    assert_eq!(process["signal"], 9, "{run:?}");
    assert!(process["stderr"].as_str().unwrap().contains("out of memory"), "{run:?}");
}

/// FAULT C-15: the program ends although a grandchild holds the pipes, and takes the grandchild along.
#[cfg(target_os = "linux")]
#[test]
fn a_grandchild_neither_holds_up_the_end_nor_outlives_it() {
    let run = demo_server(&["call", "echo", "text=hi"], &["--fault", "grandchild-holds-pipes"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let pid: u32 = run.stdout.trim().parse().unwrap();
    crate::gone(pid);
}

/// The table names every fault, and every one of them is tried here.
#[test]
fn every_fault_is_listed_and_tried() {
    let run = mcp(&["serve-demo", "--fault", "list"]);
    assert_eq!(run.code, Some(0));
    let words = run.stdout.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    // Those over HTTP are tried in `listening`.
    let listed: BTreeSet<&str> = words.filter(|words| words[2] == "stdio").map(|words| words[0]).collect();
    let tried: BTreeSet<&str> = ROWS.iter().map(|row| row.0).collect();
    assert_eq!(listed, tried);
}
