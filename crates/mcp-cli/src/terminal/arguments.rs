//! Tool arguments from the command line: `k=v` typed by the tool's schema, `k:=json` as it is.

use std::collections::BTreeMap;

use mcp_core::message::RawJson;
use serde_json::Value;

use crate::exit::Failure;
use crate::text;

/// How far local `$ref`s and nested unions are followed. A loop ends here.
const MAX_DEPTH: usize = 8;

/// One word of the command line.
#[derive(Debug, PartialEq)]
enum Word<'a> {
    /// `k=v`
    Text(&'a str, &'a str),
    /// `k:=json`
    Json(&'a str, RawJson),
}

/// The arguments object: `base`, and each word set in it. Words that name the same key make an array where
/// the schema wants one, and are an error elsewhere.
pub(crate) fn build(
    base: Option<RawJson>,
    words: &[String],
    schema: Option<&Value>,
) -> Result<RawJson, Failure> {
    let schema = schema.unwrap_or(&Value::Null);
    let mut texts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut members: BTreeMap<&str, RawJson> = BTreeMap::new();
    for word in words {
        match parse(word)? {
            Word::Text(key, value) => texts.entry(key).or_default().push(value),
            Word::Json(key, value) => {
                if members.insert(key, value).is_some() {
                    return Err(Failure::usage(format!("the argument {key:?} is given twice")));
                }
            }
        }
    }
    for (key, values) in texts {
        let value = typed(schema, key, &values)?;
        if members.insert(key, value).is_some() {
            return Err(Failure::usage(format!("the argument {key:?} is given twice")));
        }
    }
    let set: Vec<(&str, &RawJson)> = members.iter().map(|(key, value)| (*key, value)).collect();
    Ok(base.unwrap_or_default().with_members(&set))
}

/// Refuses arguments that lack one that the schema requires.
pub(crate) fn check_required(arguments: &RawJson, schema: Option<&Value>) -> Result<(), Failure> {
    let required = schema.and_then(|schema| schema.get("required")).and_then(Value::as_array);
    let names = required.into_iter().flatten().filter_map(Value::as_str);
    let missing: Vec<&str> = names.filter(|name| arguments.member(name).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let plural = if missing.len() == 1 { "argument is" } else { "arguments are" };
    Err(Failure::usage(format!("the {plural} missing: {}", missing.join(", ")))
        .hint("write KEY=VALUE for each; `mcp tool` shows what the tool takes"))
}

fn parse(word: &str) -> Result<Word<'_>, Failure> {
    let bad = || {
        Failure::usage(format!("{word:?} is not an argument"))
            .hint("arguments are written k=value, or k:=JSON for a value that is JSON")
    };
    let (key, value) = word.split_once('=').ok_or_else(bad)?;
    match key.strip_suffix(':') {
        Some("") => Err(bad()),
        Some(key) => {
            let json = RawJson::parse(value.to_owned()).map_err(|error| {
                Failure::usage(format!("the value of {key:?} is not JSON: {value}")).because(error)
            })?;
            Ok(Word::Json(key, json))
        }
        None if key.is_empty() => Err(bad()),
        None => Ok(Word::Text(key, value)),
    }
}

/// The value of one argument, from what was typed for it.
fn typed(root: &Value, key: &str, values: &[&str]) -> Result<RawJson, Failure> {
    let Some(schema) = root.pointer("/properties").and_then(|known| known.get(key)) else {
        if root.get("additionalProperties") == Some(&Value::Bool(false)) {
            return Err(unknown(root, key));
        }
        return match values {
            [value] => Ok(RawJson::string(value)),
            _ => Err(Failure::usage(format!("the argument {key:?} is given twice"))),
        };
    };
    let kinds = Kinds::of(root, schema);
    if let [value] = values {
        if kinds.array && !value.trim_start().starts_with('[') {
            return Ok(RawJson::array([scalar(root, kinds.items.unwrap_or(&Value::Null), key, value)?]));
        }
        return one(&kinds, key, value);
    }
    if !kinds.array {
        return Err(Failure::usage(format!("the argument {key:?} is given twice, and is not a list")));
    }
    let items = kinds.items.unwrap_or(&Value::Null);
    let elements: Result<Vec<RawJson>, Failure> =
        values.iter().map(|value| scalar(root, items, key, value)).collect();
    Ok(RawJson::array(elements?))
}

