//! `mcp info`: who a server is, which revisions it speaks, what it can do.

use std::ffi::OsString;

use clap::Args;
use mcp_core::client::{Client, Negotiated};
use mcp_core::message::RawJson;
use serde_json::Value;

use crate::connect::run;
use crate::connect::target::{self, Target};
use crate::exit::Failure;
use crate::global::Global;
use crate::signals::Signals;
use crate::terminal::out;
use crate::terminal::style::Style;
use crate::terminal::table::Table;
use crate::text;

/// `mcp info`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server's URL or its name in a config file; left out where a command follows `--`
    #[arg(value_name = "SERVER")]
    pub(crate) target: Option<String>,
    /// The command that starts the server, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// Runs the command.
pub(crate) async fn run(signals: &Signals, global: &Global, options: &Options) -> Result<(), Failure> {
    let Target { global, link } =
        target::find(signals, global, options.target.as_deref(), &options.command).await?;
    run::with_client(signals, &global, run::builder(&global), link, async |client: &Client| {
        show(client, &global).await
    })
    .await
}

/// Shows what was agreed on with this server.
pub(crate) async fn show(client: &Client, global: &Global) -> Result<(), Failure> {
    let negotiated = client.ready().await?;
    if global.json {
        return out::json(&json(&negotiated).to_string());
    }
    out::write(render(&negotiated, Style::for_stream(global.color, &std::io::stdout())))
}

/// What was agreed on, in one shape for both eras.
fn json(negotiated: &Negotiated) -> RawJson {
    let offered = RawJson::array(negotiated.offered.iter().map(|version| RawJson::string(version)));
    let mut members = vec![
        ("protocolVersion", RawJson::string(negotiated.version.as_str())),
        ("supportedVersions", offered),
        ("era", RawJson::string(era(negotiated))),
        ("capabilities", negotiated.capabilities.clone()),
    ];
    members.extend(negotiated.server_info.clone().map(|info| ("serverInfo", info)));
    members.extend(negotiated.instructions.as_deref().map(|text| ("instructions", RawJson::string(text))));
    RawJson::object(members)
}

fn era(negotiated: &Negotiated) -> &'static str {
    if negotiated.version.is_modern() { "modern" } else { "legacy" }
}

fn render(negotiated: &Negotiated, style: Style) -> String {
    let mut table = Table::new([""; 0]);
    table.row(["server", &identity(negotiated.server_info.as_ref())]);
    table.row(["version", &format!("{} ({})", negotiated.version, era(negotiated))]);
    table.row(["speaks", &negotiated.offered.join(", ")]);
    table.row(["can", &abilities(&negotiated.capabilities)]);
    let mut out = table.render(style);
    if let Some(instructions) = &negotiated.instructions {
        out.push_str(&format!("\n{}\n", text::safe_block(instructions.trim_end())));
    }
    out
}

/// A server's name and version, as it gives them.
pub(crate) fn identity(info: Option<&RawJson>) -> String {
    let Some(info) = info.and_then(|info| info.deserialize::<Value>().ok()) else {
        return "(does not say who it is)".to_owned();
    };
    let word = |key: &str| info.get(key).and_then(Value::as_str);
    let name = word("name").unwrap_or("(no name)");
    let title = word("title").filter(|title| *title != name).map(|title| format!(" ({title})"));
    format!("{name} {}{}", word("version").unwrap_or("?"), title.unwrap_or_default())
}

/// The capabilities as text: `tools (listChanged), logging`.
fn abilities(capabilities: &RawJson) -> String {
    let named: Vec<String> = capabilities
        .members()
        .into_iter()
        .map(|(name, settings)| {
            let on: Vec<String> = settings
                .members()
                .into_iter()
                .filter(|(_, value)| value.as_bytes() == b"true" || value.is_object())
                .map(|(key, _)| key)
                .collect();
            if on.is_empty() { name } else { format!("{name} ({})", on.join(", ")) }
        })
        .collect();
    if named.is_empty() { "nothing that it declares".to_owned() } else { named.join(", ") }
}

#[cfg(test)]
mod tests {
    use mcp_core::message::ProtocolVersion;

    use super::*;

    #[test]
    fn a_server_is_described_for_people_and_for_programs() {
        let capabilities = RawJson::parse(r#"{"tools":{"listChanged":true},"logging":{}}"#).unwrap();
        let mut negotiated = Negotiated::new(ProtocolVersion::V2026_07_28, capabilities);
        negotiated.server_info = Some(RawJson::parse(r#"{"name":"x\u001b[2J","version":"1"}"#).unwrap());
        negotiated.instructions = Some("Be kind.".to_owned());
        let wanted = "server   x\\x1b[2J 1\nversion  2026-07-28 (modern)\nspeaks   2026-07-28\n\
                      can      tools (listChanged), logging\n\nBe kind.\n";
        assert_eq!(render(&negotiated, Style::plain()), wanted);
        let value: Value = json(&negotiated).deserialize().unwrap();
        assert_eq!(value["protocolVersion"], "2026-07-28");
        assert_eq!(value["capabilities"]["tools"]["listChanged"], true);
    }
}
