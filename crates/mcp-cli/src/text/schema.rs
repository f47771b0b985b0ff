//! JSON Schemas of arguments and forms: sample values, local references.

use serde_json::Value;

/// A value for a field: the first that the schema itself gives, else one of its type.
pub(crate) fn sample(schema: &Value, field: &Value, key: &str) -> Value {
    let field = target(schema, field).unwrap_or(field);
    let first = |list: &str| field.get(list).and_then(Value::as_array).and_then(|values| values.first());
    let given = field.get("const").or(field.get("default")).or(first("examples")).or(first("enum"));
    if let Some(given) = given {
        return given.clone();
    }
    let kind = match field.get("type") {
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str),
        Some(kind) => kind.as_str(),
        None => {
            first("anyOf").or(first("oneOf")).and_then(|branch| branch.get("type")).and_then(Value::as_str)
        }
    };
    match kind {
        Some("integer" | "number") => field.get("minimum").cloned().unwrap_or_else(|| Value::from(1)),
        Some("boolean") => Value::Bool(true),
        Some("array") => Value::Array(Vec::new()),
        Some("object") => Value::Object(serde_json::Map::new()),
        Some("null") => Value::Null,
        _ => Value::String(key.to_uppercase()),
    }
}

/// What a `$ref` refers to. Only references within the schema itself: nothing is fetched.
pub(crate) fn target<'a>(root: &'a Value, field: &Value) -> Option<&'a Value> {
    field.get("$ref")?.as_str()?.strip_prefix('#').and_then(|pointer| root.pointer(pointer))
}