fn scalar(root: &Value, schema: &Value, key: &str, value: &str) -> Result<RawJson, Failure> {
    one(&Kinds::of(root, schema), key, value)
}

/// The narrowest of the allowed kinds that the text fits. Numbers keep every digit.
fn one(kinds: &Kinds<'_>, key: &str, value: &str) -> Result<RawJson, Failure> {
    if let Some(choice) = kinds.choices.iter().find(|choice| spelled(choice) == value) {
        return RawJson::serialize(choice).map_err(|error| Failure::usage(error.to_string()));
    }
    let json = RawJson::parse(value.to_owned()).ok();
    let fits = json.filter(|json| match json.as_bytes().first() {
        Some(b'n') => kinds.null,
        Some(b't' | b'f') => kinds.boolean,
        Some(b'[') => kinds.array,
        Some(b'{') => kinds.object,
        Some(b'"') => false,
        _ => kinds.number || (kinds.integer && is_integer(value)),
    });
    if let Some(json) = fits {
        return Ok(json);
    }
    if kinds.string || kinds.is_open() {
        return Ok(RawJson::string(value));
    }
    Err(Failure::usage(format!("the argument {key:?} has to be {}, not {value:?}", kinds.words()))
        .hint("a value can be given as JSON with k:=JSON; `mcp tools --schema` shows what the tool takes"))
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn spelled(choice: &Value) -> String {
    match choice {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn unknown(root: &Value, key: &str) -> Failure {
    let known: Vec<&str> = root
        .get("properties")
        .and_then(Value::as_object)
        .map(|known| known.keys().map(String::as_str).collect())
        .unwrap_or_default();
    let failure = Failure::usage(format!("the tool takes no argument {key:?}"));
    if known.is_empty() {
        failure.hint("it takes none at all")
    } else {
        failure.hint(format!("it takes {}", known.join(", ")))
    }
}

/// What a schema allows, as far as typing needs it.
#[derive(Debug, Default)]
struct Kinds<'a> {
    string: bool,
    integer: bool,
    number: bool,
    boolean: bool,
    null: bool,
    array: bool,
    object: bool,
    items: Option<&'a Value>,
    choices: Vec<&'a Value>,
}

impl<'a> Kinds<'a> {
    fn of(root: &'a Value, schema: &'a Value) -> Kinds<'a> {
        let mut kinds = Kinds::default();
        kinds.add(root, schema, MAX_DEPTH);
        kinds
    }

    fn add(&mut self, root: &'a Value, schema: &'a Value, depth: usize) {
        if depth == 0 {
            return;
        }
        if let Some(target) = text::schema::target(root, schema) {
            self.add(root, target, depth - 1);
        }
        for union in ["anyOf", "oneOf", "allOf"] {
            for branch in schema.get(union).and_then(Value::as_array).into_iter().flatten() {
                self.add(root, branch, depth - 1);
            }
        }
        self.choices.extend(schema.get("enum").and_then(Value::as_array).into_iter().flatten());
        self.choices.extend(schema.get("const"));
        self.items = self.items.or(schema.get("items"));
        match schema.get("type") {
            Some(Value::String(name)) => self.name(name),
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).for_each(|n| self.name(n)),
            _ => {}
        }
    }

    fn name(&mut self, name: &str) {
        match name {
            "string" => self.string = true,
            "integer" => self.integer = true,
            "number" => self.number = true,
            "boolean" => self.boolean = true,
            "null" => self.null = true,
            "array" => self.array = true,
            "object" => self.object = true,
            _ => {}
        }
    }

    /// The schema says nothing about the kind.
    fn is_open(&self) -> bool {
        let Kinds { integer, number, boolean, null, array, object, choices, .. } = self;
        !(*integer || *number || *boolean || *null || *array || *object) && choices.is_empty()
    }

    fn words(&self) -> String {
        let named = [
            (self.integer, "an integer"),
            (self.number, "a number"),
            (self.boolean, "true or false"),
            (self.null, "null"),
            (self.array, "a list"),
            (self.object, "a JSON object"),
        ];
        let mut words: Vec<String> =
            named.iter().filter(|(on, _)| *on).map(|(_, word)| (*word).to_owned()).collect();
        if !self.choices.is_empty() {
            let choices: Vec<String> = self.choices.iter().map(|choice| spelled(choice)).collect();
            words = vec![format!("one of {}", choices.join(", "))];
        }
        words.join(" or ")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({
            "type": "object",
            "additionalProperties": false,
            "$defs": {"Mode": {"enum": ["fast", "slow", 3]}, "Loop": {"$ref": "#/$defs/Loop"}},
            "properties": {
                "text": {"type": "string"}, "count": {"type": "integer"}, "ratio": {"type": "number"},
                "on": {"type": "boolean"}, "tags": {"type": "array", "items": {"type": "integer"}},
                "options": {"type": "object"}, "maybe": {"type": ["string", "null"]},
                "either": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                "mode": {"$ref": "#/$defs/Mode"}, "loop": {"$ref": "#/$defs/Loop"}, "any": {}
            }
        })
    }

    fn built(words: &[&str]) -> Result<String, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        build(None, &words, Some(&schema())).map(|json| json.to_string()).map_err(|failure| failure.message)
    }

    #[test]
    fn values_take_the_type_that_the_schema_names() {
        let rows: &[(&[&str], &str)] = &[
            (&["text=5"], r#"{"text":"5"}"#),
            (&["text=a=b"], r#"{"text":"a=b"}"#),
            (&["text="], r#"{"text":""}"#),
            (&["count=-7"], r#"{"count":-7}"#),
            (&["count=18446744073709551616"], r#"{"count":18446744073709551616}"#),
            (&["ratio=2.50"], r#"{"ratio":2.50}"#),
            (&["ratio=2.5e-308"], r#"{"ratio":2.5e-308}"#),
            (&["on=true"], r#"{"on":true}"#),
            (&["tags=1", "tags=2"], r#"{"tags":[1,2]}"#),
            (&["tags=1"], r#"{"tags":[1]}"#),
            (&["tags=[1,2]"], r#"{"tags":[1,2]}"#),
            (&[r#"options={"a":1}"#], r#"{"options":{"a":1}}"#),
            (&["maybe=null"], r#"{"maybe":null}"#),
            (&["maybe=nothing"], r#"{"maybe":"nothing"}"#),
            (&["either=4"], r#"{"either":4}"#),
            (&["mode=fast"], r#"{"mode":"fast"}"#),
            (&["mode=3"], r#"{"mode":3}"#),
            (&["loop=x"], r#"{"loop":"x"}"#),
            (&["any=5"], r#"{"any":"5"}"#),
            (&["any:=5"], r#"{"any":5}"#),
            (&["text:=[1]"], r#"{"text":[1]}"#),
            (&[], "{}"),
        ];
        for (words, wanted) in rows {
            assert_eq!(built(words).as_deref(), Ok(*wanted), "{words:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_before_the_call() {
        for words in [
            &["count=five"][..],
            &["count=1.5"],
            &["ratio=NaN"],
            &["on=yes"],
            &["options=x"],
            &["mode=medium"],
            &["txt=x"],
            &["text"],
            &["=x"],
            &[":=1"],
            &["any:={"],
            &["text=a", "text=b"],
            &["text=a", "text:=1"],
        ] {
            assert!(built(words).is_err(), "{words:?} gave {:?}", built(words));
        }
        assert_eq!(built(&["count=x"]).unwrap_err(), r#"the argument "count" has to be an integer, not "x""#);
    }

    /// Without a schema a value is text: nothing is guessed.
    #[test]
    fn without_a_schema_values_are_text_and_words_override_the_base() {
        let base = RawJson::parse(r#"{"a":1,"b":2.50}"#).unwrap();
        let words = ["a=5".to_owned(), "c:=true".to_owned()];
        let json = build(Some(base), &words, None).unwrap();
        assert_eq!(json.to_string(), r#"{"a":"5","c":true,"b":2.50}"#);
    }
}
