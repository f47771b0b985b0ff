//! The rules about messages, which are the same on both wires.

use mcp_core::message::ProtocolVersion;
use serde_json::{Value, json};

use super::reply::{Reply, code};
use super::report::{Outcome, Report};
use super::rules::{self, Rule};

/// The revision of 2026, and the newest one with a handshake.
pub(crate) const MODERN: &str = "2026-07-28";
pub(crate) const LEGACY: &str = "2025-11-25";

/// The revision in which arrays exist.
pub(crate) const BATCHES: &str = "2025-03-26";

/// A revision that does not exist.
pub(crate) const FUTURE: &str = "2099-01-01";

/// A cursor that the server cannot have given.
const CURSOR: &str = "mcp-check-no-such-cursor";

/// A conversation in one revision: sends a request and gives what came.
pub(crate) trait Dialogue {
    /// The revision.
    fn spoken(&self) -> &str;
    /// A request with this id, in the form of the revision.
    fn ask(&mut self, id: Value, method: &str, params: Value) -> Reply;
}

fn is_modern(dialogue: &dyn Dialogue) -> bool {
    dialogue.spoken() == MODERN
}

/// The params of a request in 2026-07-28.
pub(crate) fn with_meta(mut params: Value, version: &str) -> Value {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientInfo": client(),
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    if let Some(members) = params.as_object_mut() {
        members.insert("_meta".to_owned(), meta);
    }
    params
}

pub(crate) fn client() -> Value {
    json!({"name": "mcp-check", "version": env!("CARGO_PKG_VERSION")})
}

/// The params of `initialize`.
pub(crate) fn initialize(version: &str) -> Value {
    json!({"protocolVersion": version, "capabilities": {}, "clientInfo": client()})
}

pub(crate) fn request(id: Value, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

pub(crate) fn notification(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "method": method, "params": params})
}

/// The revision that the result of `initialize` names, if it is a known one; else the one that was asked for.
pub(crate) fn agreed(answer: &Value) -> &'static str {
    let label = answer.pointer("/result/protocolVersion").and_then(Value::as_str).unwrap_or_default();
    ProtocolVersion::parse(label).map_or(LEGACY, ProtocolVersion::as_str)
}

/// What is wrong with the result of `initialize`.
pub(crate) fn initialized(answer: &Value) -> Option<String> {
    let Some(result) = answer.get("result") else { return Some(answer.to_string()) };
    let missing = |name: &str| format!("no `{name}` in {result}");
    if !result.get("protocolVersion").is_some_and(Value::is_string) {
        return Some(missing("protocolVersion"));
    }
    if !result.get("capabilities").is_some_and(Value::is_object) {
        return Some(missing("capabilities"));
    }
    (!result.pointer("/serverInfo/name").is_some_and(Value::is_string)).then(|| missing("serverInfo.name"))
}

/// What is wrong with the result of `server/discover`.
pub(crate) fn discovered(answer: &Value) -> Option<String> {
    let Some(result) = answer.get("result") else { return Some(answer.to_string()) };
    let missing = |name: &str| format!("no `{name}` in {result}");
    if !result.get("supportedVersions").is_some_and(Value::is_array) {
        return Some(missing("supportedVersions"));
    }
    (!result.get("capabilities").is_some_and(Value::is_object)).then(|| missing("capabilities"))
}

