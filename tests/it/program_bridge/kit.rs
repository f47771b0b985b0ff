//! What the tests of `mcp bridge` share: a program that listens, and a conversation with the demo server.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mcp_core::client::{CallOptions, Client, ClientBuilder, EraMode};
use mcp_core::message::{ProtocolVersion, RawJson};
use mcp_core::session::InputRequest;
use mcp_core::transport::Connect;
use serde_json::json;

/// Far more than anything takes here: only a hang reaches it.
pub(super) const HANG: Duration = Duration::from_secs(120);

pub(super) const ERAS: [EraMode; 2] = [EraMode::Legacy(ProtocolVersion::V2025_11_25), EraMode::Modern];

/// A program that serves over HTTP until the end of the test.
pub(super) struct Listening {
    child: Child,
    /// The first URL that it printed.
    pub(super) url: String,
    stderr: Arc<Mutex<String>>,
}

impl Listening {
    pub(super) fn start(mcp: &Path, words: &[&str]) -> Listening {
        Listening::with(mcp, words, &[])
    }

    /// The same with variables of its environment.
    pub(super) fn with(mcp: &Path, words: &[&str], variables: &[(&str, &str)]) -> Listening {
        let mut command = Command::new(mcp);
        command.args(words).envs(variables.iter().copied()).stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let (stderr, mut line) = (Arc::new(Mutex::new(String::new())), String::new());
        let url = loop {
            line.clear();
            assert!(lines.read_line(&mut line).unwrap() > 0, "it has ended: {}", stderr.lock().unwrap());
            stderr.lock().unwrap().push_str(&line);
            if let Some(url) = line.trim().strip_prefix("listening on ") {
                break url.to_owned();
            }
        };
        // Reads on, so that the program never blocks on a full pipe.
        let rest = stderr.clone();
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                rest.lock().unwrap().extend([&line, "\n"]);
            }
        });
        Listening { child, url, stderr }
    }

    /// What it has written to stderr so far.
    pub(super) fn stderr(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// Waits until it has written this.
    pub(super) async fn wrote(&self, text: &str) {
        let written = async {
            while !self.stderr().contains(text) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let written = tokio::time::timeout(HANG, written).await;
        assert!(written.is_ok(), "it did not write {text:?}: {}", self.stderr());
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has ended.
    #[cfg(target_os = "linux")]
    pub(super) fn wait(&mut self) -> std::process::ExitStatus {
        self.child.wait().unwrap()
    }

    /// The processes that it has started and that are left, ended ones included.
    #[cfg(target_os = "linux")]
    pub(super) fn children(&self) -> Vec<(u32, String)> {
        let mut left = Vec::new();
        for task in std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap() {
            let children = std::fs::read_to_string(task.unwrap().path().join("children")).unwrap_or_default();
            for id in children.split_whitespace() {
                let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
                left.push((id.parse().unwrap(), String::from_utf8_lossy(&line).replace('\0', " ")));
            }
        }
        left
    }

    /// The servers among them: its guard is none.
    #[cfg(target_os = "linux")]
    pub(super) fn servers(&self) -> Vec<(u32, String)> {
        self.children().into_iter().filter(|(_, line)| !line.contains("__guard")).collect()
    }

    /// Waits until this number of servers is left, zombies included.
    #[cfg(target_os = "linux")]
    pub(super) async fn settles_at(&self, count: usize) {
        let settled = async {
            while self.servers().len() != count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let settled = tokio::time::timeout(HANG, settled).await;
        assert!(settled.is_ok(), "{count} servers were to be left: {:?}", self.children());
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

pub(super) fn client(era: EraMode) -> ClientBuilder {
    let client = Client::builder("test", "1").era(era).capability("elicitation", RawJson::EMPTY_OBJECT);
    client.input_handler(|_: InputRequest, _| async {
        Ok(RawJson::parse(r#"{"action":"accept","content":{"name":"Ada"}}"#).unwrap())
    })
}

/// Lists, reports progress, asks, fails: with the demo server.
pub(super) async fn converse(era: EraMode, connector: impl Connect) -> Client {
    let client = client(era).connect(connector).await.unwrap();
    assert_eq!(client.negotiated().unwrap().version.is_modern(), matches!(era, EraMode::Modern));
    assert!(client.list_tools().await.unwrap().iter().any(|tool| tool.name == "slow"));
    let params =
        RawJson::serialize(&json!({"name": "slow", "arguments": {"steps": 3, "delay_ms": 1}})).unwrap();
    let mut slow = client.call("tools/call", Some(params), CallOptions::new().progress());
    let mut steps = 0;
    while let Some(note) = slow.next_notification().await {
        steps += usize::from(note.method == "notifications/progress");
    }
    assert_eq!((steps, slow.await.is_ok()), (3, true));
    let asked = client.call_tool("ask", ()).await.unwrap();
    assert_eq!(asked.texts().collect::<String>(), "Hello, Ada!");
    assert_eq!(client.call_tool("fail", ()).await.unwrap().is_error, Some(true));
    assert!(client.read_resource("demo://none").await.unwrap_err().is_resource_not_found());
    client
}

/// A server in the words of a shell: it answers `initialize`, and lists no tools.
pub(super) const SHELL: &str = r#"
while read -r line; do
    id=${line#*'"id":'}
    id=${id%%[,\}]*}
    case $line in
    *'"initialize"'*) result='{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"sh","version":"1"}}' ;;
    *'"tools/list"'*) result='{"tools":[]}' ;;
    *) continue ;;
    esac
    printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result"
done
"#;
