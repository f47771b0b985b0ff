//! Mistakes in definitions: the server is not built.

use crate::error::Error;
use crate::message::RawJson;
use crate::model;
use crate::server::{Router, Server, TemplateDef, ToolDef};
use crate::warnings::Warnings;

fn problem(router: Router) -> String {
    match Server::builder("test", "1").build(router) {
        Err(Error::Misuse(problem)) => problem,
        other => panic!("{other:?}"),
    }
}

fn tool(tool: impl Into<ToolDef>) -> Router {
    Router::new().tool(tool, |_, _| async { Ok("x") })
}

#[test]
fn a_broken_input_schema_fails_the_build_and_names_the_tool() {
    for (schema, why) in [
        (r#"{"type":"object""#, "its input schema is not JSON"),
        ("", "its input schema is not JSON"),
        ("[]", "has to be a JSON object, not an array"),
        ("true", "has to be a JSON object, not a boolean"),
        (r#"{"properties":{}}"#, r#"has to say "type": "object""#),
        (r#"{"type":"string"}"#, r#"has to say "type": "object""#),
    ] {
        let problem = problem(tool(ToolDef::new("count").input(schema)));
        assert!(problem.starts_with(r#"tool "count": "#) && problem.contains(why), "{schema}: {problem}");
    }
    // Whatever the way in which it was set.
    let raw = || RawJson::parse("7").unwrap();
    assert!(problem(tool(ToolDef::new("a").with("inputSchema", raw()))).contains("a number"));
    assert!(problem(tool(model::Tool::new("a", raw()))).contains("a number"));
    // A later schema does not hide the mistake.
    let twice = ToolDef::new("a").input("{").input(r#"{"type":"object"}"#);
    assert!(problem(tool(twice)).contains("not JSON"));
}

/// A schema may be written in any of these ways.
#[test]
fn a_schema_is_text_or_a_value() {
    let text = r#"{"type":"object","n":1}"#;
    let value = serde_json::json!({"type": "object", "n": 1});
    let schemas = [
        ToolDef::new("a").input(text),
        ToolDef::new("a").input(text.to_owned()),
        ToolDef::new("a").input(bytes::Bytes::from_static(text.as_bytes())),
        ToolDef::new("a").input(RawJson::parse(text).unwrap()),
        ToolDef::new("a").input(&value),
        ToolDef::new("a").input(value.clone()),
        ToolDef::new("a").with("inputSchema", value.clone()),
        #[cfg(feature = "schemars")]
        ToolDef::new("a").input(schemars::Schema::try_from(value.clone()).unwrap()),
    ];
    for tool in schemas {
        let schema = tool.raw().member("inputSchema").unwrap();
        assert_eq!(schema.deserialize::<serde_json::Value>().unwrap(), value);
        assert!(Server::builder("s", "1").build(self::tool(tool)).is_ok());
    }
}

#[test]
fn every_mistake_is_reported() {
    let router = tool(ToolDef::new("one").input("1"))
        .tool("", |_, _| async { Ok("x") })
        .resource_template(TemplateDef::new("file:///{name", "x"), |_, _| async {
            Ok(RawJson::EMPTY_OBJECT)
        });
    assert_eq!(
        problem(router),
        r#"tool "one": its input schema has to be a JSON object, not a number; tool "": its name is empty; resource template "file:///{name": its braces do not pair"#
    );
}

/// A template whose variables are not the members of the closure's type would fit no URI.
#[test]
fn variables_have_the_names_of_the_members() {
    #[derive(serde::Deserialize)]
    #[allow(dead_code)]
    struct Day {
        month: Option<u32>,
        day: u8,
    }
    let of = |template: &str| {
        let template = TemplateDef::new(template, "a day");
        Router::new().resource_template_with(template, async |_: Day, _| Ok("sunny"))
    };
    let why = problem(of("log://{year}/{day}"));
    assert!(why.contains("Day has a member `month`") && why.contains("variable is `year`"), "{why}");
    // A member without a variable may be optional, and a variable need not be read.
    Server::builder("test", "1").build(of("log://{day}")).unwrap();
    Server::builder("test", "1").build(of("log://{month}/{day}/{hour}")).unwrap();
    // A type whose members are not known.
    let map = |all: std::collections::BTreeMap<String, String>, _| async move { Ok(format!("{all:?}")) };
    let router = Router::new().resource_template_with(TemplateDef::new("log://{year}", "x"), map);
    Server::builder("test", "1").build(router).unwrap();
}

#[test]
fn names_that_clients_refuse_are_warned_of() {
    let count = |name: &'static str| Warnings::of(|| drop(tool(name)));
    assert_eq!([count("a.b-C_9"), count("two words"), count("é")], [0, 1, 1]);
    let long = Warnings::of(|| drop(tool("x".repeat(129).as_str())));
    assert_eq!(long, 1);
}

/// Typed arguments that no schema describes: a model could not know them.
#[test]
fn a_schema_that_is_missing_is_warned_of() {
    #[derive(serde::Deserialize)]
    struct Point {
        x: f64,
    }

    let schema = || serde_json::json!({"type": "object", "properties": {"x": {"type": "number"}}});
    let typed = |tool: ToolDef| {
        Warnings::of(|| {
            drop(Router::new().tool_with(tool, async |point: Point, _| Ok(point.x.to_string())));
        })
    };
    assert_eq!([typed(ToolDef::new("a")), typed(ToolDef::new("a").input(schema()))], [1, 0]);
    let stateful = |tool: ToolDef| {
        Warnings::of(|| {
            let router = Router::with_state(());
            drop(router.tool_with(tool, async |_, point: Point, _| Ok(point.x.to_string())));
        })
    };
    assert_eq!([stateful(ToolDef::new("a")), stateful(ToolDef::new("a").input(schema()))], [1, 0]);
    assert_eq!(Warnings::of(|| drop(tool("untyped"))), 0);
}

/// A schema that is made from the type is not missing.
#[cfg(feature = "schemars")]
#[test]
fn a_derived_schema_is_not_warned_of() {
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    struct Empty {}

    let warnings = Warnings::of(|| {
        drop(Router::new().tool_typed("a", async |_: Empty, _| Ok("x")));
        drop(Router::with_state(()).tool_typed("a", async |_, _: Empty, _| Ok("x")));
    });
    assert_eq!(warnings, 0);
}

/// What could never have an effect is an error too.
#[test]
fn declarations_without_effect_fail_the_build() {
    let one = || tool("one");
    for (router, why) in [
        (one().tool("one", |_, _| async { Ok("x") }), r#"tool "one": it is registered twice"#),
        (one().merge(one()), r#"tool "one": it is registered twice"#),
        (Router::new().tools_list_changed(), "there are no tools"),
        (one().prompts_list_changed(), "there are no prompts"),
        (one().resources_list_changed(), "there are no resources"),
        (one().subscribe(), "there are no resources"),
        (one().completion(async |_, _| Ok(Vec::new())), "no prompt and no template has arguments"),
        (Router::new().tools_visible(|_, _| true), "there are no tools"),
        (
            one().resource_template(TemplateDef::new("a://{?q}", "a"), async |_, _| Ok("x")),
            "only the forms {name} and {+name}",
        ),
        (one().list_resources(async |_| Ok(Vec::new())), "cannot be read; register a resource_template"),
        (method("ping"), r#"method "ping": the session answers it"#),
        (method("notifications/cancelled"), "a notification is not a request"),
        (method("tools/call").merge(one()), r#"method "tools/call": it hides"#),
    ] {
        let problem = problem(router);
        assert!(problem.contains(why), "{problem}");
    }
}

fn method(name: &str) -> Router {
    Router::new().method(name, async |_, _| Ok(RawJson::EMPTY_OBJECT))
}

#[test]
fn a_server_without_a_revision_fails_the_build() {
    let built = Server::builder("test", "1").versions([]).build(tool("one"));
    assert!(built.unwrap_err().to_string().contains("`versions` is empty"));
}

#[test]
fn correct_definitions_build() {
    let router = tool("plain").tool(model::Tool::without_parameters("model"), |_, _| async { Ok("x") });
    // Lists and calls by hand, and a list whose resources are read by hand.
    let router = router.merge(method("tools/list")).merge(method("resources/read"));
    let router = router.list_resources(async |_| Ok(Vec::new()));
    assert!(Server::builder("test", "1").build(router).is_ok());
}
