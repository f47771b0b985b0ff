//! The form of a request for completion.

use crate::message::{ErrorObject, RawJson};

/// What is wrong with the params of `completion/complete`: the member that does not have its form is named.
// LIFE-S-018, FAULT F-S19.
pub(super) fn check(params: &RawJson) -> Result<(), ErrorObject> {
    let reference = object(params, "ref")?;
    let kind = text(&reference, "ref.type", "type")?;
    match kind.as_str() {
        "ref/prompt" => text(&reference, "ref.name", "name").map(drop)?,
        "ref/resource" => text(&reference, "ref.uri", "uri").map(drop)?,
        _ => return Err(wrong("ref.type", "\"ref/prompt\" or \"ref/resource\"")),
    }
    let argument = object(params, "argument")?;
    text(&argument, "argument.name", "name")?;
    text(&argument, "argument.value", "value").map(drop)
}

fn wrong(path: &str, wanted: &str) -> ErrorObject {
    ErrorObject::invalid_params(format!("params.{path} has to be {wanted}"))
}

fn object(params: &RawJson, name: &str) -> Result<RawJson, ErrorObject> {
    params.member(name).filter(RawJson::is_object).ok_or_else(|| wrong(name, "an object"))
}

fn text(object: &RawJson, path: &str, name: &str) -> Result<String, ErrorObject> {
    object.member(name).and_then(|text| text.to_text()).ok_or_else(|| wrong(path, "a string"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LIFE-S-018, FAULT F-S19: a malformed member is named, and so is a kind of reference that does not exist.
    #[test]
    fn malformed_members_are_named() {
        for (reference, argument, member) in [
            (r#""x""#, "{}", "params.ref has"),
            ("{}", "{}", "params.ref.type has to be a string"),
            (r#"{"type":7}"#, "{}", "params.ref.type"),
            (r#"{"type":"ref/tool","name":"a"}"#, "{}", "params.ref.type has to be \"ref/prompt\" or"),
            (r#"{"type":"ref/prompt"}"#, "{}", "params.ref.name"),
            (r#"{"type":"ref/prompt","uri":"a:b"}"#, "{}", "params.ref.name"),
            (r#"{"type":"ref/resource","uri":7}"#, "{}", "params.ref.uri"),
            (r#"{"type":"ref/prompt","name":"a"}"#, "7", "params.argument has"),
            (r#"{"type":"ref/prompt","name":"a"}"#, r#"{"value":"a"}"#, "params.argument.name"),
            (r#"{"type":"ref/resource","uri":"a:b"}"#, r#"{"name":"a","value":1}"#, "params.argument.value"),
        ] {
            let params = RawJson::parse(format!(r#"{{"ref":{reference},"argument":{argument}}}"#)).unwrap();
            let error = check(&params).unwrap_err();
            assert!(error.code == -32602 && error.message.contains(member), "{params}: {error}");
        }
        let good = r#"{"ref":{"type":"ref/prompt","name":"a"},"argument":{"name":"a","value":""}}"#;
        assert_eq!(check(&RawJson::parse(good.to_owned()).unwrap()), Ok(()));
    }
}
