//! `mcp prompts`: a server's prompts, with their arguments.

use mcp_core::client::Client;
use mcp_core::message::RawJson;

use crate::commands::list::{self, ABOUT, Options};
use crate::exit::Failure;
use crate::global::Global;
use crate::signals::Signals;
use crate::terminal::style::Style;
use crate::terminal::table::Table;
use crate::text;

/// Runs the command.
pub(crate) async fn run(signals: &Signals, global: &Global, options: &Options) -> Result<(), Failure> {
    list::run(signals, global, options, async |client: &Client, global: &Global| {
        show(client, global, options).await
    })
    .await
}

/// Lists those of this server.
pub(crate) async fn show(client: &Client, global: &Global, options: &Options) -> Result<(), Failure> {
    let page = list::fetch(client, list::PROMPTS, options).await?;
    list::show(global, list::PROMPTS, &page, render)
}

fn render(prompts: &[RawJson], style: Style) -> String {
    if prompts.is_empty() {
        return "no prompts\n".to_owned();
    }
    let mut table = Table::new(["prompt", "what it is"]);
    for prompt in prompts {
        table.row([signature(prompt), text::headline(&list::about(prompt), ABOUT)]);
    }
    table.render(style)
}

/// `greet(city, [tone])`: the arguments in brackets may be left out.
fn signature(prompt: &RawJson) -> String {
    let arguments = arguments(prompt).into_iter();
    let shown = arguments.map(|(name, required)| if required { name } else { format!("[{name}]") });
    format!("{}({})", list::word(prompt, "name"), shown.collect::<Vec<_>>().join(", "))
}

/// The arguments of a prompt, and whether each is required.
pub(crate) fn arguments(prompt: &RawJson) -> Vec<(String, bool)> {
    let arguments = prompt.member("arguments").unwrap_or_default().elements();
    let required =
        |argument: &RawJson| argument.member("required").is_some_and(|flag| flag.as_bytes() == b"true");
    arguments.iter().map(|argument| (list::word(argument, "name"), required(argument))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_shown_with_its_arguments() {
        let prompt = r#"{"name":"greet","arguments":[{"name":"city","required":true},{"name":"tone"}]}"#;
        let shown = render(&[RawJson::parse(prompt).unwrap()], Style::plain());
        assert!(shown.contains("greet(city, [tone])"), "{shown}");
        assert_eq!(render(&[], Style::plain()), "no prompts\n");
    }
}
