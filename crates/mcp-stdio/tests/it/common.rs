//! What the tests share: short words for messages, scripted children, and a witness of their death.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use mcp_core::message::{Message, RawJson, Refusal, Request, Response};
use mcp_core::transport::{
    CloseReport, Inbound, Lane, Outbound, Transport, TransportReceiver, TransportSender,
};
use mcp_stdio::{ChildCommand, ShutdownTimeouts};

/// Both halves of a link.
pub(crate) struct Link {
    pub(crate) sender: Box<dyn TransportSender>,
    pub(crate) receiver: Box<dyn TransportReceiver>,
}

pub(crate) fn link(transport: impl Transport) -> Link {
    let (sender, receiver) = Box::new(transport).split();
    Link { sender, receiver }
}

pub(crate) fn request(id: i64, text: &str) -> Message {
    let params = RawJson::object([("text", RawJson::string(text))]);
    Request::new(id, "echo", Some(params)).into()
}

pub(crate) fn outbound(message: Message) -> Outbound {
    on_lane(message, Lane::SHARED, false)
}

pub(crate) fn on_lane(message: Message, lane: Lane, last: bool) -> Outbound {
    Outbound::message(message, lane).last(last)
}

impl Link {
    pub(crate) async fn send(&mut self, message: Message) {
        self.sender.send(outbound(message)).await.unwrap();
        self.sender.flush().await.unwrap();
    }

    pub(crate) async fn recv(&mut self) -> Option<Inbound> {
        self.receiver.recv().await.unwrap()
    }

    pub(crate) async fn message(&mut self) -> Message {
        match self.recv().await {
            Some(Inbound::Message { message, lane, .. }) => {
                assert!(lane.is_shared());
                message
            }
            other => panic!("not a message: {other:?}"),
        }
    }

    pub(crate) async fn refusal(&mut self) -> Refusal {
        match self.recv().await {
            Some(Inbound::Refused { refusal, .. }) => refusal,
            other => panic!("not a refusal: {other:?}"),
        }
    }

    pub(crate) async fn response(&mut self) -> Response {
        match self.message().await {
            Message::Response(response) => response,
            other => panic!("not a response: {other:?}"),
        }
    }

    /// Sends a request to a child that echoes, and sees it come back.
    pub(crate) async fn echo(&mut self, id: i64, text: &str) {
        self.send(request(id, text)).await;
        assert_eq!(self.message().await, request(id, text));
    }

    /// Closes as a driver does: goes on receiving meanwhile.
    pub(crate) async fn close(&mut self) -> CloseReport {
        let receiver = &mut self.receiver;
        let drain = async {
            while let Ok(Some(_)) = receiver.recv().await {}
            std::future::pending::<()>().await;
        };
        tokio::select! {
            closed = self.sender.close() => closed.unwrap(),
            () = drain => unreachable!(),
        }
    }
}

/// A child that runs this script.
pub(crate) fn sh(script: &str) -> ChildCommand {
    ChildCommand::new("sh").args(["-c", script])
}

/// Far more than anything takes here: only a hang reaches it.
pub(crate) const HANG: Duration = Duration::from_secs(120);

/// A child that runs this script, and has all the time that it needs to end.
pub(crate) fn patient_sh(script: &str) -> ChildCommand {
    sh(script).shutdown_timeouts(patient())
}

/// Timeouts for a child that ends when its input does, on a slow machine too.
pub(crate) fn patient() -> ShutdownTimeouts {
    ShutdownTimeouts::default().input(HANG)
}

/// Timeouts for a child that has to be killed, so short that a test need not wait.
pub(crate) fn short() -> ShutdownTimeouts {
    let step = Duration::from_millis(50);
    ShutdownTimeouts::default().input(step).terminate(step).kill(HANG)
}

/// A pipe that every process of a script holds open: its end is the death of all of them.
pub(crate) struct Witness {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

impl Witness {
    pub(crate) fn new() -> Witness {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("witness");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        Witness { _directory: directory, path }
    }

    /// A child whose script, and all that it starts, is watched.
    pub(crate) fn sh(&self, script: &str) -> ChildCommand {
        sh(&format!("exec 9>\"$WITNESS\"; {script}")).env("WITNESS", &self.path)
    }

    /// Opens the pipe: the script runs by then. The future ends when all of its processes are gone.
    pub(crate) async fn watch(&self) -> impl Future<Output = ()> + use<> {
        let path = self.path.clone();
        let mut pipe = tokio::task::spawn_blocking(move || File::open(path)).await.unwrap().unwrap();
        let watched = tokio::task::spawn_blocking(move || pipe.read_to_end(&mut Vec::new()));
        async { assert_eq!(watched.await.unwrap().unwrap(), 0) }
    }
}

/// This test binary again, to do one thing in a separate process. The thing is a test that returns at
/// once unless it is called this way. libtest writes a line to stdout first: a banner.
pub(crate) fn role(name: &str) -> ChildCommand {
    let mut command = ChildCommand::new(std::env::current_exe().unwrap()).env("MCP_STDIO_ROLE", name);
    for arg in role_args(name) {
        command = command.arg(arg);
    }
    command
}

pub(crate) fn role_args(name: &str) -> [String; 4] {
    ["-q".into(), "--nocapture".into(), "--exact".into(), name.into()]
}

pub(crate) fn plays(name: &str) -> bool {
    std::env::var("MCP_STDIO_ROLE").is_ok_and(|role| role == name)
}
