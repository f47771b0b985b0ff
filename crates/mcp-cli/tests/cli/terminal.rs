//! What a person at a terminal sees: the shell's editor, and the questions of a config file.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::{HANG, MCP, command, finish};

/// The program at its own terminal.
struct Terminal {
    child: Child,
    keyboard: File,
    screen: mpsc::Receiver<Vec<u8>>,
    /// What was shown and not asked for yet.
    shown: String,
    home: tempfile::TempDir,
}

impl Terminal {
    fn start(args: &[&str], config: &str) -> Terminal {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join(".mcp.json"), config).unwrap();
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let open = || File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        let mut command = command(args);
        command.stdin(Stdio::from(open())).stdout(Stdio::from(open())).stderr(Stdio::from(open()));
        command.env("HOME", home.path()).env("TERM", "xterm").current_dir(home.path());
        command.env_remove("XDG_STATE_HOME").env_remove("XDG_CONFIG_HOME");
        let child = command.spawn().unwrap();
        // What the command holds of the terminal must not keep it open.
        drop(command);
        let keyboard = File::from(master);
        let mut reader = keyboard.try_clone().unwrap();
        let (sender, screen) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Linux reports the other side's end as an error.
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Terminal { child, keyboard, screen, shown: String::new(), home }
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until this was shown, and returns everything up to then.
    fn sees(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.shown.find(text) {
                return self.shown.drain(..at + text.len()).collect();
            }
            let more = self.screen.recv_timeout(HANG);
            let more = more.unwrap_or_else(|error| panic!("{error}: no {text:?} in {:?}", self.shown));
            self.shown.push_str(&String::from_utf8_lossy(&more));
        }
    }
}

/// Tab completes commands, tools and, by the server, what a prompt takes; Ctrl-C is for the command that runs
/// and not for the session; lines are kept for the next time.
#[test]
fn the_shell_edits_completes_and_survives_an_interrupt() {
    let mut terminal = Terminal::start(&["shell", "--", MCP, "serve-demo"], "{}");
    terminal.sees("mcp> ");
    terminal.press("call slow steps=10000 delay_ms=5\r");
    terminal.sees("step 2 of");
    kill_process(Pid::from_child(&terminal.child), Signal::INT).unwrap();
    terminal.sees("interrupted\r\n");
    terminal.sees("mcp> ");
    terminal.press("call ec\t");
    terminal.sees("echo");
    terminal.press(" te\thi\r");
    // First what was typed, then the answer.
    terminal.sees("hi\r\n");
    terminal.sees("hi\r\n");
    terminal.sees("mcp> ");
    terminal.press("prompt greet city=Osl\t\r");
    terminal.sees("from Oslo in one line");
    terminal.sees("mcp> ");
    terminal.press("call nope\r");
    terminal.sees("no tool");
    terminal.sees("mcp> ");
    terminal.press(" call echo text=secret\r");
    terminal.sees("secret\r\n");
    terminal.sees("secret\r\n");
    terminal.sees("mcp> ");
    terminal.press("\u{4}");
    let history = terminal.home.path().join(".local/state/mcp/history");
    assert_eq!(finish(terminal.child).code, Some(0));
    let history = std::fs::read_to_string(history).unwrap();
    assert!(history.contains("call echo text=hi") && !history.contains("secret"), "{history}");
}

/// FAULT F-C19: each pasted line is run, in its turn, also behind a command that takes its time; what is left over is
/// the beginning of the next line.
#[test]
fn pasted_lines_are_run_one_after_the_other() {
    let mut terminal = Terminal::start(&["shell", "--", MCP, "serve-demo"], "{}");
    let start = terminal.sees("mcp> ");
    // A terminal that is asked to mark pasted text would send it as one line.
    assert!(!start.contains("[?2004h"), "{start:?}");
    terminal.press("call add a=7 b=8\rcall slow steps=3 delay_ms=20\rcall add a=20 b=3\rcall add a=40 ");
    // Only results are waited for: between two lines the terminal itself shows what is typed, once more.
    terminal.sees("15\r\n");
    terminal.sees("step 3 of 3");
    terminal.sees("23\r\n");
    terminal.press("b=2\r");
    terminal.sees("42\r\n");
    terminal.sees("mcp> ");
    terminal.press("\u{4}");
    assert_eq!(finish(terminal.child).code, Some(0));
}

/// The user types the value of `${input:id}`, and it arrives at the server.
#[test]
fn an_input_of_a_config_file_is_asked_for() {
    let config = r#"{"servers": {"x": {"command": "sh", "args": ["-c", "echo \"got $KEY\" >&2; exit 3"],
        "env": {"KEY": "${input:key}"}}},
        "inputs": [{"id": "key", "type": "pickString", "description": "Which one", "options": ["red", "blue"]}]}"#;
    let mut terminal = Terminal::start(&["info", "x"], config);
    // The file belongs to whoever put it into this directory, so consent comes first.
    terminal.sees("runs `sh -c");
    terminal.sees("Use this file? [y/N] ");
    terminal.press("y\n");
    terminal.sees("2. blue");
    terminal.sees("Which one: ");
    terminal.press("2\n");
    terminal.sees("got blue");
    assert_eq!(finish(terminal.child).code, Some(4));
}

/// FAULT F-A12: JSON on a terminal is the same value with nothing in it that acts on the terminal.
#[test]
fn json_at_a_terminal_is_escaped() {
    let tool = "call echo text=x\u{9b}31m\u{202e}y --json";
    let args: Vec<&str> = tool.split(' ').chain(["--", MCP, "serve-demo"]).collect();
    let mut terminal = Terminal::start(&args, "{}");
    terminal.sees(r"x\u009b31m\u202ey");
    assert_eq!(finish(terminal.child).code, Some(0));
}