/// Everything that a read-only request can show. `capabilities` are those of the server.
pub(crate) fn messages(report: &mut Report, dialogue: &mut dyn Dialogue, capabilities: &Value) {
    let spoken = dialogue.spoken().to_owned();
    let modern = is_modern(dialogue);
    let harmless = if modern { "server/discover" } else { "ping" };
    let mut wrong = None;
    for id in [
        json!("check-1"),
        json!("1"),
        json!(1),
        json!(0),
        json!(-5),
        json!(9_007_199_254_740_991_i64),
        json!(""),
    ] {
        let reply = dialogue.ask(id.clone(), harmless, json!({}));
        if wrong.is_none() && reply.answer(&id).is_none() {
            wrong = Some(format!("the id {id} came back as: {}", reply.describe()));
        }
    }
    report.judge(&rules::IDS, &spoken, wrong);
    let large = json!(9_007_199_254_740_993_i64);
    let reply = dialogue.ask(large.clone(), harmless, json!({}));
    report.judge(&rules::LARGE_IDS, &spoken, reply.answer(&large).is_none().then(|| reply.describe()));
    if !modern {
        let reply = dialogue.ask(json!("ping"), "ping", json!({}));
        let empty = reply
            .answer(&json!("ping"))
            .and_then(|answer| answer.get("result"))
            .is_some_and(Value::is_object);
        report.judge(&rules::PING, &spoken, (!empty).then(|| reply.describe()));
    }
    let reply = dialogue.ask(json!("unknown"), "mcp-check/unknown", json!({}));
    let answer = reply.answer(&json!("unknown")).or_else(|| reply.anonymous());
    let refused = answer.and_then(code) == Some(-32601);
    report.judge(&rules::UNKNOWN_METHOD, &spoken, (!refused).then(|| reply.describe()));
    if modern && let Some(status) = reply.status {
        report.judge(
            &rules::UNKNOWN_METHOD_STATUS,
            &spoken,
            (status != 404).then(|| format!("status {status}")),
        );
    }
    if modern {
        let reply = dialogue.ask(json!("version"), "server/discover", json!({"mcp-check": FUTURE}));
        report.judge(&rules::UNSUPPORTED, &spoken, unsupported(&reply));
    }
    lists(report, dialogue, capabilities);
    if capabilities.get("resources").is_some() {
        let params = json!({"uri": "mcp-check:no-such-resource"});
        let reply = dialogue.ask(json!("resource"), "resources/read", params);
        let answer = reply.answer(&json!("resource"));
        report.judge(
            &rules::UNKNOWN_RESOURCE,
            &spoken,
            answer.and_then(code).is_none().then(|| reply.describe()),
        );
    }
}

/// What is wrong with the answer to a request with a revision that does not exist.
fn unsupported(reply: &Reply) -> Option<String> {
    let answer = reply.answer(&json!("version")).or_else(|| reply.anonymous());
    let listed =
        answer.and_then(|answer| answer.pointer("/error/data/supported")).is_some_and(Value::is_array);
    let right =
        answer.and_then(code) == Some(-32022) && listed && reply.status.is_none_or(|status| status == 400);
    (!right).then(|| reply.describe())
}

/// The lists of what is declared: that they are there, and what a foreign cursor gets.
fn lists(report: &mut Report, dialogue: &mut dyn Dialogue, capabilities: &Value) {
    let spoken = dialogue.spoken().to_owned();
    let modern = is_modern(dialogue);
    let (mut lists, mut cursors, mut types) = (None, None, None);
    let mut any = false;
    for (capability, method, member) in [
        ("tools", "tools/list", "tools"),
        ("resources", "resources/list", "resources"),
        ("prompts", "prompts/list", "prompts"),
    ] {
        if capabilities.get(capability).is_none() {
            continue;
        }
        any = true;
        let reply = dialogue.ask(json!(method), method, json!({}));
        let result = reply.answer(&json!(method)).and_then(|answer| answer.get("result"));
        if !result.and_then(|result| result.get(member)).is_some_and(Value::is_array) {
            lists.get_or_insert_with(|| format!("{method}: {}", reply.describe()));
        } else if modern && !result.and_then(|result| result.get("resultType")).is_some_and(Value::is_string)
        {
            types.get_or_insert_with(|| format!("{method}: {}", reply.describe()));
        }
        let reply = dialogue.ask(json!("cursor"), method, json!({"cursor": CURSOR}));
        let answer = reply.answer(&json!("cursor")).or_else(|| reply.anonymous());
        if answer.and_then(code).is_none() {
            cursors.get_or_insert_with(|| {
                format!("{method} with a cursor that was never given: {}", reply.describe())
            });
        }
    }
    if !any {
        let why = "the server declares neither tools nor resources nor prompts";
        report.note(&rules::LISTS, &spoken, Outcome::Skipped(why.to_owned()));
        return;
    }
    report.judge(&rules::LISTS, &spoken, lists);
    report.judge(&rules::CURSOR, &spoken, cursors);
    if modern {
        report.judge(&rules::RESULT_TYPE, &spoken, types);
    }
}

