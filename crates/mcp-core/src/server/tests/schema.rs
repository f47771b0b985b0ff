//! Schemas of tools, derived from types.

use futures::FutureExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Peer, server};
use crate::message::RawJson;
use crate::server::{Handler, Json, Router, ToolDef, ToolReply};
use crate::transport::{Binding, Envelope};

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Point {
    /// Meters to the east.
    far_east: i64,
    #[serde(default)]
    y: i64,
}

#[derive(Serialize, JsonSchema)]
struct Sum {
    sum: i64,
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Either {
    Point(Point),
    Name { name: String },
}

#[derive(Deserialize, JsonSchema)]
struct Nested {
    points: Vec<Point>,
}

fn defined(router: &Router, tool: &str) -> RawJson {
    let envelope = Envelope::default();
    router.input_schema(tool, &envelope).now_or_never().flatten().expect("a schema")
}

/// SEC-B-012: an object schema of the default dialect, without `$schema`.
#[test]
fn the_arguments_type_makes_the_input_schema() {
    let router = Router::new()
        .tool_typed("point", |point: Point, _| async move { Ok((point.far_east + point.y).to_string()) })
        .tool_typed("either", |either: Either, _| async move {
            Ok(match either {
                Either::Point(point) => point.y.to_string(),
                Either::Name { name } => name,
            })
        })
        .tool_typed(
            ToolDef::new("nested").input(r#"{"type":"object","old":1}"#),
            |nested: Nested, _| async move { Ok(nested.points.len().to_string()) },
        )
        .tool_typed("number", |number: u8, _| async move { Ok(number.to_string()) });
    let point = defined(&router, "point");
    assert_eq!(point.member("type").unwrap().to_string(), r#""object""#);
    assert_eq!(point.member("required").unwrap().to_string(), r#"["farEast"]"#);
    assert!(point.to_string().contains("Meters to the east."), "{point}");
    assert!(point.member("$schema").is_none());
    assert_eq!(defined(&router, "either").member("type").unwrap().to_string(), r#""object""#);
    let nested = defined(&router, "nested");
    assert!(nested.member("old").is_none() && nested.to_string().contains("#/$defs/Point"), "{nested}");
    let problem = router.validate().unwrap_err().to_string();
    assert!(problem.contains(r#"tool "number""#) && problem.contains("u8 is not an object"), "{problem}");
    assert_eq!(ToolDef::typed::<Point>("x").raw().member("inputSchema").unwrap(), point);
}

/// ERR-S-010, and the output schema.
#[tokio::test(start_paused = true)]
async fn a_typed_tool_says_what_it_returns_and_returns_it() {
    let server = server(
        Router::new()
            .tool_typed(
                "sum",
                |point: Point, _| async move { Ok(Json(Sum { sum: point.far_east + point.y })) },
            )
            .tool_typed("list", |point: Point, _| async move { Ok(Json(vec![point.y])) })
            .tool_typed(ToolDef::new("reply").output::<Sum>(), |_: Point, _| async move {
                Ok(ToolReply::from(Json(Sum { sum: 1 })))
            }),
    );
    let mut peer = Peer::of(&server, Binding::STREAM);
    peer.modern(1, "tools/list", "{}").await;
    let reply = RawJson::parse(peer.text().await).unwrap();
    let tools = reply.member("result").and_then(|result| result.member("tools")).unwrap().elements();
    let has: Vec<bool> = tools.iter().map(|tool| tool.member("outputSchema").is_some()).collect();
    assert_eq!(has, [false, true, true], "{tools:?}");
    assert!(tools[2].to_string().starts_with(r#"{"name":"sum","inputSchema":{"#), "{}", tools[2]);
    for (arguments, expected) in [
        (r#"{"farEast":2,"y":3}"#, r#""structuredContent":{"sum":5}"#),
        (r#"{"far_east":2}"#, "missing field `farEast`"),
    ] {
        peer.modern(2, "tools/call", &format!(r#"{{"name":"sum","arguments":{arguments}}}"#)).await;
        let reply = peer.text().await;
        assert!(reply.contains(expected), "{reply}");
    }
}
