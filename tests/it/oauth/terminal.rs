//! `mcp login` at a terminal: a pasted answer, a wrong one, an interruption, and machines where something is in the way.
#![cfg(target_os = "linux")]

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use tokio::process::{Child, Command};

use super::{Browser, Server};
use crate::fixtures;

/// Only a program that hangs takes longer.
const LIMIT: Duration = Duration::from_secs(150);

/// A program at a separate terminal.
pub(super) struct Terminal {
    child: Child,
    keyboard: File,
    screen: Arc<Mutex<String>>,
}

impl Terminal {
    fn start(program: &Path, home: &Path, words: &[&str]) -> Terminal {
        Terminal::of(command(program, home, words))
    }

    pub(super) fn of(mut command: Command) -> Terminal {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let open = || File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        command
            .kill_on_drop(true)
            .stdin(Stdio::from(open()))
            .stdout(Stdio::from(open()))
            .stderr(Stdio::from(open()));
        let child = command.spawn().unwrap();
        // What the command holds of the terminal must not keep it open.
        drop(command);
        let keyboard = File::from(master);
        let mut reader = keyboard.try_clone().unwrap();
        let screen = Arc::new(Mutex::new(String::new()));
        let shown = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Linux reports the other side's end as an error.
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                shown.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..length]));
            }
        });
        Terminal { child, keyboard, screen }
    }

    pub(super) fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until this is on the screen.
    pub(super) async fn sees(&self, text: &str) {
        let seen = async {
            while !self.shown().contains(text) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let seen = tokio::time::timeout(LIMIT, seen).await;
        assert!(seen.is_ok(), "{text:?} is not shown: {}", self.shown());
    }

    /// What is on the screen.
    pub(super) fn shown(&self) -> String {
        self.screen.lock().unwrap().clone()
    }

    pub(super) fn clear(&self) {
        self.screen.lock().unwrap().clear();
    }

    /// The first line behind this mark, once it is complete.
    pub(super) async fn url_after(&self, mark: &str) -> String {
        let line = || {
            let shown = self.shown();
            let (line, _) = shown.split_once(mark)?.1.split_once('\n')?;
            Some(line.trim().to_owned())
        };
        let complete = async {
            loop {
                if let Some(line) = line() {
                    return line;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let line = tokio::time::timeout(LIMIT, complete).await;
        line.unwrap_or_else(|_| panic!("{mark:?} is not shown: {}", self.shown()))
    }

    /// The URL that the person has to open.
    async fn url(&self) -> String {
        self.sees("paste the URL").await;
        let screen = self.shown();
        let url = screen.split_whitespace().find(|word| word.contains("code_challenge="));
        url.unwrap().to_owned()
    }

    /// Its exit code.
    pub(super) async fn end(&mut self) -> Option<i32> {
        let ended = tokio::time::timeout(LIMIT, self.child.wait()).await;
        ended.unwrap_or_else(|_| panic!("it hangs: {}", self.shown())).unwrap().code()
    }
}

fn command(program: &Path, home: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(words).env("HOME", home).env("TERM", "xterm").env_remove("XDG_STATE_HOME");
    command.env_remove("XDG_CONFIG_HOME").kill_on_drop(true);
    command
}

/// Runs it without a terminal: its exit code, and what it wrote on stderr.
async fn run(mut command: Command) -> (Option<i32>, String) {
    let output = tokio::time::timeout(LIMIT, command.stdin(Stdio::null()).output()).await.unwrap().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// AU-C-30, AU-C-61, AU-C-63: a person who has no browser on this machine pastes the URL that the browser ends at. What is not the
/// answer to this login does not end it.
#[tokio::test(flavor = "multi_thread")]
async fn a_pasted_answer_logs_in() {
    let (Some(program), Some(server)) = (fixtures::mcp_bin(), Server::start(&[]).await) else { return };
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&program, home.path(), &["login", &server.url, "--no-browser"]);
    let answer = Browser::new().browse_to_the_callback(&terminal.url().await).await;
    let (place, _) = answer.split_once('?').unwrap();
    for wrong in ["no idea", &format!("{place}?code=x&state=y"), "http://evil.test/?code=x"] {
        terminal.press(&format!("{wrong}\r"));
        terminal.sees("This is not the answer to this login").await;
        terminal.clear();
    }
    terminal.press(&format!("{answer}\r"));
    assert_eq!(terminal.end().await, Some(0), "{}", terminal.shown());
    terminal.sees("Logged in to authorized").await;
    assert_eq!(server.granted("authorization_code").await, 1);

    // AU-C-55: a file that others may read is refused, and named.
    let folder = home.path().join(".local/state/mcp/auth");
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o077, 0, "{path:?}");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    }
    let (code, stderr) = run(command(&program, home.path(), &["token", &server.url])).await;
    assert!(code != Some(0) && stderr.contains(".local/state/mcp/auth"), "{code:?} {stderr}");
}

/// AU-C-62: the browser is started with the URL as its only argument, and the login ends with its answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_opened() {
    let (Some(program), Some(server)) = (fixtures::mcp_bin(), Server::start(&[]).await) else { return };
    let home = tempfile::tempdir().unwrap();
    let (opener, opened) = (home.path().join("xdg-open"), home.path().join("opened"));
    std::fs::write(&opener, format!("#!/bin/sh\nprintf '%s\\n' \"$#\" \"$@\" end >'{}'\n", opened.display()))
        .unwrap();
    std::fs::set_permissions(&opener, PermissionsExt::from_mode(0o755)).unwrap();
    let mut command = command(&program, home.path(), &["login", &server.url]);
    command.env("PATH", home.path()).env("DISPLAY", ":0");
    command.env_remove("SSH_CONNECTION").env_remove("SSH_TTY");
    let mut terminal = Terminal::of(command);
    let shown = terminal.url().await;
    assert!(!terminal.shown().contains("ssh -L"), "{}", terminal.shown());
    let written = async {
        loop {
            match std::fs::read_to_string(&opened) {
                Ok(text) if text.ends_with("end\n") => return text,
                _ => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    };
    let written = tokio::time::timeout(LIMIT, written).await.unwrap();
    assert_eq!(written.lines().collect::<Vec<_>>(), ["1", &shown, "end"]);
    Browser::new().browse(&shown).await;
    assert_eq!(terminal.end().await, Some(0), "{}", terminal.shown());
}

/// Ctrl-C, and no answer in time.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_given_up_keeps_nothing() {
    let (Some(program), Some(server)) = (fixtures::mcp_bin(), Server::start(&[]).await) else { return };
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&program, home.path(), &["login", &server.url, "--no-browser"]);
    terminal.url().await;
    let child = rustix::process::Pid::from_raw(terminal.child.id().unwrap().try_into().unwrap()).unwrap();
    rustix::process::kill_process(child, rustix::process::Signal::INT).unwrap();
    assert_eq!(terminal.end().await, Some(130), "{}", terminal.shown());

    let words = ["login", &server.url, "--no-browser", "--timeout", "500ms"];
    let (code, stderr) = run(command(&program, home.path(), &words)).await;
    assert!(code == Some(3) && stderr.contains("no answer within 500ms"), "{code:?} {stderr}");
    let (code, _) = run(command(&program, home.path(), &["whoami", &server.url])).await;
    assert_eq!(code, Some(3));
}

/// AU-C-60: the port is taken; there is no home; home cannot be written to. Each is reported before the person sees a URL.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_way_is_said_first() {
    let (Some(program), Some(server)) = (fixtures::mcp_bin(), Server::start(&[]).await) else { return };
    let home = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let words = ["login", &server.url, "--no-browser", "--callback-port", &port];
    let (code, stderr) = run(command(&program, home.path(), &words)).await;
    assert!(code == Some(2) && stderr.contains(&format!("port {port}")), "{code:?} {stderr}");

    let words = ["login", &server.url, "--no-browser"];
    let mut homeless = command(&program, home.path(), &words);
    homeless.env_remove("HOME");
    let (code, stderr) = run(homeless).await;
    assert!(code == Some(1) && stderr.contains("names no home"), "{code:?} {stderr}");

    let (code, stderr) = run(command(&program, Path::new("/dev/null/home"), &words)).await;
    assert!(code == Some(1) && stderr.contains("/dev/null/home"), "{code:?} {stderr}");
    assert_eq!(server.stats().await["authorizations"], 0);
}
