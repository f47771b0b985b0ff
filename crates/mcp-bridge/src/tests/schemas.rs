//! The list of tools that the bridge reads by itself, to compare headers with arguments: from servers whose lists never come
//! or never end, and from servers whose tools change.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use mcp_core::client::{Client, EraMode};
use mcp_core::message::{ErrorObject, RawJson};
use mcp_core::server::{Context, Handler, Reply, Server};
use mcp_core::session::Change;
use mcp_core::transport::{Accept, Binding, Envelope, memory};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::setup::{Counting, EXCHANGES, LEGACY, Seen, object, only, plain, raw};
use crate::{Bridge, Front, Policy, Upstream};

/// How a server answers `tools/list`.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lists {
    /// Correctly.
    Well,
    Never,
    /// Each page after the first comes so late that the pages together take too long.
    Slowly,
    WithAnError,
    WithoutAnArray,
    /// Each page has a fresh cursor.
    WithoutEnd,
    /// The same with pages of 1 MiB.
    WithoutEndAndLarge,
    /// The cursor of the first page is that of the second one.
    InALoop,
}

const BROKEN: [Lists; 6] = [
    Lists::Never,
    Lists::Slowly,
    Lists::WithAnError,
    Lists::WithoutAnArray,
    Lists::WithoutEnd,
    Lists::WithoutEndAndLarge,
];

/// A server with one tool, whose schema has a number.
#[derive(Default)]
struct Tools {
    pages: AtomicUsize,
    number: AtomicUsize,
    /// An answer waits until it may go.
    held: AtomicBool,
    release: Notify,
}

struct Listing(Lists, Arc<Tools>);

