//! Servers that misbehave on purpose, each in one way: the table of their names.

mod framing;
mod http;
mod opening;
mod paging;
mod process;
mod script;
mod traffic;

use std::io;
use std::net::TcpListener;

use crate::exit::{Code, Failure};
use crate::terminal::out;
use crate::terminal::style::Style;
use crate::terminal::table::Table;

use http::Reply;
use script::Ask;

/// One way to misbehave.
struct Fault {
    name: &'static str,
    /// The row of the project's fault list.
    id: &'static str,
    about: &'static str,
    play: Play,
}

/// How it is played.
enum Play {
    /// Over stdin and stdout, to the end of stdin.
    Stdio(fn() -> io::Result<()>),
    /// As the answer to each request over HTTP.
    Http(fn(&Ask) -> Reply),
}

macro_rules! faults {
    ($kind:ident: $table:ident; $($name:literal $id:literal $about:literal $run:path;)*) => {
        /// Faults in the order of the fault list.
        const $table: &[Fault] = &[$(Fault { name: $name, id: $id, about: $about, play: Play::$kind($run) }),*];
    };
}

faults! {
    Stdio: STDIO;
    "kill-self-mid-call" "C-1" "is killed (SIGKILL) while a call is open" process::kill_self_mid_call;
    "close-stdout" "C-2" "closes its stdout at a call, and lives on" process::close_stdout;
    "exit-before-reply-read" "C-3" "writes the reply to a call and exits at once" process::exit_after_reply;
    "partial-last-line" "C-4" "exits after a reply without its newline" framing::partial_last_line;
    "one-byte-writes" "C-5" "writes each byte on its own" framing::one_byte_writes;
    "split-utf8" "C-6" "cuts its writes inside characters" framing::split_utf8;
    "long-line" "C-7" "answers a call with a line of 17 MiB" framing::long_line;
    "invalid-utf8" "C-8" "writes a line that is not UTF-8 before each reply" framing::invalid_utf8;
    "bom-crlf-blank" "C-9" "writes a BOM, CRLF, blank lines and trailing blanks" framing::bom_crlf_blank;
    "banner" "C-10" "greets on stdout before it speaks the protocol" framing::banner;
    "stderr-flood" "C-11" "writes 8 MiB to stderr before each reply" process::stderr_flood;
    "never-reads" "C-12" "stops reading stdin after the opening" process::never_reads;
    "notification-flood" "C-13" "sends 20,000 notifications before the reply to a call" traffic::flood;
    "grandchild-holds-pipes" "C-15" "leaves a child behind that holds its pipes" process::grandchild;
    "ignores-term" "C-16" "ignores the end of stdin and SIGTERM" process::ignores_term;
    "slow-start" "C-22" "takes 2 s before it answers anything" process::slow_start;
    "duplicate-replies" "C-34" "sends every reply twice" traffic::duplicate_replies;
    "unknown-id" "C-34" "sends replies to requests that were never made" traffic::unknown_id;
    "out-of-order" "C-40" "answers the newest request first, with progress in between" traffic::out_of_order;
    "server-request-on-modern" "C-41" "sends a request on a 2026-07-28 stream" traffic::server_request;
    "dies-on-probe" "C-42" "exits when its first request is server/discover" opening::dies_on_probe;
    "silent-on-probe" "C-42" "does not answer server/discover" opening::silent_on_probe;
    "probe-error-32601" "C-42" "answers server/discover with -32601" opening::probe_error_32601;
    "probe-error-32602" "C-42" "answers server/discover with -32602" opening::probe_error_32602;
    "older-version" "C-43" "answers initialize with 2024-11-05" opening::older_version;
    "newer-version" "C-43" "answers initialize with a version from the future" opening::newer_version;
    "paging-loop" "C-44" "gives the same cursor for ever" paging::same_cursor;
    "paging-empty-cursor" "C-44" "gives an empty string as its second cursor" paging::empty_cursor;
    "paging-endless" "C-44" "gives a fresh cursor for ever" paging::endless;
}

faults! {
    Http: HTTP;
    "wants-credentials" "A-B4" "answers everything with 401 and a challenge" http::wants_credentials;
    "refuses-credentials" "A-B4" "answers everything with 403" http::refuses_credentials;
    "no-redirect" "A-B20" "redirects a POST with 302, which would turn it into a GET" http::found_elsewhere;
    "long-body" "A-B33" "answers a call with a body of 17 MiB" http::long_body;
    "cut-stream" "C-24" "ends the connection within an event, before the reply to a call" http::cut_stream;
    "empty-stream" "C-25" "ends the stream of a call in order, without the reply" http::empty_stream;
    "web-page" "C-26" "answers everything with 200 and a web page" http::web_page;
    "bad-gateway" "C-28" "answers calls with 502 and a web page" http::bad_gateway;
    "too-many-requests" "C-29" "answers calls with 429 and Retry-After" http::too_many_requests;
    "redirect-away" "C-30" "redirects everything to another server" http::redirect_away;
    "silent-http" "C-31" "takes a call and never answers it" http::silent;
    "two-replies" "C-34" "sends the reply to a call twice on its stream" http::two_replies;
    "request-on-stream" "C-41" "sends a request on the stream of a call" http::request_on_stream;
}

/// Serves with this fault until stdin ends, or over HTTP at this address. `list` prints the table instead.
pub(super) fn run(name: &str, listen: Option<&str>) -> Result<(), Failure> {
    if name == "list" {
        return out::write(list());
    }
    let fault = STDIO.iter().chain(HTTP).find(|fault| fault.name == name).ok_or_else(|| {
        Failure::usage(format!("there is no fault {name:?}")).hint("`mcp serve-demo --fault list` names them")
    })?;
    let played = match (&fault.play, listen) {
        (Play::Stdio(run), None) => run(),
        (Play::Http(answer), Some(address)) => TcpListener::bind(address).and_then(|listener| {
            out::note(format!("listening on http://{}/mcp\n", listener.local_addr()?));
            http::serve(&listener, *answer)
        }),
        (Play::Stdio(_), Some(_)) => {
            return Err(Failure::usage(format!("the fault {name} is one of stdio: leave --listen out")));
        }
        (Play::Http(_), None) => {
            return Err(Failure::usage(format!("the fault {name} is one of HTTP"))
                .hint("--listen 127.0.0.1:0 serves it at a free port"));
        }
    };
    match played {
        // A client that has gone is the ordinary end.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Code::Io, format!("the fault {name} could not be played")).because(error))
        }
        _ => Ok(()),
    }
}

fn list() -> String {
    let mut table = Table::new(["name", "fault", "over", "what the server does"]);
    for fault in STDIO.iter().chain(HTTP) {
        let over = if matches!(fault.play, Play::Stdio(_)) { "stdio" } else { "HTTP" };
        table.row([fault.name, fault.id, over, fault.about]);
    }
    table.render(Style::plain())
}
