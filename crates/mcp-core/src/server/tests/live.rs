//! Routers that change while they serve.

use std::sync::Arc;

use tokio::sync::Notify;

use super::{EXCHANGES, Peer, server};
use crate::error::Error;
use crate::server::{Handler as _, LiveRouter, PromptDef, ResourceDef, Router, ToolDef};
use crate::session::Change;
use crate::transport::Envelope;

fn misuse(outcome: Result<Vec<Change>, Error>) -> String {
    let Err(Error::Misuse(why)) = outcome else { panic!("not refused: {outcome:?}") };
    why
}

async fn answer(peer: &mut Peer, method: &str, params: &str) -> String {
    peer.modern(1, method, params).await;
    peer.text().await
}

#[tokio::test(start_paused = true)]
async fn tools_come_and_go() {
    let live = LiveRouter::new(Router::new().tools_list_changed()).unwrap();
    let server = server(live.clone());
    let mut peer = Peer::of(&server, EXCHANGES);
    let listed = answer(&mut peer, "tools/list", "{}").await;
    assert!(listed.contains(r#""tools":[]"#), "{listed}");
    let refused = answer(&mut peer, "tools/call", r#"{"name":"hello"}"#).await;
    assert!(refused.contains("-32602"), "{refused}");

    let hello = |text: &'static str| move |_, _| async move { Ok(text) };
    let changes = live.update(|router| router.tool("hello", hello("world"))).unwrap();
    assert_eq!(changes, [Change::ToolsList]);
    let listed = answer(&mut peer, "tools/list", "{}").await;
    assert!(listed.contains(r#""name":"hello""#), "{listed}");
    let said = answer(&mut peer, "tools/call", r#"{"name":"hello"}"#).await;
    assert!(said.contains("world"), "{said}");

    // The same definition with another closure: clients have nothing to read again.
    let again = live.update(|router| router.without_tool("hello").tool("hello", hello("again")));
    assert_eq!(again.unwrap(), []);
    let said = answer(&mut peer, "tools/call", r#"{"name":"hello"}"#).await;
    assert!(said.contains("again"), "{said}");

    assert_eq!(live.update(|router| router.without_tool("hello")).unwrap(), [Change::ToolsList]);
    let refused = answer(&mut peer, "tools/call", r#"{"name":"hello"}"#).await;
    assert!(refused.contains("-32602"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_running_call_outlives_its_tool() {
    let (started, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (start, wait) = (started.clone(), go.clone());
    let slow = move |_, _| {
        let (start, wait) = (start.clone(), wait.clone());
        async move {
            start.notify_one();
            wait.notified().await;
            Ok("done")
        }
    };
    let live = LiveRouter::new(Router::new().tools_list_changed().tool("slow", slow)).unwrap();
    let mut peer = Peer::of(&server(live.clone()), EXCHANGES);
    peer.modern(1, "tools/call", r#"{"name":"slow"}"#).await;
    started.notified().await;
    assert_eq!(live.update(|_| Router::new()).unwrap(), [Change::ToolsList], "the declaration is kept");
    go.notify_one();
    let said = peer.text().await;
    assert!(said.contains("done"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn published_changes_reach_subscribers() {
    let first = Router::new().tools_list_changed().prompts_list_changed();
    let live = LiveRouter::new(first).unwrap();
    let server = server(live.clone());
    let mut peer = Peer::of(&server, EXCHANGES);
    peer.initialize("{}").await;
    for change in live.update(|router| router.prompt("greet", async |_, _| Ok("hello"))).unwrap() {
        server.publish(change);
    }
    assert!(peer.text().await.contains("notifications/prompts/list_changed"));
}

#[tokio::test]
async fn a_schema_is_that_of_the_current_tool() {
    let schema = r#"{"type":"object","properties":{"at":{"type":"string"}}}"#;
    let live = LiveRouter::new(Router::new().tools_list_changed()).unwrap();
    assert!(live.input_schema("go", &Envelope::default()).await.is_none());
    let go = ToolDef::new("go").input(schema);
    live.update(|router| router.tool(go, async |_, _| Ok(()))).unwrap();
    assert_eq!(live.input_schema("go", &Envelope::default()).await.unwrap().to_string(), schema);
}

#[test]
fn every_list_is_compared() {
    let all = Router::new().tools_list_changed().prompts_list_changed().resources_list_changed();
    let live = LiveRouter::new(all).unwrap();
    let note = |uri: &str| ResourceDef::new(uri, "note");
    let changes = |change: fn(Router) -> Router| live.update(change).unwrap();
    assert_eq!(changes(|router| router), []);
    assert_eq!(changes(|router| router.prompt("p", async |_, _| Ok("p"))), [Change::PromptsList]);
    let described = |router: Router| {
        router.without_prompt("p").prompt(PromptDef::new("p").description("what it is"), async |_, _| Ok("p"))
    };
    assert_eq!(changes(described), [Change::PromptsList]);
    assert_eq!(changes(|router| router.without_prompt("p")), [Change::PromptsList]);
    assert_eq!(changes(|router| router.tools_visible(|_, _| true)), [Change::ToolsList]);
    assert_eq!(changes(|router| router.tools_visible(|_, _| false)), [Change::ToolsList]);
    let template = |router: Router| {
        let notes = crate::server::TemplateDef::new("note://{n}", "notes");
        router.resource_template(notes, async |_, _| Ok("note"))
    };
    assert_eq!(changes(template), [Change::ResourcesList]);
    assert_eq!(changes(|router| router.list_resources(async |_| Ok(Vec::new()))), [Change::ResourcesList]);
    let added = live.update(|router| router.resource(note("note://a"), async |_, _| Ok("a")));
    assert_eq!(added.unwrap(), [Change::ResourcesList]);
    assert_eq!(changes(|router| router.without_resource("note://a")), [Change::ResourcesList]);
}

/// Updates of several threads are made one after the other.
#[tokio::test]
async fn no_update_is_lost() {
    let live = LiveRouter::new(Router::new().tools_list_changed()).unwrap();
    std::thread::scope(|threads| {
        for thread in 0..4 {
            let live = &live;
            threads.spawn(move || {
                for n in 0..25 {
                    let name = format!("{thread}-{n}");
                    live.update(|router| {
                        // Where updates could overlap, another would be made here, and be lost.
                        std::thread::yield_now();
                        router.tool(name.as_str(), async |_, _| Ok(()))
                    })
                    .unwrap();
                }
            });
        }
    });
    let mut peer = Peer::of(&server(live), EXCHANGES);
    let listed = answer(&mut peer, "tools/list", "{}").await;
    assert_eq!(listed.matches("inputSchema").count(), 100);
}

#[tokio::test(start_paused = true)]
async fn a_refused_update_changes_nothing() {
    let first = Router::new().tools_list_changed().tool("one", async |_, _| Ok("1"));
    let live = LiveRouter::new(first.prompt("fixed", async |_, _| Ok("p"))).unwrap();
    let refusals = [
        (misuse(live.update(|router| router.tool("one", async |_, _| Ok("2")))), "registered twice"),
        (misuse(live.update(|router| router.without_tool("two"))), r#"tool "two": it is not registered"#),
        (misuse(live.update(|router| router.without_prompt("fixed"))), "prompts_list_changed()"),
        (misuse(live.update(|router| router.subscribe())), "subscribe: there are no resources"),
        (misuse(live.update(|router| router.logging())), "logging"),
        (
            misuse(live.update(|router| router.tool(ToolDef::new("bad").input("["), async |_, _| Ok(())))),
            "JSON",
        ),
    ];
    for (why, expected) in refusals {
        assert!(why.contains(expected), "{why}");
    }
    let mut peer = Peer::of(&server(live), EXCHANGES);
    let said = answer(&mut peer, "tools/call", r#"{"name":"one"}"#).await;
    assert!(said.contains(r#""1""#), "{said}");
    let listed = answer(&mut peer, "tools/list", "{}").await;
    assert!(!listed.contains("bad"), "{listed}");
}
