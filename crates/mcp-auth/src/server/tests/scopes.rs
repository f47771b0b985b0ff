//! AU-S-09: what a request needs, by its body.

use mcp_core::message::RawJson;
use mcp_core::transport::Identity;
use mcp_http::server::Operation;

use crate::server::Scopes;

fn scopes() -> Scopes {
    Scopes::all(["base"])
        .method("tools/call", ["call"])
        .method("prompts/*", ["prompts"])
        .tool("publish", ["write", "call"])
        .tool("admin_*", ["admin"])
        .prompt("secret", ["secrets"])
        .resource("file:///secret/*", ["files"])
}

fn needed(method: &str, name: Option<&str>, params: &str) -> String {
    let params = RawJson::parse(params.to_owned()).unwrap();
    let mut operation = Operation::new(method);
    (operation.name, operation.params) = (name, Some(&params));
    scopes().needed(&operation).join(" ")
}

#[test]
fn rules_add_up() {
    let rows = [
        ("ping", None, "{}", "base"),
        ("tools/call", Some("echo"), "{}", "base call"),
        ("tools/call", Some("publish"), "{}", "base call write"),
        ("tools/call", Some("publish2"), "{}", "base call"),
        ("tools/call", Some("admin_drop"), "{}", "base call admin"),
        ("prompts/get", Some("secret"), "{}", "base prompts secrets"),
        ("prompts/get", Some("publish"), "{}", "base prompts"),
        ("resources/read", Some("file:///secret/a"), "{}", "base files"),
        ("resources/subscribe", Some("file:///secret/a"), "{}", "base files"),
        ("resources/read", Some("file:///open"), "{}", "base"),
        ("completion/complete", None, r#"{"ref":{"type":"ref/prompt","name":"secret"}}"#, "base secrets"),
        (
            "completion/complete",
            None,
            r#"{"ref":{"type":"ref/resource","uri":"file:///secret/x"}}"#,
            "base files",
        ),
        (
            "subscriptions/listen",
            None,
            r#"{"notifications":{"resourceSubscriptions":["file:///open","file:///secret/a"]}}"#,
            "base files",
        ),
        (
            "subscriptions/listen",
            None,
            r#"{"notifications":{"resourceSubscriptions":"file:///secret/a"}}"#,
            "base",
        ),
    ];
    for (method, name, params, wanted) in rows {
        assert_eq!(needed(method, name, params), wanted, "{method} {name:?} {params}");
    }
    assert!(Scopes::none().needed(&Operation::new("tools/call")).is_empty());
}

#[test]
fn scopes_match_exactly_unless_a_hierarchy_says_otherwise() {
    let needed = ["mcp:read".to_owned(), "mcp:write".to_owned()];
    let with = |scopes: &[&str]| Identity::new("ada").with_scopes(scopes.iter().copied());
    let exact = Scopes::none();
    assert!(exact.covers(&with(&["mcp:write", "mcp:read", "x"]), &needed));
    for less in [&["mcp:read"][..], &[], &["mcp:read mcp:write"], &["MCP:READ", "mcp:write"], &["mcp:"]] {
        assert!(!exact.covers(&with(less), &needed), "{less:?}");
    }
    let tree = Scopes::none().implied_by(|granted, needed| granted == "mcp:write" && needed == "mcp:read");
    assert!(tree.covers(&with(&["mcp:write"]), &needed));
    assert!(!tree.covers(&with(&["mcp:read"]), &needed));
}
