//! A question of a server, asked of the person at the terminal.

use std::io::{self, BufRead};

use mcp_core::message::{ErrorObject, RawJson};
use serde_json::Value;

use crate::terminal::{arguments, out};
use crate::text;

/// Asks on stderr and reads stdin. The end of input (Ctrl-D) declines. Blocks.
///
/// # Errors
///
/// `-32603` if stdin cannot be read.
pub(crate) fn ask(params: &RawJson) -> Result<RawJson, ErrorObject> {
    let mut lines = io::stdin().lock().lines();
    let read = move || lines.next().transpose();
    fill(params, read, out::note).map_err(|error| ErrorObject::internal(error.to_string()))
}

/// One question after the other. `read` gives the next line of the person, `say` shows a line.
fn fill(
    params: &RawJson,
    mut read: impl FnMut() -> io::Result<Option<String>>,
    mut say: impl FnMut(String),
) -> io::Result<RawJson> {
    let word = |key: &str| params.member(key).and_then(|word| word.to_text()).unwrap_or_default();
    say(format!("\rThe server asks: {}\n", text::safe_block(&word("message"))));
    if word("mode") == "url" {
        let url = word("url");
        say(format!("  Open {} in a browser, if you trust it.\n  Done? [y/N] ", text::safe_line(&url)));
        let yes = read()?.is_some_and(|line| matches!(line.trim(), "y" | "Y" | "yes"));
        return Ok(action(if yes { "accept" } else { "decline" }));
    }
    let form = params.member("requestedSchema").unwrap_or_default();
    let schema = &form.deserialize::<Value>().unwrap_or_default();
    say("  (an empty line leaves a field out, Ctrl-D declines)\n".to_owned());
    let mut words = Vec::new();
    // In the server's order, which a `Value` does not keep.
    for (key, field) in form.member("properties").unwrap_or_default().members() {
        let field: Value = field.deserialize().unwrap_or_default();
        loop {
            say(format!("  {}: ", label(&key, &field)));
            let Some(line) = read()? else { return Ok(action("decline")) };
            let Some(word) = answer(&key, &field, line.trim()) else {
                if !is_required(schema, &key) {
                    break;
                }
                say("  this one is needed\n".to_owned());
                continue;
            };
            match arguments::build(None, std::slice::from_ref(&word), Some(schema)) {
                Ok(_) => {
                    words.push(word);
                    break;
                }
                Err(failure) => say(format!("  {}\n", text::safe_line(&failure.message))),
            }
        }
    }
    let content = arguments::build(None, &words, Some(schema)).map_err(|f| io::Error::other(f.message))?;
    Ok(action("accept").with_members(&[("content", &content)]))
}

fn action(name: &str) -> RawJson {
    RawJson::object([("action", RawJson::string(name))])
}

/// The word for a field: what was typed, or its default for an empty line.
fn answer(key: &str, field: &Value, typed: &str) -> Option<String> {
    match (typed, field.get("default")) {
        ("", Some(default)) => Some(format!("{key}:={default}")),
        ("", None) => None,
        (typed, _) => Some(format!("{key}={typed}")),
    }
}

fn is_required(schema: &Value, key: &str) -> bool {
    let required = schema.get("required").and_then(Value::as_array);
    required.into_iter().flatten().any(|name| name.as_str() == Some(key))
}

fn label(key: &str, field: &Value) -> String {
    let title = field.get("title").or(field.get("description")).and_then(Value::as_str).unwrap_or(key);
    let choices = field.get("enum").map(|choices| format!(" {choices}")).unwrap_or_default();
    let default = field.get("default").map(|default| format!(" [{default}]")).unwrap_or_default();
    text::clip(&text::safe_line(&format!("{title}{choices}{default}")), 200)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(params: &str, typed: &[&str]) -> (Value, String) {
        let mut typed = typed.iter().map(|line| (*line).to_owned());
        let mut shown = String::new();
        let params = RawJson::parse(params.to_owned()).unwrap();
        let answer = fill(&params, || Ok(typed.next()), |line| shown.push_str(&line)).unwrap();
        (answer.deserialize().unwrap(), shown)
    }

    const FORM: &str = r#"{"message": "Who?", "requestedSchema": {"type": "object", "required": ["name"],
        "properties": {"name": {"type": "string", "title": "Your name"}, "age": {"type": "integer"},
        "alive": {"type": "boolean", "default": true}}}}"#;

    #[test]
    fn a_form_is_filled_field_by_field_in_its_order_and_typed() {
        let (answer, shown) = filled(FORM, &["", "Ada", "x", "7", ""]);
        let content = json!({"name": "Ada", "age": 7, "alive": true});
        assert_eq!(answer, json!({"action": "accept", "content": content}));
        assert!(shown.contains("an integer") && shown.contains("this one is needed"), "{shown}");
    }

    #[test]
    fn the_end_of_input_declines() {
        assert_eq!(filled(FORM, &["Ada"]).0, json!({"action": "decline"}));
    }

    /// A URL is shown and never opened; its text cannot play tricks on the terminal (FAULTS B).
    #[test]
    fn a_url_needs_a_yes() {
        let params = r#"{"mode": "url", "message": "Pay", "url": "https://x.test/\u001b[2J"}"#;
        assert_eq!(filled(params, &["y"]).0, json!({"action": "accept"}));
        let (answer, shown) = filled(params, &[""]);
        assert_eq!(answer, json!({"action": "decline"}));
        assert!(!shown.contains('\u{1b}'));
    }
}
