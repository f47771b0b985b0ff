//! State, functions as handlers, results of several shapes.

use std::sync::Mutex;

use serde::Deserialize;

use super::{Peer, server};
use crate::message::{ErrorObject, RawJson};
use crate::model::{CompleteParams, Content, Resource};
use crate::server::{Context, HandlerError, PromptDef, ResourceDef, Router, State, TemplateDef};
use crate::transport::{Binding, Envelope};

/// Neither `Clone` nor in an `Arc`.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

#[derive(Deserialize)]
struct Add {
    text: String,
}

async fn add(notes: State<Notes>, note: Add, _: Context) -> Result<String, HandlerError> {
    let mut notes = notes.0.lock().map_err(|_| "poisoned")?;
    notes.push(note.text);
    Ok(notes.len().to_string())
}

fn router() -> Router<State<Notes>> {
    Router::with_state(Notes::default())
        .tool_with("add", add)
        .tool("all", async |notes, _, _| Ok(notes.0.lock().unwrap().join("+")))
        .tool("blocks", async |_, _, _| Ok(vec![Content::text("a"), Content::text("b")]))
        .tool("nothing", async |_, _, _| Ok(()))
        .prompt_with(PromptDef::new("tell").argument("times", "", true), async |_, tell: Tell, _| {
            Ok(format!("tell {} times", tell.times + 1))
        })
        .resource(ResourceDef::new("note://first", "first").mime_type("text/plain"), async |notes, _, _| {
            Ok(notes.0.lock().unwrap().first().cloned().ok_or("there are no notes")?)
        })
        .resource_template_with(TemplateDef::new("note://{number}", "n"), async |notes, at: At, context| {
            let note = notes.0.lock().unwrap().get(at.number).cloned();
            let uri = context.params().and_then(|params| params.member("uri")?.to_text()).unwrap_or_default();
            Ok(note.ok_or_else(|| ErrorObject::resource_not_found(&uri))?)
        })
        .list_resources(async |notes, _| {
            let count = notes.0.lock().unwrap().len();
            Ok((0..count).map(|n| Resource::new(format!("note://{n}"), "a note")).collect())
        })
        .completion(async |_, params: CompleteParams, _| Ok(vec![params.argument.value + "!"]))
        .method("x/count", async |notes, _, _| {
            Ok(RawJson::object([("count", RawJson::serialize(&notes.0.lock().unwrap().len())?)]))
        })
}

#[derive(Deserialize)]
struct Tell {
    times: u8,
}

#[derive(Deserialize)]
struct At {
    number: usize,
}

#[tokio::test(start_paused = true)]
async fn closures_and_functions_share_one_state() {
    let server = server(router().page_size(2));
    let mut peer = Peer::of(&server, Binding::STREAM);
    for (method, params, expected) in [
        ("resources/read", r#"{"uri":"note://first"}"#, r#""code":-32603,"message":"there are no notes""#),
        ("tools/call", r#"{"name":"add","arguments":{"text":"a"}}"#, r#""text":"1""#),
        ("tools/call", r#"{"name":"add","arguments":{"text":"b"}}"#, r#""text":"2""#),
        ("tools/call", r#"{"name":"all"}"#, r#""text":"a+b""#),
        ("tools/call", r#"{"name":"blocks"}"#, r#""text":"a"},{"type":"text","text":"b""#),
        ("tools/call", r#"{"name":"nothing"}"#, r#""content":[]"#),
        ("x/count", "{}", r#""count":2"#),
        (
            "prompts/get",
            r#"{"name":"tell","arguments":{"times":"2"}}"#,
            r#""messages":[{"role":"user","content":{"type":"text","text":"tell 3 times"}}]"#,
        ),
        ("prompts/get", r#"{"name":"tell","arguments":{"times":"x"}}"#, "-32602"),
        ("prompts/get", r#"{"name":"tell"}"#, "missing field `times`"),
        (
            "resources/read",
            r#"{"uri":"note://first"}"#,
            r#"{"uri":"note://first","mimeType":"text/plain","text":"a"}"#,
        ),
        ("resources/read", r#"{"uri":"note://1"}"#, r#""text":"b""#),
        ("resources/read", r#"{"uri":"note://2"}"#, r#""uri":"note://2""#),
        ("resources/read", r#"{"uri":"note://x"}"#, r#"-32602"#),
        (
            "completion/complete",
            r#"{"ref":{"type":"ref/prompt","name":"tell"},"argument":{"name":"times","value":"1"}}"#,
            r#""values":["1!"]"#,
        ),
        ("completion/complete", "{}", "params.ref has to be an object"),
    ] {
        peer.modern(1, method, params).await;
        let reply = peer.text().await;
        assert!(reply.contains(expected), "{method} {params}: {reply}");
    }
}

/// PAGE-S-004: a computed list is paged like a registered one, and both are one list.
#[tokio::test(start_paused = true)]
async fn a_computed_list_has_pages() {
    let router = router().page_size(2);
    for text in ["a", "b", "c"] {
        router.state().0.lock().unwrap().push(text.to_owned());
    }
    let server = server(router);
    let mut peer = Peer::of(&server, Binding::STREAM);
    let (mut cursor, mut uris, mut pages) = (None, Vec::new(), 0);
    loop {
        let params = match &cursor {
            Some(cursor) => RawJson::object([("cursor", RawJson::clone(cursor))]),
            None => RawJson::EMPTY_OBJECT,
        };
        peer.modern(1, "resources/list", &params.to_string()).await;
        let page = RawJson::parse(peer.text().await).unwrap().member("result").unwrap();
        let items = page.member("resources").unwrap().elements();
        uris.extend(items.iter().map(|item| item.member("uri").unwrap().to_text().unwrap()));
        pages += 1;
        cursor = page.member("nextCursor");
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!((uris.join(" ").as_str(), pages), ("note://0 note://1 note://2 note://first", 2));
}

/// A tool that is not visible to a caller is neither listed nor called.
#[tokio::test(start_paused = true)]
async fn hidden_tools_are_unknown() {
    struct Admin;
    let router = || {
        Router::new()
            .tool("look", async |_, _| Ok("seen"))
            .tool("delete", async |_, _| Ok("gone"))
            .tools_visible(|tool, context| tool == "look" || context.envelope().get::<Admin>().is_some())
    };
    let server = server(router());
    let mut peer = Peer::of(&server, Binding::STREAM);
    peer.modern(1, "tools/list", "{}").await;
    let list = peer.text().await;
    assert!(list.contains("look") && !list.contains("delete"), "{list}");
    peer.modern(2, "tools/call", r#"{"name":"delete"}"#).await;
    let hidden = peer.text().await;
    peer.modern(3, "tools/call", r#"{"name":"other!"}"#).await;
    let unknown = peer.text().await;
    assert_eq!(hidden.replace(":2,", ":3,").replace("delete", "other!"), unknown);
    let _: Envelope = Envelope::default().with(Admin);
}

#[tokio::test(start_paused = true)]
async fn routers_with_different_states_are_merged() {
    let numbers = Router::with_state(7_u8).tool("seven", async |n: State<u8>, _, _| Ok(n.to_string()));
    let server = server(router().merge(numbers).merge(Router::new().tool("plain", async |_, _| Ok("plain"))));
    let mut peer = Peer::of(&server, Binding::STREAM);
    for (name, expected) in [("seven", r#""text":"7""#), ("plain", "plain"), ("nothing", "[]")] {
        peer.modern(1, "tools/call", &format!(r#"{{"name":"{name}"}}"#)).await;
        let reply = peer.text().await;
        assert!(reply.contains(expected), "{reply}");
    }
}
