//! What the shell can complete: commands, tools, prompts, URIs, and the arguments of each.

use mcp_core::client::Client;
use mcp_core::message::RawJson;

use crate::commands::{list, prompts};
use crate::lock::Lock;

use super::line::VERBS;

/// What is known of the server.
#[derive(Debug, Default)]
pub(super) struct Words(Lock<Known>);

#[derive(Clone, Debug, Default)]
struct Known {
    tools: Vec<Item>,
    prompts: Vec<Item>,
    uris: Vec<String>,
}

/// A tool or a prompt.
#[derive(Clone, Debug)]
struct Item {
    name: String,
    arguments: Vec<Argument>,
}

#[derive(Clone, Debug)]
struct Argument {
    name: String,
    /// The values that are allowed, where the schema says so.
    values: Vec<String>,
}

/// What can be put in place of the word at the cursor.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Proposal {
    /// Where the word begins, in bytes.
    pub(super) start: usize,
    pub(super) words: Vec<String>,
    /// Only the server knows: the prompt, its argument, and what was typed of it.
    pub(super) ask: Option<(String, String, String)>,
}

impl Words {
    /// Asks the server for its lists. One that it does not have stays empty.
    pub(super) async fn learn(&self, client: &Client) {
        let (tools, prompts, resources) = tokio::join!(
            list::all(client, list::TOOLS),
            list::all(client, list::PROMPTS),
            list::all(client, list::RESOURCES)
        );
        let known = Known {
            tools: tools.unwrap_or_default().iter().map(tool).collect(),
            prompts: prompts.unwrap_or_default().iter().map(prompt).collect(),
            uris: resources.unwrap_or_default().iter().map(|item| list::word(item, "uri")).collect(),
        };
        *self.0.lock() = known;
    }

    /// What fits the line up to the cursor.
    pub(super) fn propose(&self, line: &str) -> Proposal {
        let known = self.0.lock().clone();
        let start = line.rfind(char::is_whitespace).map_or(0, |blank| blank + 1);
        let (before, typed) = line.split_at(start);
        let words: Vec<&str> = before.split_whitespace().collect();
        let names = |items: &[Item]| items.iter().map(|item| item.name.clone()).collect::<Vec<_>>();
        let all = match words.as_slice() {
            [] => VERBS.iter().map(|verb| (*verb).to_owned()).collect(),
            ["call" | "tool"] => names(&known.tools),
            ["prompt"] => names(&known.prompts),
            ["read"] => known.uris,
            ["help"] => VERBS.iter().map(|verb| (*verb).to_owned()).collect(),
            ["call", name, given @ ..] => arguments(&known.tools, name, given, typed),
            ["prompt", name, given @ ..] => {
                if let Some((argument, value)) = typed.split_once('=') {
                    let ask = Some(((*name).to_owned(), argument.to_owned(), value.to_owned()));
                    return Proposal { start: start + argument.len() + 1, words: Vec::new(), ask };
                }
                arguments(&known.prompts, name, given, typed)
            }
            _ => Vec::new(),
        };
        // What would have to be quoted is left to the person, and a stranger's control characters with it.
        let harmless = |word: &String| crate::text::shell_words::quote(word) == *word;
        let fits = |word: &String| word.starts_with(typed) && harmless(word);
        Proposal { start, words: all.into_iter().filter(fits).collect(), ask: None }
    }
}

/// `key=` for what is not given yet, or `key=value` for the values of the one that is being typed.
fn arguments(items: &[Item], name: &str, given: &[&str], typed: &str) -> Vec<String> {
    let Some(item) = items.iter().find(|item| item.name == name) else { return Vec::new() };
    if let Some((key, _)) = typed.split_once('=') {
        let argument = item.arguments.iter().find(|argument| argument.name == key);
        let values = argument.map(|argument| argument.values.as_slice()).unwrap_or_default();
        return values.iter().map(|value| format!("{key}={value}")).collect();
    }
    let is_given =
        |name: &str| given.iter().any(|word| word.split_once('=').is_some_and(|(key, _)| key == name));
    let open = item.arguments.iter().filter(|argument| !is_given(&argument.name));
    open.map(|argument| format!("{}=", argument.name)).collect()
}

fn tool(tool: &RawJson) -> Item {
    let fields =
        tool.member("inputSchema").and_then(|schema| schema.member("properties")).unwrap_or_default();
    let arguments =
        fields.members().into_iter().map(|(name, field)| Argument { name, values: values(&field) });
    Item { name: list::word(tool, "name"), arguments: arguments.collect() }
}

fn values(field: &RawJson) -> Vec<String> {
    if field.member("type").is_some_and(|kind| kind.as_bytes() == b"\"boolean\"") {
        return vec!["true".to_owned(), "false".to_owned()];
    }
    let choices = field.member("enum").unwrap_or_default().elements();
    choices.iter().map(|choice| choice.to_text().unwrap_or_else(|| choice.to_string())).collect()
}

fn prompt(prompt: &RawJson) -> Item {
    let arguments =
        prompts::arguments(prompt).into_iter().map(|(name, _)| Argument { name, values: Vec::new() });
    Item { name: list::word(prompt, "name"), arguments: arguments.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Words {
        let raw = |json: &str| RawJson::parse(json.to_owned()).unwrap();
        let find = r#"{"name":"find","inputSchema":{"properties":{"mode":{"enum":["fast","slow"]},
            "deep":{"type":"boolean"},"text":{"type":"string"}}}}"#;
        let known = Known {
            tools: vec![tool(&raw(find)), tool(&raw(r#"{"name":"fi\u001b[2J"}"#))],
            prompts: vec![prompt(&raw(r#"{"name":"greet","arguments":[{"name":"city"}]}"#))],
            uris: vec!["demo://readme".to_owned()],
        };
        Words(Lock::new(known))
    }

    #[test]
    fn commands_tools_arguments_and_values_are_proposed() {
        let rows: &[(&str, usize, &[&str])] = &[
            ("to", 0, &["tool", "tools"]),
            ("call f", 5, &["find"]),
            ("call find ", 10, &["mode=", "deep=", "text="]),
            ("call find mode=fast d", 20, &["deep="]),
            ("call find mode=f", 10, &["mode=fast"]),
            ("call find deep=", 10, &["deep=true", "deep=false"]),
            ("call other x", 11, &[]),
            ("read demo:", 5, &["demo://readme"]),
            ("prompt greet c", 13, &["city="]),
        ];
        for (line, start, words) in rows {
            let proposal = known().propose(line);
            assert_eq!(
                (proposal.start, proposal.words),
                (*start, words.iter().map(|w| (*w).to_owned()).collect()),
                "{line}"
            );
        }
    }

    #[test]
    fn the_server_is_asked_for_the_arguments_of_prompts() {
        let proposal = known().propose("prompt greet city=Lo");
        let ask = ("greet".to_owned(), "city".to_owned(), "Lo".to_owned());
        assert_eq!((proposal.start, proposal.ask), (18, Some(ask)));
    }
}
