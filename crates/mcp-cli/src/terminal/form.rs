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
        say(heading(&key, &field));
        loop {
            say(prompt(&field));
            let Some(line) = read()? else { return Ok(action("decline")) };
            let word = match answer(&key, &field, line.trim()) {
                Ok(Some(word)) => word,
                Ok(None) if !is_required(schema, &key) => break,
                Ok(None) => {
                    say("  this one is needed\n".to_owned());
                    continue;
                }
                Err(why) => {
                    say(format!("  {}\n", text::safe_line(&why)));
                    continue;
                }
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

/// The word for a field: what was typed, or its default for an empty line. `None`: the field is left out.
///
/// # Errors
///
/// What was typed is none of the choices, in words.
fn answer(key: &str, field: &Value, typed: &str) -> Result<Option<String>, String> {
    if typed.is_empty() {
        return Ok(field.get("default").map(|default| format!("{key}:={default}")));
    }
    let choices = choices(field);
    if is(field, "array") && !choices.is_empty() {
        let picked: Result<Vec<Value>, String> = typed
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .map(|word| pick(&choices, word))
            .collect();
        return picked.map(|picked| Some(format!("{key}:={}", Value::from(picked))));
    }
    if !choices.is_empty() {
        return pick(&choices, typed).map(|value| Some(format!("{key}:={value}")));
    }
    if is(field, "boolean") {
        return match typed.to_ascii_lowercase().as_str() {
            "y" | "yes" | "true" | "on" | "1" => Ok(Some(format!("{key}:=true"))),
            "n" | "no" | "false" | "off" | "0" => Ok(Some(format!("{key}:=false"))),
            _ => Err("yes or no".to_owned()),
        };
    }
    Ok(Some(format!("{key}={typed}")))
}

/// The choice with this value, this title, or this number in the list.
fn pick(choices: &[Choice], word: &str) -> Result<Value, String> {
    let number =
        |word: &str| word.parse::<usize>().ok().and_then(|number| choices.get(number.checked_sub(1)?));
    let found = choices
        .iter()
        .find(|choice| shown(&choice.value) == word)
        .or_else(|| choices.iter().find(|choice| choice.title.to_lowercase() == word.to_lowercase()))
        .or_else(|| number(word));
    found.map(|choice| choice.value.clone()).ok_or_else(|| format!("{word:?} is not one of the choices"))
}

/// One of the values that a field can have.
struct Choice {
    value: Value,
    /// The value itself where it has no title.
    title: String,
}

/// The values that a field, or each item of it, can have: `enum` with or without `enumNames`, or `oneOf` and `anyOf` of
/// constants with titles.
fn choices(field: &Value) -> Vec<Choice> {
    let field = if is(field, "array") { field.get("items").unwrap_or(&Value::Null) } else { field };
    let list = |name: &str| field.get(name).and_then(Value::as_array);
    if let Some(titled) = list("oneOf").or_else(|| list("anyOf")) {
        let choice = |one: &Value| {
            let value = one.get("const")?.clone();
            let title = one.get("title").and_then(Value::as_str).map_or_else(|| shown(&value), str::to_owned);
            Some(Choice { value, title })
        };
        return titled.iter().filter_map(choice).collect();
    }
    let names = list("enumNames");
    let title = |at: usize| names.and_then(|names| names.get(at)).and_then(Value::as_str).map(str::to_owned);
    let values = list("enum").into_iter().flatten().enumerate();
    values
        .map(|(at, value)| Choice { value: value.clone(), title: title(at).unwrap_or_else(|| shown(value)) })
        .collect()
}

fn is(field: &Value, kind: &str) -> bool {
    field.get("type").and_then(Value::as_str) == Some(kind)
}

/// A value as a person reads it.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn is_required(schema: &Value, key: &str) -> bool {
    let required = schema.get("required").and_then(Value::as_array);
    required.into_iter().flatten().any(|name| name.as_str() == Some(key))
}

/// What a field is for, and its choices.
fn heading(key: &str, field: &Value) -> String {
    let of = |name: &str| field.get(name).and_then(Value::as_str);
    let safe = |text: &str| text::clip(&text::safe_line(text), 200);
    let mut out = format!("  {}", safe(of("title").unwrap_or(key)));
    if let Some(description) = of("description") {
        out.push_str(&format!(": {}", safe(description)));
    }
    out.push('\n');
    for (at, choice) in choices(field).iter().enumerate() {
        let value = shown(&choice.value);
        let value = if value == choice.title { String::new() } else { format!(" ({})", safe(&value)) };
        out.push_str(&format!("    {}. {}{value}\n", at + 1, safe(&choice.title)));
    }
    out
}

/// How to answer, and the default, as text.
fn prompt(field: &Value) -> String {
    let choices = choices(field);
    let default = field.get("default").map(|default| {
        let title = |value: &Value| {
            choices
                .iter()
                .find(|choice| choice.value == *value)
                .map_or_else(|| shown(value), |choice| choice.title.clone())
        };
        let text = match default {
            Value::Array(items) => items.iter().map(title).collect::<Vec<_>>().join(", "),
            value => title(value),
        };
        format!(" [{}]", text::clip(&text::safe_line(&text), 200))
    });
    let how = match field.get("type").and_then(Value::as_str) {
        Some("array") if !choices.is_empty() => "  numbers or names, with commas between",
        _ if !choices.is_empty() => "  number or name",
        Some("boolean") => "  yes or no",
        _ => " ",
    };
    format!("{how}{}> ", default.unwrap_or_default())
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

    /// FAULT F-C20: titles, descriptions, choices and defaults are text, and are typed as text or as a number.
    #[test]
    fn choices_are_shown_and_taken_as_people_write_them() {
        let form = r#"{"message": "Order", "requestedSchema": {"type": "object", "properties": {
            "size": {"type": "string", "title": "Size", "description": "of the cup",
                "oneOf": [{"const": "s", "title": "Small"}, {"const": "l", "title": "Large"}], "default": "l"},
            "milk": {"type": "string", "enum": ["oat", "cow"], "enumNames": ["Oat", "Cow"]},
            "with": {"type": "array", "items": {"anyOf": [{"const": "x1", "title": "Sugar"},
                {"const": "x2", "title": "Ice"}]}, "default": ["x2"]},
            "days": {"type": "array", "items": {"type": "string", "enum": ["mo", "tu"]}},
            "gift": {"type": "boolean", "default": false}}}}"#;
        let (answer, shown) = filled(form, &["1", "cow", "sugar, 2", "mo", "Yes"]);
        let content = json!({"size": "s", "milk": "cow", "with": ["x1", "x2"], "days": ["mo"], "gift": true});
        assert_eq!(answer, json!({"action": "accept", "content": content}));
        for text in [
            "Size: of the cup",
            "1. Small (s)",
            "2. Large (l)",
            "[Large]",
            "1. Oat (oat)",
            "[Ice]",
            "1. mo\n",
            "[no]",
        ] {
            assert!(shown.contains(text), "{text}: {shown}");
        }
        let (answer, shown) = filled(form, &["huge", "", "", "", "", "maybe", "n"]);
        assert_eq!(answer["content"], json!({"size": "l", "with": ["x2"], "gift": false}));
        assert!(shown.contains("is not one of the choices") && shown.contains("yes or no"), "{shown}");
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