#[async_trait]
impl Handler for Listing {
    async fn handle(&self, context: Context) -> Result<Reply, ErrorObject> {
        let Listing(lists, tools) = self;
        if context.method() != "tools/list" {
            return Ok(Reply::Result(raw(r#"{"content":[]}"#)));
        }
        let page = tools.pages.fetch_add(1, Ordering::SeqCst);
        let number = tools.number.load(Ordering::SeqCst);
        let tool = format!(
            r#"{{"name":"go","inputSchema":{}}},{{"name":"plain","inputSchema":{{"title":"{number}"}}}}"#,
            schema(number)
        );
        if tools.held.load(Ordering::SeqCst) {
            tools.release.notified().await;
        }
        let result = match lists {
            Lists::Well => format!(r#"{{"tools":[{tool}]}}"#),
            Lists::InALoop => format!(r#"{{"tools":[{tool}],"nextCursor":"again"}}"#),
            Lists::WithoutEnd => format!(r#"{{"tools":[{tool}],"nextCursor":"{page}"}}"#),
            Lists::WithoutEndAndLarge => {
                let large = "x".repeat(1 << 20);
                format!(r#"{{"tools":[{tool},{{"name":"{large}"}}],"nextCursor":"{page}"}}"#)
            }
            Lists::Slowly => {
                tokio::time::sleep(Duration::from_secs(2)).await;
                format!(r#"{{"tools":[{tool}],"nextCursor":"{page}"}}"#)
            }
            Lists::WithAnError => return Err(ErrorObject::internal("no list today")),
            Lists::WithoutAnArray => r#"{"tools":{}}"#.to_owned(),
            Lists::Never => {
                context.cancelled().await;
                return Err(ErrorObject::internal("Cancelled"));
            }
        };
        Ok(Reply::Result(raw(result)))
    }

    fn capabilities(&self) -> RawJson {
        raw(r#"{"tools":{"listChanged":true}}"#)
    }
}

/// The keyword that makes the bridge keep a schema, plain and escaped.
const KEYWORDS: [&str; 2] = ["x-mcp-header", r"x-mcp\u002dheader"];

fn schema(number: usize) -> String {
    let keyword = KEYWORDS[number % 2];
    format!(
        r#"{{"type":"object","title":"{number}","properties":{{"city":{{"type":"string","{keyword}":"City"}}}}}}"#
    )
}

/// A server behind a bridge.
struct Setup {
    tools: Arc<Tools>,
    server: Server,
    seen: Arc<Seen>,
    front: Front,
}

impl Setup {
    fn new(era: EraMode, lists: Lists) -> Setup {
        let (tools, seen) = (Arc::new(Tools::default()), Arc::new(Seen::default()));
        let server = Server::builder("upstream", "1").versions(only(era));
        let server = server.build(Listing(lists, tools.clone())).unwrap();
        let (connector, listener) = memory::connector(Binding::STREAM);
        tokio::spawn(listener.serve(Counting { server: server.clone(), seen: seen.clone() }));
        let upstream = Upstream::new(move |_| connector.clone()).policy(Policy::Shared);
        let bridge = Bridge::builder().upstream("it", upstream).build().unwrap();
        Setup { tools, server, seen, front: bridge.front("it").unwrap() }
    }

    /// A client that has made a call, so that the session is open.
    async fn client(&self) -> Client {
        let (connector, listener) = memory::connector(EXCHANGES);
        tokio::spawn(listener.serve(self.front.clone()));
        let client = plain(EraMode::Modern).connect(connector).await.unwrap();
        call(&client).await;
        client
    }

    /// What a listener asks before each call.
    async fn schema(&self) -> Option<String> {
        let schema = Arc::new(self.front.clone());
        let schema = Accept::input_schema(&*schema, "go", &Envelope::default()).await;
        schema.map(|schema| schema.to_string())
    }
}

async fn call(client: &Client) {
    client.request("tools/call", object(r#"{"name":"go"}"#)).await.unwrap();
}

// BRIDGE G13, FAULT C-44.
/// A list that is silent, broken or endless costs a call a few seconds once a minute at the most, is bounded, and no
/// call fails because of it.
#[tokio::test(start_paused = true)]
async fn a_list_that_cannot_be_read_holds_no_call_up() {
    for era in [LEGACY, EraMode::Modern] {
        for lists in BROKEN {
            let title = format!("{era:?} {lists:?}");
            let setup = Setup::new(era, lists);
            let client = setup.client().await;
            let began = Instant::now();
            // Those that come meanwhile wait for the same list.
            let all = futures::future::join_all((0..10).map(|_| setup.schema())).await;
            assert!(all.iter().all(Option::is_none), "{title}: {all:?}");
            assert!(began.elapsed() <= Duration::from_secs(5), "{title}: {:?}", began.elapsed());
            let pages = setup.tools.pages.load(Ordering::SeqCst);
            let most = match lists {
                Lists::WithoutEnd => 1000,
                Lists::WithoutEndAndLarge => 17,
                _ => 3,
            };
            assert!(pages <= most, "{title}: {pages}");
            let began = Instant::now();
            for _ in 0..100 {
                assert_eq!(setup.schema().await, None, "{title}");
                call(&client).await;
            }
            assert_eq!(
                setup.tools.pages.load(Ordering::SeqCst),
                pages,
                "{title}: it is read again for each call"
            );
            assert_eq!(began.elapsed(), Duration::ZERO, "{title}");
            tokio::time::sleep(Duration::from_secs(61)).await;
            assert_eq!(setup.schema().await, None, "{title}");
            assert!(setup.tools.pages.load(Ordering::SeqCst) > pages, "{title}: it is never read again");
        }
    }
}

/// A list that repeats a cursor has the tools up to there.
#[tokio::test(start_paused = true)]
async fn a_list_that_repeats_a_cursor_is_read_once() {
    for era in [LEGACY, EraMode::Modern] {
        let setup = Setup::new(era, Lists::InALoop);
        let _client = setup.client().await;
        for _ in 0..3 {
            assert_eq!(setup.schema().await, Some(schema(0)), "{era:?}");
        }
        assert_eq!(setup.tools.pages.load(Ordering::SeqCst), 2, "{era:?}");
    }
}

/// A caller that goes away while the list is read leaves it to the next one.
#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_takes_nothing_from_the_next_one() {
    let setup = Setup::new(LEGACY, Lists::Well);
    let _client = setup.client().await;
    setup.tools.held.store(true, Ordering::SeqCst);
    let leaves = tokio::time::timeout(Duration::from_secs(3), setup.schema());
    let next = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        setup.tools.held.store(false, Ordering::SeqCst);
        setup.schema().await
    };
    let (left, next) = tokio::join!(leaves, next);
    assert!(left.is_err(), "{left:?}");
    assert_eq!(next, Some(schema(0)));
}

/// What clients know of the tools is not newer than what the bridge compares with: after a list that a client read, a
/// notification, and a new server.
#[tokio::test(start_paused = true)]
async fn schemas_are_as_new_as_those_of_clients() {
    for era in [LEGACY, EraMode::Modern] {
        let setup = Setup::new(era, Lists::Well);
        let client = setup.client().await;
        assert_eq!(setup.schema().await, Some(schema(0)), "{era:?}");
        client.request("tools/list", None).await.unwrap();
        assert_eq!(setup.schema().await, Some(schema(0)), "{era:?}");
        assert_eq!(setup.tools.pages.load(Ordering::SeqCst), 2, "{era:?}: nothing has changed");
        setup.tools.number.store(1, Ordering::SeqCst);
        client.request("tools/list", None).await.unwrap();
        assert_eq!(setup.schema().await, Some(schema(1)), "{era:?}: a list");
        setup.tools.number.store(2, Ordering::SeqCst);
        setup.seen.kill.notify_waiters();
        tokio::time::sleep(Duration::from_secs(1)).await;
        call(&client).await;
        assert_eq!(setup.schema().await, Some(schema(2)), "{era:?}: a new server");
    }
}

/// A list that was on its way when the tools changed is not kept.
#[tokio::test(start_paused = true)]
async fn a_list_that_is_overtaken_by_a_change_is_read_again() {
    let setup = Setup::new(LEGACY, Lists::Well);
    let _client = setup.client().await;
    setup.tools.held.store(true, Ordering::SeqCst);
    let mut first = Box::pin(setup.schema());
    let second = async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        setup.tools.held.store(false, Ordering::SeqCst);
        setup.tools.number.store(1, Ordering::SeqCst);
        setup.server.publish(Change::ToolsList);
        tokio::time::sleep(Duration::from_millis(1)).await;
        setup.tools.release.notify_waiters();
    };
    let (old, ()) = tokio::join!(&mut first, second);
    assert_eq!(old, Some(schema(0)));
    assert_eq!(setup.schema().await, Some(schema(1)));
}

// HDR-S-011.
/// A schema that copies nothing is not kept, and a change of it does not matter: most tools have none, and each call would be
/// checked for nothing.
#[tokio::test(start_paused = true)]
async fn schemas_that_copy_nothing_are_not_kept() {
    let setup = Setup::new(LEGACY, Lists::Well);
    let client = setup.client().await;
    assert_eq!(setup.schema().await, Some(schema(0)));
    let front = Arc::new(setup.front.clone());
    let plain = Accept::input_schema(&*front, "plain", &Envelope::default()).await;
    assert_eq!(plain, None);
    client.request("tools/list", None).await.unwrap();
    assert_eq!(setup.schema().await, Some(schema(0)));
    assert_eq!(setup.tools.pages.load(Ordering::SeqCst), 2, "what the client has read is the same");
}
