//! The server's side, in a separate process, over every kind of standard stream.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use mcp_core::message::{Message, Notification, RawJson, Request, Response};
use mcp_core::transport::Inbound;
use mcp_stdio::{StdioError, stdio};
use rustix::fs::{OFlags, fcntl_getfl};

use crate::common::{Link, link, outbound, patient, plays, request, role, role_args};

const ROLE: &str = "server::serve";

/// The separate process: sends every request's params back, and prints where it should not.
#[test]
fn serve() {
    if !plays(ROLE) {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut server = link(stdio().unwrap());
        assert!(matches!(stdio(), Err(StdioError::Taken)));
        while let Some(inbound) = server.recv().await {
            match inbound {
                Inbound::Message { message: Message::Request(request), .. } => {
                    answer(&mut server, request).await
                }
                Inbound::Message { message: Message::Notification(note), .. } => {
                    assert_eq!(note.method.as_str(), "quit");
                    return;
                }
                _ => {}
            }
        }
        server.close().await;
    });
}

async fn answer(server: &mut Link, request: Request) {
    println!("a stray print");
    let grandchild = Command::new("sh").args(["-c", "cat; echo stray"]).status().unwrap();
    assert!(grandchild.success());
    let result = request.params.unwrap_or_else(|| RawJson::object([]).into());
    let reply = Message::Response(Response::result(request.id, result));
    if server.sender.send(outbound(reply)).await.is_err() || server.sender.flush().await.is_err() {
        // A client that has closed our stdout: nothing is left to be done.
        std::process::exit(42);
    }
}

fn start(stdin: impl Into<Stdio>, stdout: impl Into<Stdio>) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(role_args(ROLE))
        .env("MCP_STDIO_ROLE", ROLE)
        .stdin(stdin)
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn line(message: Message) -> Vec<u8> {
    let mut line = Vec::new();
    message.write_to(&mut line);
    line.push(b'\n');
    line
}

fn answer_line(id: usize, text: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"text":"{text}"}}}}"#)
}

/// The next line that the server wrote, without the banner of libtest; `None` at the end.
fn next_line(output: &mut impl BufRead) -> Option<String> {
    output.lines().map(Result::unwrap).find(|line| !line.is_empty() && !line.starts_with("running 1 test"))
}

/// STDIO-S-002, T-35, FAULT C-14, STDIO-S-011: stray prints of the process and of its children go to
/// stderr, stdin is empty for them, and the end of stdin is the end of the server.
#[tokio::test]
async fn stray_prints_go_to_stderr_and_the_end_of_stdin_ends_the_server() {
    let mut server = link(role(ROLE).shutdown_timeouts(patient()).spawn().unwrap());
    assert!(server.refusal().await.id.is_none(), "the banner");
    for id in 0..3 {
        server.send(request(id, "x")).await;
        assert_eq!(server.response().await.id, Some(id.into()));
    }
    let closed = server.close().await;
    assert_eq!(closed.exit, Some(0), "{closed}");
    assert_eq!(closed.note.as_deref(), Some("exited when its input was closed"));
    assert_eq!(closed.stderr_tail.unwrap_or_default().matches("stray").count(), 6);
}

/// Runs calls over these streams, each after the answer to the one before, and sees the server end by
/// itself. One of them is larger than what a pipe or a socket holds.
fn calls(mut child: Child, mut stdin: impl Write, stdout: impl Read) {
    let mut stderr = child.stderr.take().unwrap();
    let noise = std::thread::spawn(move || stderr.read_to_end(&mut Vec::new()));
    let mut stdout = BufReader::new(stdout);
    let large = "x".repeat(2_000_000);
    for (id, text) in ["a", &large, "c"].into_iter().enumerate() {
        stdin.write_all(&line(request(id as i64, text))).unwrap();
        assert!(next_line(&mut stdout) == Some(answer_line(id, text)));
    }
    drop(stdin);
    assert_eq!(next_line(&mut stdout), None);
    assert!(child.wait().unwrap().success());
    noise.join().unwrap().unwrap();
}

/// Sockets as standard streams, as some runtimes make them; also with `O_NONBLOCK` set by another process.
#[test]
fn standard_streams_that_are_sockets() {
    for nonblocking in [false, true] {
        let (input, near_input) = UnixStream::pair().unwrap();
        let (output, near_output) = UnixStream::pair().unwrap();
        near_input.set_nonblocking(nonblocking).unwrap();
        near_output.set_nonblocking(nonblocking).unwrap();
        let child = start(OwnedFd::from(near_input), OwnedFd::from(near_output));
        calls(child, input, output);
    }
}

