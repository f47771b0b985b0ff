//! The official inspector logs in at our resource server: its command line at a terminal, with a scripted browser.
#![cfg(target_os = "linux")]

use mcp_tests::port::Port;
use serde_json::{Value, json};
use tokio::process::Command;

use super::resource_server::demo;
use super::terminal::Terminal;
use super::{Browser, Server};
use crate::fixtures;

/// Calls a tool that needs a second scope: a login, and a step-up that the person agrees to. What the tool said.
async fn call_touch(url: &str, era: &str) -> Option<String> {
    let program = fixtures::inspector()?;
    let home = tempfile::tempdir().unwrap();
    let (config, output) = (home.path().join("config.json"), home.path().join("output.json"));
    // With a refresh token it answers a missing scope with a refresh, which cannot add one.
    let oauth = json!({"requestRefreshToken": false});
    let server = json!({"type": "streamable-http", "url": url, "oauth": oauth});
    std::fs::write(&config, json!({"mcpServers": {"demo": server}}).to_string()).unwrap();
    let port = Port::reserve().unwrap();

    let mut command = Command::new(&program.path);
    command.args(&program.args).arg("--cli").arg("--config").arg(&config).args(["--server", "demo"]);
    command.args(["--callback-url", &format!("http://127.0.0.1:{}/oauth/callback", port.number())]);
    command.args(["--protocol-era", era, "--method", "tools/call", "--tool-name", "touch"]);
    command.arg("--output").arg(&output);
    // It keeps credentials at home, and opens a real browser unless it is told not to.
    command.env("HOME", home.path()).env("NO_COLOR", "1").env("MCP_AUTO_OPEN_ENABLED", "false");
    let mut terminal = Terminal::of(command);

    let browser = Browser::new();
    browser.browse(&terminal.url_after("Please navigate to: ").await).await;
    terminal.sees("needs additional scope: mcp:write").await;
    terminal.sees("[y/N]").await;
    terminal.clear();
    terminal.press("y\r");
    browser.browse(&terminal.url_after("Please navigate to: ").await).await;
    assert_eq!(terminal.end().await, Some(0), "{}", terminal.shown());
    let result: Value = serde_json::from_str(&std::fs::read_to_string(&output).unwrap()).unwrap();
    Some(result["content"][0]["text"].as_str().unwrap_or_default().to_owned())
}

/// AU-S-01, AU-S-02, AU-S-03: it finds the authorization server, logs in, and steps up, in both eras.
#[tokio::test(flavor = "multi_thread")]
async fn the_inspector_logs_in_at_our_server() {
    for era in ["legacy", "modern"] {
        let Some(server) = Server::start(&[("TOKEN_FORMAT", "jwt")]).await else { return };
        let Some((url, _demo)) = demo(&server, &[]).await else { return };
        let Some(said) = call_touch(&url, era).await else { return };
        assert!(said.contains("added"), "{era}: {said}");
        assert_eq!(server.granted("authorization_code").await, 2, "{era}");
    }
}
