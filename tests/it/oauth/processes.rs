//! Several processes share one rotating refresh token.
#![cfg(unix)]

use std::io::BufRead;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mcp_auth::client::{CredentialStore, FileStore, Key, OAuth};

use super::{Browser, Server, call, connect, provider};
use crate::fixtures;

/// The processes.
const PROCESSES: usize = 5;
/// Tokens live this long. They are refreshed in the second half.
const LIFE: Duration = Duration::from_secs(2);
/// How many refreshes are waited for, and in CI: a minute of them. `MCP_OAUTH_REFRESHES` names another number.
const REFRESHES: u64 = 6;
const REFRESHES_IN_CI: u64 = 55;
/// More than all of it takes.
const LIMIT: Duration = Duration::from_secs(120);

const URL: &str = "MCP_OAUTH_WORKER_URL";
const FOLDER: &str = "MCP_OAUTH_WORKER_FOLDER";

fn shared(folder: &Path) -> OAuth {
    provider().store(FileStore::new(folder)).build()
}

/// AU-C-53, AU-C-54: the authorization server detects a refresh token that is used twice, and revokes the whole login.
#[tokio::test(flavor = "multi_thread")]
async fn five_processes_share_one_login() {
    let life = LIFE.as_secs().to_string();
    let Some(server) = Server::start(&[("TOKEN_LIFE", &life)]).await else { return };
    let folder = tempfile::tempdir().unwrap();
    shared(folder.path()).login(&server.url, Browser::new()).await.unwrap();
    let named = std::env::var("MCP_OAUTH_REFRESHES").ok().and_then(|text| text.parse().ok());
    let usual = if fixtures::is_ci() { REFRESHES_IN_CI } else { REFRESHES };
    let wanted = named.unwrap_or(usual).max(4);

    let begin = Instant::now();
    let mut workers: Vec<Worker> =
        (0..PROCESSES).map(|_| Worker::start(&server.url, folder.path())).collect();
    refreshed(&server, wanted / 2).await;
    // Not in the middle of a refresh: a token that was rotated and not yet saved is lost with its process. A refresh holds
    // the lock of the store.
    let store = FileStore::new(folder.path());
    let keys = store.keys().await.unwrap();
    let key = keys.iter().find(|key| matches!(key, Key::Token { .. })).unwrap();
    let nobody_refreshes = store.lock(key).await.unwrap();
    workers.remove(0).kill();
    drop(nobody_refreshes);
    refreshed(&server, wanted).await;
    let calls: Vec<u64> = workers.into_iter().map(Worker::end).collect();
    let took = begin.elapsed();

    let stats = server.stats().await;
    assert_eq!(stats["errors"].as_array().unwrap().len(), 0, "{stats}");
    assert!(calls.iter().all(|calls| *calls > 0), "{calls:?}");
    // One for each half of a life, and not one for each process.
    let refreshes = server.granted("refresh_token").await;
    let most = (took.as_secs_f64() / (LIFE.as_secs_f64() / 2.0)).ceil() as u64 + 1;
    assert!(refreshes <= most, "{refreshes} refreshes in {took:?}");
}

/// Waits until the server has counted this number of refreshes.
async fn refreshed(server: &Server, wanted: u64) {
    let begin = Instant::now();
    while server.granted("refresh_token").await < wanted {
        assert!(begin.elapsed() < LIMIT, "{}", server.stats().await);
        tokio::task::yield_now().await;
    }
}

/// This program again, running the test below.
struct Worker(Option<Child>);

impl Worker {
    fn start(url: &str, folder: &Path) -> Worker {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["oauth::processes::a_worker_calls_until_its_input_ends", "--exact", "--nocapture"]);
        command.env(URL, url).env(FOLDER, folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        Worker(Some(command.spawn().unwrap()))
    }

    /// Returns when it is gone.
    fn kill(mut self) {
        let child = self.0.as_mut().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Ends its input, and gives the number of its calls. Each was answered.
    fn end(mut self) -> u64 {
        let mut child = self.0.take().unwrap();
        drop(child.stdin.take());
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}");
        let calls = text.lines().find_map(|line| line.split_once("calls: ")?.1.parse().ok());
        calls.unwrap_or_else(|| panic!("no number of calls: {text}"))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _gone = child.kill();
            let _reaped = child.wait();
        }
    }
}

/// Does nothing by itself: `five_processes_share_one_login` runs it in other processes.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_calls_until_its_input_ends() {
    let (Ok(url), Some(folder)) = (std::env::var(URL), std::env::var_os(FOLDER)) else { return };
    let oauth = shared(Path::new(&folder));
    let (end, mut ended) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _line = std::io::stdin().lock().read_line(&mut String::new());
        let _gone = end.send(());
    });
    let client = connect(&oauth, &url).await.unwrap();
    let mut calls = 0_u64;
    // As often as tokens need it, without taking all of the machine.
    let mut pace = tokio::time::interval(Duration::from_millis(25));
    while ended.try_recv().is_err() {
        assert_eq!(call(&client, "read").await.unwrap(), "read done");
        calls += 1;
        pace.tick().await;
    }
    client.close().await;
    println!("calls: {calls}");
}