/// Files as standard streams.
#[test]
fn standard_streams_that_are_files() {
    let (mut input, mut output) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
    for (id, text) in ["a", "b"].into_iter().enumerate() {
        input.write_all(&line(request(id as i64, text))).unwrap();
    }
    input.rewind().unwrap();
    let mut child = start(input, output.try_clone().unwrap());
    child.stderr.take().unwrap().read_to_end(&mut Vec::new()).unwrap();
    assert!(child.wait().unwrap().success());
    output.rewind().unwrap();
    let mut output = BufReader::new(output);
    for (id, text) in ["a", "b"].into_iter().enumerate() {
        assert_eq!(next_line(&mut output), Some(answer_line(id, text)));
    }
    assert_eq!(next_line(&mut output), None);
}

/// Pipes whose descriptions other processes share stay blocking for them.
#[test]
fn a_shared_pipe_stays_blocking() {
    let (near_input, mut input) = std::io::pipe().unwrap();
    let (output, near_output) = std::io::pipe().unwrap();
    let shared = [OwnedFd::from(near_input.try_clone().unwrap()), near_output.try_clone().unwrap().into()];
    let mut child = start(near_input, near_output);
    input.write_all(&line(request(0, "a"))).unwrap();
    let mut output = BufReader::new(output);
    assert_eq!(next_line(&mut output), Some(answer_line(0, "a")));
    for fd in &shared {
        assert!(!fcntl_getfl(fd).unwrap().contains(OFlags::NONBLOCK));
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

/// Nothing keeps the process from ending while stdin is open and silent.
#[test]
fn a_server_can_end_while_its_stdin_is_open() {
    let quit = line(Message::Notification(Notification::new("quit", None)));
    let (mut input, near_input) = UnixStream::pair().unwrap();
    let mut child = start(OwnedFd::from(near_input), Stdio::null());
    input.write_all(&quit).unwrap();
    assert!(child.wait().unwrap().success());
    let mut child = start(Stdio::piped(), Stdio::piped());
    let mut input = child.stdin.take().unwrap();
    input.write_all(&quit).unwrap();
    assert!(child.wait().unwrap().success());
}

/// FAULT C-19: a client that has closed our stdout is an error of the next send, not a signal and not a
/// busy loop.
#[test]
fn a_closed_stdout_is_an_error() {
    let sockets = || {
        let (input, near_input) = UnixStream::pair().unwrap();
        let (output, near_output) = UnixStream::pair().unwrap();
        let child = start(OwnedFd::from(near_input), OwnedFd::from(near_output));
        (child, File::from(OwnedFd::from(input)), File::from(OwnedFd::from(output)))
    };
    let pipes = || {
        let mut child = start(Stdio::piped(), Stdio::piped());
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        (child, File::from(OwnedFd::from(input)), File::from(OwnedFd::from(output)))
    };
    for (mut child, mut input, output) in [sockets(), pipes()] {
        // The first answer shows that the server has its streams.
        input.write_all(&line(request(0, "a"))).unwrap();
        let mut output = BufReader::new(output);
        assert_eq!(next_line(&mut output), Some(answer_line(0, "a")));
        drop(output);
        input.write_all(&line(request(1, "b"))).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(42));
    }
}

/// FAULT C-18: a server whose client was killed sees the end of its stdin, and exits.
#[test]
fn a_server_outlives_its_client_by_nothing() {
    let script = r#""$0" "$@" 3<&0 <"$FIFO" & exec cat >"$FIFO""#;
    let directory = tempfile::tempdir().unwrap();
    let fifo = directory.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let mut client = Command::new("sh")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .args(role_args(ROLE))
        .env("MCP_STDIO_ROLE", ROLE)
        .env("FIFO", &fifo)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(client.stdout.take().unwrap());
    client.stdin.as_mut().unwrap().write_all(&line(request(0, "a"))).unwrap();
    assert_eq!(next_line(&mut output), Some(answer_line(0, "a")));
    client.kill().unwrap();
    client.wait().unwrap();
    // The end of its stdout, which it holds alone by now, is the end of the server.
    assert_eq!(next_line(&mut output), None);
}
