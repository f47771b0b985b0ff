//! The programs, started as processes.

use std::process::Stdio;
use std::time::Duration;

use mcp_core::client::{Client, ClientBuilder, EraMode, SubscriptionEvent};
use mcp_core::message::{ProtocolVersion, RawJson};
use mcp_core::model::{ElicitResult, Model};
use mcp_core::session::SubscriptionFilter;
use mcp_http::HttpClient;
use mcp_http::client::CallHeaders;
use mcp_stdio::ChildCommand;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

const NOTES: &str = env!("CARGO_BIN_EXE_notes");
const ERAS: [EraMode; 2] = [EraMode::Modern, EraMode::Legacy(ProtocolVersion::V2025_11_25)];

fn agreeing(era: EraMode) -> ClientBuilder {
    Client::builder("test", "1.0.0").era(era).capability("elicitation", RawJson::EMPTY_OBJECT).input_handler(
        |_, _| async { Ok(ElicitResult::accept(RawJson::object([("sure", RawJson::TRUE)])).to_raw()) },
    )
}

async fn text(client: &Client, tool: &str, arguments: serde_json::Value) -> String {
    let result = client.call_tool(tool, arguments).await.unwrap();
    result.texts().collect()
}

/// Everything that the notes server offers.
async fn use_notes(client: &Client) {
    let mut changes = client.listen(SubscriptionFilter::new().resources_list_changed());
    assert!(matches!(changes.next().await, Some(SubscriptionEvent::Started { .. })));
    assert_eq!(client.list_tools().await.unwrap().len(), 5);
    assert_eq!(text(client, "add_note", json!({ "text": "milk and honey" })).await, "added note 1");
    let change = timeout(Duration::from_secs(120), changes.next()).await.unwrap();
    assert!(matches!(change, Some(SubscriptionEvent::Changed(_))), "{change:?}");
    for number in 2..=6 {
        assert_eq!(text(client, "add_note", json!({ "text": "more" })).await, format!("added note {number}"));
    }
    assert_eq!(text(client, "edit_note", json!({ "number": 2, "text": "honey" })).await, "changed note 2");
    assert!(text(client, "edit_note", json!({ "number": 9, "text": "" })).await.contains("no note 9"));
    assert_eq!(text(client, "find_notes", json!({ "text": "honey" })).await, r#"{"numbers":[1,2]}"#);
    assert_eq!(client.list_resources().await.unwrap().len(), 6);
    let note = client.read_resource("note://1").await.unwrap();
    assert_eq!(note.contents[0].text.as_deref(), Some("milk and honey"));
    let prompt = client.get_prompt("summarize", json!({ "number": 1 })).await.unwrap();
    assert!(prompt.messages[0].content.as_text().unwrap().ends_with("milk and honey"));

    let (report, mut reports) = tokio::sync::mpsc::unbounded_channel();
    let checked = client.call_tool("check_notes", ()).on_progress(move |progress| {
        let _gone = report.send(progress.progress.to_string());
    });
    assert!(!checked.await.unwrap().failed());
    assert_eq!(reports.recv().await.as_deref(), Some("0"));

    assert_eq!(text(client, "delete_notes", json!({})).await, "deleted 6 notes");
    assert_eq!(client.list_resources().await.unwrap().len(), 0);
}

#[tokio::test]
async fn notes_are_kept_over_stdio_in_both_eras() {
    for era in ERAS {
        let folder = TempDir::new().unwrap();
        let server = ChildCommand::new(NOTES).cwd(folder.path());
        let client = agreeing(era).connect(server).await.unwrap();
        use_notes(&client).await;
        client.close().await;
    }
}

/// Starts a program that listens, and returns its URL.
async fn listening(command: &mut Command) -> (Child, String) {
    let mut child = command.kill_on_drop(true).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = timeout(Duration::from_secs(120), lines.next_line()).await.unwrap().unwrap().unwrap();
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    let url = line.strip_prefix("listening on ").unwrap().to_owned();
    (child, url)
}

#[tokio::test]
async fn notes_belong_to_their_caller_over_http() {
    let folder = TempDir::new().unwrap();
    let mut command = Command::new(NOTES);
    command.args(["--http", "127.0.0.1:0"]).current_dir(&folder).env("NOTES_TOKENS", "ada=t0ken,bob=s3cret");
    let (_server, url) = listening(&mut command).await;
    for era in ERAS {
        let ada = agreeing(era).connect(HttpClient::new(&url).unwrap().bearer("t0ken")).await.unwrap();
        let bob = agreeing(era).connect(HttpClient::new(&url).unwrap().bearer("s3cret")).await.unwrap();
        use_notes(&ada).await;
        let wanted = SubscriptionFilter::new().resources_list_changed().resource("note://1");
        let mut changes = bob.listen(wanted);
        assert!(matches!(changes.next().await, Some(SubscriptionEvent::Started { .. })));
        text(&ada, "add_note", json!({ "text": "secret" })).await;
        text(&ada, "edit_note", json!({ "number": 1, "text": "secret" })).await;
        text(&bob, "delete_notes", json!({})).await;
        // The first change that Bob sees is his own.
        let change = timeout(Duration::from_secs(120), changes.next()).await.unwrap();
        let Some(SubscriptionEvent::Changed(change)) = change else { panic!("{change:?}") };
        assert_eq!(change.method.as_str(), "notifications/resources/list_changed");
        assert_eq!(bob.list_resources().await.unwrap().len(), 0);
        assert!(bob.read_resource("note://1").await.is_err());
        // On 2026-07-28 each call may have other credentials.
        if era == EraMode::Modern {
            let note = bob.read_resource("note://1").with(CallHeaders::bearer("t0ken")).await.unwrap();
            assert_eq!(note.contents[0].text.as_deref(), Some("secret"));
        }
        text(&ada, "delete_notes", json!({})).await;
    }
    let stranger = agreeing(EraMode::Auto).connect(HttpClient::new(&url).unwrap().bearer("guess")).await;
    assert!(stranger.unwrap_err().is_auth());
}

#[tokio::test]
async fn the_host_lists_and_calls() {
    let folder = TempDir::new().unwrap();
    let mut host = Command::new(env!("CARGO_BIN_EXE_host"));
    host.arg(NOTES).current_dir(&folder).env("HOST_CALL", r#"add_note {"text":"a"}"#);
    let output = host.output().await.unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(shown.contains("find_notes: Finds notes") && shown.contains("added note 1"), "{output:?}");
    let missing =
        Command::new(env!("CARGO_BIN_EXE_host")).arg("http://127.0.0.1:1/mcp").output().await.unwrap();
    assert!(String::from_utf8_lossy(&missing.stderr).contains("cannot be reached"), "{missing:?}");
}

#[tokio::test]
async fn two_sessions_are_driven_by_hand() {
    let output = Command::new(env!("CARGO_BIN_EXE_by-hand")).output().await.unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && shown.contains("the call: ") && shown.contains("world"), "{output:?}");
}

#[tokio::test]
async fn a_mounted_server_knows_its_callers() {
    let (_server, url) = listening(Command::new(env!("CARGO_BIN_EXE_mounted")).arg("127.0.0.1:0")).await;
    let client =
        agreeing(EraMode::Auto).connect(HttpClient::new(&url).unwrap().bearer("t0ken")).await.unwrap();
    assert_eq!(text(&client, "whoami", json!({})).await, "ada");
    let refused = agreeing(EraMode::Auto).connect(HttpClient::new(&url).unwrap()).await.unwrap_err();
    assert!(refused.is_auth(), "{refused}");
}