/// With `--call`: what calls a tool that does not exist.
pub(crate) fn calls(report: &mut Report, dialogue: &mut dyn Dialogue, capabilities: &Value) {
    let spoken = dialogue.spoken().to_owned();
    if capabilities.get("tools").is_none() {
        return;
    }
    let params = json!({"name": "mcp-check-no-such-tool", "arguments": {}});
    let reply = dialogue.ask(json!("tool"), "tools/call", params);
    let answer = reply.answer(&json!("tool"));
    report.judge(
        &rules::UNKNOWN_TOOL,
        &spoken,
        (answer.and_then(code) != Some(-32602)).then(|| reply.describe()),
    );
}

/// Judges the answer to an array where arrays do not exist. One that is executed, or answered by an array, is a fault; one
/// that is ignored, or refused in another form, breaks a recommendation.
pub(crate) fn refused_batch(report: &mut Report, rule: &'static Rule, spoken: &str, reply: &Reply) {
    let executed = reply.responses().any(|message| message.get("result").is_some());
    let right = reply.responses().count() == 1
        && reply.anonymous().and_then(code).is_some()
        && reply.status.is_none_or(|status| status == 400);
    let outcome = match (executed, reply.array) {
        (true, _) => Outcome::Failed(reply.describe()),
        (false, true) => Outcome::Failed(format!("an array: {}", reply.describe())),
        (false, false) if right => Outcome::Passed,
        (false, false) => Outcome::Warned(reply.describe()),
    };
    report.note(rule, spoken, outcome);
}

/// What is wrong with the answer to an array of two requests in 2025-03-26.
pub(crate) fn taken_batch(reply: &Reply) -> Option<String> {
    let all = ["b1", "b2"].iter().all(|id| reply.answer(&json!(id)).is_some());
    (!(reply.array && all)).then(|| reply.describe())
}

/// Two requests in an array.
pub(crate) fn batch(method: &str, params: &Value) -> String {
    json!([request(json!("b1"), method, params.clone()), request(json!("b2"), method, params.clone())])
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An array that is ignored is less than one that is executed.
    #[test]
    fn a_batch_is_judged_by_what_became_of_it() {
        let rows = [
            (r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"no"}}"#, "ok"),
            (r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no"}}"#, "ok"),
            ("", "warning"),
            (r#"{"jsonrpc":"2.0","id":"b1","error":{"code":-32600,"message":"no"}}"#, "warning"),
            (r#"[{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}]"#, "fault"),
            (r#"[{"jsonrpc":"2.0","id":"b1","result":{}},{"jsonrpc":"2.0","id":"b2","result":{}}]"#, "fault"),
            (r#"{"jsonrpc":"2.0","id":"b1","result":{}}"#, "fault"),
        ];
        for (text, word) in rows {
            let (mut report, mut reply) = (Report::default(), Reply::default());
            reply.take(text);
            refused_batch(&mut report, &rules::BATCH_REFUSED, LEGACY, &reply);
            assert_eq!(report.findings[0].outcome.word(), word, "{text}");
        }
    }

    /// The revision that was agreed on counts, not the one that was asked for.
    #[test]
    fn the_agreed_revision_is_that_of_the_answer() {
        let answer = |version: &str| json!({"result": {"protocolVersion": version}});
        for (version, agreed_on) in [("2024-11-05", "2024-11-05"), ("2025-03-26", BATCHES), ("1.0", LEGACY)] {
            assert_eq!(agreed(&answer(version)), agreed_on);
        }
        assert_eq!(agreed(&json!({"result": {}})), LEGACY);
    }
}
